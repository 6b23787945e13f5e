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
const long = 'context_length';
const filtered = 'content_filter';
test.each([
  [
    'OpenAI',
    400,
    {
      error: {
        message: "This model's maximum context length is 128000 tokens.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
    long,
  ],
  [
    'OpenAI',
    400,
    {
      error: {
        message: "Invalid 'messages[0].content': string too long.",
        type: 'invalid_request_error',
        param: 'messages[0].content',
        code: 'string_above_max_length',
      },
    },
    long,
  ],
  [
    'OpenAI',
    429,
    {
      error: {
        message:
          'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 35000.',
        type: 'tokens',
        param: null,
        code: 'rate_limit_exceeded',
      },
    },
    long,
  ],
  [
    'OpenAI',
    400,
    {
      error: {
        message: 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_prompt',
      },
    },
    filtered,
  ],
  [
    'OpenAI',
    400,
    {
      error: {
        message: 'Your request was rejected by the safety system.',
        type: 'image_generation_user_error',
        param: null,
        code: 'moderation_blocked',
      },
    },
    filtered,
  ],
  [
    'OpenAI',
    400,
    {
      error: {
        message: "Invalid 'temperature': decimal above maximum value.",
        type: 'invalid_request_error',
        param: 'temperature',
        code: 'decimal_above_max_value',
      },
    },
    'invalid_value',
  ],
  [
    'OpenAI',
    400,
    { error: { message: 'Invalid value', type: 'invalid_request_error', param: 'messages[0].role', code: null } },
    'invalid_value',
  ],
  [
    'OpenAI',
    400,
    {
      error: {
        message: "Unsupported parameter: 'max_tokens'",
        type: 'invalid_request_error',
        param: 'max_tokens',
        code: 'unsupported_parameter',
      },
    },
    'bad_request',
  ],
  [
    'OpenAI',
    400,
    {
      error: {
        message: "'temperature' does not support 0.5 with this model.",
        type: 'invalid_request_error',
        param: 'temperature',
        code: 'unsupported_value',
      },
    },
    'bad_request',
  ],
  [
    'OpenAI',
    401,
    {
      error: {
        message: 'The account was deactivated for violating our policies.',
        type: 'invalid_request_error',
        code: 'account_deactivated',
      },
    },
    'bad_key',
  ],
  [
    'OpenAI',
    403,
    {
      error: {
        message: 'Country, region, or territory not supported',
        code: 'unsupported_country_region_territory',
        type: 'request_forbidden',
      },
    },
    'bad_key',
  ],
  [
    'Azure',
    400,
    {
      error: {
        message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        type: null,
        param: 'prompt',
        code: 'content_filter',
        status: 400,
        innererror: { code: 'ResponsibleAIPolicyViolation' },
      },
    },
    filtered,
  ],
  [
    'Azure',
    404,
    { error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' } },
    'not_found',
  ],
  [
    'Anthropic',
    400,
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 208310 tokens > 200000 maximum' },
    },
    long,
  ],
  [
    'Anthropic',
    400,
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000',
      },
    },
    long,
  ],
  [
    'Anthropic',
    413,
    { type: 'error', error: { type: 'request_too_large', message: 'Request exceeds the maximum size' } },
    long,
  ],
  [
    'Anthropic',
    400,
    { type: 'error', error: { type: 'invalid_request_error', message: 'Output blocked by content filtering policy' } },
    filtered,
  ],
  [
    'Anthropic',
    400,
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'Your credit balance is too low to access the Anthropic API.' },
    },
    'quota',
  ],
  [
    'Anthropic',
    403,
    {
      type: 'error',
      error: {
        type: 'permission_error',
        message: 'Your API key does not have permission to use the specified resource.',
      },
    },
    'bad_key',
  ],
  [
    'Google',
    400,
    {
      error: {
        code: 400,
        message: 'The input token count (1250000) exceeds the maximum number of tokens allowed (1048576).',
        status: 'INVALID_ARGUMENT',
      },
    },
    long,
  ],
  [
    'Google',
    400,
    [
      {
        error: {
          code: 400,
          message: 'API key not valid.',
          status: 'INVALID_ARGUMENT',
          details: [{ reason: 'API_KEY_INVALID' }],
        },
      },
    ],
    'bad_key',
  ],
  [
    'Google',
    429,
    {
      error: {
        code: 429,
        message: 'You exceeded your current quota, please check your plan and billing details.',
        status: 'RESOURCE_EXHAUSTED',
      },
    },
    'rate_limit',
  ],
  [
    'Mistral',
    400,
    {
      object: 'error',
      message: 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      type: 'invalid_request_prompt',
      param: null,
      code: '3051',
    },
    long,
  ],
  [
    'Groq',
    400,
    {
      error: {
        message: 'Please reduce the length of the messages or completion.',
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
    long,
  ],
  [
    'Groq',
    413,
    {
      error: {
        message: 'Request too large for model `x` on tokens per minute (TPM)',
        type: 'tokens',
        code: 'rate_limit_exceeded',
      },
    },
    long,
  ],
  [
    'OpenRouter',
    400,
    {
      error: {
        message: "This endpoint's maximum context length is 128000 tokens. However, you requested about 140000 tokens.",
        code: 400,
      },
    },
    long,
  ],
  [
    'OpenRouter',
    403,
    {
      error: {
        code: 403,
        message: 'Your chosen model requires moderation and your input was flagged.',
        metadata: { reasons: ['violence'], flagged_input: 'secret words', provider_name: 'OpenAI' },
      },
    },
    filtered,
  ],
  [
    'OpenRouter',
    400,
    {
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: {
          raw: '{"error":{"message":"prompt is too long: 3 tokens > 2 maximum"}}',
          provider_name: 'Anthropic',
        },
      },
    },
    long,
  ],
  ['Ollama', 400, { error: 'the input length exceeds the context length' }, long],
  [
    'llama.cpp',
    400,
    {
      error: {
        code: 400,
        message: 'the request exceeds the available context size, try increasing it',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 9,
        n_ctx: 4,
      },
    },
    long,
  ],
  [
    'vLLM',
    400,
    {
      object: 'error',
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    long,
  ],
  [
    'vLLM',
    400,
    {
      object: 'error',
      message: 'The decoder prompt (length 5000) is longer than the maximum model length of 4096.',
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    long,
  ],
  [
    'DeepSeek',
    400,
    {
      error: {
        message: 'Content Exists Risk',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_request_error',
      },
    },
    filtered,
  ],
  [
    'DeepSeek',
    402,
    { error: { message: 'Insufficient Balance', type: 'unknown_error', param: null, code: 'invalid_request_error' } },
    'quota',
  ],
  [
    'xAI',
    400,
    {
      code: 'Client specified an invalid argument',
      error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    },
    long,
  ],
  ['xAI', 403, { code: 'permission-denied', error: 'Content violates usage guidelines. ' }, filtered],
  [
    'xAI',
    403,
    {
      code: 'The caller does not have permission to execute the specified operation',
      error:
        'Content violates usage guidelines. Team: x, API key ID: y, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO',
    },
    filtered,
  ],
  ['xAI', 403, { code: 'permission-denied', error: 'Access to the chat endpoint is denied' }, 'bad_key'],
  [
    'xAI',
    403,
    { code: 'permission-denied', error: "Your newly created team doesn't have any credits or licenses yet." },
    'quota',
  ],
  [
    'Cohere',
    400,
    { message: 'too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 12000.' },
    long,
  ],
  ['Bedrock', 400, { message: 'Input is too long for requested model.' }, long],
  ['any gateway', 403, { error: { message: 'Request was flagged by moderation' } }, filtered],
  [
    'any gateway',
    403,
    { error: { message: 'Your account was flagged and suspended for violating our usage policies' } },
    'bad_key',
  ],
  ['any gateway', 403, 'Forbidden', 'bad_key'],
] as const)('%s, %i: %j is %s', (_vendor, status, body, reason) => {
  expect(classify(status, typeof body === 'string' ? body : JSON.stringify(body)).reason).toBe(reason);
});

test('what a provider repeats of the request decides nothing', () => {
  const echo = {
    error: { message: 'bad field', code: 'bad_field', type: 'x' },
    input: 'context_length_exceeded prompt is too long',
  };
  expect(classify(400, JSON.stringify(echo)).reason).toBe('bad_request');
  const detail = [
    { type: 'missing', loc: ['body', 'messages', 0, 'role'], msg: 'Field required', input: 'content_filter' },
  ];
  expect(classify(422, JSON.stringify({ detail }))).toMatchObject({ reason: 'bad_request', param: 'messages.0.role' });
});

/** Anthropic's error about a value. */
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
