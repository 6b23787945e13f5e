/**
 * The time after its dispatch within which a worker may start a call of a provider, in milliseconds. As long does a
 * router wait for a worker's first word before it sends the call again.
 */
export const startWindowMs = 500;

/** Facts of a call that a worker is about to start. */
export interface StartFacts {
  /** UTC, by the bus clock: the end of the call's window. */
  readonly startUntilMs: number;
  /** By the bus clock. */
  readonly nowMs: number;
  /** How far `nowMs` may be off; undefined: the bus clock is not known. */
  readonly boundMs: number | undefined;
  /** How long this process stood still until a moment ago. */
  readonly stoodStillMs: number;
}

/** 'doubtful': only after its router said that it is still wanted. */
export type StartState = 'open' | 'doubtful' | 'over';

/** Decides whether a call of a provider may start now. Total; doubt about the time means no. */
export function startStateOf({ startUntilMs, nowMs, boundMs, stoodStillMs }: StartFacts): StartState {
  if (boundMs === undefined) return 'over';
  const leftMs = startUntilMs - nowMs - boundMs;
  // Comparisons are this way round so that what is no number is over.
  if (!(leftMs > 0) || !(stoodStillMs < startWindowMs)) return 'over';
  return leftMs >= startWindowMs / 2 && stoodStillMs < startWindowMs / 2 ? 'open' : 'doubtful';
}
