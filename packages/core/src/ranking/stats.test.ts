import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  expectedMs,
  foldQuality,
  foldRecord,
  type ModelStats,
  qualityAt,
  statsFromPrior,
  type StatsPrior,
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
