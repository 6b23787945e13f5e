import type { Model } from '@will/core';
import { expect, test } from 'vitest';
import { Resting, whileProbedMs } from './resting.ts';

test('while the bus is away no call is the probe, and each waits like those of another prober', async () => {
  const told: unknown[] = [];
  const away = new Error('the bus is away');
  const resting = new Resting(
    {
      rests: {
        untilMs: new Map(),
        restOf: () => ({ untilMs: 900, reason: 'it failed', openings: 1 }),
        rest: () => Promise.reject(away),
        takeProbe: () => Promise.reject(away),
        giveProbe: () => Promise.reject(away),
        recover: () => Promise.reject(away),
        endEarly: () => Promise.reject(away),
        onChange: () => () => {},
      } as never,
      nowMs: () => 1_000,
      draw: () => 0.5,
      sharers: () => [],
      onChange: () => {},
      onError: (_, error) => told.push(error),
    },
    () => ({ slug: 'narrow', document: {} }) as Model,
  );
  await expect(resting.mayProbe()).resolves.toEqual({
    reason: 'another call finds out whether it is well',
    untilMs: 1_000 + whileProbedMs,
  });
  expect(told).toEqual([away]);
  resting.close();
});
