import type { LiveState, RankedSet, Selection, SessionBasis } from './decision.ts';
import { holdsPrefix, orderedBySession } from './session.ts';

/** The inputs that make a choice repeatable. */
export interface SelectionBasis {
  /** Decides which tasks try another model first; recorded with the decision. A declared order does not use it. */
  readonly seed: number;
  readonly nowMs: number;
  /** Of the conversation that the task continues; undefined: it is known of none. */
  readonly session?: SessionBasis | undefined;
}

/**
 * The choice for one task: the ranked set in its order, without models that nobody can serve or that rest, which are
 * named with the reason. Pure, so that the recorded set, state and seed give the same choice again.
 */
export function select(set: RankedSet, live: LiveState, basis: SelectionBasis): Selection {
  const order: string[] = [];
  const skipped: { model: string; reason: string }[] = [];
  for (const { model } of set.candidates) {
    const reason = whyNotNow(model, live, basis.nowMs);
    if (reason === undefined) order.push(model);
    else skipped.push({ model, reason });
  }
  const { session, seed } = basis;
  if (!session) return { order: explored(order, set, seed), skipped };
  const ordered = orderedBySession(order, set, session);
  return { order: holdsPrefix(session) ? ordered : explored(ordered, set, seed), skipped };
}

/** One task in so many goes to another model first where a goal decides, so that what is seldom called stays known. */
const explorations = 0.01;
/** And only to one that costs at most so many times as much as the first. */
const dearestExploration = 2;
/** And only to one that is believed to be worth so much less at most: what is known to be bad is not tried for its own sake. */
const widestExploration = 0.05;
/** Among those, near rivals are tried most (inverse squared gap): what is learnt of them may change the choice, and costs least. */
const nearEqual = 0.004;

/**
 * The order with another model of the goal's own first, for a few tasks by their seed. Never for high priority, never a
 * model that was asked for by name or instead of one, and never one that is not in the order already.
 */
function explored(order: readonly string[], { ranking, facts }: RankedSet, seed: number): readonly string[] {
  if (ranking?.mode !== 'auto' || facts.priority === 'high') return order;
  const [first] = order;
  const best = ranking.models.find(({ model }) => model === first);
  if (!best || shareOf(seed) >= explorations) return order;
  const most = (best.costNanoUsd ?? Number.POSITIVE_INFINITY) * dearestExploration;
  const others = order.slice(1).flatMap((model) => {
    const known = ranking.models.find((one) => one.model === model);
    if (known === undefined || (known.costNanoUsd ?? Number.POSITIVE_INFINITY) > most) return [];
    const gap = Math.max(0, best.utility - known.utility);
    return gap > widestExploration ? [] : [{ model, weight: (gap + nearEqual) ** -2 }];
  });
  const total = others.reduce((sum, { weight }) => sum + weight, 0);
  let left = shareOf(seed ^ 0x5bd1e995) * total;
  const chosen = others.find(({ weight }) => (left -= weight) <= 0)?.model;
  return chosen === undefined ? order : [chosen, ...order.filter((model) => model !== chosen)];
}

/** A seed as a number from 0 to 1 that does not look like it (the finaliser of MurmurHash3). */
function shareOf(seed: number): number {
  let mixed = seed >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/** An end of a cooldown as it is kept: whole milliseconds, so that a record of it gives the same choice again. */
export const wholeMs = (untilMs: number): number => Math.min(Math.ceil(untilMs), Number.MAX_SAFE_INTEGER);

/** The last instant that a Date can show. */
const lastInstantMs = 8.64e15;

function whyNotNow(model: string, { unserved, coolingUntilMs }: LiveState, nowMs: number): string | undefined {
  const untilMs = wholeMs(coolingUntilMs.get(model) ?? 0);
  if (untilMs > lastInstantMs) return 'cooling down';
  if (untilMs > nowMs) return `cooling down until ${new Date(untilMs).toISOString()}`;
  return unserved.get(model);
}
