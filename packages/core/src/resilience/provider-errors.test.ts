import { expect, test } from 'vitest';
import { classifyHttp } from './failure.ts';

const classify = (status: number, body = '', headers: Record<string, string> = {}) =>
  classifyHttp({ status, body, headers, nowMs: 0 });

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
