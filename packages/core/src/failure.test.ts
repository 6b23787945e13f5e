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
  [500, '', 'Overloaded', 'server_error'],
  [502, '<html>bad gateway</html>', 'Overloaded', 'server_error'],
  [503, '', 'Overloaded', 'overloaded'],
  [529, '{"error":{"type":"overloaded_error"}}', 'Overloaded', 'overloaded'],
  [200, '{"error":{"code":"rate_limit_exceeded"}}', 'RateLimited', 'rate_limit'],
  [429, '{"error":{"status":"RESOURCE_EXHAUSTED"}}', 'RateLimited', 'rate_limit'],
  [503, '{"error":{"status":"UNAVAILABLE"}}', 'Overloaded', 'overloaded'],
  [504, '', 'Stalled', 'first_token_timeout'],
  [200, 'not json', 'Overloaded', 'bad_response'],
])('status %i with %s is %s, %s', (status, body, fine, reason) => {
  expect(classify(status, body)).toMatchObject({ fine, reason, isRetryable: true });
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
  expect(classifyTransport('ECONNREFUSED')).toMatchObject({ reason: 'connection', fine: 'Overloaded' });
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
