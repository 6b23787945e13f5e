import { modalitiesOfTags, type Snapshot } from '@will/core';

const known = new WeakMap<Snapshot, ReadonlySet<string>>();

/** Task types that a chat can be: of the routes and of the models' tags those that are answered in text. */
export function taskTypesOf(snapshot: Snapshot): ReadonlySet<string> {
  const present = known.get(snapshot);
  if (present) return present;
  const tags = [...snapshot.models.values()].flatMap(({ taskTypes }) => [...taskTypes]);
  const types = new Set(
    [...snapshot.routes.keys(), ...tags].filter((type) => modalitiesOfTags([type]).output.has('text')),
  );
  known.set(snapshot, types);
  return types;
}
