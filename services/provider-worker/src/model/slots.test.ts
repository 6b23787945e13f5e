import { expect, test } from 'vitest';
import { type SlotClaim, Slots } from './slots.ts';

const of = (client: string): SlotClaim => ({ client, isUrgent: false });
const none = (): void => {};

test('no more slots are given than there are; full is told once, and what is freed for a while after it', () => {
  const told: string[] = [];
  const slots = new Slots(
    2,
    () => told.push('full'),
    () => told.push('free'),
  );
  expect([slots.take(of('a')), slots.take(of('a')), slots.take(of('b'))]).toEqual(['taken', 'taken', 'full']);
  slots.give(of('a'));
  slots.give(of('a'));
  expect(told).toEqual(['full', 'free', 'free']);
  expect(slots.free).toBe(2);
  for (let n = 0; n < 20; n += 1) {
    slots.take(of('a'));
    slots.give(of('a'));
  }
  // Four rounds of both slots, and then nobody is thought to wait.
  expect(told.length).toBe(1 + 4 * 2);
});

/** Four clients that each hold two of 64 slots for a minute. */
function shared(): { slots: Slots; sleep: (ms: number) => void } {
  let nowMs = 0;
  const slots = new Slots(64, none, none, () => nowMs);
  for (const client of ['a', 'b', 'c', 'd']) for (let n = 0; n < 2; n += 1) slots.take(of(client));
  nowMs = 60_000;
  return { slots, sleep: (ms) => void (nowMs += ms) };
}
const takeAll = (slots: Slots, claim: SlotClaim): string => {
  for (;;) {
    const taken = slots.take(claim);
    if (taken !== 'taken') return taken;
  }
};

test('a client that holds more than its share leaves slots free, which the others and what is urgent get', () => {
  const { slots } = shared();
  expect(takeAll(slots, of('noisy'))).toBe('kept');
  // Others use an eighth of all: one of ⌊ln .02 / ln 1/8⌋.
  expect(slots.offer).toEqual({ toAll: 0, kept: 1 });
  expect(slots.take(of('a'))).toBe('taken');
  expect(slots.take(of('a'))).toBe('full');
  slots.give(of('a'));
  expect(slots.take(of('noisy'))).toBe('kept');
  expect(slots.take({ client: 'noisy', isUrgent: true })).toBe('taken');
});

test('what a client asks for alone, or beside others as much as they, it gets to the last slot', () => {
  const alone = new Slots(64, none, none);
  expect(takeAll(alone, of('a'))).toBe('full');
  expect(alone.free).toBe(0);
  const alike = new Slots(64, none, none, () => 0);
  for (let n = 0; n < 64; n += 1) expect(alike.take(of(`c${n % 4}`))).toBe('taken');
});

test('what the others usually hold is left to them also while they hold less', () => {
  const { slots } = shared();
  for (const client of ['a', 'b', 'c', 'd']) for (let n = 0; n < 2; n += 1) slots.give(of(client));
  expect(takeAll(slots, of('noisy'))).toBe('kept');
  expect(slots.free).toBeGreaterThanOrEqual(7);
  for (const client of ['a', 'b', 'c', 'd']) expect(slots.take(of(client))).toBe('taken');
});

test('who is gone for some seconds is not waited for', () => {
  const { slots, sleep } = shared();
  for (const client of ['a', 'b', 'c', 'd']) for (let n = 0; n < 2; n += 1) slots.give(of(client));
  expect(takeAll(slots, of('noisy'))).toBe('kept');
  sleep(10_000);
  expect(takeAll(slots, of('noisy'))).toBe('full');
});

test('a model of few slots keeps none', () => {
  let nowMs = 0;
  const slots = new Slots(3, none, none, () => nowMs);
  slots.take(of('quiet'));
  nowMs = 60_000;
  expect(takeAll(slots, of('noisy'))).toBe('full');
});
