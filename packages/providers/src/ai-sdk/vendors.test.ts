import { vectorBytes, vectorOf } from '@will/core';
import { type Behaviour, modelFor, type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { anthropic } from '../anthropic/index.ts';
import { callOf, chatInput, providerContract, reasonOf, runCall } from '../contract.ts';
import { google } from '../google/index.ts';
import { openAi } from '../openai/index.ts';
import { type ModelConnection, type Provider, ProviderConfigError } from '../port.ts';

const keyName = 'WILL_TEST_VENDOR_KEY';
const key = 'sk-vendor-0123456789';
let upstream: ReplayingUpstream;
const opened: ModelConnection[] = [];
beforeAll(async () => {
  process.env[keyName] = key;
  upstream = await startReplayingUpstream();
});
afterAll(async () => {
  delete process.env[keyName];
  await upstream.close();
});
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
});

interface Subject {
  readonly provider: Provider;
  readonly base: string;
  readonly keyHeader: string;
  /** An error in the vendor's own body. */
  error(status: number, type: string, message: string, details?: readonly object[]): Behaviour;
}

const json = (status: number, body: object, headers: Record<string, string> = {}): Behaviour => ({
  kind: 'status',
  status,
  body: JSON.stringify(body),
  headers,
});
const ofAnthropic: Subject = {
  provider: anthropic,
  base: '/v1',
  keyHeader: 'x-api-key',
  error: (status, type, message) => json(status, { type: 'error', error: { type, message }, request_id: 'req_1' }),
};
const ofGoogle: Subject = {
  provider: google,
  base: '/v1beta',
  keyHeader: 'x-goog-api-key',
  error: (code, status, message, details = []) => json(code, { error: { code, message, status, details } }),
};
const ofOpenAi: Subject = {
  provider: openAi,
  base: '/v1',
  keyHeader: 'authorization',
  error: (status, code, message) =>
    json(status, { error: { message, type: 'invalid_request_error', param: null, code } }),
};
const reason = (why: string): object => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason: why,
  domain: 'googleapis.com',
});
const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' };

async function open({ provider, base }: Subject, slug: string, ...behaviours: Behaviour[]): Promise<ModelConnection> {
  if (behaviours.length > 0) upstream.script(slug, ...behaviours);
  const endpoint = upstream.url + base;
  const fields = { name: slug, slug, provider: provider.name, endpoint, api_key: `env://${keyName}` };
  const connection = await provider.open(modelFor(fields));
  opened.push(connection);
  return connection;
}

type Failure = readonly [what: string, Behaviour, status: string, reason: string];
const common = (subject: Subject): readonly Failure[] => [
  [
    '500 in HTML',
    { kind: 'status', status: 500, body: '<html>', contentType: 'text/html' },
    'ProviderError',
    'server_error',
  ],
  [
    'a redirect, which is not followed',
    json(302, {}, { location: 'http://169.254.169.254/' }),
    'ProviderError',
    'bad_response',
  ],
  ['a reset connection', { kind: 'reset' }, 'ProviderError', 'connection'],
  ['200 with other JSON', { kind: 'nonsense' }, 'ProviderError', 'bad_response'],
  ['the soft refusal', { kind: 'filtered' }, 'ContentFilter', 'content_filter'],
  ['an unknown code', subject.error(418, 'teapot', 'no'), 'Invalid', 'bad_request'],
];
const failures: readonly (readonly [Subject, readonly Failure[]])[] = [
  [
    ofAnthropic,
    [
      ['429', ofAnthropic.error(429, 'rate_limit_error', 'slow down'), 'RateLimited', 'rate_limit'],
      [
        '400 without credit',
        ofAnthropic.error(400, 'invalid_request_error', 'Your credit balance is too low to access the API.'),
        'RateLimited',
        'quota',
      ],
      ['401', ofAnthropic.error(401, 'authentication_error', 'invalid x-api-key'), 'AuthError', 'bad_key'],
      ['403', ofAnthropic.error(403, 'permission_error', 'no'), 'AuthError', 'bad_key'],
      ['404', ofAnthropic.error(404, 'not_found_error', 'model: none'), 'Invalid', 'not_found'],
      [
        '400 too long',
        ofAnthropic.error(400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'),
        'Invalid',
        'context_length',
      ],
      ['413', ofAnthropic.error(413, 'request_too_large', 'too large'), 'Invalid', 'context_length'],
      ['500', ofAnthropic.error(500, 'api_error', 'internal'), 'ProviderError', 'server_error'],
      ['529', ofAnthropic.error(529, 'overloaded_error', 'Overloaded'), 'Overloaded', 'overloaded'],
      ['an error as first event', { kind: 'breaks', after: 0, how: 'error_event' }, 'Overloaded', 'overloaded'],
      ...common(ofAnthropic),
    ],
  ],
  [
    ofOpenAi,
    [
      ['429', ofOpenAi.error(429, 'rate_limit_exceeded', 'slow down'), 'RateLimited', 'rate_limit'],
      ['429 without credit', ofOpenAi.error(429, 'insufficient_quota', 'no credit'), 'RateLimited', 'quota'],
      ['401', ofOpenAi.error(401, 'invalid_api_key', 'no'), 'AuthError', 'bad_key'],
      ['404', ofOpenAi.error(404, 'model_not_found', 'no such model'), 'Invalid', 'not_found'],
      ['400 too long', ofOpenAi.error(400, 'context_length_exceeded', 'too long'), 'Invalid', 'context_length'],
      ['400 of the filter', ofOpenAi.error(400, 'content_policy_violation', 'no'), 'ContentFilter', 'content_filter'],
      ['500', ofOpenAi.error(500, 'internal', 'internal'), 'ProviderError', 'server_error'],
      ['503', ofOpenAi.error(503, 'overloaded', 'overloaded'), 'Overloaded', 'overloaded'],
      ['an error as first event', { kind: 'breaks', after: 0, how: 'error_event' }, 'Overloaded', 'overloaded'],
      ...common(ofOpenAi),
    ],
  ],
  [
    ofGoogle,
    [
      ['429', ofGoogle.error(429, 'RESOURCE_EXHAUSTED', 'quota', [retryInfo]), 'RateLimited', 'rate_limit'],
      [
        '400 for a refused key',
        ofGoogle.error(400, 'INVALID_ARGUMENT', 'API key not valid.', [reason('API_KEY_INVALID')]),
        'AuthError',
        'bad_key',
      ],
      ['403', ofGoogle.error(403, 'PERMISSION_DENIED', 'no'), 'AuthError', 'bad_key'],
      ['404', ofGoogle.error(404, 'NOT_FOUND', 'models/none is not found'), 'Invalid', 'not_found'],
      [
        '400 too long',
        ofGoogle.error(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum (1048576).'),
        'Invalid',
        'context_length',
      ],
      ['400', ofGoogle.error(400, 'INVALID_ARGUMENT', 'bad field'), 'Invalid', 'bad_request'],
      [
        '400 about a value',
        ofGoogle.error(400, 'INVALID_ARGUMENT', 'Invalid value', [
          { fieldViolations: [{ field: 'generation_config.temperature', description: 'Invalid value' }] },
        ]),
        'Invalid',
        'invalid_value',
      ],
      ['500', ofGoogle.error(500, 'INTERNAL', 'internal'), 'ProviderError', 'server_error'],
      ['503', ofGoogle.error(503, 'UNAVAILABLE', 'overloaded'), 'Overloaded', 'overloaded'],
      ['504', ofGoogle.error(504, 'DEADLINE_EXCEEDED', 'late'), 'Stalled', 'first_token_timeout'],
      ...common(ofGoogle),
    ],
  ],
];

for (const [subject, cases] of failures) {
  const { name } = subject.provider;
  providerContract(name, () => ({
    open: async () => {
      upstream.script(`${name}-contract`, { kind: 'answer', gapMs: 5 });
      const connection = await open(subject, `${name}-contract`);
      opened.splice(opened.indexOf(connection), 1);
      return connection;
    },
    close: async () => {},
    keepsMaximum: false,
  }));

  describe(`${name}, in its own wire format`, () => {
    for (const stream of [false, true])
      test.each(cases.filter(([what]) => stream || what !== 'an error as first event'))(
        `${stream ? 'streamed' : 'plain'}: %s is classified after one request`,
        async (what, behaviour, status, expected) => {
          const slug = `${name}-${stream}-${what.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
          const { outcome, deltas } = await runCall(await open(subject, slug, behaviour), callOf({ stream }));
          expect(outcome).toMatchObject({
            ok: false,
            failure: { status, reason: expected, isRetryable: expected !== 'invalid_value' },
          });
          expect(deltas).toEqual([]);
          expect(upstream.countOf(slug)).toBe(1);
        },
      );

    test.each([
      ['a cut connection', 'cut', 'truncated'],
      ['an error among the events', 'error_event', 'overloaded'],
      ['an end without its marker', 'end_without_marker', 'truncated'],
    ] as const)('after content, %s is a failure and never an answer', async (_what, how, expected) => {
      const ran = await runCall(await open(subject, `${name}-mid-${how}`, { kind: 'breaks', after: 3, how }), callOf());
      expect(ran.text).toContain('piece 0');
      expect(reasonOf(ran)).toBe(expected);
      expect(ran.outcome.usage?.estimated).toBe(true);
    });

    test('silence before the first content, and within the answer, ends in time', async () => {
      const silent = await open(subject, `${name}-silent`, { kind: 'silent' });
      expect(reasonOf(await runCall(silent, callOf({ firstContentTimeoutMs: 100 })))).toBe('first_token_timeout');
      const stall = await open(subject, `${name}-stall`, { kind: 'breaks', after: 2, how: 'stall' });
      expect(reasonOf(await runCall(stall, callOf({ idleTimeoutMs: 1_000 })))).toBe('stalled');
    });

    test('an abort closes the connection to the upstream', async () => {
      const slug = `${name}-abort`;
      const connection = await open(subject, slug, { kind: 'answer', chunks: 50, gapMs: 20 });
      const seen = upstream.nextRequest(slug);
      const abort = new AbortController();
      await connection.run(callOf(), () => abort.abort('cancelled'), abort.signal);
      expect(await (await seen).over).toBe('aborted');
    });

    test('tokens are counted with those from the cache, and a length limit is told', async () => {
      const connection = await open(subject, `${name}-usage`, { kind: 'answer', finish: 'length' });
      for (const stream of [false, true]) {
        const { outcome } = await runCall(connection, callOf({ stream }));
        expect(outcome).toMatchObject({
          ok: true,
          finish: 'length',
          usage: { inputTokens: 12, outputTokens: 14, cachedInputTokens: 4, estimated: false },
        });
      }
    });

    test('tool calls come in the OpenAI form, plain and in pieces', async () => {
      const connection = await open(subject, `${name}-tools`, { kind: 'tool_call' });
      const plain = await runCall(connection, callOf({ stream: false }));
      expect(plain.outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
      const whole = plain.outcome.ok ? plain.outcome.output?.toolCalls : undefined;
      expect(JSON.parse(whole ?? '[]')).toMatchObject([
        { type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
      ]);
      const streamed = await runCall(connection, callOf());
      expect(streamed.outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
      const pieces = streamed.deltas.flatMap(
        ({ toolCalls }) =>
          JSON.parse(toolCalls ?? '[]') as { index: number; function: { name?: string; arguments: string } }[],
      );
      expect(pieces[0]?.function.name).toBe('get_weather');
      expect(pieces.map((piece) => piece.function.arguments).join('')).toBe('{"city":"Paris"}');
      expect(new Set(pieces.map(({ index }) => index))).toEqual(new Set([0]));
    });

    test('the key goes in the vendor’s header and nowhere else', async () => {
      const seen = upstream.nextRequest(`${name}-key`);
      await runCall(await open(subject, `${name}-key`), callOf());
      const { headers, path, body } = await seen;
      expect(headers[subject.keyHeader]?.replace('Bearer ', '')).toBe(key);
      expect(path + JSON.stringify(body)).not.toContain(key);
    });

    test('a record without a key, or one that reads as local and has no address, is not opened', async () => {
      const fields = { provider: name, call_method: 'API' as const };
      await expect(subject.provider.open(modelFor(fields))).rejects.toThrow('needs one');
      const hidden = modelFor({ provider: name, call_method: 'on-device', api_key: `env://${keyName}` });
      expect(hidden.isPrivate).toBe(false);
      await expect(subject.provider.open(hidden)).rejects.toThrow(ProviderConfigError);
    });

    test('a tool result that answers nothing is Invalid before anything is sent', async () => {
      const slug = `${name}-orphan`;
      const messages = [{ role: 'tool', tool_call_id: 'none', content: 'x' }];
      expect(reasonOf(await runCall(await open(subject, slug), callOf({ input: chatInput({ messages }) })))).toBe(
        'bad_request',
      );
      expect(upstream.countOf(slug)).toBe(0);
    });
  });
}

/** Everything that a chat can hold, once. */
const rich = chatInput({
  temperature: 0.5,
  stop: 'END',
  max_tokens: 9_999,
  messages: [
    { role: 'system', content: 'Be short.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
        { id: 'call_2', type: 'function', function: { name: 'look', arguments: '{"at":2}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
    { role: 'tool', tool_call_id: 'call_2', content: 'a dog' },
    { role: 'developer', content: 'In French.' },
  ],
  tools: [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } } }],
  tool_choice: 'required',
  parallel_tool_calls: false,
});

test('Anthropic is sent its own form: images, tools, results of calls made at once, instructions in front', async () => {
  const seen = upstream.nextRequest('anthropic-rich');
  await runCall(await open(ofAnthropic, 'anthropic-rich'), callOf({ input: rich, maxOutputTokens: 7 }));
  const { path, body } = await seen;
  expect(path).toBe('/v1/messages');
  expect(body).toMatchObject({
    model: 'anthropic-rich',
    stream: true,
    max_tokens: 7,
    temperature: 0.5,
    stop_sequences: ['END'],
    system: [{ type: 'text', text: 'Be short.\n\nIn French.' }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'call_1', name: 'look', input: { at: 1 } },
          { type: 'tool_use', id: 'call_2', name: 'look', input: { at: 2 } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1', content: 'a cat' },
          { type: 'tool_result', tool_use_id: 'call_2', content: 'a dog' },
        ],
      },
    ],
    tools: [{ name: 'look', description: 'Looks.', input_schema: { type: 'object' } }],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
  });
});

test('Google is sent its own form: images, tools, results of calls made at once, instructions in front', async () => {
  const seen = upstream.nextRequest('google-rich');
  await runCall(await open(ofGoogle, 'google-rich'), callOf({ input: rich, maxOutputTokens: 7 }));
  const { path, body } = await seen;
  expect(path).toBe('/v1beta/models/google-rich:streamGenerateContent?alt=sse');
  expect(body).toMatchObject({
    generationConfig: { maxOutputTokens: 7, temperature: 0.5, stopSequences: ['END'] },
    systemInstruction: { parts: [{ text: 'Be short.\n\nIn French.' }] },
    contents: [
      {
        role: 'user',
        parts: [{ text: 'What is this?' }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }],
      },
      {
        role: 'model',
        parts: [
          { functionCall: { name: 'look', args: { at: 1 } } },
          { functionCall: { name: 'look', args: { at: 2 } } },
        ],
      },
      {
        role: 'user',
        parts: [{ functionResponse: { name: 'look' } }, { functionResponse: { name: 'look' } }],
      },
    ],
    tools: [{ functionDeclarations: [{ name: 'look', description: 'Looks.' }] }],
    toolConfig: { functionCallingConfig: { mode: 'ANY' } },
  });
});

const imageAt = (url: string): Uint8Array =>
  chatInput({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });

test('an image by its address is fetched by the vendor; Google must be told its type by the ending', async () => {
  const url = 'https://example.com/cat.PNG';
  const atAnthropic = upstream.nextRequest('anthropic-url');
  await runCall(await open(ofAnthropic, 'anthropic-url'), callOf({ input: imageAt(url) }));
  expect((await atAnthropic).body).toMatchObject({
    messages: [{ content: [{ type: 'image', source: { type: 'url', url } }] }],
  });
  const atGoogle = upstream.nextRequest('google-url');
  const google = await open(ofGoogle, 'google-url');
  await runCall(google, callOf({ input: imageAt(url) }));
  expect((await atGoogle).body).toMatchObject({
    contents: [{ parts: [{ fileData: { mimeType: 'image/png', fileUri: url } }] }],
  });
  expect(reasonOf(await runCall(google, callOf({ input: imageAt('https://example.com/cat') })))).toBe('bad_request');
  expect(upstream.countOf('google-url')).toBe(1);
});

const schema = {
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
  additionalProperties: false,
};
const withSchema = chatInput({ response_format: { type: 'json_schema', json_schema: { name: 'verdict', schema } } });
const anyJson = chatInput({ response_format: { type: 'json_object' } });

test('a JSON schema is sent where the vendor has its place for it', async () => {
  const atGoogle = upstream.nextRequest('google-json');
  await runCall(await open(ofGoogle, 'google-json'), callOf({ input: withSchema }));
  expect((await atGoogle).body).toMatchObject({
    generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema },
  });
  const atAnthropic = upstream.nextRequest('claude-sonnet-4-5');
  await runCall(await open(ofAnthropic, 'claude-sonnet-4-5'), callOf({ input: withSchema }));
  expect((await atAnthropic).body).toMatchObject({ output_config: { format: { type: 'json_schema', schema } } });
});

test('JSON without a schema is refused before it is sent where the vendor cannot be held to it', async () => {
  expect(reasonOf(await runCall(await open(ofAnthropic, 'anthropic-any-json'), callOf({ input: anyJson })))).toBe(
    'bad_request',
  );
  expect(upstream.countOf('anthropic-any-json')).toBe(0);
  expect((await runCall(await open(ofGoogle, 'google-any-json'), callOf({ input: anyJson }))).outcome.ok).toBe(true);
});

test('the vendors’ wishes to be left alone are passed on', async () => {
  const rest = async (subject: Subject, slug: string, behaviour: Behaviour): Promise<number | undefined> => {
    const { outcome } = await runCall(await open(subject, slug, behaviour), callOf());
    return outcome.ok ? undefined : outcome.failure.retryAfterMs;
  };
  const limited = { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } };
  expect(await rest(ofAnthropic, 'anthropic-rest', json(429, limited, { 'retry-after': '3' }))).toBe(3_000);
  const exhausted = ofGoogle.error(429, 'RESOURCE_EXHAUSTED', 'quota', [retryInfo]);
  expect(await rest(ofGoogle, 'google-rest', exhausted)).toBe(7_000);
});

test('OpenAI’s Responses API is sent its own form, keeps nothing, and is held to a schema', async () => {
  const seen = upstream.nextRequest('openai-rich');
  await runCall(await open(ofOpenAi, 'openai-rich'), callOf({ input: rich, maxOutputTokens: 17 }));
  const { path, body } = await seen;
  expect(path).toBe('/v1/responses');
  expect(body).toMatchObject({
    model: 'openai-rich',
    stream: true,
    store: false,
    max_output_tokens: 17,
    temperature: 0.5,
    parallel_tool_calls: false,
    tool_choice: 'required',
    input: [
      { role: 'system', content: 'Be short.\n\nIn French.' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=' },
        ],
      },
      { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{"at":1}' },
      { type: 'function_call', call_id: 'call_2', name: 'look', arguments: '{"at":2}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'a cat' },
      { type: 'function_call_output', call_id: 'call_2', output: 'a dog' },
    ],
    tools: [{ type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object' } }],
  });
  const asked = upstream.nextRequest('openai-json');
  await runCall(await open(ofOpenAi, 'openai-json'), callOf({ input: withSchema }));
  expect((await asked).body).toMatchObject({ text: { format: { type: 'json_schema', name: 'verdict', schema } } });
});

test('without a maximum, Anthropic is sent that of the record, and the others are sent none', async () => {
  const maximum = async (subject: Subject, slug: string): Promise<unknown> => {
    const endpoint = upstream.url + subject.base;
    const fields = { name: slug, slug, provider: subject.provider.name, endpoint, api_key: `env://${keyName}` };
    const connection = await subject.provider.open(modelFor({ ...fields, max_output_tokens: 12_345 }));
    opened.push(connection);
    const seen = upstream.nextRequest(slug);
    await runCall(connection, callOf({ maxOutputTokens: undefined }));
    const { body } = await seen;
    const config = body['generationConfig'] as { maxOutputTokens?: number } | undefined;
    return body['max_tokens'] ?? body['max_output_tokens'] ?? config?.maxOutputTokens;
  };
  expect(await maximum(ofAnthropic, 'anthropic-no-maximum')).toBe(12_345);
  expect(await maximum(ofOpenAi, 'openai-no-maximum')).toBeUndefined();
  expect(await maximum(ofGoogle, 'google-no-maximum')).toBeUndefined();
});

test('what is no chat goes to OpenAI’s other paths', async () => {
  const connection = await open(ofOpenAi, 'openai-speech');
  const input = Buffer.from(JSON.stringify({ text: 'hi', voice: 'v', format: 'mp3' }));
  const { outcome } = await runCall(connection, callOf({ inputKind: 'speech', input, stream: false }));
  expect(outcome).toMatchObject({ ok: true, output: { dataType: 'audio/mp3' } });
});

test('Gemini gives embeddings, in as many requests as it takes', async () => {
  const connection = await open(ofGoogle, 'gemini-embedding');
  const vectorsFor = async (input: readonly string[], dimensions?: number) => {
    const bytes = Buffer.from(JSON.stringify({ input, ...(dimensions && { dimensions }) }));
    const { outcome } = await runCall(connection, callOf({ inputKind: 'embedding', input: bytes, stream: false }));
    if (!outcome.ok) throw new Error(outcome.failure.message);
    const told = JSON.parse(outcome.output?.text ?? '{}') as { dimensions: number };
    expect(outcome.usage).toMatchObject({ outputTokens: 0, estimated: true });
    return vectorBytes(outcome.output?.data ?? new Uint8Array(0), told.dimensions).map(vectorOf);
  };
  expect(await vectorsFor(['abc'])).toEqual([[3, 0.25, 0]]);
  expect(await vectorsFor(['a', 'bb'], 2)).toEqual([
    [1, 0.25],
    [2, 0.25],
  ]);
  const many = Array.from({ length: 230 }, (_, n) => 'x'.repeat(n + 1));
  expect((await vectorsFor(many)).map(([length]) => length)).toEqual(many.map(({ length }) => length));
});

test('an embedding that Gemini refuses, is late with, or that is none, is a failure like any other', async () => {
  const input = Buffer.from('{"input":["a"]}');
  const over = { inputKind: 'embedding', input, stream: false };
  const connection = await open(ofAnthropic, 'claude-embedding');
  expect(reasonOf(await runCall(connection, callOf(over)))).toBe('bad_request');
  const google = await open(ofGoogle, 'gemini-embedding');
  expect(reasonOf(await runCall(google, callOf({ ...over, input: Buffer.from('{"input":[]}') })))).toBe('bad_request');
  const away = { name: 'away', slug: 'away', provider: 'google', api_key: `env://${keyName}` };
  const nowhere = await ofGoogle.provider.open(modelFor({ ...away, endpoint: 'http://127.0.0.1:9/v1beta' }));
  opened.push(nowhere);
  expect(reasonOf(await runCall(nowhere, callOf(over)))).toBe('connection');
});

test('hints for prompt caches reach OpenAI in its own words, and no other vendor', async () => {
  const hints = {
    prompt_cache_key: 'stated',
    prompt_cache_retention: '24h',
    prompt_cache_options: { ttl: '12h', mode: 'explicit' },
  };
  const sent = async (subject: Subject, slug: string, fields: object): Promise<string> => {
    const seen = upstream.nextRequest(slug);
    const call = callOf({ input: chatInput(fields), client: 'acme', session: 'acme.conversation' });
    await runCall(await open(subject, slug), call);
    return JSON.stringify(await seen);
  };
  const older = await sent(ofOpenAi, 'gpt-5.1-hinted', hints);
  expect(older).toMatch(/"prompt_cache_key":"[A-Za-z0-9_-]{22}"/);
  expect(older).toContain('"prompt_cache_retention":"24h"');
  expect(older).not.toContain('prompt_cache_options');
  const newer = await sent(ofOpenAi, 'gpt-5.6-hinted', hints);
  expect(newer).toContain('"prompt_cache_options":{"ttl":"12h"}');
  expect(newer).not.toContain('prompt_cache_retention');
  expect(older + newer).not.toContain('"stated"');
  expect(await sent(ofOpenAi, 'gpt-5.1-plain', {})).not.toContain('prompt_cache');
  for (const subject of [ofAnthropic, ofGoogle])
    expect(await sent(subject, `${subject.provider.name}-hinted`, hints)).not.toMatch(/prompt_cache|promptCache/);
});

test('with prompt_cache auto the session of a call is its key', async () => {
  const fields = { name: 'a', slug: 'gpt-5.1-auto', endpoint: `${upstream.url}/v1`, api_key: `env://${keyName}` };
  const connection = await openAi.open(modelFor({ ...fields, provider: 'openai', prompt_cache: 'auto' }));
  opened.push(connection);
  const seen = upstream.nextRequest('gpt-5.1-auto');
  await runCall(connection, callOf({ client: 'acme', session: 'acme.conversation' }));
  const { body } = await seen;
  expect(body).toMatchObject({ prompt_cache_key: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) });
  expect(JSON.stringify(body)).not.toContain('conversation');
});
