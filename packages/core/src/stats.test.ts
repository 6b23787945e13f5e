import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  expectedMs,
  foldRecord,
  type ModelStats,
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
