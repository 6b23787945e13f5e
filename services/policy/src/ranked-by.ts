import { inOrderOf, type RankedSet, type Snapshot, unorderedNote } from '@will/core';
import type { Ranking } from '@will/extension';

/**
 * A set in the order of an extension's ranking, with a note of it. It can only order: what it does not name follows in
 * the declared order, what may not do the task stays out, and one that throws changes nothing.
 */
export function rankedBy(
  ranking: Ranking,
  set: RankedSet,
  snapshot: Snapshot,
  onError: (what: string, error: unknown) => void,
): RankedSet {
  if (set.candidates.length < 2) return set;
  try {
    const models = set.candidates.flatMap(({ model }) => snapshot.models.get(model) ?? []);
    return inOrderOf(set, ranking.order(models, set.facts), ranking.name);
  } catch (error) {
    onError(`ranking ${ranking.name}`, error);
    return { ...set, notes: [...set.notes, unorderedNote(ranking.name)] };
  }
}
