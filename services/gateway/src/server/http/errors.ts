import type { ServerResponse } from 'node:http';
import { TaskError, type TaskErrorCode } from '@will/client';
import type { wire } from '@will/contracts';
import { GuardError, type GuardCode } from '../../auth/keys/guard.ts';

/** Details of an error beside its message. */
export interface HttpErrorDetails {
  /** The field that is wrong, as a path: `messages.0.role`. */
  readonly param?: string;
  /** Further response headers, as pairs one after another. */
  readonly headers?: readonly string[];
  /** Beside the fields of OpenAI inside `error`. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An answer that is not 200, in OpenAI's words. The message names the value and what was allowed, never content. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly headers: readonly string[];
  readonly more: Readonly<Record<string, unknown>>;
  constructor(status: number, code: string, message: string, details: HttpErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.status = status;
    this.code = code;
    this.param = details.param ?? null;
    this.headers = details.headers ?? [];
    this.more = details.more ?? {};
  }
}

/** The error of a request that is wrong by itself. */
export const invalid = (message: string, param?: string): HttpError =>
  new HttpError(400, 'invalid_request', message, param === undefined ? {} : { param });

const statuses: Record<TaskErrorCode, number> = {
  invalid_task: 400,
  blocked: 403,
  all_failed: 502,
  deadline: 504,
  worker_lost: 503,
  router_lost: 503,
  truncated: 502,
  // Nobody is there to read it when the caller went; some other end of the task may have been cancelled, too.
  cancelled: 499,
  overloaded: 429,
  unavailable: 503,
  too_large: 413,
  unknown_task: 404,
  unknown_client: 400,
  unknown_project: 400,
  unknown_model: 404,
  model_not_allowed: 403,
  forbidden: 403,
  context_length_exceeded: 400,
  content_filtered: 400,
  limit_unreachable: 403,
  budget_exhausted: 429,
  no_worker: 503,
  internal: 500,
};

/** Any failure as an HTTP answer. What is no typed failure says nothing of the inside. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof TaskError) return fromTaskError(error);
  if (error instanceof GuardError) return fromGuardError(error);
  return new HttpError(500, 'internal', 'the gateway failed; its log says why', { cause: error });
}

const guardStatuses: Record<GuardCode, number> = { unauthenticated: 401, forbidden: 403, unavailable: 503 };

const fromGuardError = ({ code, message }: GuardError): HttpError =>
  new HttpError(guardStatuses[code], code, message, {
    headers:
      code === 'unauthenticated' ? ['www-authenticate', 'Bearer'] : code === 'unavailable' ? ['retry-after', '1'] : [],
  });

function fromTaskError(error: TaskError): HttpError {
  const { code, taskId, decisionId, attempts, exclusions, isRetryable } = error;
  const status = statuses[code];
  const param = attempts.findLast((attempt) => attempt.param !== '')?.param;
  return new HttpError(status, code, error.message, {
    ...(param !== undefined && code === 'invalid_task' && { param }),
    headers: [
      ...decisionHeaders(taskId, decisionId, attempts),
      ...retryHeaders(status, error),
      // OpenAI's own libraries repeat 5xx unless told: a task that used its time up, or would fail again, is not repeated.
      'x-should-retry',
      String(isRetryable && code !== 'deadline'),
    ],
    more: {
      task_id: taskId,
      ...(decisionId !== '' && { decision_id: decisionId }),
      retryable: isRetryable,
      attempts: attempts.map(shownAttempt),
      exclusions: exclusions.map(({ model, rule, detail }) => ({ model, rule, detail })),
    },
    cause: error,
  });
}

function retryHeaders(status: number, { isRetryable, retryAfterMs }: TaskError): readonly string[] {
  const isWanted = status === 429 || (status === 503 && isRetryable) || retryAfterMs > 0;
  return isWanted ? retryAfter(retryAfterMs) : [];
}

/** When to retry: in the seconds of HTTP, rounded up, and exactly, as OpenAI's libraries read it. */
const retryAfter = (ms: number): readonly string[] => [
  'retry-after',
  String(Math.max(1, Math.ceil(ms / 1000))),
  ...(ms > 0 ? ['retry-after-ms', String(Math.ceil(ms))] : []),
];

/** No more is taken in here for so long. */
export const tooMany = (why: string, retryAfterMs: number): HttpError =>
  new HttpError(429, 'overloaded', why, {
    headers: retryAfter(retryAfterMs),
    more: { retryable: true, retry_after_ms: retryAfterMs },
  });

/** An attempt as errors show it. */
export const shownAttempt = ({ number, model, outcome, status, reason, durationMs }: wire.AttemptSummary): object => ({
  number,
  model,
  outcome,
  status,
  reason,
  duration_ms: durationMs,
});

/** Headers that name what the request stated and Will ignored. */
export const noticeHeaders = (notices: readonly string[] = []): readonly string[] =>
  notices.length === 0 ? [] : ['x-will-notice', headerSafe(notices.join('; '))];

/**
 * Headers that name the task and decision of an answer, and the way that was gone: `<decision>; gpt-4:AuthError,
 * llama:Success`.
 */
export function decisionHeaders(
  taskId: string,
  decisionId: string,
  attempts: readonly wire.AttemptSummary[],
): string[] {
  if (decisionId === '') return ['x-will-task-id', taskId];
  let way = '';
  for (const { model, status } of attempts.slice(0, 20)) way += `${way === '' ? '' : ', '}${model}:${status}`;
  way = way.replace(/[^\x20-\x7e]/g, '?');
  const decision = way === '' ? decisionId : `${decisionId}; ${way}`;
  return ['x-will-task-id', taskId, 'x-will-decision-id', decisionId, 'x-will-decision', decision];
}

const types: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
  504: 'timeout_error',
};
const typeOf = (status: number): string => types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');

/** The body that OpenAI's libraries understand, with what else is known beside their four fields. */
export const errorBody = (error: HttpError): string => JSON.stringify({ error: openAiFields(error) });

/** The codes that OpenAI's own API has for the same. */
const openAiCodes: Readonly<Record<string, string>> = {
  content_filtered: 'content_filter',
  unknown_model: 'model_not_found',
};

/** Fields of an error, with OpenAI's codes. */
export const openAiFields = (error: HttpError): Record<string, unknown> => ({
  ...errorFields(error),
  code: openAiCodes[error.code] ?? error.code,
});

/** Fields of an error, under OpenAI's names and ours. */
export const errorFields = ({ status, code, param, message, more }: HttpError): Record<string, unknown> => ({
  message,
  type: typeOf(status),
  param,
  code,
  ...more,
});

/** What a caller wrote may stand in a header of its answer, but not break it. */
const headerSafe = (value: string): string => value.replace(/[^\x20-\x7e]/g, '?').slice(0, 1_024);

/** Answers with an error; does nothing where an answer has begun already or nobody listens. */
export function sendError(
  response: ServerResponse,
  error: HttpError,
  bodyOf: (error: HttpError) => string = errorBody,
): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(bodyOf(error));
  response.writeHead(error.status, [
    'content-type',
    'application/json; charset=utf-8',
    'content-length',
    String(body.length),
    ...error.headers.map(headerSafe),
  ]);
  response.end(body);
}
