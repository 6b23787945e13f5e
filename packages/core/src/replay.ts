import type { LiveEntry } from './call-record.ts';
import { decide } from './decide.ts';
import type { LiveState, Pick, RankedSet } from './decision.ts';
import type { Facts } from './facts.ts';
import { pick } from './pick.ts';
import type { Snapshot } from './snapshot.ts';

/** All that a decision was made of, besides the documents. */
export interface DecisionInputs {
  readonly facts: Facts;
  /** When the choice was made. */
  readonly atMs: number;
  /** Until when the ranked set was known to hold; undefined: not known. */
  readonly validUntilMs: number | undefined;
  readonly live: readonly LiveEntry[];
  readonly seed: number;
}

export interface Decided {
  readonly set: RankedSet;
  readonly pick: Pick;
}

/**
 * Makes a decision again. With the documents of its own revision the result is the one that was recorded; with others
 * it is what they would have chosen. A set that was used a moment past its end is judged at its last instant.
 */
export function replay(snapshot: Snapshot, inputs: DecisionInputs): Decided {
  const { facts, atMs, validUntilMs, live, seed } = inputs;
  const set = decide(snapshot, facts, validUntilMs === undefined ? atMs : Math.min(atMs, validUntilMs - 1));
  return { set, pick: pick(set, stateOf(live), { seed, nowMs: atMs }) };
}

function stateOf(live: readonly LiveEntry[]): LiveState {
  const unserved = new Map<string, string>();
  const coolingUntilMs = new Map<string, number>();
  for (const entry of live) {
    if (entry.unserved !== undefined) unserved.set(entry.model, entry.unserved);
    if (entry.coolingUntilMs > 0) coolingUntilMs.set(entry.model, entry.coolingUntilMs);
  }
  return { unserved, coolingUntilMs };
}

/** One form for equal decisions. The instants that only bound how long a set is kept are not part of it. */
export function canonicalDecision({ set, pick: chosen }: Decided): string {
  const { facts, dataClass, candidates, exclusions, notes, waitMs } = set;
  const ranked = {
    dataClass,
    facts: sorted(facts),
    candidates: candidates.map(({ model, why }) => [model, why]),
    exclusions: exclusions.map(({ model, rule, detail }) => [model, rule, detail]),
    notes,
    waitMs,
  };
  return JSON.stringify([ranked, chosen.order, chosen.skipped.map(({ model, reason }) => [model, reason])]);
}

const sorted = (facts: Facts): unknown[] =>
  Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** What differs between two decisions, in words; none when they are the same to the last bit. */
export function decisionDifferences(before: Decided, after: Decided): readonly string[] {
  if (canonicalDecision(before) === canonicalDecision(after)) return [];
  const differences: string[] = [];
  const compare = (what: string, a: readonly string[], b: readonly string[]): void => {
    if (a.join() !== b.join()) differences.push(`${what}: ${a.join(', ') || 'none'} → ${b.join(', ') || 'none'}`);
  };
  compare('data class', [before.set.dataClass], [after.set.dataClass]);
  compare('candidates', namesOf(before.set), namesOf(after.set));
  compare('tried in this order', before.pick.order, after.pick.order);
  compare('left out', rulesOf(before.set), rulesOf(after.set));
  compare('notes', before.set.notes, after.set.notes);
  return differences.length > 0 ? differences : ['the words of some reason'];
}

const namesOf = ({ candidates }: RankedSet): readonly string[] =>
  candidates.map(({ model, why }) => `${model} (${why})`);
const rulesOf = ({ exclusions }: RankedSet): readonly string[] =>
  exclusions.map(({ model, rule }) => `${model} (${rule})`);
