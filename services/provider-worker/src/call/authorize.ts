import {
  decide,
  exclusionOf,
  isUnrestricted,
  namedExclusionOf,
  requirementOf,
  type DataClass,
  type Facts,
  type Limit,
  type Model,
  type Snapshot,
} from '@will/core';

/**
 * The reason why a call is not made. Another worker, or this one a moment later, may decide otherwise where
 * `isRetryable`.
 */
export interface Refusal {
  readonly rule: string;
  readonly detail: string;
  readonly isRetryable: boolean;
}

export interface CallToAuthorize {
  readonly facts: Facts;
  /** The class of the subject it came by. */
  readonly dataClass: DataClass;
  readonly revision: number;
  readonly expiresUnixMs: number;
}

/**
 * Says why a call must not be made; undefined: it may. `snapshotAgeMs`: since the snapshot was confirmed to be the
 * newest.
 */
export type Authorizer = (
  call: CallToAuthorize,
  model: Model,
  snapshot: Snapshot,
  snapshotAgeMs: number,
  nowMs: number,
) => Refusal | undefined;

/** Authorizes the calls of a worker. A snapshot that was not confirmed for longer than `staleAfterMs` may allow what is forbidden by now. */
export const authorizeBy =
  (staleAfterMs: number): Authorizer =>
  (call, model, snapshot, snapshotAgeMs, nowMs) =>
    refusalByAge(call, snapshot, snapshotAgeMs > staleAfterMs ? snapshotAgeMs : undefined, nowMs) ??
    refusalByRules(call, model, snapshot, nowMs);

function refusalByAge(
  call: CallToAuthorize,
  snapshot: Snapshot,
  unconfirmedForMs: number | undefined,
  nowMs: number,
): Refusal | undefined {
  if (call.expiresUnixMs <= nowMs) return { rule: 'expired', detail: 'the decision has expired', isRetryable: true };
  if (snapshot.revision < call.revision)
    return {
      rule: 'stale_snapshot',
      detail: `revision ${snapshot.revision} is older than the decision's ${call.revision}`,
      isRetryable: true,
    };
  if (unconfirmedForMs !== undefined && !mayDoWithOld(call, snapshot))
    return {
      rule: 'stale_snapshot',
      detail: `the documents were not confirmed for ${Math.round(unconfirmedForMs / 1000)} s`,
      isRetryable: true,
    };
  return undefined;
}

/** The class of the subject counts beside the rules: what came as anything but open data is none. */
const mayDoWithOld = (call: CallToAuthorize, snapshot: Snapshot): boolean =>
  call.dataClass === 'open' && isUnrestricted(requirementOf(snapshot, call.facts));

/**
 * The worker's own look at the rules, on its own snapshot, right before the call. The same predicate as policy's, so
 * that neither a faulty router nor a decision that has aged can bring data to a model that may not see it.
 */
function refusalByRules(call: CallToAuthorize, model: Model, snapshot: Snapshot, nowMs: number): Refusal | undefined {
  const requirement = requirementOf(snapshot, call.facts);
  if (requirement.dataClass !== call.dataClass)
    return { rule: 'data_class', detail: `${requirement.dataClass} data came as ${call.dataClass}`, isRetryable: true };
  const exclusion =
    exclusionOf(model, requirement, call.facts, nowMs) ?? namedExclusionOf(snapshot, requirement, call.facts, nowMs);
  if (exclusion) return { rule: exclusion.rule, detail: exclusion.detail, isRetryable: true };
  return call.revision < snapshot.revision ? refusalByNewerDecision(call, model, snapshot, nowMs) : undefined;
}

/** What an older revision decided holds only where this one would decide the same: routes and pins change too. */
function refusalByNewerDecision(
  call: CallToAuthorize,
  model: Model,
  snapshot: Snapshot,
  nowMs: number,
): Refusal | undefined {
  const isStillChosen = decide(snapshot, call.facts, nowMs).candidates.some((one) => one.model === model.slug);
  if (isStillChosen) return undefined;
  const detail = `revision ${call.revision} chose it, revision ${snapshot.revision} does not`;
  return { rule: 'old_decision', detail, isRetryable: true };
}

/** A model in this process that is told no end may talk until the deadline: who says nothing gets so much. */
const defaultOnDeviceTokens = 1_024;

/** Where tokens or money are limited and nobody says how long an answer may be, it may be so long. */
const defaultLimitedTokens = 4_096;

/** As {@link outputLimit}, for a call that counts against these limits: what it may come to must be known before it. */
export function outputLimitWithin(
  limits: readonly Limit[],
  model: Model,
  wantedTokens: number,
  inputTokens: number,
): number | undefined {
  const isLimited = limits.some(({ metric }) => metric !== 'requests');
  const wanted = wantedTokens === 0 && isLimited ? defaultLimitedTokens : wantedTokens;
  return outputLimit(model, wanted, inputTokens);
}

/**
 * Maximum of output tokens that is sent with a call. Undefined: nothing is sent, since neither the caller nor the
 * document bounds the output: a context alone does not, it only clamps what is asked for.
 */
export function outputLimit(model: Model, wantedTokens: number, inputTokens: number): number | undefined {
  const usual = model.callMethod === 'on-device' ? defaultOnDeviceTokens : undefined;
  const asked = least([
    wantedTokens > 0 ? wantedTokens : usual,
    model.maxTokensPerCall === undefined ? undefined : model.maxTokensPerCall - inputTokens,
  ]);
  return asked === undefined ? undefined : Math.max(1, least([asked, outputBound(model, inputTokens)]) ?? asked);
}

/** Output tokens that a call can come to, by what is known of the model; undefined: nothing is. */
export function outputBound(model: Model, inputTokens: number): number | undefined {
  const left = model.contextTokens === undefined ? undefined : Math.max(1, model.contextTokens - inputTokens);
  return least([model.maxOutputTokens, left]);
}

function least(bounds: readonly (number | undefined)[]): number | undefined {
  const known = bounds.filter((bound) => bound !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
