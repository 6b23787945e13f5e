import { expect, test } from 'vitest';
import { playMutations } from '../testing/lab-mutations.ts';

test('answers that were changed at random are right or typed errors, and no bystander loses a stream', async () => {
  const { answered, failed, wrong, bystander } = await playMutations({ seed: 7, count: 500, atOnce: 16 });
  expect(wrong).toEqual([]);
  expect(answered + failed).toBe(500);
  // Neither all nor none of them can be read.
  expect(answered).toBeGreaterThan(50);
  expect(failed).toBeGreaterThan(50);
  expect(bystander.broken).toBe(0);
  expect(bystander.whole).toBeGreaterThan(0);
});
