import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { exactClock } from '@will/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StartWindow } from './start-window.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

/** A call that left its router a while ago, in a process that may have stood still. */
function taken({ agoMs = 0, stoodStillMs = 0, isTimed = true } = {}) {
  const words: string[] = [];
  const request = create(wire.CallRequestSchema, { startUntilUnixMs: BigInt(Date.now() - agoMs + 500) });
  let foundAtMs = Date.now();
  const still = { ms: stoodStillMs };
  const clock = {
    ...exactClock(),
    boundMs: () => (isTimed ? 1 : undefined),
    stoodStillMs: (sinceMs = 0) => (foundAtMs > sinceMs ? still.ms : 0),
  };
  const call = {
    request,
    dataClass: 'open' as const,
    toRouter: (kind: wire.CallEvent['kind']) => words.push(kind.case ?? ''),
    endToRouter: () => ({ sayAgain: () => {} }),
    toCaller: () => {},
  };
  const window = new StartWindow(clock, call);
  const standStill = (ms: number): void => {
    foundAtMs = Date.now() + 1;
    still.ms = ms;
  };
  return { window, words, standStill };
}

test('a call that came in time starts without a question', async () => {
  const { window, words } = taken({ agoMs: 100 });
  expect(await window.opens()).toBe(true);
  expect(words).toEqual([]);
});

test('a call older than half its window asks once, and starts only on a yes', async () => {
  const { window, words } = taken({ agoMs: 300 });
  const opens = window.opens();
  expect(words).toEqual(['confirmStart']);
  window.renew(Date.now() + 500);
  expect(await opens).toBe(true);
  const other = taken({ agoMs: 300 });
  const closed = other.window.opens();
  other.window.withdraw();
  expect(await closed).toBe(false);
});

test('a yes that comes too late is asked about again, and nobody’s answer is a no', async () => {
  const { window, words } = taken({ agoMs: 300 });
  const opens = window.opens();
  window.renew(Date.now() - 1);
  await vi.advanceTimersByTimeAsync(0);
  expect(words).toEqual(['confirmStart', 'confirmStart']);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await opens).toBe(false);
});

test('a process that stood still for a whole window, or does not know the time, takes nothing', async () => {
  expect(taken({ stoodStillMs: 16_000 }).window.state).toBe('over');
  const untimed = taken({ isTimed: false });
  expect(untimed.window.state).toBe('over');
  expect(await untimed.window.opens()).toBe(false);
  untimed.window.refuse();
  expect(untimed.words).toEqual(['expired']);
});

test('what stood still before the router’s yes does not count after it, what stands still after it does', async () => {
  const { window, standStill } = taken({ stoodStillMs: 300 });
  const opens = window.opens();
  window.renew(Date.now() + 500);
  expect(await opens).toBe(true);
  expect(window.state).toBe('open');
  standStill(700);
  expect(window.state).toBe('over');
});

test('a request that waited for its connection leaves, but not where the process stood still until its time was over', () => {
  const { window, standStill } = taken();
  const [first, second] = [window.leaving(), window.leaving()];
  vi.advanceTimersByTime(400);
  standStill(300);
  expect(first()).toBe(true);
  vi.advanceTimersByTime(200);
  expect(second()).toBe(false);
  // One that left may go on, and one that begins after the standstill may leave.
  expect(first()).toBe(true);
  vi.advanceTimersByTime(2);
  expect(window.leaving()()).toBe(true);
});

test('a request that is wanted no more does not leave', () => {
  const { window } = taken();
  const leaves = window.leaving();
  window.withdraw();
  expect(leaves()).toBe(false);
});
