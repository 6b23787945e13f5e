import { exclusionOf, requirementOf, type DataClass, type Facts, type Model, type Snapshot } from '@will/core';

/** Why a call is not made. Another worker, or this one a moment later, may judge otherwise where `isRetryable`. */
export interface Refusal {
  readonly rule: string;
  readonly detail: string;
  readonly isRetryable: boolean;
}

export interface CallToJudge {
  readonly facts: Facts;
  /** The class of the subject it came by. */
  readonly dataClass: DataClass;
  readonly revision: number;
  readonly expiresUnixMs: number;
}

/** A registry that was silent for longer may have forbidden what this snapshot allows. */
export const staleAfterMs = 15_000;

/**
 * The worker's own look at the rules, on its own snapshot, right before the call. The same predicate as policy's, so
 * that neither a faulty router nor a decision that has aged can bring data to a model that may not see it.
 */
export function refusalOf(
  call: CallToJudge,
  model: Model,
  snapshot: Snapshot,
  snapshotAgeMs: number,
  nowMs: number,
): Refusal | undefined {
  if (call.expiresUnixMs <= nowMs) return { rule: 'expired', detail: 'the decision has expired', isRetryable: true };
  if (snapshot.revision < call.revision)
    return {
      rule: 'stale_snapshot',
      detail: `revision ${snapshot.revision} is older than the decision's ${call.revision}`,
      isRetryable: true,
    };
  const requirement = requirementOf(snapshot, call.facts);
  if (requirement.dataClass !== call.dataClass)
    return { rule: 'data_class', detail: `${requirement.dataClass} data came as ${call.dataClass}`, isRetryable: true };
  if (snapshotAgeMs > staleAfterMs && call.dataClass !== 'open')
    return {
      rule: 'stale_snapshot',
      detail: `the registry was silent for ${Math.round(snapshotAgeMs / 1000)} s`,
      isRetryable: true,
    };
  const exclusion = exclusionOf(model, requirement, call.facts, nowMs);
  return exclusion && { rule: exclusion.rule, detail: exclusion.detail, isRetryable: true };
}

/** Output tokens a call may make; undefined: no limit that we know of. */
export function outputLimit(model: Model, wantedTokens: number, inputTokens: number): number | undefined {
  const limits = [
    wantedTokens > 0 ? wantedTokens : undefined,
    model.maxTokensPerCall === undefined ? undefined : model.maxTokensPerCall - inputTokens,
    model.contextTokens === undefined ? undefined : model.contextTokens - inputTokens,
  ].filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : Math.max(1, Math.min(...limits));
}
