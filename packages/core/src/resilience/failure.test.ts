import fc from 'fast-check';
import { expect, test } from 'vitest';
import { classifyHttp, classifyTransport } from './failure.ts';

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
