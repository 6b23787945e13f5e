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

/** Who gets the one place, so often, where these priorities always wait. */
async function granted(
  shares: Shares,
  times: number,
  priorities: readonly Priority[],
): Promise<Record<Priority, number>> {
  const counts: Record<Priority, number> = { high: 0, normal: 0, background: 0 };
  let last: Priority | undefined;
  const wait = (priority: Priority): void => void shares.take(priority).then(() => (last = priority));
  for (const priority of priorities) wait(priority);
  for (let n = 0; n < times; n += 1) {
    await new Promise(setImmediate);
    if (last === undefined) throw new Error('nobody got the place');
    counts[last] += 1;
    const has: Priority = last;
    last = undefined;
    wait(has);
    shares.release(has);
  }
  return counts;
}

test('of each twelve places that become free eight go to high, three to normal and one to background', async () => {
  expect(await granted(new Shares(1), 120, ['high', 'normal', 'background'])).toEqual({
    high: 80,
    normal: 30,
    background: 10,
  });
});

test('who comes back after a pause does not make up for what it did not ask for', async () => {
  const shares = new Shares(1);
  await granted(shares, 400, ['high']);
  shares.release('high');
  const { high, normal } = await granted(shares, 110, ['high', 'normal']);
  expect([high > 70, normal > 20]).toEqual([true, true]);
});

test('a normal task takes three of four places at most, and no place is given twice', async () => {
  const shares = new Shares(4);
  const taken: Priority[] = [];
  for (let n = 0; n < 4; n += 1) void shares.take('normal').then(() => taken.push('normal'));
  await new Promise(setImmediate);
  expect([taken.length, shares.taken]).toEqual([3, 3]);
  for (let n = 0; n < 2; n += 1) void shares.take('high').then(() => taken.push('high'));
  await new Promise(setImmediate);
  expect([taken, shares.taken]).toEqual([['normal', 'normal', 'normal', 'high'], 4]);
  shares.release('high');
  await new Promise(setImmediate);
  expect([taken.at(-1), shares.taken]).toEqual(['high', 4]);
});
