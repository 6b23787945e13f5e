import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { failureCodeOf, TaskError, type TaskErrorCode } from '@will/client';
import { create, wire } from '@will/contracts';
import { GuardError, type GuardCode } from '../../auth/keys/guard.ts';

/** A call that is refused by the server itself. The message names the value and what was allowed, never content. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: status;
  constructor(code: status, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const codes: Record<TaskErrorCode, status> = {
  invalid_task: status.INVALID_ARGUMENT,
  blocked: status.PERMISSION_DENIED,
  all_failed: status.UNAVAILABLE,
  deadline: status.DEADLINE_EXCEEDED,
  worker_lost: status.UNAVAILABLE,
  router_lost: status.UNAVAILABLE,
  truncated: status.DATA_LOSS,
  cancelled: status.CANCELLED,
  overloaded: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  too_large: status.RESOURCE_EXHAUSTED,
  unknown_task: status.NOT_FOUND,
  unknown_client: status.INVALID_ARGUMENT,
  unknown_project: status.INVALID_ARGUMENT,
  unknown_model: status.NOT_FOUND,
  model_not_allowed: status.PERMISSION_DENIED,
  forbidden: status.PERMISSION_DENIED,
  context_length_exceeded: status.INVALID_ARGUMENT,
  content_filtered: status.INVALID_ARGUMENT,
  limit_unreachable: status.FAILED_PRECONDITION,
  budget_exhausted: status.RESOURCE_EXHAUSTED,
  no_worker: status.UNAVAILABLE,
  internal: status.INTERNAL,
};

const guardCodes: Record<GuardCode, status> = {
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
};

/** Trailers may not exceed what clients read; a failure with more than this goes without its lists. */
const maxDetailBytes = 6 * 1024;

/** The status of a call that failed. What is no typed failure says nothing of the inside. */
export function statusOf(error: unknown): Partial<StatusObject> {
  if (error instanceof TaskError) return ofTask(error);
  if (error instanceof GuardError) return { code: guardCodes[error.code], details: error.message };
  if (error instanceof GrpcError) return { code: error.code, details: error.message };
  return { code: status.INTERNAL, details: 'the gateway failed; its log says why' };
}

function ofTask(error: TaskError): Partial<StatusObject> {
  const code = codes[error.code];
  const metadata = new Metadata();
  metadata.set('x-will-task-id', error.taskId);
  if (error.decisionId !== '') metadata.set('x-will-decision-id', error.decisionId);
  const whole = richStatus(error, code, true);
  metadata.set('grpc-status-details-bin', whole.length <= maxDetailBytes ? whole : richStatus(error, code, false));
  return { code, details: error.message, metadata };
}

function richStatus(error: TaskError, code: status, withLists: boolean): Buffer {
  const failure = create(wire.FailureSchema, {
    code: failureCodeOf(error.code),
    message: error.message,
    retryable: error.isRetryable,
    retryAfterMs: error.retryAfterMs,
    decisionId: error.decisionId,
    ...(withLists && { attempts: [...error.attempts], exclusions: [...error.exclusions] }),
  });
  const info = create(wire.ErrorInfoSchema, {
    reason: error.code.toUpperCase(),
    domain: 'will.v1',
    metadata: { task_id: error.taskId, decision_id: error.decisionId, retryable: String(error.isRetryable) },
  });
  const details = [packed(wire.FailureSchema, failure), packed(wire.ErrorInfoSchema, info)];
  if (error.isRetryable) details.push(packed(wire.RetryInfoSchema, retryInfo(error.retryAfterMs)));
  return Buffer.from(
    toBinary(wire.RpcStatusSchema, create(wire.RpcStatusSchema, { code, message: error.message, details })),
  );
}

const packed = <S extends DescMessage>(schema: S, message: MessageShape<S>) => anyPack(schema, message);

const retryInfo = (retryAfterMs: number) =>
  create(wire.RetryInfoSchema, {
    retryDelay: { seconds: BigInt(Math.floor(retryAfterMs / 1000)), nanos: (retryAfterMs % 1000) * 1_000_000 },
  });
