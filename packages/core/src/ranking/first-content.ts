import { logAt, logOf, type ModelStats } from './stats.ts';

const shortestMs = 1_200;
const maxMs = 10_000;
/** A model that is always slow to begin, since it thinks first, is still given so many times what is slow for it. */
const leastOfSlow = 2;
const timesSlow = 4;
/** Statistics are of inputs of usual lengths: so much more per token of input, which is 4,000 tokens read in a second. */
const msPerInputToken = 0.25;
/** Standard deviations above the mean: the 90th percentile. */
const slowDeviations = 1.3;
const widening = 4 / 3;
const maxSilences = 8;
/** First contents that were seen, from which on a model that states no benchmark is known. */
const enoughSeen = 5;

/**
 * The time from which the first content of a model is slow: e^(mu + 1.3 sd) of its decayed log-normal statistics, and
 * a third more for each silence in a row. A model that was idle is believed to come nearer to its benchmark where that
 * is slower. Undefined: nothing was measured, and no benchmark is stated. Rounded up to steps of a quarter, so that
 * decisions that hardly differ are the same.
 */
export function slowFirstContentMs(stats: ModelStats, nowMs: number): number | undefined {
  const { firstContent, firstContentsSeen, prior, silences } = stats;
  const isStated = prior.isStated ?? true;
  if (!isStated && firstContentsSeen < enoughSeen) return undefined;
  const { mu, variance } = firstContent;
  const expected = isStated ? Math.max(mu, logAt(firstContent, logOf(prior.firstContentMs, 1), nowMs)) : mu;
  const widened = widening ** Math.min(silences, maxSilences);
  return upToQuarter(Math.exp(expected + slowDeviations * Math.sqrt(variance)) * widened);
}

/** 100 ms × 1.25ⁿ, the first of them that is not below. */
const upToQuarter = (ms: number): number =>
  Math.round(100 * 1.25 ** Math.max(0, Math.ceil(Math.log(ms / 100) / Math.log(1.25) - 1e-9)));

/** clamp(4 × slow, 1.2 s, 10 s), at least twice what is slow, and a quarter of a millisecond per token of input. */
export const firstContentTimeoutMs = (slowMs: number, inputTokens: number): number =>
  Math.round(
    Math.max(leastOfSlow * slowMs, Math.min(maxMs, Math.max(shortestMs, timesSlow * slowMs))) +
      msPerInputToken * inputTokens,
  );
