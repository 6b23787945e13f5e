import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('no more slots are given than there are, and full and free again are told once', () => {
  const told: string[] = [];
  const slots = new Slots(
    2,
    () => told.push('full'),
    (free) => told.push(`free ${free}`),
  );
  expect([slots.take(), slots.take(), slots.take()]).toEqual([true, true, false]);
  slots.give();
  slots.give();
  expect(told).toEqual(['full', 'free 1']);
  expect(slots.free).toBe(2);
});
