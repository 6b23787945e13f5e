import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DegradationSignal } from './degradation-signal.ts';

test('after a failure one call at a time may try the model, until one has content', () => {
  const one = new DegradationSignal();
  one.sent('a', 0, 2_000);
  one.sent('b', 10, 2_000);
  one.ended('a', true);
  expect(one.reason(70)).toMatch(/its last call failed/);
  one.ended('b', true);
  expect(one.reason(80)).toBeUndefined();
  one.sent('c', 90, 2_000);
  expect(one.reason(100)).toMatch(/its last call failed/);
  one.heard('c', 300);
  one.sent('d', 310, 2_000);
  expect(one.reason(320)).toBeUndefined();
});

test('a call that waits for longer than a quarter of its time casts doubt, unless another one had content since it was sent', () => {
  const one = new DegradationSignal();
  one.sent('a', 0, 2_000);
  expect(one.reason(500)).toBeUndefined();
  expect(one.reason(501)).toMatch(/no first token for 501 ms/);
  one.sent('b', 502, 2_000);
  one.heard('b', 900);
  expect(one.reason(901)).toBeUndefined();
  one.sent('c', 950, 2_000);
  expect(one.reason(1_451)).toMatch(/no first token for 501 ms/);
  one.ended('c', false);
  expect(one.reason(1_452)).toBeUndefined();
});

test('where nothing is known of its first contents a model may be silent for as long as it likes', () => {
  const one = new DegradationSignal();
  one.sent('a', 0, 0);
  expect(one.reason(100_000)).toBeUndefined();
});

const events = fc.array(
  fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), what: fc.constantFrom('sent', 'heard', 'failed', 'over') }),
  { maxLength: 60 },
);

test('with nothing under way there is never a doubt: somebody always finds out', () => {
  fc.assert(
    fc.property(events, (happened) => {
      const one = new DegradationSignal();
      const underWay = new Set<string>();
      happened.forEach(({ id, what }, n) => {
        if (what === 'sent') {
          one.sent(id, n * 100, 1_000);
          underWay.add(id);
          return;
        }
        underWay.delete(id);
        if (what === 'heard') one.heard(id, n * 100);
        else one.ended(id, what === 'failed');
      });
      for (const id of underWay) one.ended(id, true);
      expect(one.reason(1e9)).toBeUndefined();
    }),
  );
});

test('a call whose sending nobody saw is taken as sent when it was heard', () => {
  const one = new DegradationSignal();
  one.sent('a', 100, 400);
  one.heard('unseen', 100);
  expect(one.reason(1_000)).toBeUndefined();
  one.sent('b', 101, 400);
  expect(one.reason(202)).toBe('degraded: no first token for 101 ms, longer than usual');
});

test('a failure of a call that nobody saw sent is over with the next first content', () => {
  const one = new DegradationSignal();
  one.ended('unseen', true);
  one.sent('a', 0, 0);
  expect(one.reason(1)).toBe('degraded: its last call failed, and another call tries it now');
  one.heard('a', 2);
  one.sent('b', 3, 0);
  expect(one.reason(4)).toBeUndefined();
});

test('first content of a call that was sent before the one that failed tells nothing of that', () => {
  const one = new DegradationSignal();
  one.sent('early', 0, 0);
  one.sent('failing', 10, 0);
  one.ended('failing', true);
  one.heard('early', 20);
  one.sent('next', 30, 0);
  expect(one.reason(31)).toMatch(/its last call failed/);
  one.sent('same', 10, 0);
  one.heard('same', 40);
  expect(one.reason(41)).toBeUndefined();
});

test('the oldest call of which something is known decides, and one that was heard later leaves the older ones silent', () => {
  const one = new DegradationSignal();
  one.sent('unknown', 0, 0);
  one.sent('known', 10, 400);
  one.sent('newest', 20, 4);
  expect(one.reason(110)).toBeUndefined();
  expect(one.reason(110.6)).toBe('degraded: no first token for 101 ms, longer than usual');
  one.heard('newest', 112);
  expect(one.reason(1_000)).toBeUndefined();
  one.heard('known', 1_001);
  one.sent('later', 15, 4);
  expect(one.reason(2_000)).toBeUndefined();
});

test('a call that ended well says nothing, whenever it was sent', () => {
  const one = new DegradationSignal();
  one.sent('a', 0, 4);
  one.sent('b', 5, 4_000);
  one.ended('a', false);
  expect(one.reason(100)).toBeUndefined();
});
