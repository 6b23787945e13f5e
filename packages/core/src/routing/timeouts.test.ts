import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultFirstTokenMs, firstTokenTimeoutOf, maxTimeoutMs, silenceOf, timeoutsOf } from './timeouts.ts';

const ms = fc.integer({ min: 1, max: maxTimeoutMs });
const stated = fc.option(ms, { nil: undefined });

test('without a word of anybody a task may take ten minutes, and a silence within an answer half a minute', () => {
  expect(timeoutsOf([], {})).toEqual({ firstTokenMs: undefined, idleMs: 30_000, maxMs: 600_000 });
});

test('the most specific document that states a timeout counts; a caller lowers it, and raises it only where none states it', () => {
  fc.assert(
    fc.property(stated, stated, stated, (client, route, asked) => {
      const documents = [client, route].map((max_ms) => (max_ms === undefined ? undefined : { max_ms }));
      const { maxMs } = timeoutsOf(documents, { maxMs: asked });
      const document = client ?? route;
      expect(maxMs).toBe(asked === undefined ? (document ?? 600_000) : Math.min(asked, document ?? maxTimeoutMs));
    }),
  );
});

test('each timeout is looked for by itself', () => {
  const documents = [{ idle_ms: 1 }, undefined, { idle_ms: 2, first_token_ms: 3, max_ms: 4 }];
  expect(timeoutsOf(documents, { maxMs: 9 })).toEqual({ firstTokenMs: 3, idleMs: 1, maxMs: 4 });
});

test('models share the time that is left, and none is waited for much longer than it usually takes', () => {
  fc.assert(
    fc.property(ms, fc.integer({ min: 2, max: 20 }), stated, stated, (leftMs, candidatesLeft, typicalMs, slowMs) => {
      const { timeoutMs, isHurried } = firstTokenTimeoutOf({ leftMs, candidatesLeft, typicalMs, slowMs });
      expect(timeoutMs).toBeLessThanOrEqual(Math.max(1, leftMs / candidatesLeft));
      expect(timeoutMs).toBeLessThanOrEqual(typicalMs ?? leftMs);
      // A silence counts against a model only where it had the time that is slow for it.
      if (!isHurried) expect(timeoutMs).toBeGreaterThanOrEqual(Math.floor(slowMs ?? 1_200));
    }),
  );
});

const call = {
  callMethod: 'API',
  isStreamed: true,
  anotherFollows: true,
  leftMs: 600_000,
  firstTokenTimeout: { timeoutMs: 0, isHurried: false },
  firstTokenMs: 0,
} as const;

test('what is stated takes the place of the default of its kind, and what a model usually takes bounds both', () => {
  expect(silenceOf(call).timeoutMs).toBe(30_000);
  expect(silenceOf({ ...call, callMethod: 'Local' }).timeoutMs).toBe(180_000);
  expect(silenceOf({ ...call, firstTokenMs: 90_000 }).timeoutMs).toBe(90_000);
  const firstTokenTimeout = { timeoutMs: 2_000, isHurried: false };
  expect(silenceOf({ ...call, firstTokenMs: 90_000, firstTokenTimeout }).timeoutMs).toBe(2_000);
});

test('an answer in one piece has half of the time while another follows, and all of it where none does', () => {
  const whole = { ...call, isStreamed: false, leftMs: 100_000 };
  expect(silenceOf(whole)).toEqual({ timeoutMs: 50_000, isHurried: true });
  expect(silenceOf({ ...whole, leftMs: 600_000 })).toEqual({ timeoutMs: 180_000, isHurried: false });
  expect(silenceOf({ ...whole, anotherFollows: false }).timeoutMs).toBe(100_000);
});

test('a first token is waited for half a minute at a service, three where a model may load, and as long for a whole answer', () => {
  const defaults = (['API', 'Local', 'on-device', 'container'] as const).map((method) => [
    defaultFirstTokenMs(method, true),
    defaultFirstTokenMs(method, false),
  ]);
  expect(defaults).toEqual([
    [30_000, 180_000],
    [180_000, 180_000],
    [180_000, 180_000],
    [180_000, 180_000],
  ]);
});

test.each([
  ['its share of the time that is left', { leftMs: 9_999, candidatesLeft: 2 }, 4_999, false],
  ['what it usually takes', { leftMs: 90_000, candidatesLeft: 2, typicalMs: 3_000, slowMs: 2_000 }, 3_000, false],
  ['less than tells anything', { leftMs: 2_398, candidatesLeft: 2 }, 1_199, true],
  ['just what tells something', { leftMs: 2_400, candidatesLeft: 2 }, 1_200, false],
  ['less than is slow for it', { leftMs: 6_000, candidatesLeft: 2, slowMs: 3_001 }, 3_000, true],
  ['just what is slow for it', { leftMs: 6_000, candidatesLeft: 2, slowMs: 3_000 }, 3_000, false],
  ['a millisecond at least', { leftMs: 1, candidatesLeft: 4 }, 1, true],
])('a model that another follows is given %s', (_what, attempted, timeoutMs, isHurried) => {
  expect(firstTokenTimeoutOf({ typicalMs: undefined, slowMs: undefined, ...attempted })).toEqual({
    timeoutMs,
    isHurried,
  });
});

test('a streamed answer is bounded by the time that is left and by the hurry of its task', () => {
  const hurried = { timeoutMs: 5_000, isHurried: true };
  expect(silenceOf({ ...call, leftMs: 4_000 })).toEqual({ timeoutMs: 4_000, isHurried: false });
  expect(silenceOf({ ...call, firstTokenTimeout: hurried })).toEqual(hurried);
  expect(silenceOf({ ...call, anotherFollows: false, firstTokenTimeout: hurried })).toEqual(hurried);
});

test('a whole answer that another follows has what is stated, or half of the time; a last one is never in a hurry', () => {
  const whole = { ...call, isStreamed: false, leftMs: 100_000 };
  expect(silenceOf({ ...whole, firstTokenMs: 40_000 })).toEqual({ timeoutMs: 40_000, isHurried: false });
  expect(silenceOf({ ...whole, firstTokenMs: 50_000 })).toEqual({ timeoutMs: 50_000, isHurried: false });
  expect(silenceOf({ ...whole, firstTokenMs: 1, anotherFollows: false })).toEqual({
    timeoutMs: 100_000,
    isHurried: false,
  });
});
