import type { Snapshot } from '@will/core';

const known = new WeakMap<Snapshot, ReadonlySet<string>>();

/** Task types that a chat can be: every route, and every tag of a model that answers in text. */
export function taskTypesOf(snapshot: Snapshot): ReadonlySet<string> {
  const present = known.get(snapshot);
  if (present) return present;
  const types = new Set<string>(snapshot.routes.keys());
  for (const model of snapshot.models.values()) {
    if (model.output.has('text')) for (const type of model.taskTypes) types.add(type);
  }
  known.set(snapshot, types);
  return types;
}
