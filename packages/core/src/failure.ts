import type { FailureReason, FineOutcome, ProviderFailure } from './outcome.ts';
import { retryAfterMs, type ProviderWord } from './provider-rest.ts';

/** What a provider answered when it did not do the call. */
export interface FailedAnswer extends ProviderWord {
  readonly status: number;
}

interface Kind {
  readonly fine: FineOutcome;
  readonly message: string;
  /** Another model may well succeed. */
  readonly isRetryable: boolean;
}

/** One row per reason: everything that is said of a failure comes from here, never from the provider's own text. */
const kinds: Record<FailureReason, Kind> = {
  rate_limit: { fine: 'RateLimited', message: 'the provider’s rate limit is reached', isRetryable: true },
  quota: { fine: 'RateLimited', message: 'the provider’s quota or credit is used up', isRetryable: true },
  context_length: { fine: 'Invalid', message: 'the input is too long for the model', isRetryable: true },
  content_filter: { fine: 'ContentFilter', message: 'the provider’s content filter refused', isRetryable: true },
  bad_key: { fine: 'AuthError', message: 'the provider did not accept the key', isRetryable: true },
  missing_key: { fine: 'AuthError', message: 'the key is missing', isRetryable: true },
  bad_request: { fine: 'Invalid', message: 'the provider found the request invalid', isRetryable: true },
  not_found: { fine: 'Invalid', message: 'the provider does not know the model', isRetryable: true },
  server_error: { fine: 'Overloaded', message: 'the provider failed', isRetryable: true },
  overloaded: { fine: 'Overloaded', message: 'the provider is overloaded', isRetryable: true },
  connection: { fine: 'Overloaded', message: 'the connection to the provider failed', isRetryable: true },
  bad_response: { fine: 'Overloaded', message: 'the provider’s answer could not be read', isRetryable: true },
  truncated: { fine: 'Truncated', message: 'the provider’s answer broke off', isRetryable: true },
  first_token_timeout: { fine: 'Stalled', message: 'the first content took too long', isRetryable: true },
  stalled: { fine: 'Stalled', message: 'the provider fell silent within its answer', isRetryable: true },
  deadline: { fine: 'Deadline', message: 'the deadline passed', isRetryable: false },
  cancelled: { fine: 'Cancelled', message: 'cancelled', isRetryable: false },
  crashed: { fine: 'Overloaded', message: 'the model’s process crashed', isRetryable: true },
  does_not_fit: { fine: 'Overloaded', message: 'the model does not fit this machine', isRetryable: true },
};

/** The failure of a reason. */
export function failureOf(
  reason: FailureReason,
  details: { readonly status?: number; readonly retryAfterMs?: number | undefined; readonly detail?: string } = {},
): ProviderFailure {
  const { fine, message, isRetryable } = kinds[reason];
  return {
    fine,
    reason,
    message: details.detail === undefined ? message : `${message} (${details.detail})`,
    status: details.status,
    isRetryable,
    retryAfterMs: details.retryAfterMs,
  };
}

/** Codes in bodies, in the order in which they are looked for. They say more than the status. */
const bodyCodes: readonly (readonly [RegExp, FailureReason])[] = [
  [/insufficient_quota|billing_hard_limit|billing_not_active|credit balance is too low/i, 'quota'],
  [/"?(content_filter|content_policy_violation|blockReason|ResponsibleAIPolicyViolation)/i, 'content_filter'],
  [
    /context_length_exceeded|exceed_context_size_error|prompt is too long|maximum context length|input token count.{0,40}exceeds/i,
    'context_length',
  ],
  [/invalid_api_key|authentication_error|permission_error|API_KEY_INVALID/i, 'bad_key'],
  [/overloaded_error|"UNAVAILABLE"/i, 'overloaded'],
  [/rate_limit_exceeded|rate_limit_error|"RESOURCE_EXHAUSTED"/i, 'rate_limit'],
];

/** Status codes whose meaning does not hang on the body. */
const statuses: Readonly<Record<number, FailureReason>> = {
  401: 'bad_key',
  402: 'quota',
  403: 'bad_key',
  404: 'not_found',
  408: 'first_token_timeout',
  413: 'context_length',
  429: 'rate_limit',
  503: 'overloaded',
  504: 'first_token_timeout',
  529: 'overloaded',
};

/** Classifies an answer that is no success: the codes in its body first, then its status. Total. */
export function classifyHttp(answer: FailedAnswer): ProviderFailure {
  const { status } = answer;
  const reason =
    reasonInBody(answer.body) ??
    statuses[status] ??
    (status >= 500 ? 'server_error' : status >= 400 ? 'bad_request' : 'bad_response');
  return failureOf(reason, { status, retryAfterMs: retryAfterMs(answer, kinds[reason].fine === 'RateLimited') });
}

/** The reason that a provider's own error object tells, wherever it stands; undefined: none that is known. */
export const reasonInBody = (body: string): FailureReason | undefined =>
  bodyCodes.find(([pattern]) => pattern.test(body))?.[1];

/** Classifies a connection that failed by the code of its error: `ECONNREFUSED`, `UND_ERR_HEADERS_TIMEOUT`, … */
export function classifyTransport(code: string): ProviderFailure {
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return failureOf('first_token_timeout');
  if (code === 'UND_ERR_BODY_TIMEOUT') return failureOf('stalled');
  return failureOf('connection', /^[A-Z_]{3,40}$/.test(code) ? { detail: code } : {});
}
