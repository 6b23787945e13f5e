import { expect, test } from 'vitest';
import { alertRetryMs, alertThresholds, reachedThresholds } from './budget-alerts.ts';

test('operators are told of 80, 95 and 100 percent, and of the first task that is rejected', () => {
  expect(alertThresholds).toEqual(['80', '95', '100', 'exhausted']);
});

test.each([
  [0n, []],
  [799n, []],
  [800n, ['80']],
  [950n, ['80', '95']],
  [999n, ['80', '95']],
  [1_000n, ['80', '95', '100']],
  [5_000n, ['80', '95', '100']],
])('%d of 1000 reaches the thresholds %j', (used, reached) => {
  expect(reachedThresholds(used, 1_000n)).toEqual(reached);
});

test('a budget of nothing has no shares that could be reached', () => {
  expect(reachedThresholds(0n, 0n)).toEqual([]);
});

test('an alert is tried again after a second, then after twice the last pause, up to five minutes', () => {
  expect([0, 1, 2, 3, 9, 10, 870].map(alertRetryMs)).toEqual([1_000, 1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});
