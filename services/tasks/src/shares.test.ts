import type { Priority } from '@will/core';
import { expect, test } from 'vitest';
import { Shares } from './shares.ts';

test('where all wait, places go 8 to 3 to 1', async () => {
  const shares = new Shares(12);
  const counts: Record<Priority, number> = { high: 0, normal: 0, background: 0 };
  let isOver = false;
  const loop = async (priority: Priority): Promise<void> => {
    while (!isOver) {
      await shares.take(priority);
      counts[priority] += 1;
      setImmediate(() => shares.release(priority));
      if (counts.high + counts.normal + counts.background >= 1_200) isOver = true;
    }
  };
  await Promise.race([loop('high'), loop('normal'), loop('background')]);
  expect(counts.high / counts.background).toBeGreaterThan(4);
  expect(counts.high / counts.normal).toBeGreaterThan(1.5);
  expect(counts.background).toBeGreaterThan(20);
});

test('background work leaves half of the places to others, however much of it there is', async () => {
  const shares = new Shares(8);
  let taken = 0;
  const taking = (async () => {
    for (;;) {
      await shares.take('background');
      taken += 1;
    }
  })();
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBe(4);
  for (let n = 0; n < 4; n += 1) await shares.take('high');
  expect(shares.taken).toBe(8);
  void taking;
});
