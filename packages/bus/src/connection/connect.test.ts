import { expect, test } from 'vitest';
import { ReconnectDelays } from './connect.ts';

test('a process that lost its connection dials often for 2 s, and then rarely, each time anew', () => {
  let nowMs = 10_000;
  const delays = new ReconnectDelays(
    () => nowMs,
    () => 1,
  );
  const at = (ms: number): number => {
    nowMs = ms;
    return Math.round(delays.nextMs());
  };
  expect([at(10_000), at(11_000), at(11_999)]).toEqual([56, 56, 56]);
  expect([at(12_000), at(13_500), at(15_000)]).toEqual([350, 350, 350]);
  delays.connected();
  expect(at(15_100)).toBe(56);
});
