import type { RankedSet, Snapshot } from '@will/core';
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
    const places = new Map([...new Set(ranking.order(models, set.facts))].map((slug, place) => [slug, place]));
    const placeOf = (slug: string): number => places.get(slug) ?? places.size;
    const candidates = set.candidates.toSorted((a, b) => placeOf(a.model) - placeOf(b.model));
    return { ...set, candidates, notes: [...set.notes, `in the order of ranking ${ranking.name}`] };
  } catch (error) {
    onError(`ranking ${ranking.name}`, error);
    return { ...set, notes: [...set.notes, `ranking ${ranking.name} failed: the declared order holds`] };
  }
}
