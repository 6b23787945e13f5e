import type { LiveEntry } from '../domain/call-record.ts';
import { decide } from './decide.ts';
import type { Candidate, LiveState, Selection, RankedSet, RankingRecord, SessionBasis } from './decision.ts';
import { measuresOf } from '../ranking/goal-order.ts';
import type { Facts } from '../domain/facts.ts';
import { orderedAsRecorded } from '../ranking/ordered-by.ts';
import { select, wholeMs } from './selection.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** All that a decision was made of, besides the documents. */
export interface DecisionInputs {
  readonly facts: Facts;
  /** When the ranked set was computed, by policy's clock; 0: not known, as in records of before this was kept. */
  readonly setDecidedAtMs: number;
  /** Until when the ranked set was known to hold: bounds the instant where that is not known. */
  readonly validUntilMs: number;
  /** When the choice was made, by the router's clock. */
  readonly atMs: number;
  readonly live: readonly LiveEntry[];
  readonly seed: number;
  /** What its conversation had a say with; undefined: there was none. */
  readonly session?: SessionBasis | undefined;
  /** What was known of the models beside their records; undefined: nothing that mattered. */
  readonly ranking?: RankingRecord | undefined;
  /** Those of the recorded set, and what was noted on it. */
  readonly candidates: readonly Candidate[];
  readonly notes: readonly string[];
}

/** A recorded decision, as far as it is made again. */
export interface Decided {
  readonly set: RankedSet;
  readonly selection: Selection;
}

/**
 * Makes a decision again. With the documents of its own revision the result is the one that was recorded; with others
 * it is what they would have chosen, as far as the state is known: a model that the recorded set does not hold counts as
 * served and were cooling down.
 */
export function replay(snapshot: Snapshot, inputs: DecisionInputs): Decided {
  const decided = decide(snapshot, inputs.facts, computedAtMs(inputs), measuresOf(inputs.ranking, inputs.candidates));
  const set = orderedAsRecorded(decided, inputs);
  return {
    set,
    selection: select(set, stateOf(inputs.live), {
      seed: inputs.seed,
      nowMs: inputs.atMs,
      session: inputs.session,
    }),
  };
}

/** The instant at which the ranked set was computed, or one at which it surely held. */
export const computedAtMs = ({ setDecidedAtMs, validUntilMs, atMs }: DecisionInputs): number =>
  setDecidedAtMs > 0 ? setDecidedAtMs : Math.min(atMs, validUntilMs - 1);

/**
 * The part of the live state that had a say in a choice out of this set: the entries of its own candidates, in their
 * order.
 */
export function liveEntriesOf({ candidates }: RankedSet, { unserved, coolingUntilMs }: LiveState): LiveEntry[] {
  const entries: LiveEntry[] = [];
  for (const { model } of candidates) {
    const reason = unserved.get(model);
    const untilMs = Math.max(0, wholeMs(coolingUntilMs.get(model) ?? 0));
    if (reason !== undefined || untilMs > 0) entries.push({ model, unserved: reason, coolingUntilMs: untilMs });
  }
  return entries;
}

function stateOf(live: readonly LiveEntry[]): LiveState {
  const unserved = new Map<string, string>();
  const coolingUntilMs = new Map<string, number>();
  for (const entry of live) {
    if (entry.unserved !== undefined) unserved.set(entry.model, entry.unserved);
    coolingUntilMs.set(entry.model, entry.coolingUntilMs);
  }
  return { unserved, coolingUntilMs };
}

/**
 * One form for equal decisions. How long a set may be kept is no part of it (policy's silence from the registry shortens
 * that), nor the revision, so that the choices of two can be compared.
 */
export function canonicalDecision({ set, selection: chosen }: Decided): string {
  const { facts, dataClass, candidates, exclusions, notes, scheduleEdgeMs, waitMs } = set;
  const ranked = {
    dataClass,
    facts: sorted(facts),
    candidates: candidates.map(({ model, why, firstContent }) => [
      model,
      why,
      firstContent?.slowMs,
      firstContent?.timeoutMs,
    ]),
    exclusions: exclusions.map(({ model, rule, detail }) => [model, rule, detail]),
    notes,
    scheduleEdgeMs,
    waitMs,
    ranking: set.ranking && [
      set.ranking.mode,
      set.ranking.goal,
      set.ranking.autoChoice,
      set.ranking.models.map(({ model, utility }) => [model, utility]),
    ],
  };
  return JSON.stringify([ranked, chosen.order, chosen.skipped.map(({ model, reason }) => [model, reason])]);
}

const sorted = (facts: Facts): unknown[] =>
  Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Differences between two decisions, in words; none when they are the same to the last bit. */
export function decisionDifferences(before: Decided, after: Decided): readonly string[] {
  if (canonicalDecision(before) === canonicalDecision(after)) return [];
  const differences: string[] = [];
  const compare = (what: string, a: readonly string[], b: readonly string[]): void => {
    if (a.join() !== b.join()) differences.push(`${what}: ${a.join(', ') || 'none'} → ${b.join(', ') || 'none'}`);
  };
  compare('data class', [before.set.dataClass], [after.set.dataClass]);
  compare('candidates', namesOf(before.set), namesOf(after.set));
  compare('first content within', timeoutOf(before.set), timeoutOf(after.set));
  compare('tried in this order', before.selection.order, after.selection.order);
  compare('left out', rulesOf(before.set), rulesOf(after.set));
  compare('skipped', skipsOf(before.selection), skipsOf(after.selection));
  compare('notes', before.set.notes, after.set.notes);
  compare('next edge of a schedule', [edgeOf(before.set)], [edgeOf(after.set)]);
  return differences.length > 0 ? differences : ['the words of some reason'];
}

const namesOf = ({ candidates }: RankedSet): readonly string[] =>
  candidates.map(({ model, why }) => `${model} (${why})`);
const timeoutOf = ({ candidates }: RankedSet): readonly string[] =>
  candidates.flatMap(({ model, firstContent }) => (firstContent ? [`${model} ${firstContent.timeoutMs} ms`] : []));
const rulesOf = ({ exclusions }: RankedSet): readonly string[] =>
  exclusions.map(({ model, rule }) => `${model} (${rule})`);
const skipsOf = ({ skipped }: Selection): readonly string[] =>
  skipped.map(({ model, reason }) => `${model} (${reason})`);
const edgeOf = ({ scheduleEdgeMs }: RankedSet): string =>
  scheduleEdgeMs === undefined ? 'none' : new Date(scheduleEdgeMs).toISOString();
