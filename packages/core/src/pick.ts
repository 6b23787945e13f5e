import type { LiveState, Pick, RankedSet } from './decision.ts';

/** What makes a choice repeatable. */
export interface PickBasis {
  /** Decides among equals; recorded with the decision. A declared order has no equals and does not use it. */
  readonly seed: number;
  readonly nowMs: number;
}

/**
 * The choice for one task: the ranked set in its order, without models that nobody can serve or that rest, which are
 * named with the reason. Pure, so that the recorded set, state and seed give the same choice again.
 */
export function pick(set: RankedSet, live: LiveState, basis: PickBasis): Pick {
  const order: string[] = [];
  const skipped: { model: string; reason: string }[] = [];
  for (const { model } of set.candidates) {
    const reason = whyNotNow(model, live, basis.nowMs);
    if (reason === undefined) order.push(model);
    else skipped.push({ model, reason });
  }
  return { order, skipped };
}

/** An end of a rest as it is kept: whole milliseconds, so that a record of it gives the same choice again. */
export const wholeMs = (untilMs: number): number => Math.min(Math.ceil(untilMs), Number.MAX_SAFE_INTEGER);

/** The last instant that a Date can show. */
const lastInstantMs = 8.64e15;

function whyNotNow(model: string, { unserved, coolingUntilMs }: LiveState, nowMs: number): string | undefined {
  const untilMs = wholeMs(coolingUntilMs.get(model) ?? 0);
  if (untilMs > lastInstantMs) return 'cooling down';
  if (untilMs > nowMs) return `cooling down until ${new Date(untilMs).toISOString()}`;
  return unserved.get(model);
}
