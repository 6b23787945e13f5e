import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('no more slots are given than there are; full is told once, and what is freed for a while after it', () => {
  const told: string[] = [];
  const slots = new Slots(
    2,
    () => told.push('full'),
    (free) => told.push(`free ${free}`),
  );
  expect([slots.take(), slots.take(), slots.take()]).toEqual([true, true, false]);
  slots.give();
  slots.give();
  expect(told).toEqual(['full', 'free 1', 'free 2']);
  expect(slots.free).toBe(2);
  for (let n = 0; n < 20; n += 1) {
    slots.take();
    slots.give();
  }
  // Four rounds of both slots, and then nobody is thought to wait.
  expect(told.length).toBe(1 + 4 * 2);
});
