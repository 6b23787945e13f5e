/**
 * A bus clock that is right, in a process that never stands still. By `Date.now`, so that a test's fake time moves it,
 * or by another clock.
 */
export const exactClock = (nowMs: () => number = () => Date.now()) => ({
  nowMs,
  systemMs: nowMs,
  monotonicMs: nowMs,
  boundMs: (): number | undefined => 0,
  untilBound: (_timeoutMs: number): Promise<boolean> => Promise.resolve(true),
  stoodStillMs: (_sinceMs?: number): number => 0,
});
