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
