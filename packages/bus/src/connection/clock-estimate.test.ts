import { expect, test } from 'vitest';
import { ClockEstimate, type ClockSample } from './clock-estimate.ts';

const serverAheadMs = 1_800_000_000_000;
const systemAheadMs = 1_800_000_000_500;

/** A sample whose answer took so long back and forth, asked at an instant of the monotonic clock. */
const sample = (askedMs: number, thereMs: number, backMs: number, over: Partial<ClockSample> = {}): ClockSample => ({
  askedMs,
  answeredMs: askedMs + thereMs + backMs,
  systemMs: systemAheadMs + askedMs + thereMs + backMs,
  serverMs: serverAheadMs + askedMs + thereMs,
  ...over,
});
const readAt = (estimate: ClockEstimate, monotonicMs: number, shiftMs = 0) =>
  estimate.read(monotonicMs, systemAheadMs + monotonicMs + shiftMs);

test('the true time lies within the stated bound, however a round trip is divided', () => {
  for (const [there, back] of [
    [10, 10],
    [0, 20],
    [20, 0],
    [0.2, 0.4],
  ] as const) {
    const estimate = new ClockEstimate();
    expect(estimate.take(sample(100, there, back))).toBe(true);
    const reading = readAt(estimate, 5_000);
    expect(Math.abs((reading?.nowMs ?? 0) - (serverAheadMs + 5_000))).toBeLessThanOrEqual(reading?.boundMs ?? 0);
    expect(reading?.boundMs).toBeGreaterThanOrEqual((there + back) / 2);
  }
});

test('a round trip above 20 ms counts for nothing', () => {
  const estimate = new ClockEstimate();
  expect(estimate.take(sample(0, 15, 6))).toBe(false);
  expect(readAt(estimate, 30)).toBeUndefined();
});

test('the shortest round trip counts until its age makes another one better', () => {
  const estimate = new ClockEstimate();
  estimate.take(sample(0, 0.5, 0.5));
  const before = readAt(estimate, 1_000)?.boundMs;
  estimate.take(sample(900, 18, 0));
  expect(readAt(estimate, 1_000)?.boundMs).toBe(before);
  // After a hundred seconds the first one may be off by more than the next one is.
  estimate.take(sample(100_000, 5, 5));
  expect(readAt(estimate, 100_010)?.boundMs).toBeLessThan(7);
});

test('nothing is known after the machine slept, after another server took over, or when the last sample is too old', () => {
  const estimate = new ClockEstimate();
  estimate.take(sample(0, 0.5, 0.5));
  expect(readAt(estimate, 1_000)).toBeDefined();
  // While a machine sleeps its system clock goes on and its monotonic clock stands.
  expect(readAt(estimate, 1_000, 60_000)).toBeUndefined();
  expect(readAt(estimate, 3_600_000)).toBeUndefined();
  estimate.forget();
  expect(readAt(estimate, 1_000)).toBeUndefined();
});
