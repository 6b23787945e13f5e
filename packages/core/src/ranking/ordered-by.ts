import type { RankedSet } from '../routing/decision.ts';

/** The note of a set that an extension's ranking ordered, or tried to. */
export const orderedNote = (ranking: string): string => `in the order of ranking ${ranking}`;
/** The note of a decision whose ranking failed. */
export const unorderedNote = (ranking: string): string => `ranking ${ranking} failed: the declared order holds`;

/** A set in another order, with a note of whose it is. What the order does not name follows in the order that it had. */
export function inOrderOf(set: RankedSet, slugs: readonly string[], ranking: string): RankedSet {
  const places = new Map([...new Set(slugs)].map((slug, place) => [slug, place]));
  const placeOf = (slug: string): number => places.get(slug) ?? places.size;
  const candidates = set.candidates.toSorted((a, b) => placeOf(a.model) - placeOf(b.model));
  return { ...set, candidates, notes: [...set.notes, orderedNote(ranking)] };
}

const ordered = /^in the order of ranking (.+)$/;
const unordered = /^ranking .+ failed: the declared order holds$/;

/**
 * A set as an extension ordered a recorded one: an extension is no part of the documents, so its order is taken from the record.
 * Without a note of one it stays as it is.
 */
export function orderedAsRecorded(
  set: RankedSet,
  { candidates, notes }: Pick<RankedSet, 'candidates' | 'notes'>,
): RankedSet {
  const ranking = notes.flatMap((note) => ordered.exec(note)?.[1] ?? [])[0];
  const failed = notes.filter((note) => unordered.test(note));
  const told = failed.length === 0 ? set : { ...set, notes: [...set.notes, ...failed] };
  if (ranking === undefined) return told;
  return inOrderOf(
    told,
    candidates.map(({ model }) => model),
    ranking,
  );
}
