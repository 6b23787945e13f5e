import type { Exclusion, ExclusionRule, RankedSet } from '@will/core';
import { wire } from '@will/contracts';
import type { AcceptedTask } from './intake.ts';

/** Failures of an attempt that no other model would mend, as the caller is told of them. */
const terminalCodes: Readonly<Record<string, wire.FailureCode>> = {
  Cancelled: wire.FailureCode.CANCELLED,
  Deadline: wire.FailureCode.DEADLINE,
  Invalid: wire.FailureCode.INVALID_TASK,
  Policy: wire.FailureCode.BLOCKED,
};

/** Causes that lie in the task itself: the one that sends it again gets the same answer. */
const callersFaults: Readonly<Record<string, wire.FailureCode>> = {
  context_length: wire.FailureCode.CONTEXT_LENGTH_EXCEEDED,
  content_filter: wire.FailureCode.CONTENT_FILTERED,
  invalid_value: wire.FailureCode.INVALID_TASK,
  bad_request: wire.FailureCode.INVALID_TASK,
  limit: wire.FailureCode.LIMIT_UNREACHABLE,
};

/** The code of a task whose attempt failed for good. */
export const codeOf = ({ cause, status }: wire.AttemptSummary): wire.FailureCode =>
  (cause === 'not_found' ? undefined : (callersFaults[cause] ?? terminalCodes[status])) ?? wire.FailureCode.ALL_FAILED;

/**
 * The code of a task where each of its attempts failed by the task's own fault; undefined: another fault was among
 * them.
 */
export function callersFaultOf(summaries: readonly wire.AttemptSummary[]): wire.FailureCode | undefined {
  const attempts = summaries.filter(({ attemptId }) => attemptId !== '');
  const [first] = attempts;
  return first && attempts.every(({ cause }) => callersFaults[cause] !== undefined)
    ? callersFaults[first.cause]
    : undefined;
}

/** A model whose context the input overflowed; `tokens` undefined: its size is not known. */
export interface Overflow {
  readonly model: string;
  readonly tokens: number | undefined;
}

/** True where the provider, or the worker's check, found the input too long for the model. */
export const isOverflow = ({ attemptId, cause }: wire.AttemptSummary): boolean =>
  attemptId !== '' && cause === 'context_length';

/** The reason why a model is not tried after an overflow; undefined: its context is known to be larger. */
export function tooSmall(contextTokens: number | undefined, overflow: Overflow): string | undefined {
  const { model, tokens } = overflow;
  if (contextTokens === undefined) return `not tried: the input overflowed ${model}, and its own context is not known`;
  if (tokens === undefined || contextTokens > tokens) return undefined;
  return `not tried: the input overflowed ${model}, and its context of ${contextTokens} tokens is not larger than ${tokens}`;
}

const faultsInWords: Partial<Record<wire.FailureCode, string>> = {
  [wire.FailureCode.CONTEXT_LENGTH_EXCEEDED]:
    'the input is too long for every model that was tried, and no other one is known to have a larger context; send less',
  [wire.FailureCode.CONTENT_FILTERED]: 'a content filter of the provider rejected the task; change its content',
  [wire.FailureCode.INVALID_TASK]: 'the provider found the request invalid; correct it',
  [wire.FailureCode.LIMIT_UNREACHABLE]:
    'a limit can never admit this call; send less, ask for less output, or name another model',
};

/** The message of a caller's fault, with the whole way. */
export const faultMessage = (code: wire.FailureCode, summaries: readonly wire.AttemptSummary[]): string =>
  `${faultsInWords[code] ?? 'the task cannot be done'}: ${wayOf(summaries)}`;

/** Every model on the way and what became of it. */
export const wayOf = (summaries: readonly wire.AttemptSummary[]): string =>
  summaries
    .map(({ model, reason }) => `${model} (${reason})`)
    .join(', ')
    .slice(0, 1_000);

/** The code of a task that no model may do: it named one that it may not have, or nothing is left. */
export function codeOfBlocked({ rejection, exclusions }: RankedSet): wire.FailureCode {
  if (rejection) return rejectionCodes[rejection.rule] ?? wire.FailureCode.MODEL_NOT_ALLOWED;
  const asked = exclusions.filter(({ rule }) => rule !== 'not_in_route');
  const isTooLong = asked.length > 0 && asked.every(({ rule }) => rule === 'context_length');
  return isTooLong ? wire.FailureCode.CONTEXT_LENGTH_EXCEEDED : wire.FailureCode.BLOCKED;
}

const rejectionCodes: Partial<Record<ExclusionRule, wire.FailureCode>> = {
  unknown_model: wire.FailureCode.UNKNOWN_MODEL,
  context_length: wire.FailureCode.CONTEXT_LENGTH_EXCEEDED,
};

/** The message of a task that no model may do. */
export function blockedMessage({ facts }: AcceptedTask, { rejection, exclusions, dataClass }: RankedSet): string {
  if (rejection) return rejectionMessage(rejection);
  const asked = `${facts.taskType} for ${facts.client} (${dataClass} data)`;
  // A task type that is mistyped, or of which nothing is applied yet: one sentence instead of every model's tags.
  if (exclusions.every(({ rule }) => rule === 'task_type'))
    return `no model may do ${asked}: no model has this task type among its tags`;
  const shown = exclusions.slice(0, 5).map(({ model, rule }) => `${model}: ${rule}`);
  const more = exclusions.length > shown.length ? ` and ${exclusions.length - shown.length} more` : '';
  return `no model may do ${asked}: ${shown.join(', ')}${more}`;
}

function rejectionMessage({ model, rule, detail }: Exclusion): string {
  const instead = 'name another model, or send unavailable_model: route to let the route choose';
  if (rule === 'unknown_model') return `model ${JSON.stringify(model)} is not known: ${detail}; ${instead}`;
  if (rule === 'context_length') return `the input is too long for model ${model}: ${detail}; send less, or ${instead}`;
  return `model ${model} is not allowed for this task: ${rule} (${detail}); ${instead}`;
}
