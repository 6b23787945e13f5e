import type { FailureReason, CallStatus, ProviderFailure } from '../domain/outcome.ts';

/** The reason why a model is cooling down, and until when. */
export interface Cooldown {
  readonly untilMs: number;
  /** For operators; never content. */
  readonly reason: string;
  /** How often in a row the circuit opened; each cooldown by the breaker is longer than the one before. From 1. */
  readonly timesOpened: number;
  /** Its length is the breaker's guess: a successful health check ends it. Default: no. */
  readonly isGuess?: boolean;
}

/** The memory of a breaker about one model. Counts fade with a half-life, so that old failures stop to matter. */
export interface BreakerState {
  readonly failuresInARow: number;
  readonly successes: number;
  readonly failures: number;
  readonly atMs: number;
  /** When the last call that failed began. */
  readonly failedStartMs: number;
}

/** The state of a circuit breaker at first. */
export const closedBreaker: BreakerState = { failuresInARow: 0, successes: 0, failures: 0, atMs: 0, failedStartMs: 0 };

const halfLifeMs = 30_000;
const maxFailuresInARow = 3;
const highestFailureRate = 0.4;
/** A rate out of fewer failures says nothing. */
const minFailures = 4;
const firstCooldownMs = 10_000;
const cooldownGrowth = 1.5;
const maxBreakerCooldownMs = 60_000;
const jitter = 0.1;

/** Cooldown of a model whose limit was reached, where neither the provider nor the document says it. */
const defaultLimitCooldownMs = 10_000;
/** Credit that is used up does not come back within seconds. */
const defaultQuotaCooldownMs = 300_000;

/** The end of one call, as far as the breaker cares. */
export interface BreakerEvent {
  /** `undefined`: it succeeded. */
  readonly failure: ProviderFailure | undefined;
  /** A success that used up one of the provider's limits: how long nothing is left. */
  readonly spentForMs?: number | undefined;
  /** When the call began; undefined: now. */
  readonly startedAtMs?: number;
  /** It succeeded, and its first content was told by {@link afterFirstContent}: failures since then stay in a row. */
  readonly wasHeard?: boolean;
  /** False: it does not open the breaker, since no other model may do the task, or it began before the present cooldown. */
  readonly mayOpen: boolean;
}

/** Thresholds of a circuit breaker. */
export interface BreakerRules {
  /** `limits.cooldown_seconds` of the document, in milliseconds; undefined: not stated, 0: only the provider's own word. */
  readonly cooldownMs: number | undefined;
  /** How often the circuit opened in a row before this call, without a success in between. */
  readonly timesOpened: number;
  readonly nowMs: number;
  /** A draw from 0 to 1 that spreads the ends of cooldowns. */
  readonly draw: number;
}

/**
 * The state after a call, and the cooldown that it leads to, if any. The provider's own word (`Retry-After`, a reached or
 * used up limit) is absolute. Else the breaker opens at three failures in a row, or where more than 40 % fail and more
 * than four did (half-life 30 s), for 10 s × 1.5^(n−1), at most 60 s, ±10 %; and only where it may.
 */
export function afterCall(
  state: BreakerState,
  event: BreakerEvent,
  rules: BreakerRules,
): { readonly state: BreakerState; readonly cooldown: Cooldown | undefined } {
  const { failure, spentForMs } = event;
  if (failure && !countsAgainstModel(failure)) return { state, cooldown: undefined };
  const counted = count(state, event, rules.nowMs);
  if (failure) {
    const ownMs = statedCooldownMs(failure, rules);
    if (ownMs !== undefined) return opened(failure.message, ownMs, rules);
    const breakerMs = event.mayOpen ? breakerCooldownMs(counted, rules) : undefined;
    if (breakerMs === undefined) return { state: counted, cooldown: undefined };
    return opened(failure.message, breakerMs, rules, rules.cooldownMs === undefined);
  }
  if (spentForMs === undefined) return { state: counted, cooldown: undefined };
  return opened('the provider says that nothing is left of its limit', spentForMs, { ...rules, timesOpened: 0 });
}

/**
 * The state after the first content of a call: the model lived at that moment. What ends well much later, after a long
 * answer, tells nothing of the calls that failed meanwhile, nor does what began before the last of those.
 */
export const afterFirstContent = (state: BreakerState, startedAtMs: number): BreakerState =>
  startedAtMs < state.failedStartMs ? state : { ...state, failuresInARow: 0 };

function opened(
  reason: string,
  cooldownMs: number,
  { nowMs, timesOpened }: BreakerRules,
  isGuess = false,
): { readonly state: BreakerState; readonly cooldown: Cooldown } {
  return {
    state: closedBreaker,
    cooldown: { untilMs: nowMs + cooldownMs, reason, timesOpened: timesOpened + 1, isGuess },
  };
}

/**
 * True of a failure that tells something of the model's place, and not of the task, its caller, or this process alone.
 */
export const countsAgainstModel = ({ status, reason }: ProviderFailure): boolean =>
  placeFailures.has(status) && !ownFailures.has(reason);

const placeFailures = new Set<CallStatus>([
  'RateLimited',
  'Overloaded',
  'ProviderError',
  'Stalled',
  'Truncated',
  'AuthError',
]);
/** Of this process: siblings may well serve the model meanwhile. */
const ownFailures = new Set<FailureReason>(['crashed', 'does_not_fit', 'missing_key']);

/** True where all models with the same key cool down too. */
export const coolsDownItsKey = ({ reason }: ProviderFailure): boolean => reason === 'quota' || reason === 'bad_key';

/** The cooldown that the provider, or the document for a reached limit, asks for. */
function statedCooldownMs(
  { status, reason, retryAfterMs }: ProviderFailure,
  { cooldownMs }: BreakerRules,
): number | undefined {
  if (retryAfterMs !== undefined) return Math.max(retryAfterMs, 1);
  if (status !== 'RateLimited' || cooldownMs === 0) return undefined;
  return cooldownMs ?? (reason === 'quota' ? defaultQuotaCooldownMs : defaultLimitCooldownMs);
}

function breakerCooldownMs(state: BreakerState, { timesOpened, cooldownMs, draw }: BreakerRules): number | undefined {
  const rate = state.failures / (state.failures + state.successes);
  const isOpen =
    timesOpened > 0 ||
    state.failuresInARow >= maxFailuresInARow ||
    (state.failures > minFailures && rate > highestFailureRate);
  if (!isOpen || cooldownMs === 0) return undefined;
  if (cooldownMs !== undefined) return cooldownMs;
  const growing = Math.min(maxBreakerCooldownMs, firstCooldownMs * cooldownGrowth ** timesOpened);
  return Math.min(maxBreakerCooldownMs, Math.round(growing * (1 + jitter * (2 * draw - 1))));
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
