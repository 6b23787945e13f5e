import { type Modality, modalitiesOfTags, type Snapshot } from '@will/core';

const known = new WeakMap<Snapshot, Map<Modality, ReadonlySet<string>>>();

/** Task types that a chat can be: of the routes and of the models' tags those that are answered in text. */
export const taskTypesOf = (snapshot: Snapshot): ReadonlySet<string> => typesGiving(snapshot, 'text');

/** Task types that are answered in a kind of output. */
export function typesGiving(snapshot: Snapshot, output: Modality): ReadonlySet<string> {
  const ofSnapshot = known.get(snapshot) ?? new Map<Modality, ReadonlySet<string>>();
  known.set(snapshot, ofSnapshot);
  const present = ofSnapshot.get(output);
  if (present) return present;
  const tags = [...snapshot.models.values()].flatMap(({ taskTypes }) => [...taskTypes]);
  const types = new Set(
    [...snapshot.routes.keys(), ...tags].filter((type) => modalitiesOfTags([type]).output.has(output)),
  );
  ofSnapshot.set(output, types);
  return types;
}
