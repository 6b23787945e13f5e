import type { CallRecord } from '../domain/call-record.ts';

/** The part of a call's record that says something of its model. */
export type TellingRecord = Pick<
  CallRecord,
  | 'modelVersion'
  | 'taskType'
  | 'startedAtMs'
  | 'durationMs'
  | 'firstContentMs'
  | 'outcome'
  | 'status'
  | 'usage'
  | 'streamed'
>;

/** The expectation of a model before it was measured; from its `benchmark`. */
export interface StatsPrior {
  readonly version: string;
  readonly firstContentMs: number;
  readonly msPerToken: number;
  /** 0 to 1: the benchmark's accuracy / 10. */
  readonly quality: number;
  /** False: nothing of its speed is stated. Default: true. */
  readonly isStated?: boolean;
}

/** Mean and variance of the logarithm of a duration. */
export interface LogNormal {
  readonly mu: number;
  readonly variance: number;
  readonly atMs: number;
}

/** Scores of a model's answers. */
export interface QualityStats {
  readonly mean: number;
  /** Observations it weighs as many as; begins at those of the prior. */
  readonly weight: number;
  readonly atMs: number;
  /** How far the last few scores lie from the mean, how many they were, and the usual variance around both. */
  readonly shift: number;
  readonly shiftWeight: number;
  readonly variance: number;
}

/** Decayed statistics of one version of a model: its health, and by task type its quality and length of output. */
export interface ModelStats {
  readonly version: string;
  readonly prior: StatsPrior;
  readonly successes: number;
  readonly failures: number;
  readonly healthAtMs: number;
  readonly firstContent: LogNormal;
  /**
   * Calls in a row that were not waited for until their first content came: how long that would have taken nobody knows (a
   * censored sample), so they say nothing of the usual time, and only widen what is waited for next.
   */
  readonly silences: number;
  /** How many first contents it was made of. */
  readonly firstContentsSeen: number;
  readonly perToken: LogNormal;
  readonly quality: Readonly<Record<string, QualityStats>>;
  readonly outputTokens: Readonly<Record<string, number>>;
}

/** Half-life of success and failure. */
const healthHalfLifeMs = 45_000;
/** Half-life of ratings. */
const qualityHalfLifeMs = 7 * 24 * 3_600_000;
/** As many observations the prior of quality weighs. */
const priorQualityWeight = 20;
/** A shift of quality that nobody confirms fades with this time constant. */
const shiftMs = 60_000;
/** Weight of one more score in the shift: about the last four count. */
const shiftGain = 0.25;
/** So many standard errors a shift must be off before any of it is believed. */
const significance = 3;
/** Spread of scores around their mean, before any was seen; never below the other, for scores come in steps. */
const priorScoreVariance = 0.04;
const minScoreVariance = 0.001;
const varianceGain = 0.05;
/** What nobody observed for a while is believed to be as before anything was seen: a model may be healthy again. */
const staleHealthMs = 30_000;
const priorSuccesses = 0.95;
const priorFailures = 0.05;
/** Weight of one more length of output. */
const outputGain = 0.1;

const halved = (elapsedMs: number, halfLifeMs: number): number => 2 ** (-Math.max(0, elapsedMs) / halfLifeMs);

/** A model that nothing is known of but its record. */
export const statsFromPrior = (prior: StatsPrior, atMs: number): ModelStats => ({
  version: prior.version,
  prior,
  successes: priorSuccesses,
  failures: priorFailures,
  healthAtMs: atMs,
  firstContent: { mu: logOf(prior.firstContentMs, 1), variance: 0.25, atMs },
  silences: 0,
  firstContentsSeen: 0,
  perToken: { mu: logOf(prior.msPerToken, 0.01), variance: 0.25, atMs },
  quality: {},
  outputTokens: {},
});

/** The caller's mistakes, its leaving, and refusals of policy or content say nothing about a model's health. */
const notItsFault: ReadonlySet<string> = new Set([
  'Invalid',
  'ContentFilter',
  'Cancelled',
  'Policy',
  'Busy',
  'NoWorker',
]);

/**
 * Statistics after one more record; each attempt is to be given once, in the order of the stream. A record of another
 * version than the prior's changes nothing; a prior of another version than the statistics' resets them.
 */
export function foldRecord(before: ModelStats | undefined, record: TellingRecord, prior: StatsPrior): ModelStats {
  const atMs = record.startedAtMs + record.durationMs;
  const stats = before?.version === prior.version ? before : statsFromPrior(prior, atMs);
  if (record.modelVersion !== undefined && record.modelVersion !== prior.version) return stats;
  const healthy = notItsFault.has(record.status) ? stats : withHealth(stats, record.outcome === 'Success', atMs);
  if (record.status === 'Stalled' && record.firstContentMs === undefined)
    return { ...healthy, silences: healthy.silences + 1 };
  return record.outcome === 'Success' ? withSpeed(healthy, record, atMs) : healthy;
}

function withHealth(stats: ModelStats, succeeded: boolean, atMs: number): ModelStats {
  const kept = halved(atMs - stats.healthAtMs, healthHalfLifeMs);
  return {
    ...stats,
    successes: priorSuccesses + (stats.successes - priorSuccesses) * kept + (succeeded ? 1 : 0),
    failures: priorFailures + (stats.failures - priorFailures) * kept + (succeeded ? 0 : 1),
    healthAtMs: Math.max(stats.healthAtMs, atMs),
  };
}

function withSpeed(stats: ModelStats, record: TellingRecord, atMs: number): ModelStats {
  const tokens = record.usage?.outputTokens ?? 0;
  const first = record.firstContentMs;
  const length = stats.outputTokens[record.taskType];
  const measured = {
    ...stats,
    ...(tokens > 0 && {
      outputTokens: {
        ...stats.outputTokens,
        [record.taskType]: length === undefined ? tokens : length + outputGain * (tokens - length),
      },
    }),
  };
  if (first === undefined) return measured;
  if (tokens > 1 && first >= record.durationMs) return withWhole(measured, record.durationMs, tokens, atMs);
  const begun = {
    ...measured,
    firstContent: observe(stats.firstContent, Math.max(1, first), atMs),
    silences: 0,
    firstContentsSeen: stats.firstContentsSeen + 1,
  };
  if (tokens < 2) return begun;
  const perToken = Math.max(0.01, (record.durationMs - first) / (tokens - 1));
  return { ...begun, perToken: observe(stats.perToken, perToken, atMs) };
}

/** An answer that came in one piece tells of the sum alone: both parts are taken to differ from what was expected alike. */
function withWhole(stats: ModelStats, durationMs: number, tokens: number, atMs: number): ModelStats {
  const { firstContent, perToken } = stats;
  const expected = Math.exp(firstContent.mu) + Math.exp(perToken.mu) * (tokens - 1);
  const ratio = Math.max(1, durationMs) / expected;
  return {
    ...stats,
    firstContent: observe(firstContent, Math.exp(firstContent.mu) * ratio, atMs),
    perToken: observe(perToken, Math.exp(perToken.mu) * ratio, atMs),
  };
}

/** One more duration; what is far above the expected weighs more, so that a slow model is noticed at once. */
function observe(before: LogNormal, value: number, atMs: number): LogNormal {
  const { mu, variance, atMs: lastMs } = before;
  const error = Math.log(value) - mu;
  const usual = defaultGain(before, atMs);
  const gain = error > 2 * Math.sqrt(variance) ? Math.max(usual, 0.3) : usual;
  return {
    mu: mu + gain * error,
    variance: (1 - gain) * (variance + gain * error * error),
    atMs: Math.max(lastMs, atMs),
  };
}

/** Weight of one more duration: the more, the longer the last one is ago. */
const defaultGain = ({ atMs: lastMs }: LogNormal, atMs: number): number =>
  Math.max(0.08, 1 - Math.exp(-Math.max(atMs - lastMs, 1_000) / 20_000));

/** Statistics after feedback on an output, 0 to 1 (a score of 1 to 10 divided by 10). @throws RangeError outside of that. */
export function foldQuality(stats: ModelStats, taskType: string, score: number, atMs: number): ModelStats {
  if (!(score >= 0 && score <= 1)) throw new RangeError(`quality ${score} must be between 0 and 1`);
  const before = stats.quality[taskType] ?? firstQuality(stats.prior, atMs);
  const decayed = before.weight * halved(atMs - before.atMs, qualityHalfLifeMs);
  const weight = Math.max(decayed, priorQualityWeight / 2);
  const kept = Math.exp(-Math.max(0, atMs - before.atMs) / shiftMs);
  const [shift, shiftWeight] = [before.shift * kept, before.shiftWeight * kept];
  const error = score - before.mean;
  const gain = Math.max(shiftGain, 1 / (shiftWeight + 1));
  const quality = {
    mean: (before.mean * weight + score) / (weight + 1),
    weight: weight + 1,
    atMs: Math.max(before.atMs, atMs),
    shift: shift + gain * (error - shift),
    shiftWeight: Math.min(1 / shiftGain, shiftWeight + 1),
    variance: before.variance + varianceGain * (Math.min((error - shift) ** 2, 4 * before.variance) - before.variance),
  };
  return { ...stats, quality: { ...stats.quality, [taskType]: quality } };
}

const firstQuality = ({ quality }: StatsPrior, atMs: number): QualityStats => ({
  mean: quality,
  weight: priorQualityWeight,
  atMs,
  shift: 0,
  shiftWeight: 0,
  variance: priorScoreVariance,
});

/**
 * Quality at an instant, 0 to 1: the long mean, and what the last few scores differ from it, shrunk by three standard errors
 * (the positive-part James–Stein estimator). A shift fades while nobody scores.
 */
export function qualityAt({ quality, prior }: ModelStats, taskType: string, nowMs: number): number {
  const known = quality[taskType];
  if (known === undefined) return prior.quality;
  const { mean, shift, shiftWeight, variance, atMs } = known;
  const error = (significance ** 2 * Math.max(minScoreVariance, variance)) / Math.max(1, shiftWeight);
  const believed = Math.max(0, 1 - error / shift ** 2);
  return Math.min(1, Math.max(0, mean + believed * shift * Math.exp(-Math.max(0, nowMs - atMs) / shiftMs)));
}

/** Chance that the next call succeeds; what is old counts less. */
export function successAt(stats: ModelStats, nowMs: number): number {
  const ageMs = Math.max(0, nowMs - stats.healthAtMs);
  const kept = halved(ageMs, healthHalfLifeMs);
  const successes = priorSuccesses + (stats.successes - priorSuccesses) * kept;
  const failures = priorFailures + (stats.failures - priorFailures) * kept;
  const prior = priorSuccesses / (priorSuccesses + priorFailures);
  return prior + (successes / (successes + failures) - prior) * Math.exp(-ageMs / staleHealthMs);
}

/**
 * Expected duration of the whole output in milliseconds. An idle model is believed to return from what was observed to its
 * benchmark. The result never lies outside of the two: it is a weighted geometric mean, and has no term for the variance.
 */
export const expectedMs = (
  { firstContent, perToken, prior }: ModelStats,
  outputTokens: number,
  nowMs: number,
): number =>
  Math.exp(logAt(firstContent, logOf(prior.firstContentMs, 1), nowMs)) +
  Math.exp(logAt(perToken, logOf(prior.msPerToken, 0.01), nowMs)) * outputTokens;

/** Time constant with which an idle model returns to its benchmark. */
const idleMs = 180_000;

/** Expected logarithm of a duration at an instant: from the observed one towards the benchmark's, and never beyond. */
export function logAt({ mu, atMs }: LogNormal, benchmark: number, nowMs: number): number {
  const kept = Math.exp(-Math.max(0, nowMs - atMs) / idleMs);
  return kept * mu + (1 - kept) * benchmark;
}

/** Logarithm of a duration, of a least one where it is smaller. */
export const logOf = (ms: number, leastMs: number): number => Math.log(Math.max(leastMs, ms));
