import fc from 'fast-check';
import { expect, test } from 'vitest';
import { latencyBucketOf, latencyBuckets, percentileMs } from './latency-buckets.ts';

const counted = (durations: readonly number[]): number[] => {
  const counts = Array.from({ length: latencyBuckets }, () => 0);
  for (const bucket of durations.map(latencyBucketOf)) counts[bucket] = (counts[bucket] ?? 0) + 1;
  return counts;
};

test('a percentile is at most a factor of √2 from the true one', () => {
  const property = fc.property(
    fc.array(fc.integer({ min: 4, max: 2_900_000 }), { minLength: 1, maxLength: 200 }),
    fc.constantFrom(0.5, 0.95, 0.99),
    (durations, share) => {
      const exact = durations.toSorted((a, b) => a - b)[Math.ceil(durations.length * share) - 1] as number;
      const told = percentileMs(counted(durations), share) as number;
      expect(told / exact).toBeGreaterThan(1 / 1.5);
      expect(told / exact).toBeLessThan(1.5);
    },
  );
  fc.assert(property);
});

test('nothing counted has no percentile, and what is beyond all edges is told as the last', () => {
  expect(percentileMs(counted([]), 0.5)).toBeUndefined();
  expect(percentileMs(counted([0]), 0.5)).toBe(4);
  expect(percentileMs(counted([1e9]), 0.99)).toBe(2_965_821);
});

test('a duration is in the first bucket whose edge it does not exceed', () => {
  expect([0, 4, 5, 6, 7, 8, 9, 2_965_821, 2_965_822].map(latencyBucketOf)).toEqual([0, 0, 1, 1, 2, 2, 3, 39, 40]);
  expect(latencyBuckets).toBe(41);
});

test('a percentile is spread evenly over its bucket', () => {
  const few = [4, 0, 4];
  expect([0, 0.125, 0.25, 0.5, 0.625, 1].map((share) => percentileMs(few, share))).toEqual([1, 1, 2, 4, 7, 8]);
  expect(percentileMs([0, 2], 0.5)).toBe(5);
  expect(percentileMs([0], 0.5)).toBeUndefined();
});
