import { vectorBytes, vectorOf } from '@will/core';
import { type Behaviour, modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { callOf, chatInput, reasonOf, runCall } from '../contract.ts';
import { openAi } from '../openai/index.ts';
import {
  type Subject,
  json,
  keyName,
  ofAnthropic,
  ofGoogle,
  ofOpenAi,
  retryInfo,
  useVendors,
} from './testing/vendors.ts';

const { at, open, opened } = useVendors();

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
  const seen = at().nextRequest('anthropic-rich');
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
  const seen = at().nextRequest('google-rich');
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
  const atAnthropic = at().nextRequest('anthropic-url');
  await runCall(await open(ofAnthropic, 'anthropic-url'), callOf({ input: imageAt(url) }));
  expect((await atAnthropic).body).toMatchObject({
    messages: [{ content: [{ type: 'image', source: { type: 'url', url } }] }],
  });
  const atGoogle = at().nextRequest('google-url');
  const before = at().countOf('google-url');
  const google = await open(ofGoogle, 'google-url');
  await runCall(google, callOf({ input: imageAt(url) }));
  expect((await atGoogle).body).toMatchObject({
    contents: [{ parts: [{ fileData: { mimeType: 'image/png', fileUri: url } }] }],
  });
  expect(reasonOf(await runCall(google, callOf({ input: imageAt('https://example.com/cat') })))).toBe('bad_request');
  expect(at().countOf('google-url')).toBe(before + 1);
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
  const atGoogle = at().nextRequest('google-json');
  await runCall(await open(ofGoogle, 'google-json'), callOf({ input: withSchema }));
  expect((await atGoogle).body).toMatchObject({
    generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema },
  });
  const atAnthropic = at().nextRequest('claude-sonnet-4-5');
  await runCall(await open(ofAnthropic, 'claude-sonnet-4-5'), callOf({ input: withSchema }));
  expect((await atAnthropic).body).toMatchObject({ output_config: { format: { type: 'json_schema', schema } } });
});

test('JSON without a schema is refused before it is sent where the vendor cannot be held to it', async () => {
  expect(reasonOf(await runCall(await open(ofAnthropic, 'anthropic-any-json'), callOf({ input: anyJson })))).toBe(
    'bad_request',
  );
  expect(at().countOf('anthropic-any-json')).toBe(0);
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
  const seen = at().nextRequest('openai-rich');
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
  const asked = at().nextRequest('openai-json');
  await runCall(await open(ofOpenAi, 'openai-json'), callOf({ input: withSchema }));
  expect((await asked).body).toMatchObject({ text: { format: { type: 'json_schema', name: 'verdict', schema } } });
});

test('without a maximum, Anthropic is sent that of the record, and the others are sent none', async () => {
  const maximum = async (subject: Subject, slug: string): Promise<unknown> => {
    const endpoint = at().url + subject.base;
    const fields = { name: slug, slug, provider: subject.provider.name, endpoint, api_key: `env://${keyName}` };
    const connection = await subject.provider.open(modelFor({ ...fields, max_output_tokens: 12_345 }));
    opened.push(connection);
    const seen = at().nextRequest(slug);
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
    const seen = at().nextRequest(slug);
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
  const fields = { name: 'a', slug: 'gpt-5.1-auto', endpoint: `${at().url}/v1`, api_key: `env://${keyName}` };
  const connection = await openAi.open(modelFor({ ...fields, provider: 'openai', prompt_cache: 'auto' }));
  opened.push(connection);
  const seen = at().nextRequest('gpt-5.1-auto');
  await runCall(connection, callOf({ client: 'acme', session: 'acme.conversation' }));
  const { body } = await seen;
  expect(body).toMatchObject({ prompt_cache_key: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) });
  expect(JSON.stringify(body)).not.toContain('conversation');
});
