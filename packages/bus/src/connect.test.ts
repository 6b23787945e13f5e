import { expect, test } from 'vitest';
import { reconnectDelays } from './connect.ts';

test('whoever lost its connection dials often for 2 s, and then rarely, each time anew', () => {
  let nowMs = 10_000;
  const delay = reconnectDelays(
    () => nowMs,
    () => 1,
  );
  const at = (ms: number): number => {
    nowMs = ms;
    return Math.round(delay());
  };
  expect([at(10_000), at(11_000), at(11_999)]).toEqual([56, 56, 56]);
  expect([at(12_000), at(13_500), at(15_000)]).toEqual([350, 350, 350]);
  expect(at(60_000)).toBe(56);
});
