import type { FailureReason, FineOutcome, ProviderFailure } from './outcome.ts';

/** Why a model rests, and until when. */
export interface Rest {
  readonly untilMs: number;
  /** For operators; never content. */
  readonly reason: string;
  /** How often in a row it was sent to rest; each time by the breaker is longer than the one before. From 1. */
  readonly openings: number;
  /** How long it lasts is the breaker's guess: a look that finds the model well again ends it. Default: no. */
  readonly isGuess?: boolean;
}

/** What a breaker remembers of one model. Counts fade with a half-life, so that old failures stop to matter. */
export interface BreakerState {
  readonly failuresInARow: number;
  readonly successes: number;
  readonly failures: number;
  readonly atMs: number;
  /** When the last call that failed began. */
  readonly failedStartMs: number;
}

export const closedBreaker: BreakerState = { failuresInARow: 0, successes: 0, failures: 0, atMs: 0, failedStartMs: 0 };

const halfLifeMs = 30_000;
const mostInARow = 3;
const highestFailureRate = 0.4;
/** A rate out of fewer failures says nothing. */
const fewestFailures = 4;
const firstRestMs = 10_000;
const restGrowth = 1.5;
const longestBreakerRestMs = 60_000;
const jitter = 0.1;

/** How long a model whose limit was reached rests, where neither the provider nor the document says it. */
const usualLimitRestMs = 10_000;
/** Credit that is used up does not come back within seconds. */
const usualQuotaRestMs = 300_000;

/** What happened to one call, as far as the breaker cares. */
export interface BreakerEvent {
  /** `undefined`: it succeeded. */
  readonly failure: ProviderFailure | undefined;
  /** A success that used up one of the provider's limits: how long nothing is left. */
  readonly spentForMs?: number | undefined;
  /** When the call began; undefined: now. */
  readonly startedAtMs?: number;
  /** It succeeded, and its first content was told by {@link afterFirstContent}: failures since then stay in a row. */
  readonly wasHeard?: boolean;
  /** False: it does not open the breaker, since no other model may do the task, or it began before the present rest. */
  readonly mayOpen: boolean;
}

export interface BreakerRules {
  /** `limits.cooldown_seconds` of the document, in milliseconds; undefined: not stated, 0: only the provider's own word. */
  readonly cooldownMs: number | undefined;
  /** In a row, before this call, how often the model was sent to rest without a success in between. */
  readonly openings: number;
  readonly nowMs: number;
  /** A draw from 0 to 1 that spreads the ends of rests. */
  readonly draw: number;
}

/**
 * The state after a call, and the rest that it leads to, if any. The provider's own word (`Retry-After`, a reached or
 * used up limit) is absolute. Else the breaker opens at three failures in a row, or where more than 40 % fail and more
 * than four did (half-life 30 s), for 10 s × 1.5^(n−1), at most 60 s, ±10 %; and only where it may.
 */
export function afterCall(
  state: BreakerState,
  event: BreakerEvent,
  rules: BreakerRules,
): { readonly state: BreakerState; readonly rest: Rest | undefined } {
  const { failure, spentForMs } = event;
  if (failure && !countsAgainstModel(failure)) return { state, rest: undefined };
  const counted = count(state, event, rules.nowMs);
  if (failure) {
    const ownMs = ownRestMs(failure, rules);
    if (ownMs !== undefined) return resting(failure.message, ownMs, rules);
    const breakerMs = event.mayOpen ? breakerRestMs(counted, rules) : undefined;
    if (breakerMs === undefined) return { state: counted, rest: undefined };
    return resting(failure.message, breakerMs, rules, rules.cooldownMs === undefined);
  }
  if (spentForMs === undefined) return { state: counted, rest: undefined };
  return resting('the provider says that nothing is left of its limit', spentForMs, { ...rules, openings: 0 });
}

/**
 * The state after the first content of a call: the model lived at that moment. What ends well much later, after a long
 * answer, tells nothing of the calls that failed meanwhile, nor does what began before the last of those.
 */
export const afterFirstContent = (state: BreakerState, startedAtMs: number): BreakerState =>
  startedAtMs < state.failedStartMs ? state : { ...state, failuresInARow: 0 };

function resting(
  reason: string,
  restMs: number,
  { nowMs, openings }: BreakerRules,
  isGuess = false,
): { readonly state: BreakerState; readonly rest: Rest } {
  return { state: closedBreaker, rest: { untilMs: nowMs + restMs, reason, openings: openings + 1, isGuess } };
}

/** Whether a failure tells something of the model's place, and not of the task, its caller, or this process alone. */
export const countsAgainstModel = ({ fine, reason }: ProviderFailure): boolean =>
  placeFailures.has(fine) && !ownFailures.has(reason);

const placeFailures = new Set<FineOutcome>(['RateLimited', 'Overloaded', 'Stalled', 'Truncated', 'AuthError']);
/** Of this process: siblings may well serve the model meanwhile. */
const ownFailures = new Set<FailureReason>(['crashed', 'does_not_fit', 'missing_key']);

/** Whether everything that is called with the same key rests too. */
export const restsItsKey = ({ reason }: ProviderFailure): boolean => reason === 'quota' || reason === 'bad_key';

/** The rest that the provider, or the document for a reached limit, asks for. */
function ownRestMs({ fine, reason, retryAfterMs }: ProviderFailure, { cooldownMs }: BreakerRules): number | undefined {
  if (retryAfterMs !== undefined) return Math.max(retryAfterMs, 1);
  if (fine !== 'RateLimited' || cooldownMs === 0) return undefined;
  return cooldownMs ?? (reason === 'quota' ? usualQuotaRestMs : usualLimitRestMs);
}

function breakerRestMs(state: BreakerState, { openings, cooldownMs, draw }: BreakerRules): number | undefined {
  const rate = state.failures / (state.failures + state.successes);
  const isOpen =
    openings > 0 ||
    state.failuresInARow >= mostInARow ||
    (state.failures > fewestFailures && rate > highestFailureRate);
  if (!isOpen || cooldownMs === 0) return undefined;
  if (cooldownMs !== undefined) return cooldownMs;
  const growing = Math.min(longestBreakerRestMs, firstRestMs * restGrowth ** openings);
  return Math.min(longestBreakerRestMs, Math.round(growing * (1 + jitter * (2 * draw - 1))));
}

function count(state: BreakerState, { failure, wasHeard, startedAtMs }: BreakerEvent, nowMs: number): BreakerState {
  const isFailure = failure !== undefined;
  const kept = 0.5 ** (Math.max(0, nowMs - state.atMs) / halfLifeMs);
  return {
    failuresInARow: isFailure ? state.failuresInARow + 1 : wasHeard ? state.failuresInARow : 0,
    failedStartMs: isFailure ? Math.max(state.failedStartMs, startedAtMs ?? nowMs) : state.failedStartMs,
    successes: state.successes * kept + (isFailure ? 0 : 1),
    failures: state.failures * kept + (isFailure ? 1 : 0),
    atMs: nowMs,
  };
}
