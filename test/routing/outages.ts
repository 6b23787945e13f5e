import type { Goal } from '@will/core';
import { trueWorths } from './clairvoyant.ts';
import type { Incident, Script } from './world.ts';

/** An attempt as the simulation knows it. */
export interface Sent {
  readonly place: string;
  readonly atMs: number;
  readonly isFirst: boolean;
  /** It is the trial call after a cooldown. */
  readonly isTrial: boolean;
  readonly succeeded: boolean;
}

/** How a way to choose took the outage of a place that it used. */
export interface OutageStory {
  readonly kind: 'down' | 'hang';
  /** From its begin until the place got at most a tenth of what followed. */
  readonly detectSeconds: number;
  /** Calls that were sent to it until then, and failed; trial calls are none of them. */
  readonly failedCalls: number;
  /**
   * From its end until the place got half of what it got before. Undefined: it was no longer the best by more than keeps a
   * rival first, or something else befell a place before it could be seen.
   */
  readonly returnSeconds: number | undefined;
}

/** A place that got less of the traffic is not watched. */
const leastShare = 0.2;
const beforeMs = 60_000;
/** Shares are of so many requests. */
const window = 20;
/** A return is looked for so long. */
const maxReturnMs = 180_000;
/** A place that is better by less need not come back. */
const clearlyBetter = 0.06;

export function outagesIn(script: Script, goal: Goal, sent: readonly Sent[]): OutageStory[] {
  const byTime = sent.toSorted((a, b) => a.atMs - b.atMs);
  const firsts = byTime.filter(({ isFirst }) => isFirst);
  return script.incidents.flatMap((outage) => {
    if (outage.kind !== 'down' && outage.kind !== 'hang') return [];
    const story = storyOf(script, goal, outage, outage.kind, byTime, firsts);
    return story ? [story] : [];
  });
}

function storyOf(
  script: Script,
  goal: Goal,
  { place, fromMs, untilMs }: Incident,
  kind: 'down' | 'hang',
  sent: readonly Sent[],
  firsts: readonly Sent[],
): OutageStory | undefined {
  const within = (from: number, until: number): readonly Sent[] =>
    firsts.filter(({ atMs }) => atMs >= from && atMs < until);
  const calls = firsts.filter(({ isTrial }) => !isTrial);
  const before = within(fromMs - beforeMs, fromMs);
  const share = shareOf(before, place);
  if (before.length < window || share < leastShare) return undefined;
  const detectedMs =
    firstWhere(
      calls.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs),
      (next) => shareOf(next, place) <= 0.1 * Math.max(share, 1 - 1e-9),
    ) ?? untilMs;
  const failedCalls = sent.filter(
    (one) => one.place === place && !one.succeeded && !one.isTrial && one.atMs >= fromMs && one.atMs <= detectedMs,
  ).length;
  const detectSeconds = (detectedMs - fromMs) / 1_000;
  return { kind, detectSeconds, failedCalls, returnSeconds: returnOf() };

  function returnOf(): number | undefined {
    const nextMs = Math.min(
      ...script.incidents.map((other) => other.fromMs).filter((atMs) => atMs > untilMs),
      script.lengthMs,
    );
    const isQuiet = script.incidents.every((other) => other.fromMs >= untilMs || other.untilMs <= untilMs);
    const worths = trueWorths(script, goal, { atMs: untilMs + 1, inputTokens: 1_020, outputTokens: 129 });
    const own = worths.get(place) ?? 0;
    const isBest = [...worths].every(([other, worth]) => other === place || own > worth + clearlyBetter);
    const untilSeenMs = Math.min(nextMs, untilMs + maxReturnMs);
    if (!isQuiet || !isBest || untilSeenMs - untilMs < 90_000) return undefined;
    const backMs =
      firstWhere(within(untilMs, untilSeenMs), (next) => shareOf(next, place) >= 0.5 * share) ?? untilSeenMs;
    return (backMs - untilMs) / 1_000;
  }
}

const shareOf = (sent: readonly Sent[], place: string): number =>
  sent.length === 0 ? 0 : sent.filter((one) => one.place === place).length / sent.length;

/** The instant from which on the next requests are so; undefined: never. */
function firstWhere(sent: readonly Sent[], isSo: (next: readonly Sent[]) => boolean): number | undefined {
  const at = sent.findIndex((_, n) => n + window <= sent.length && isSo(sent.slice(n, n + window)));
  return sent[at]?.atMs;
}
