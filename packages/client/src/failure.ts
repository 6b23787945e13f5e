import { wire } from '@will/contracts';
import { TaskError, type TaskErrorCode } from './api.ts';

const codes: Record<wire.FailureCode, TaskErrorCode> = {
  [wire.FailureCode.UNSPECIFIED]: 'internal',
  [wire.FailureCode.INVALID_TASK]: 'invalid_task',
  [wire.FailureCode.BLOCKED]: 'blocked',
  [wire.FailureCode.ALL_FAILED]: 'all_failed',
  [wire.FailureCode.DEADLINE]: 'deadline',
  [wire.FailureCode.WORKER_LOST]: 'worker_lost',
  [wire.FailureCode.ROUTER_LOST]: 'router_lost',
  [wire.FailureCode.TRUNCATED]: 'truncated',
  [wire.FailureCode.CANCELLED]: 'cancelled',
  [wire.FailureCode.OVERLOADED]: 'overloaded',
  [wire.FailureCode.UNAVAILABLE]: 'unavailable',
  [wire.FailureCode.TOO_LARGE]: 'too_large',
  [wire.FailureCode.INTERNAL]: 'internal',
  [wire.FailureCode.NO_WORKER]: 'no_worker',
  [wire.FailureCode.UNKNOWN_TASK]: 'unknown_task',
  [wire.FailureCode.UNKNOWN_CLIENT]: 'unknown_client',
  [wire.FailureCode.UNKNOWN_PROJECT]: 'unknown_project',
  [wire.FailureCode.UNKNOWN_MODEL]: 'unknown_model',
  [wire.FailureCode.MODEL_NOT_ALLOWED]: 'model_not_allowed',
  [wire.FailureCode.FORBIDDEN]: 'forbidden',
  [wire.FailureCode.CONTEXT_LENGTH_EXCEEDED]: 'context_length_exceeded',
  [wire.FailureCode.CONTENT_FILTERED]: 'content_filtered',
  [wire.FailureCode.LIMIT_UNREACHABLE]: 'limit_unreachable',
  [wire.FailureCode.BUDGET_EXHAUSTED]: 'budget_exhausted',
};
const wireCodes = new Map(Object.entries(codes).map(([number, code]) => [code, Number(number) as wire.FailureCode]));

/** A number from a newer sender reads as `internal`. */
export const codeOfFailure = (code: wire.FailureCode): TaskErrorCode => codes[code] ?? 'internal';
/** The wire code of a client's error code. */
export const failureCodeOf = (code: TaskErrorCode): wire.FailureCode =>
  wireCodes.get(code) ?? wire.FailureCode.INTERNAL;

/** A failure from the wire as what is thrown. */
export const taskErrorOf = (failure: wire.Failure, taskId: string, cause?: unknown): TaskError =>
  new TaskError(codeOfFailure(failure.code), failure.message, {
    taskId,
    isRetryable: failure.retryable,
    retryAfterMs: failure.retryAfterMs,
    decisionId: failure.decisionId,
    attempts: failure.attempts,
    exclusions: failure.exclusions,
    cause,
  });
