import fc from 'fast-check';
import { expect, test } from 'vitest';
import { classifyHttp, classifyTold, classifyTransport, failureOf } from './failure.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const classify = (status: number, body = '', headers: Record<string, string> = {}) =>
  classifyHttp({ status, body, headers, nowMs });

test.each([
  [429, '', 'RateLimited', 'rate_limit'],
  [429, '{"error":{"code":"insufficient_quota"}}', 'RateLimited', 'quota'],
  [401, '', 'AuthError', 'bad_key'],
  [403, '', 'AuthError', 'bad_key'],
  [400, '{"error":{"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}', 'AuthError', 'bad_key'],
  [404, '{"error":{"code":"model_not_found"}}', 'Invalid', 'not_found'],
  [400, '{"error":{"code":"context_length_exceeded"}}', 'Invalid', 'context_length'],
  [400, '{"error":{"message":"prompt is too long: 210000 tokens"}}', 'Invalid', 'context_length'],
  [400, '{"error":{"message":"The input token count (9) exceeds the maximum"}}', 'Invalid', 'context_length'],
  [
    400,
    '{"error":{"code":400,"type":"exceed_context_size_error","n_prompt_tokens":14429}}',
    'Invalid',
    'context_length',
  ],
  [
    404,
    '{"error":{"message":"model \\"x\\" not found, try pulling it first","type":"api_error"}}',
    'Invalid',
    'not_found',
  ],
  [503, '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', 'Overloaded', 'overloaded'],
  [400, '{"error":{"code":"content_filter"}}', 'ContentFilter', 'content_filter'],
  [400, '{"error":{"message":"no"}}', 'Invalid', 'bad_request'],
  [500, '', 'ProviderError', 'server_error'],
  [502, '<html>bad gateway</html>', 'ProviderError', 'server_error'],
  [503, '', 'Overloaded', 'overloaded'],
  [529, '{"error":{"type":"overloaded_error"}}', 'Overloaded', 'overloaded'],
  [200, '{"error":{"code":"rate_limit_exceeded"}}', 'RateLimited', 'rate_limit'],
  [429, '{"error":{"status":"RESOURCE_EXHAUSTED"}}', 'RateLimited', 'rate_limit'],
  [503, '{"error":{"status":"UNAVAILABLE"}}', 'Overloaded', 'overloaded'],
  [504, '', 'Stalled', 'first_token_timeout'],
  [200, 'not json', 'ProviderError', 'bad_response'],
])('HTTP %i with %s is %s, %s', (httpStatus, body, status, reason) => {
  expect(classify(httpStatus, body)).toMatchObject({ status, reason, isRetryable: true });
});

/** Each vendor's own answers, as its API writes them. */
const ofAnthropic = (message: string): string =>
  JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message }, request_id: 'req_1' });
/** Google's, with the field in the details or not. */
const ofGoogle = (message: string, field?: string): string =>
  JSON.stringify({
    error: {
      code: 400,
      message,
      status: 'INVALID_ARGUMENT',
      ...(field !== undefined && {
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field, description: message }],
          },
        ],
      }),
    },
  });

test.each([
  ['Anthropic', ofAnthropic('temperature: range: 0..1'), 'temperature'],
  ['Anthropic', ofAnthropic('messages.1.content.0.type: Field required'), 'messages.1.content.0.type'],
  ['Anthropic', ofAnthropic('messages: at least one message is required'), 'messages'],
  ['Anthropic', ofAnthropic('stop_sequences.0: each stop sequence must contain non-whitespace'), 'stop_sequences.0'],
  [
    'Anthropic, below names of the caller',
    ofAnthropic('messages.1.content.0.tool_use.input.patient_7: Input should be a valid string'),
    'messages.1.content.0.tool_use.input',
  ],
  [
    'Google',
    ofGoogle('Invalid value at generation_config.temperature', 'generation_config.temperature'),
    'generation_config.temperature',
  ],
  ['Google', ofGoogle('Invalid value (TYPE_FLOAT), "warm"', 'generationConfig.topP'), 'generationConfig.topP'],
  ['Google', ofGoogle('Base64 decoding failed', 'contents[0].parts[1].inline_data.data'), expect.any(String)],
  [
    'Google, in its text alone',
    ofGoogle('* GenerateContentRequest.contents[3].parts: contents.parts must not be empty.\n'),
    'contents[3].parts',
  ],
])('%s names a field of the caller’s that no model would take: no other one is tried', (_vendor, body, param) => {
  expect(classify(400, body)).toMatchObject({ reason: 'invalid_value', param, isRetryable: false });
});

test.each([
  [
    'a model’s maximum',
    ofAnthropic('max_tokens: 300000 > 64000, which is the maximum allowed number of output tokens'),
  ],
  ['a vendor’s own size', ofAnthropic('messages.0.content.0.image.source.base64: image exceeds 5 MB maximum')],
  ['what a model lacks', ofAnthropic('thinking.budget_tokens: Input should be greater than or equal to 1024')],
  ['a tool type', ofAnthropic("tools.0: Input tag 'web_search_20990101' found using 'type' does not match")],
  ['what a model does not take', ofAnthropic('temperature: not supported for this model')],
  ['a field that the vendor does not know', ofAnthropic('messages.0.name: Extra inputs are not permitted')],
  ['prose before a colon', ofAnthropic('Error: something was wrong')],
  ['no field', ofAnthropic('Could not process the request')],
  ['a field that Google does not know', ofGoogle('Unknown name "role": Cannot find field.', 'contents[0].parts')],
  ['Google’s schemas of tools', ofGoogle('Invalid value', 'tools[0].function_declarations[0].parameters')],
  ['Google’s bound of a model', ofGoogle('Invalid value', 'generation_config.max_output_tokens')],
  ['no field of Google', ofGoogle('Request contains an invalid argument.')],
])('%s is no fault that every model would find', (_what, body) => {
  expect(classify(400, body)).toMatchObject({ reason: 'bad_request', isRetryable: true });
});

test('status and code are told, and of the provider’s text nothing', () => {
  const body = {
    error: {
      message: 'secret words of the prompt',
      type: 'invalid_request_error',
      param: 'top_p',
      code: 'invalid_value',
    },
  };
  expect(classify(400, JSON.stringify(body))).toEqual({
    status: 'Invalid',
    reason: 'invalid_value',
    message: 'the provider found a value of the request invalid (HTTP 400, invalid_value, field top_p)',
    httpStatus: 400,
    isRetryable: false,
    retryAfterMs: undefined,
    vendorCode: 'invalid_value',
    param: 'top_p',
  });
  const prose = { error: { code: 'secret words of the prompt', param: 'secret words' } };
  expect(classify(400, JSON.stringify(prose)).message).toBe('the provider found the request invalid (HTTP 400)');
});

test.each([
  ['a number of milliseconds', { 'retry-after-ms': '1500' }, '', 1_500],
  ['seconds', { 'retry-after': '7' }, '', 7_000],
  ['a date', { 'retry-after': new Date(nowMs + 30_000).toUTCString() }, '', 30_000],
  ['a date in the past', { 'retry-after': new Date(nowMs - 30_000).toUTCString() }, '', 0],
  ['a hundred years', { 'retry-after': '3153600000' }, '', 86_400_000],
  ['a Go duration', { 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-reset-tokens': '6m0s' }, '', 360_000],
  ['an RFC 3339 instant', { 'anthropic-ratelimit-tokens-reset': new Date(nowMs + 5_000).toISOString() }, '', 5_000],
  ['a delay in the body', {}, '{"error":{"details":[{"retryDelay":"7s"}]}}', 7_000],
  ['nothing', {}, '', undefined],
  ['nonsense', { 'retry-after': 'soon' }, '', undefined],
])('the wish to be left alone is read from %s', (_what, headers, body, expected) => {
  expect(classify(429, body, headers as Record<string, string>).retryAfterMs).toBe(expected);
});

test('a connection’s code decides between silence and failure', () => {
  expect(classifyTransport('UND_ERR_HEADERS_TIMEOUT').reason).toBe('first_token_timeout');
  expect(classifyTransport('UND_ERR_BODY_TIMEOUT').reason).toBe('stalled');
  expect(classifyTransport('ECONNREFUSED')).toMatchObject({ reason: 'connection', status: 'ProviderError' });
});

test('whatever comes back is classified, and nothing of it is repeated', () => {
  const secret = 'sk-very-secret-key';
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999 }),
      fc.string(),
      fc.dictionary(fc.constantFrom('retry-after', 'retry-after-ms', 'x-ratelimit-reset-tokens'), fc.string()),
      (status, body, headers) => {
        const failure = classify(status, body + secret, headers);
        expect(failure.message).not.toContain(secret);
        expect(failure.retryAfterMs ?? 0).toBeGreaterThanOrEqual(0);
        expect(failure.retryAfterMs ?? 0).toBeLessThanOrEqual(86_400_000);
      },
    ),
    { numRuns: 5_000 },
  );
});

test('a failure says what it is made of, and nothing that nobody told', () => {
  expect(failureOf('overloaded')).toEqual({
    status: 'Overloaded',
    reason: 'overloaded',
    message: 'the provider is overloaded',
    httpStatus: undefined,
    isRetryable: true,
    retryAfterMs: undefined,
  });
  const details = { httpStatus: 503, retryAfterMs: 7, detail: 'HTTP 503', vendorCode: 'c', param: 'p' };
  expect(failureOf('overloaded', details)).toEqual({
    ...failureOf('overloaded'),
    message: 'the provider is overloaded (HTTP 503)',
    httpStatus: 503,
    retryAfterMs: 7,
    vendorCode: 'c',
    param: 'p',
  });
  expect(Object.keys(failureOf('overloaded', { vendorCode: undefined, param: undefined }))).not.toContain('vendorCode');
  expect(Object.keys(failureOf('overloaded', { vendorCode: undefined, param: undefined }))).not.toContain('param');
});

const reasonAt = (status: number, error: object | string = ''): string =>
  classify(status, typeof error === 'string' ? error : JSON.stringify({ error })).reason;

test.each([
  [402, 'quota'],
  [408, 'first_token_timeout'],
  [413, 'context_length'],
  [399, 'bad_response'],
  [400, 'bad_request'],
  [418, 'bad_request'],
  [499, 'bad_request'],
  [500, 'server_error'],
  [599, 'server_error'],
  [0, 'bad_response'],
])('without words a status of %i is %s', (status, reason) => {
  expect(reasonAt(status)).toBe(reason);
  expect(classify(status).message).toContain(`(HTTP ${status})`);
});

test('of several codes the one that says most counts, wherever it stands', () => {
  const code = (code: string, type: string, status = 400): string => reasonAt(status, { code, type });
  expect(code('rate_limit_exceeded', 'insufficient_quota')).toBe('quota');
  expect(code('model_not_found', 'context_length_exceeded')).toBe('context_length');
  expect(code('invalid_type', 'overloaded_error')).toBe('overloaded');
  expect(code('not_found_error', 'rate_limit_error')).toBe('rate_limit');
  expect(code('invalid_api_key', 'server_is_overloaded')).toBe('bad_key');
  expect(code('unknown', 'model_not_exist', 500)).toBe('not_found');
});

test('words about an account count before codes, and those about content and length only where the caller is at fault', () => {
  const [suspended, spent] = ['Your account was suspended', 'Insufficient funds'];
  expect(reasonAt(400, { message: suspended, code: 'context_length_exceeded' })).toBe('bad_key');
  expect(reasonAt(400, { message: spent, code: 'context_length_exceeded' })).toBe('quota');
  expect(reasonAt(413, { message: 'no', code: 'insufficient_quota' })).toBe('context_length');
  const long = 'prompt is too long';
  expect([400, 429, 499, 401, 500, 503].map((status) => reasonAt(status, { message: long }))).toEqual([
    'context_length',
    'context_length',
    'context_length',
    'bad_key',
    'server_error',
    'overloaded',
  ]);
  const filtered = 'blocked output';
  expect([400, 403, 429, 401, 500].map((status) => reasonAt(status, { message: filtered }))).toEqual([
    'content_filter',
    'content_filter',
    'rate_limit',
    'bad_key',
    'server_error',
  ]);
  expect(reasonAt(500, { message: long, code: 'content_filter' })).toBe('content_filter');
  expect(reasonAt(400, { message: long, code: 'rate_limit_exceeded' })).toBe('context_length');
  expect(reasonAt(400, { message: long, code: 'content_filter' })).toBe('content_filter');
  expect(reasonAt(400, { message: long, code: 'insufficient_quota' })).toBe('quota');
  expect(reasonAt(400, { message: filtered, code: 'context_length_exceeded' })).toBe('context_length');
});

test.each<[string, number, object, string]>([
  ['OpenAI’s field', 400, { type: 'invalid_request_error', param: 'top_p' }, 'invalid_value'],
  ['another status', 422, { type: 'invalid_request_error', param: 'top_p' }, 'bad_request'],
  ['no field', 400, { type: 'invalid_request_error' }, 'bad_request'],
  ['another type', 400, { type: 'x', param: 'top_p' }, 'bad_request'],
  [
    'what is unsupported',
    400,
    { type: 'invalid_request_error', code: 'unsupported_value', param: 'top_p' },
    'bad_request',
  ],
  ['a field of the model', 400, { type: 'invalid_request_error', param: 'n' }, 'bad_request'],
  ['a field of reasoning', 400, { type: 'invalid_request_error', param: 'reasoning.effort' }, 'bad_request'],
  ['a field like one of the model’s', 400, { type: 'invalid_request_error', param: 'model_x' }, 'invalid_value'],
  ['Anthropic’s field', 400, { type: 'invalid_request_error', message: 'top_k: bad' }, 'invalid_value'],
  ['Anthropic’s field of the model', 400, { type: 'invalid_request_error', message: 'tools.0: bad' }, 'bad_request'],
  ['Anthropic’s bound', 400, { type: 'invalid_request_error', message: 'top_k: too large' }, 'bad_request'],
  ['a text of another type', 400, { type: 'x', message: 'top_k: bad' }, 'bad_request'],
  ['Google’s field', 400, { status: 'INVALID_ARGUMENT', details: [{ field: 'contents[0]' }] }, 'invalid_value'],
  ['Google’s text', 400, { status: 'INVALID_ARGUMENT', message: 'contents: bad' }, 'invalid_value'],
  ['Google’s field of the model', 400, { status: 'INVALID_ARGUMENT', details: [{ field: 'model' }] }, 'bad_request'],
  ['another state', 400, { status: 'FAILED_PRECONDITION', details: [{ field: 'contents[0]' }] }, 'bad_request'],
])('a value that no model would take is told by %s: %#', (_what, status, error, reason) => {
  expect(reasonAt(status, error)).toBe(reason);
});

test('what a provider tells in place of content is classified by its words, else as is said', () => {
  expect(classifyTold('{"error":{"code":"server_is_overloaded","param":"x"}}', 'bad_response')).toEqual({
    ...failureOf('overloaded'),
    message: 'the provider is overloaded (HTTP 200, server_is_overloaded, field x)',
    httpStatus: 200,
    vendorCode: 'server_is_overloaded',
    param: 'x',
  });
  expect(classifyTold('{}', 'server_error')).toMatchObject({
    reason: 'server_error',
    message: 'the provider failed (HTTP 200)',
  });
});

test('limits of a refusal are a wish to be left alone only where a limit was reached', () => {
  const headers = { 'ratelimit-reset': '9' };
  expect(classify(429, '', headers).retryAfterMs).toBe(9_000);
  expect(classify(402, '', headers).retryAfterMs).toBe(9_000);
  expect(classify(503, '', headers).retryAfterMs).toBeUndefined();
});

test.each([
  ['ECONNREFUSED', 'the connection to the provider failed (ECONNREFUSED)'],
  ['E_X', 'the connection to the provider failed (E_X)'],
  ['EX', 'the connection to the provider failed'],
  ['econnrefused', 'the connection to the provider failed'],
  ['xE_CODE', 'the connection to the provider failed'],
  ['E_CODEx', 'the connection to the provider failed'],
  ['X'.repeat(40), `the connection to the provider failed (${'X'.repeat(40)})`],
  ['X'.repeat(41), 'the connection to the provider failed'],
])('a connection that failed with %s is told with its code where that is one', (code, message) => {
  expect(classifyTransport(code).message).toBe(message);
});

test('a connection that was silent has no code to tell', () => {
  expect(classifyTransport('UND_ERR_HEADERS_TIMEOUT').message).toBe('the first content took too long');
  expect(classifyTransport('UND_ERR_BODY_TIMEOUT').message).toBe('the provider fell silent within its answer');
});
