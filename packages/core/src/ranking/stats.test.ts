import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  expectedMs,
  foldQuality,
  foldRecord,
  type LogNormal,
  logAt,
  type ModelStats,
  qualityAt,
  type QualityStats,
  statsFromPrior,
  type StatsPrior,
  successAt,
  type TellingRecord,
} from './stats.ts';

const prior: StatsPrior = { version: '1', firstContentMs: 900, msPerToken: 2_100 / 256, quality: 0.8 };

const success = (startedAtMs: number, durationMs: number, over: Partial<TellingRecord> = {}): TellingRecord => ({
  modelVersion: '1',
  taskType: 'code',
  startedAtMs,
  durationMs,
  firstContentMs: durationMs,
  outcome: 'Success',
  status: 'Success',
  usage: { inputTokens: 10, outputTokens: 256, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  streamed: false,
  ...over,
});
const folded = (records: readonly TellingRecord[], from: StatsPrior): ModelStats =>
  records.reduce((stats, record) => foldRecord(stats, record, from), statsFromPrior(from, 0));

const observations = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 600_000 }),
    firstMs: fc.integer({ min: 1, max: 300_000 }),
    perTokenMs: fc.integer({ min: 1, max: 2_000 }),
  }),
  { maxLength: 30 },
);
const priors = fc.record({
  version: fc.constant('1'),
  quality: fc.constant(0.5),
  firstContentMs: fc.integer({ min: 1, max: 300_000 }),
  msPerToken: fc.integer({ min: 1, max: 2_000 }),
});
const idle = fc.integer({ min: 0, max: 10_000_000 });

/** What the model was seen to do, and its benchmark: the two that an estimate lies between. */
function isWithin(estimate: number, seen: readonly number[]): void {
  expect(estimate).toBeGreaterThanOrEqual(Math.min(...seen) * (1 - 1e-9));
  expect(estimate).toBeLessThanOrEqual(Math.max(...seen) * (1 + 1e-9));
}

test('whatever was observed and however long ago, the time of a streamed answer is between observations and benchmark', () => {
  fc.assert(
    fc.property(priors, observations, idle, fc.integer({ min: 2, max: 5_000 }), (from, seen, idleMs, tokens) => {
      let atMs = 0;
      const records = seen.map(({ afterMs, firstMs, perTokenMs }) => {
        atMs += afterMs;
        const usage = { ...success(0, 1).usage, outputTokens: tokens } as TellingRecord['usage'];
        const durationMs = firstMs + perTokenMs * (tokens - 1);
        return success(atMs, durationMs, { firstContentMs: firstMs, usage, streamed: true });
      });
      const estimate = expectedMs(folded(records, from), tokens, atMs + idleMs);
      const [firsts, paces] = [seen.map(({ firstMs }) => firstMs), seen.map(({ perTokenMs }) => perTokenMs)];
      isWithin(estimate, [
        Math.min(from.firstContentMs, ...firsts) + Math.min(from.msPerToken, ...paces) * tokens,
        Math.max(from.firstContentMs, ...firsts) + Math.max(from.msPerToken, ...paces) * tokens,
      ]);
    }),
  );
});

test('whatever was observed and however long ago, the time of an answer in one piece is between observations and benchmark', () => {
  fc.assert(
    fc.property(priors, observations, idle, fc.integer({ min: 2, max: 5_000 }), (from, seen, idleMs, tokens) => {
      let atMs = 0;
      const usage = { ...success(0, 1).usage, outputTokens: tokens } as TellingRecord['usage'];
      const records = seen.map(({ afterMs, firstMs }) => success((atMs += afterMs), firstMs, { usage }));
      const estimate = expectedMs(folded(records, from), tokens - 1, atMs + idleMs);
      const benchmark = from.firstContentMs + from.msPerToken * (tokens - 1);
      isWithin(estimate, [benchmark, ...seen.map(({ firstMs }) => firstMs)]);
    }),
  );
});

test('an idle model moves from what was observed towards its benchmark, and never back', () => {
  fc.assert(
    fc.property(priors, observations, fc.array(idle, { minLength: 2 }), (from, seen, waits) => {
      const stats = folded(
        seen.map(({ firstMs }, n) => success(n * 1_000, firstMs)),
        from,
      );
      const lastMs = stats.firstContent.atMs;
      const benchmark = from.firstContentMs + from.msPerToken * 255;
      const distances = waits
        .toSorted((a, b) => a - b)
        .map((waitMs) => Math.abs(expectedMs(stats, 255, lastMs + waitMs) - benchmark));
      const isSorted = distances.every((distance, n) => distance <= (distances[n - 1] ?? Infinity) * (1 + 1e-9) + 1e-6);
      // The two parts of a time may lie on either side of the benchmark: then only each of them moves towards it.
      const isOneSided =
        Math.sign(stats.firstContent.mu - Math.log(from.firstContentMs)) ===
        Math.sign(stats.perToken.mu - Math.log(from.msPerToken));
      expect(isSorted || !isOneSided).toBe(true);
    }),
  );
});

test('eight calls of 1 to 5 ms beside a benchmark of 3 s never make an estimate above 3 s', () => {
  const calls = [1, 5, 3, 2, 4, 1, 5, 2];
  const stats = folded(
    calls.map((ms, n) => success(n * 10, ms)),
    prior,
  );
  const benchmark = prior.firstContentMs + prior.msPerToken * 256;
  for (const idleMs of [0, 2_000, 10_000, 97_000, 1_000_000, 100_000_000])
    isWithin(expectedMs(stats, 256, 80 + idleMs), [1, benchmark]);
});

const scored = (scores: readonly number[], everyMs = 1_000): ModelStats =>
  scores.reduce((stats, score, n) => foldQuality(stats, 'code', score, n * everyMs), statsFromPrior(prior, 0));

test('answers that became half as good are seen within a few scores, and forgotten when nobody scores any more', () => {
  const calm = Array.from({ length: 100 }, () => 0.9);
  const worse = scored([...calm, 0.45, 0.45, 0.45]);
  const nowMs = 103_000;
  expect(qualityAt(scored(calm), 'code', 100_000)).toBeGreaterThan(0.85);
  expect(qualityAt(worse, 'code', nowMs)).toBeLessThan(0.7);
  expect(qualityAt(worse, 'code', nowMs + 600_000)).toBeGreaterThan(0.8);
});

test('scores that always vary as much do not look like a change', () => {
  const thumbs = Array.from({ length: 400 }, (_, n) => (n % 5 === 0 ? 0 : 1));
  for (let n = 40; n <= thumbs.length; n += 1) {
    const quality = qualityAt(scored(thumbs.slice(0, n)), 'code', n * 1_000);
    expect(quality).toBeGreaterThan(0.7);
    expect(quality).toBeLessThan(0.9);
  }
});

test('whatever is scored, quality is between 0 and 1 and deterministic', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 }), (scores) => {
      const quality = qualityAt(scored(scores), 'code', 60_000);
      expect(quality).toBeGreaterThanOrEqual(0);
      expect(quality).toBeLessThanOrEqual(1);
      expect(quality).toBe(qualityAt(scored(scores), 'code', 60_000));
    }),
  );
});

// --- figures that were made by hand from what the comments promise --------------------------------------------------

const fresh = statsFromPrior(prior, 0);
const tokensOf = (outputTokens: number): Partial<TellingRecord> => ({
  usage: { inputTokens: 10, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
});
/** A call that ends at an instant. */
const endingAt = (atMs: number, durationMs: number, over: Partial<TellingRecord> = {}): TellingRecord =>
  success(atMs - durationMs, durationMs, over);
const failure = (atMs: number, over: Partial<TellingRecord> = {}): TellingRecord =>
  endingAt(atMs, 100, {
    outcome: 'Timeout',
    status: 'Overloaded',
    firstContentMs: undefined,
    usage: undefined,
    ...over,
  });
const after = (stats: ModelStats, ...records: readonly TellingRecord[]): ModelStats =>
  records.reduce((before, record) => foldRecord(before, record, prior), stats);
/** A log-normal after one more value of this weight. */
function isMoved(now: LogNormal, before: LogNormal, value: number, weight: number): void {
  const error = Math.log(value) - before.mu;
  expect(now.mu).toBeCloseTo(before.mu + weight * error, 10);
  expect(now.variance).toBeCloseTo((1 - weight) * (before.variance + weight * error ** 2), 10);
}

test('before anything was seen a model is as its benchmark says', () => {
  expect(statsFromPrior(prior, 1_000)).toEqual({
    version: '1',
    prior,
    successes: 0.95,
    failures: 0.05,
    healthAtMs: 1_000,
    firstContent: { mu: Math.log(900), variance: 0.25, atMs: 1_000 },
    silences: 0,
    firstContentsSeen: 0,
    perToken: { mu: Math.log(2_100 / 256), variance: 0.25, atMs: 1_000 },
    quality: {},
    outputTokens: {},
  });
  const none = statsFromPrior({ ...prior, firstContentMs: 0, msPerToken: 0 }, 0);
  expect([none.firstContent.mu, none.perToken.mu]).toEqual([0, Math.log(0.01)]);
  expect(expectedMs(none, 100, 0)).toBeCloseTo(1 + 100 * 0.01, 10);
});

test('successes and failures count one each and lose half of their weight in 45 seconds', () => {
  const one = after(fresh, endingAt(0, 10));
  expect(one).toMatchObject({ successes: 1.95, failures: 0.05, healthAtMs: 0 });
  const two = after(one, failure(45_000));
  expect([two.successes, two.failures, two.healthAtMs]).toEqual([1.45, 1.05, 45_000]);
  // One that is told late fades nothing, and does not turn the clock back.
  const late = after(two, failure(30_000));
  expect([late.successes, late.failures, late.healthAtMs]).toEqual([1.45, 2.05, 45_000]);
});

test('the chance of success is the share of successes, and returns to the prior within half a minute and more', () => {
  const seen = { ...fresh, successes: 1.45, failures: 1.05, healthAtMs: 45_000 };
  expect(successAt(seen, 45_000)).toBeCloseTo(0.58, 12);
  expect(successAt(seen, 0)).toBeCloseTo(0.58, 12);
  expect(successAt(seen, 90_000)).toBeCloseTo(0.95 + (1.2 / 1.75 - 0.95) * Math.exp(-1.5), 12);
});

test.each(['Invalid', 'ContentFilter', 'Cancelled', 'Policy', 'Busy', 'NoWorker'])(
  'an end of %s says nothing of the health of a model',
  (status) => {
    expect(after(fresh, failure(1_000, { outcome: 'Blocked', status }))).toEqual(fresh);
  },
);

test.each(['Overloaded', 'ProviderError', 'Stalled', 'Truncated', 'AuthError', 'RateLimited', 'Unknown'])(
  'an end of %s counts against the health of a model',
  (status) => {
    expect(after(fresh, failure(0, { status }))).toMatchObject({ successes: 0.95, failures: 1.05 });
  },
);

test('a call of another version says nothing, and one that names none counts', () => {
  expect(after(fresh, failure(0, { modelVersion: '2' }))).toBe(fresh);
  expect(after(fresh, failure(0, { modelVersion: undefined })).failures).toBe(1.05);
});

test('calls in a row that had no first content in time are counted until one has', () => {
  const silent = failure(0, { status: 'Stalled' });
  expect(after(fresh, silent, silent).silences).toBe(2);
  expect(after(fresh, failure(0, { status: 'Stalled', firstContentMs: 5 })).silences).toBe(0);
  expect(after(fresh, failure(0)).silences).toBe(0);
  expect(after(fresh, silent, endingAt(0, 100, { firstContentMs: undefined })).silences).toBe(1);
  // One piece: that it came tells nothing of its first content.
  expect(after(fresh, silent, endingAt(0, 100)).silences).toBe(1);
  const heard = after(fresh, silent, endingAt(0, 100, { firstContentMs: 50 }));
  expect([heard.silences, heard.firstContentsSeen]).toEqual([0, 1]);
});

test('lengths of outputs are kept by task type: the first as it is, of each later one a tenth', () => {
  const lengthsAfter = (...counts: readonly number[]) =>
    after(fresh, ...counts.map((count) => endingAt(0, 100, tokensOf(count)))).outputTokens;
  expect([lengthsAfter(0), lengthsAfter(100), lengthsAfter(100, 0)]).toEqual([{}, { code: 100 }, { code: 100 }]);
  expect(lengthsAfter(100, 200)['code']).toBeCloseTo(110, 10);
  const { outputTokens } = after(fresh, endingAt(0, 9), endingAt(0, 9, { ...tokensOf(7), taskType: 'ocr' }));
  expect(outputTokens).toEqual({ code: 256, ocr: 7 });
  expect(after(fresh, endingAt(0, 9, { usage: undefined })).outputTokens).toEqual({});
});

test('the longer nothing was observed, the more the next first content and pace weigh', () => {
  const stats = after(fresh, endingAt(20_000, 5_350, { firstContentMs: 250 }));
  // The time constant is 20 s.
  const weight = 1 - 1 / Math.E;
  isMoved(stats.firstContent, fresh.firstContent, 250, weight);
  // 5,100 ms for the 255 tokens after the first.
  isMoved(stats.perToken, fresh.perToken, 20, weight);
  expect([stats.firstContent.atMs, stats.perToken.atMs]).toEqual([20_000, 20_000]);
  expect(after(stats, endingAt(10_000, 500, { firstContentMs: 250 })).firstContent.atMs).toBe(20_000);
});

test('a value soon after another weighs eight hundredths, and three tenths where it is far above what was expected', () => {
  const first = (firstContentMs: number) =>
    after(fresh, endingAt(500, 100_000, { firstContentMs, ...tokensOf(1) })).firstContent;
  const justBelow = Math.round(900 * Math.exp(0.99));
  isMoved(first(justBelow), fresh.firstContent, justBelow, 0.08);
  const justAbove = Math.round(900 * Math.exp(1.01));
  isMoved(first(justAbove), fresh.firstContent, justAbove, 0.3);
  isMoved(first(1), fresh.firstContent, 1, 0.08);
  const later = after(fresh, endingAt(5_000, 100_000, { firstContentMs: 800, ...tokensOf(1) })).firstContent;
  isMoved(later, fresh.firstContent, 800, 1 - Math.exp(-0.25));
});

test('a first content of nothing counts as a millisecond, and a pace as a hundredth of one at least', () => {
  const stats = after(fresh, endingAt(0, 1, { firstContentMs: 0, ...tokensOf(1_001) }));
  isMoved(stats.firstContent, fresh.firstContent, 1, 0.08);
  isMoved(stats.perToken, fresh.perToken, 0.01, 0.08);
});

test('one token has no pace, two have one', () => {
  expect(after(fresh, endingAt(0, 500, { firstContentMs: 100, ...tokensOf(1) })).perToken).toEqual(fresh.perToken);
  expect(after(fresh, endingAt(0, 500, { firstContentMs: 500, ...tokensOf(1) })).firstContentsSeen).toBe(1);
  const two = after(fresh, endingAt(0, 500, { firstContentMs: 100, ...tokensOf(2) }));
  isMoved(two.perToken, fresh.perToken, 400, 0.3);
});

test('an answer in one piece moves both parts by the factor that the whole was off', () => {
  // Expected: 900 ms, and 255 tokens of 2,100 / 256 ms.
  const expected = 900 + (255 * 2_100) / 256;
  const stats = after(fresh, endingAt(0, 500));
  isMoved(stats.firstContent, fresh.firstContent, (900 * 500) / expected, 0.08);
  isMoved(stats.perToken, fresh.perToken, ((2_100 / 256) * 500) / expected, 0.08);
  expect(stats.firstContentsSeen).toBe(0);
  const atOnce = after(fresh, endingAt(0, 0));
  isMoved(atOnce.firstContent, fresh.firstContent, 900 / expected, 0.08);
});

const qualityOf = (stats: ModelStats): QualityStats => stats.quality['code'] as QualityStats;

test('the first score weighs as one beside the twenty of the benchmark, and is the whole of the shift', () => {
  const first = qualityOf(foldQuality(fresh, 'code', 0.3, 0));
  expect(first.mean).toBeCloseTo(16.3 / 21, 12);
  expect([first.weight, first.shift, first.shiftWeight, first.atMs]).toEqual([21, -0.5, 1, 0]);
  // Of a square of 0.25 only four times the variance counts.
  expect(first.variance).toBeCloseTo(0.04 + 0.05 * (0.16 - 0.04), 12);
  expect(qualityOf(foldQuality(fresh, 'code', 0.9, 0)).variance).toBeCloseTo(0.04 + 0.05 * (0.01 - 0.04), 12);
});

test('a shift fades within a minute, and the weight of the mean by half in seven days, to half of the prior at least', () => {
  const before = {
    ...fresh,
    quality: { code: { mean: 0.5, weight: 40, atMs: 0, shift: 0.2, shiftWeight: 2, variance: 0.01 } },
  };
  const [kept, gain] = [1 / Math.E, 1 / (2 / Math.E + 1)];
  const soon = qualityOf(foldQuality(before, 'code', 0.9, 60_000));
  expect(soon.shift).toBeCloseTo(0.2 * kept + gain * (0.4 - 0.2 * kept), 10);
  expect(soon.shiftWeight).toBeCloseTo(2 * kept + 1, 10);
  expect(soon.variance).toBeCloseTo(0.01 + 0.05 * (0.04 - 0.01), 10);
  const weekMs = 7 * 86_400_000;
  const week = qualityOf(foldQuality(before, 'code', 0.9, weekMs));
  expect([week.weight, week.atMs]).toEqual([21, weekMs]);
  expect(week.mean).toBeCloseTo((0.5 * 20 + 0.9) / 21, 12);
  expect(qualityOf(foldQuality(before, 'code', 0.9, 3 * weekMs)).weight).toBe(11);
  const late = qualityOf(
    foldQuality({ ...before, quality: { code: { ...before.quality.code, atMs: 9 } } }, 'code', 1, 0),
  );
  expect([late.weight, late.atMs, late.shiftWeight]).toEqual([41, 9, 3]);
});

test('about the last four scores make the shift', () => {
  const scores = Array.from({ length: 9 }, () => 0.3);
  const stats = scores.reduce((before, score) => foldQuality(before, 'code', score, 0), fresh);
  expect(qualityOf(stats).shiftWeight).toBe(4);
  const { mean, shift } = qualityOf(stats);
  expect(qualityOf(foldQuality(stats, 'code', 1, 0)).shift).toBeCloseTo(shift + 0.25 * (1 - mean - shift), 12);
});

test.each([-0.1, 1.1, Number.NaN])('a score of %d is rejected', (score) => {
  expect(() => foldQuality(fresh, 'code', score, 0)).toThrow(RangeError);
});

test('scores of one task type say nothing of another', () => {
  const both = foldQuality(foldQuality(fresh, 'code', 0, 0), 'ocr', 1, 0);
  expect([qualityAt(both, 'text', 0), Object.keys(both.quality)]).toEqual([0.8, ['code', 'ocr']]);
  expect(qualityAt(both, 'ocr', 0)).toBeGreaterThan(0.8);
  expect(qualityAt(both, 'code', 0)).toBeLessThan(0.8);
});

test.each<[string, Partial<QualityStats>, number, number]>([
  // 9 × 0.01 / 4 of 0.09 are a quarter.
  ['a shift, less its standard errors', {}, 0, 0.5 + 0.75 * 0.3],
  ['a shift a minute later', {}, 60_000, 0.5 + (0.75 * 0.3) / Math.E],
  ['a shift that is asked for too early', {}, -60_000, 0.5 + 0.75 * 0.3],
  ['a shift down', { shift: -0.3 }, 0, 0.5 - 0.75 * 0.3],
  ['a variance that cannot be believed', { variance: 0 }, 0, 0.5 + (1 - 0.00225 / 0.09) * 0.3],
  ['a shift of less than one score', { shiftWeight: 0.5, variance: 0.005 }, 0, 0.5 + 0.5 * 0.3],
  ['a shift within its standard errors', { shift: 0.1 }, 0, 0.5],
  ['no shift', { shift: 0, variance: 0 }, 0, 0.5],
  ['a shift beyond one', { mean: 0.9 }, 0, 1],
  ['a shift below zero', { mean: 0.1, shift: -0.3 }, 0, 0],
])('quality is the mean with %s', (_what, over, nowMs, expected) => {
  const code = { mean: 0.5, weight: 9, atMs: 5_000, shift: 0.3, shiftWeight: 4, variance: 0.01, ...over };
  expect(qualityAt({ ...fresh, quality: { code } }, 'code', 5_000 + nowMs)).toBeCloseTo(expected, 10);
});

test('an idle model is a geometric mean of what it was and its benchmark, which it nears within three minutes', () => {
  const seen = { mu: Math.log(100), variance: 0, atMs: 7_000 };
  const kept = 1 / Math.E;
  expect(logAt(seen, Math.log(900), 187_000)).toBeCloseTo(kept * Math.log(100) + (1 - kept) * Math.log(900), 12);
  expect(logAt(seen, Math.log(900), -180_000)).toBeCloseTo(Math.log(100), 12);
  const stats = { ...fresh, firstContent: seen, perToken: { ...seen, mu: Math.log(2) } };
  expect(expectedMs(stats, 10, 7_000)).toBeCloseTo(120, 10);
  const pace = 2 ** kept * (2_100 / 256) ** (1 - kept);
  expect(expectedMs(stats, 10, 187_000)).toBeCloseTo(100 ** kept * 900 ** (1 - kept) + 10 * pace, 10);
});
