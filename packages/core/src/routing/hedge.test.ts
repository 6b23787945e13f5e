import { expect, test } from 'vitest';
import { FirstTokenTimes, HedgeBudget } from './hedge.ts';

test('at most one call in twenty has a second one beside it, and little is saved up', () => {
  const budget = new HedgeBudget();
  expect(budget.take()).toBe(false);
  let hedged = 0;
  for (let n = 0; n < 10_000; n += 1) {
    budget.called();
    if (budget.take()) hedged += 1;
  }
  expect(hedged).toBeLessThanOrEqual(500);
  expect(hedged).toBeGreaterThanOrEqual(499);
  for (let n = 0; n < 10_000; n += 1) budget.called();
  let burst = 0;
  while (budget.take()) burst += 1;
  expect(burst).toBe(10);
});

test('the 95th percentile is of the last first tokens, and of too few there is none', () => {
  const times = new FirstTokenTimes();
  for (let n = 1; n < 20; n += 1) times.heard('a', n);
  expect(times.p95Ms('a')).toBeUndefined();
  for (let n = 20; n <= 100; n += 1) times.heard('a', n);
  expect(times.p95Ms('a')).toBe(95);
  for (let n = 0; n < 200; n += 1) times.heard('a', 7);
  expect(times.p95Ms('a')).toBe(7);
  expect(times.p95Ms('b')).toBeUndefined();
});
