import { TaskError } from '@will/client';
import { OperatorError } from '@will/operator';

export type AdminErrorCode =
  | 'invalid_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'host_not_allowed'
  | 'origin_not_allowed'
  | 'not_found'
  | 'method_not_allowed'
  | 'too_large'
  | 'unavailable'
  | 'failed'
  | 'internal';

const statuses: Readonly<Record<AdminErrorCode, number>> = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  host_not_allowed: 403,
  origin_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unavailable: 503,
  failed: 502,
  internal: 500,
};

/** An answer that is not 200. The message names the value and what was allowed, never content. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly code: AdminErrorCode;
  /** The field that is wrong; undefined: none is. */
  readonly param: string | undefined;
  constructor(
    code: AdminErrorCode,
    message: string,
    details: { readonly param?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.code = code;
    this.param = details.param;
  }
  get status(): number {
    return statuses[this.code];
  }
}

const ofOperator = {
  unreachable: 'unavailable',
  timeout: 'failed',
  failed: 'failed',
  refused: 'invalid_request',
} as const;

/** Any failure as an answer. A failure without a type says nothing of the inside. */
export function toAdminError(error: unknown): AdminError {
  if (error instanceof AdminError) return error;
  if (error instanceof OperatorError) return new AdminError(ofOperator[error.code], error.message, { cause: error });
  if (error instanceof TaskError)
    return new AdminError(codeOfTask(error), `${error.code}: ${error.message}`, { cause: error });
  return new AdminError('internal', 'the console failed; its log says why', { cause: error });
}

function codeOfTask({ code, isRetryable }: TaskError): AdminErrorCode {
  if (code === 'unknown_task') return 'not_found';
  if (code === 'forbidden') return 'forbidden';
  return isRetryable ? 'unavailable' : 'invalid_request';
}
