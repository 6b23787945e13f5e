import type { FailureReason, CallStatus, ProviderFailure } from '../domain/outcome.ts';
import { type ProviderError, readProviderError } from './provider-error.ts';
import { retryAfterMs, type ProviderHints } from './retry-after.ts';

/** The answer of a provider that did not do the call. */
export interface FailedAnswer extends ProviderHints {
  readonly status: number;
}

interface Kind {
  readonly status: CallStatus;
  readonly message: string;
  /** Another model may well succeed. */
  readonly isRetryable: boolean;
}

/** One row per reason: everything that is said of a failure comes from here, never from the provider's own text. */
const kinds: Record<FailureReason, Kind> = {
  rate_limit: { status: 'RateLimited', message: 'the provider’s rate limit is reached', isRetryable: true },
  quota: { status: 'RateLimited', message: 'the provider’s quota or credit is used up', isRetryable: true },
  context_length: { status: 'Invalid', message: 'the input is too long for the model', isRetryable: true },
  content_filter: { status: 'ContentFilter', message: 'the provider’s content filter refused', isRetryable: true },
  bad_key: { status: 'AuthError', message: 'the provider did not accept the key', isRetryable: true },
  missing_key: { status: 'AuthError', message: 'the key is missing', isRetryable: true },
  bad_request: { status: 'Invalid', message: 'the provider found the request invalid', isRetryable: true },
  invalid_value: {
    status: 'Invalid',
    message: 'the provider found a value of the request invalid',
    isRetryable: false,
  },
  not_found: { status: 'Invalid', message: 'the provider does not know the model', isRetryable: true },
  server_error: { status: 'ProviderError', message: 'the provider failed', isRetryable: true },
  overloaded: { status: 'Overloaded', message: 'the provider is overloaded', isRetryable: true },
  connection: { status: 'ProviderError', message: 'the connection to the provider failed', isRetryable: true },
  bad_response: { status: 'ProviderError', message: 'the provider’s answer could not be read', isRetryable: true },
  truncated: { status: 'Truncated', message: 'the provider’s answer broke off', isRetryable: true },
  first_token_timeout: { status: 'Stalled', message: 'the first content took too long', isRetryable: true },
  stalled: { status: 'Stalled', message: 'the provider fell silent within its answer', isRetryable: true },
  deadline: { status: 'Deadline', message: 'the deadline passed', isRetryable: false },
  cancelled: { status: 'Cancelled', message: 'cancelled', isRetryable: false },
  revoked: { status: 'Busy', message: 'its router wants no more of it', isRetryable: true },
  crashed: { status: 'ProviderError', message: 'the model’s process crashed', isRetryable: true },
  does_not_fit: { status: 'ProviderError', message: 'the model does not fit this machine', isRetryable: true },
};

/** The failure of a reason. */
export function failureOf(
  reason: FailureReason,
  details: {
    readonly httpStatus?: number;
    readonly retryAfterMs?: number | undefined;
    readonly detail?: string;
    readonly vendorCode?: string | undefined;
    readonly param?: string | undefined;
  } = {},
): ProviderFailure {
  const { status, message, isRetryable } = kinds[reason];
  const { detail, httpStatus, retryAfterMs: cooldownMs, vendorCode, param } = details;
  return {
    status,
    reason,
    message: detail === undefined ? message : `${message} (${detail})`,
    httpStatus,
    isRetryable,
    retryAfterMs: cooldownMs,
    ...(vendorCode !== undefined && { vendorCode }),
    ...(param !== undefined && { param }),
  };
}

/** A vendor's codes, in the order in which they are looked for. They say more than the status. */
const codes: readonly (readonly [FailureReason, readonly string[]])[] = [
  [
    'quota',
    [
      'insufficient_quota',
      'billing_hard_limit_reached',
      'billing_not_active',
      'insufficient_balance',
      'quota_exceeded',
    ],
  ],
  [
    'content_filter',
    [
      'content_filter',
      'content_filtered',
      'content_policy_violation',
      'contentpolicyviolation',
      'responsibleaipolicyviolation',
      'moderation_blocked',
      'data_inspection_failed',
      'datainspectionfailed',
      'invalid_prompt',
      'prohibited_content',
      'content_moderation',
      'sensitive_words_detected',
    ],
  ],
  [
    'context_length',
    [
      'context_length_exceeded',
      'exceed_context_size_error',
      'request_too_large',
      'string_above_max_length',
      'model_max_prompt_tokens_exceeded',
      'model_context_window_exceeded',
      'tokens_limit_reached',
    ],
  ],
  [
    'bad_key',
    [
      'invalid_api_key',
      'api_key_invalid',
      'authentication_error',
      'permission_error',
      'account_deactivated',
      'unsupported_country_region_territory',
    ],
  ],
  ['overloaded', ['overloaded_error', 'unavailable', 'unavailable_error', 'engine_overloaded', 'server_is_overloaded']],
  ['rate_limit', ['rate_limit_exceeded', 'rate_limit_error', 'resource_exhausted', 'too_many_requests']],
  ['not_found', ['model_not_found', 'not_found_error', 'deploymentnotfound', 'model_not_exist']],
  [
    'invalid_value',
    [
      'invalid_value',
      'invalid_type',
      'missing_required_parameter',
      'unknown_parameter',
      'invalid_function_parameters',
      'integer_below_min_value',
      'integer_above_max_value',
      'decimal_below_min_value',
      'decimal_above_max_value',
      'array_above_max_length',
      'array_below_min_length',
      'empty_array',
      'empty_string',
      'invalid_base64',
      'invalid_image_url',
      'invalid_image_format',
      'image_parse_error',
    ],
  ],
];
const reasonOfCode = new Map(codes.flatMap(([reason, known]) => known.map((code) => [code, reason] as const)));
const rankOf = new Map(codes.map(([reason], rank) => [reason, rank]));

/** An account that may not be used any more: its words may sound like those about content. */
const suspended =
  /(account|organi[sz]ation|team|api key) .{0,60}(suspended|deactivated|disabled|banned|terminated|flagged)/i;
const spent =
  /(credit )?balance is too low|insufficient (balance|credits?|funds)|doesn.t have any credits|(out of|not enough) credits/i;
const tooLong = new RegExp(
  [
    'prompt is too long',
    '(input|prompt|request) (length )?is too (long|large) for',
    'maximum context length',
    'maximum prompt length is',
    'input token count.{0,40}exceeds',
    'exceeds? (the )?(available )?context (size|window|length|limit)',
    'exceeds? (the |this )?(model.?s? )?(maximum )?context (length|window)',
    'exceed context limit',
    'too large for model with',
    'longer than the (maximum model length|model.?s context length)',
    'too many tokens',
    'request too large for',
    'request exceeds the maximum size',
    'reduce the length of the (messages|prompt|input)',
    'exceeds the maximum allowed input length',
  ].join('|'),
  'i',
);
const aboutContent = new RegExp(
  [
    'content exists risk',
    'content[ _-](management|moderation|usage|safety)?[ _-]?(policy|policies|filter\\w*|guidelines?|moderation)',
    'violat\\w+ .{0,60}(polic\\w+|guidelines?|terms of)',
    '(input|prompt|request|content|message) .{0,40}(was|were|is|has been) (flagged|blocked)',
    'flagged (as|by|for) .{0,60}(moderation|safety|polic\\w+|unsafe|harm\\w*|violence|sexual|hate|sensitive)',
    'requires moderation|by moderation|by our moderation',
    'usage guidelines|usage polic\\w+',
    'safety_check|safety (system|filters?|settings|polic\\w+|guidelines|reasons)',
    '(inappropriate|prohibited|harmful|unsafe|sensitive) content',
    'responsible ai|guardrails? (intervened|blocked)',
    'blocked output|output blocked',
  ].join('|'),
  'i',
);

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

/** Classifies an answer that is no success: the provider's own words first, then its status. Total. */
export function classifyHttp(answer: FailedAnswer): ProviderFailure {
  const { status } = answer;
  const error = readProviderError(answer.body);
  const reason =
    reasonOf(error, status) ??
    statuses[status] ??
    (status >= 500 ? 'server_error' : status >= 400 ? 'bad_request' : 'bad_response');
  return failureOf(reason, {
    httpStatus: status,
    ...told(error, status),
    retryAfterMs: retryAfterMs(answer, kinds[reason].status === 'RateLimited'),
  });
}

/** A failure that a provider tells in place of content, in an answer that began well. `otherwise`: its words are not known. */
export function classifyTold(body: string, otherwise: FailureReason): ProviderFailure {
  const error = readProviderError(body);
  return failureOf(reasonOf(error, 200) ?? otherwise, { httpStatus: 200, ...told(error, 200) });
}

/** What operators see of a provider's words: its status and code, and nothing that could be content. */
function told({ code, param }: ProviderError, status: number) {
  const detail = [`HTTP ${status}`, code, param && `field ${param}`].filter((part) => part !== undefined);
  return { detail: detail.join(', '), vendorCode: code, param };
}

/** The reason that a provider's own error tells; undefined: none that is known. */
function reasonOf(error: ProviderError, status: number): FailureReason | undefined {
  const { codes: said, message } = error;
  if (suspended.test(message)) return 'bad_key';
  if (spent.test(message)) return 'quota';
  if (status === 413) return 'context_length';
  const byCode = said
    .flatMap((code) => reasonOfCode.get(code) ?? [])
    .toSorted((a, b) => (rankOf.get(a) ?? 0) - (rankOf.get(b) ?? 0))[0];
  if (byCode === 'quota' || byCode === 'content_filter' || byCode === 'context_length') return byCode;
  const isTheCallers = status < 500 && status !== 401;
  if (isTheCallers && tooLong.test(message)) return 'context_length';
  if (isTheCallers && status !== 429 && aboutContent.test(message)) return 'content_filter';
  return byCode ?? (isInvalidValue(error, status) ? 'invalid_value' : undefined);
}

/** What a model lacks is told like a wrong value; another model may have it. */
const ofTheModel =
  /^(model|max_tokens|max_completion_tokens|max_output_tokens|tools|tool_choice|response_format|reasoning.*|n)$/;

/** A field is named that no model would take so. */
const isInvalidValue = (error: ProviderError, status: number): boolean =>
  status === 400 &&
  !error.codes.some((code) => code.startsWith('unsupported')) &&
  (isOpenAisInvalidValue(error) || isOthersInvalidValue(error));

const isOpenAisInvalidValue = ({ codes: said, param, paramFrom }: ProviderError): boolean =>
  paramFrom === 'field' && param !== undefined && !ofTheModel.test(param) && said.includes('invalid_request_error');

/** Fields that callers fill, by their names at Anthropic and Google. What a model or vendor lacks is not among them. */
const ofTheCaller =
  /^(generation_?config\.)?(messages|system|contents|system_?instruction|temperature|top_?p|top_?k|seed|stop_?sequences|presence_?penalty|frequency_?penalty|metadata)([.[]|$)/i;
/** A bound or a lack of this vendor or model alone; another one may take the value. */
const ofTheVendor =
  /unsupported|not supported|(does|do) not support|extra inputs|not permitted|unknown name|cannot find field|exceed|maximum|too (large|many|big)|not (available|enabled|allowed)|for (this|the) model|deprecated/i;

/** Anthropic's field at the beginning of its text, and Google's there or in `fieldViolations`. */
const isOthersInvalidValue = ({ codes: said, message, param }: ProviderError): boolean =>
  param !== undefined &&
  ofTheCaller.test(param) &&
  !ofTheVendor.test(message) &&
  (said.includes('invalid_argument') || said.includes('invalid_request_error'));

/** Classifies a connection that failed by the code of its error: `ECONNREFUSED`, `UND_ERR_HEADERS_TIMEOUT`, … */
export function classifyTransport(code: string): ProviderFailure {
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return failureOf('first_token_timeout');
  if (code === 'UND_ERR_BODY_TIMEOUT') return failureOf('stalled');
  return failureOf('connection', /^[A-Z_]{3,40}$/.test(code) ? { detail: code } : {});
}
