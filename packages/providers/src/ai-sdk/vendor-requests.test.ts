import { modelFor } from '@will/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anthropicOver } from '../anthropic/index.ts';
import { keptWith, originOf } from '../chat/kept-reasoning.ts';
import { callOf, chatInput, reasonOf, runCall } from '../contract.ts';
import { googleOver } from '../google/index.ts';
import { openAiOver } from '../openai/index.ts';
import type { ModelCall, ModelConnection } from '../port.ts';
import { FakeEgress } from '../testing/fake-egress.ts';
import type { ProviderOver } from './index.ts';

// What leaves for the vendors, whole, without a network.

const keyName = 'WILL_TEST_REQUESTS_KEY';
const key = 'sk-requests-0123';
beforeAll(() => void (process.env[keyName] = key));
afterAll(() => void delete process.env[keyName]);

type Fields = Parameters<typeof modelFor>[0];
const providers = { anthropic: anthropicOver, google: googleOver, openai: openAiOver } as const;
type Name = keyof typeof providers;

/** A model in the vendor's own cloud. */
async function opened(
  name: Name,
  fields: Fields = {},
  egress = new FakeEgress(),
): Promise<[ModelConnection, FakeEgress]> {
  const over: ProviderOver = providers[name];
  const common: Fields = { provider: name, call_method: 'API', api_key: `env://${keyName}`, slug: 'm' };
  return [await over(egress.open).open(modelFor({ ...common, ...fields })), egress];
}

/** The request of one call. */
async function requestOf(name: Name, fields: Fields = {}, over: Partial<ModelCall> = {}) {
  const [connection, egress] = await opened(name, fields);
  void connection.run(callOf(over), () => {}, new AbortController().signal);
  await expect.poll(() => egress.sent).toHaveLength(1);
  const [request] = egress.sent;
  if (!request) throw new Error('nothing was sent');
  return { ...request, body: JSON.parse(String(request.body)) as Readonly<Record<string, unknown>>, egress };
}

const agent = expect.stringMatching(/^ai-sdk-/) as string;
const common = { 'accept-encoding': 'identity', 'content-type': 'application/json', 'user-agent': agent };
test.each<[Name, string, boolean, object]>([
  [
    'anthropic',
    'https://api.anthropic.com',
    true,
    {
      path: '/v1/messages',
      headers: { ...common, 'x-api-key': key, 'anthropic-version': '2023-06-01' },
      body: {
        model: 'm',
        max_tokens: 40,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Say something.' }] }],
        stream: true,
      },
    },
  ],
  [
    'google',
    'https://generativelanguage.googleapis.com',
    true,
    {
      path: '/v1beta/models/m:streamGenerateContent?alt=sse',
      headers: { ...common, 'x-goog-api-key': key },
      body: {
        generationConfig: { maxOutputTokens: 40 },
        contents: [{ role: 'user', parts: [{ text: 'Say something.' }] }],
      },
    },
  ],
  [
    'google',
    'https://generativelanguage.googleapis.com',
    false,
    {
      path: '/v1beta/models/m:generateContent',
      headers: { ...common, 'x-goog-api-key': key },
      body: {
        generationConfig: { maxOutputTokens: 40 },
        contents: [{ role: 'user', parts: [{ text: 'Say something.' }] }],
      },
    },
  ],
  [
    'openai',
    'https://api.openai.com',
    true,
    {
      path: '/v1/responses',
      headers: { ...common, authorization: `Bearer ${key}` },
      body: {
        model: 'm',
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'Say something.' }] }],
        max_output_tokens: 40,
        store: false,
        stream: true,
      },
    },
  ],
])('a short chat for %s at %s (streamed: %s)', async (name, origin, stream, expected) => {
  const mayLeave = (): boolean => true;
  const over = { stream, firstContentTimeoutMs: 5_000, idleTimeoutMs: 3_000, mayLeave };
  const { egress, ...request } = await requestOf(name, {}, over);
  expect(request).toEqual({
    method: 'POST',
    ...expected,
    headersTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    mayLeave,
  });
  expect(egress.opened[0]).toEqual([origin, 'public']);
});

test('an address of one’s own is used as it stands, but for slashes at its end, and so is the vendor’s name of the model', async () => {
  const fields = { endpoint: 'https://proxy.example/anthropic/v1//', provider_model: 'claude-sonnet-4-5' };
  const { path, body, egress } = await requestOf('anthropic', fields);
  expect([path, body['model'], egress.opened[0]?.[0]]).toEqual([
    '/anthropic/v1/messages',
    'claude-sonnet-4-5',
    'https://proxy.example',
  ]);
  await expect(
    anthropicOver(new FakeEgress().open).open({
      ...modelFor({ endpoint: 'https://h.example/v1', provider: 'anthropic', api_key: `env://${keyName}` }),
      document: { ...modelFor({ endpoint: 'https://h.example' }).document, endpoint: 'ftp://h.example' },
    }),
  ).rejects.toThrow('must be an http or https address');
});

const reasoned = (name: Name, model: string, endpoint: string, ...items: readonly object[]) => {
  const kept = keptWith(originOf(name, endpoint, model), items);
  const call = { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' }, ...kept };
  return chatInput({
    messages: [
      { role: 'user', content: 'Look.' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'a', content: 'a cat' },
    ],
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
  });
};
const endpoint = 'https://h.example/v1';

describe('what a vendor gave with its reasoning comes back in its own form', () => {
  test('Anthropic: thinking with its signature, and what it hid', async () => {
    const input = reasoned(
      'anthropic',
      'm',
      endpoint,
      { type: 'thinking', thinking: 'Hm.', signature: 'signed' },
      { type: 'redacted_thinking', data: 'hidden' },
      { type: 'thinking', signature: 'empty' },
    );
    const { body } = await requestOf('anthropic', { endpoint }, { input });
    expect(body['messages']).toMatchObject([
      {},
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm.', signature: 'signed' },
          { type: 'redacted_thinking', data: 'hidden' },
          { type: 'thinking', thinking: '', signature: 'empty' },
          { type: 'tool_use', id: 'a', name: 'look' },
        ],
      },
      {},
    ]);
    expect(JSON.stringify((await requestOf('anthropic', { endpoint, slug: 'n' }, { input })).body)).not.toContain(
      'Hm.',
    );
  });

  test('Google: the signature beside its call', async () => {
    const input = reasoned('google', 'm', endpoint, { other: 1 }, { signature: 'signed' });
    const { body } = await requestOf('google', { endpoint }, { input });
    expect(body['contents']).toMatchObject([
      {},
      { role: 'model', parts: [{ functionCall: { name: 'look' }, thoughtSignature: 'signed' }] },
      {},
    ]);
    expect((body['contents'] as { parts: object[] }[])[1]?.parts).toHaveLength(1);
    const unsigned = reasoned('google', 'm', endpoint, { other: 1 });
    const { body: plain } = await requestOf('google', { endpoint }, { input: unsigned });
    expect(JSON.stringify(plain)).not.toContain('thoughtSignature');
  });

  test('OpenAI: its encrypted reasoning, with each part of its summary', async () => {
    const item = { type: 'reasoning', encrypted_content: 'sealed' };
    const input = reasoned(
      'openai',
      'o3',
      endpoint,
      { ...item, id: 'rs_1', summary: [{ type: 'summary_text', text: 'One.' }, { text: 'Two.' }] },
      { ...item, id: 'rs_2', summary: [] },
      { ...item, id: 'rs_3' },
      { ...item, id: 'rs_4', summary: [{}] },
    );
    const { body } = await requestOf('openai', { endpoint, slug: 'o3' }, { input });
    const sent = (body['input'] as Readonly<Record<string, unknown>>[]).filter(({ type }) => type === 'reasoning');
    expect(sent).toMatchObject([
      { id: 'rs_1', encrypted_content: 'sealed', summary: [{ text: 'One.' }, { text: 'Two.' }] },
      { id: 'rs_2', encrypted_content: 'sealed' },
      { id: 'rs_3', encrypted_content: 'sealed' },
      { id: 'rs_4', encrypted_content: 'sealed' },
    ]);
  });
});

test.each<[Name, boolean | undefined, string]>([
  ['anthropic', false, '"disable_parallel_tool_use":true'],
  ['openai', false, '"parallel_tool_calls":false'],
  ['openai', true, '"parallel_tool_calls":true'],
])('%s is told of parallel_tool_calls %s', async (name, parallel, words) => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
  const sentWith = async (fields: object) =>
    JSON.stringify((await requestOf(name, {}, { input: chatInput({ tools, ...fields }) })).body);
  expect(await sentWith({ parallel_tool_calls: parallel })).toContain(words);
  expect(await sentWith({})).not.toContain('parallel_tool');
  if (name === 'anthropic') expect(await sentWith({ parallel_tool_calls: true })).not.toContain(words);
});

test('marks for a cache are set for Anthropic alone, in a long chat with prompt_cache auto', async () => {
  const isMarked = async (name: Name, fields: Fields, length = 40_000): Promise<boolean> => {
    const input = chatInput({ messages: [{ role: 'user', content: 'x'.repeat(length) }] });
    return /cache_?control/i.test(JSON.stringify((await requestOf(name, fields, { input })).body));
  };
  expect(await isMarked('anthropic', { prompt_cache: 'auto' })).toBe(true);
  expect(await isMarked('anthropic', { prompt_cache: 'auto' }, 100)).toBe(false);
  expect(await isMarked('anthropic', {})).toBe(false);
  expect(await isMarked('google', { prompt_cache: 'auto' })).toBe(false);
});

test('a model of Anthropic’s that knows no JSON by itself is given a tool, whose arguments are the answer', async () => {
  const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
  const input = chatInput({ response_format: { type: 'json_schema', json_schema: { name: 'verdict', schema } } });
  const answer = {
    type: 'message',
    content: [{ type: 'tool_use', id: 'a', name: 'json', input: { ok: true } }],
    stop_reason: 'tool_use',
  };
  const egress = new FakeEgress(() => ({ body: JSON.stringify(answer) }));
  const [connection] = await opened('anthropic', { provider_model: 'claude-3-haiku-20240307' }, egress);
  const { outcome } = await runCall(connection, callOf({ input, stream: false }));
  expect(JSON.parse(String(egress.sent[0]?.body))).toMatchObject({ tools: [{ name: 'json', input_schema: schema }] });
  expect(outcome).toMatchObject({ ok: true, finish: 'stop', output: { text: '{"ok":true}' } });
});

test.each<[Name, Partial<ModelCall>, string]>([
  ['anthropic', { inputKind: 'embedding' }, 'input embedding is not taken'],
  ['google', { inputKind: 'speech' }, 'input speech is not taken'],
  ['google', { input: chatInput({ messages: [] }) }, 'input is no chat of JSON'],
  ['google', { input: new Uint8Array([0xff]) }, 'input is no chat of JSON'],
  [
    'anthropic',
    { input: chatInput({ response_format: { type: 'json_object' } }) },
    'JSON is to be had only with a schema',
  ],
  [
    'google',
    { input: chatInput({ messages: [{ role: 'tool', tool_call_id: 'x', content: 'y' }] }) },
    'input has tool calls, results or addresses that cannot be read',
  ],
  [
    'google',
    {
      input: chatInput({
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://h.example/cat' } }] }],
      }),
    },
    'this vendor cannot be asked for something in it',
  ],
])('%s is not asked what it cannot be: %#', async (name, over, words) => {
  const [connection, egress] = await opened(name);
  const { outcome } = await runCall(connection, callOf(over));
  expect(outcome).toMatchObject({ failure: { reason: 'bad_request', message: expect.stringContaining(`(${words})`) } });
  expect(egress.sent).toEqual([]);
});

test('a call that was ended while its request was written does not leave', async () => {
  for (const name of ['anthropic', 'google', 'openai'] as const) {
    const [connection, egress] = await opened(name);
    const abort = new AbortController();
    const running = runCall(connection, callOf(), abort.signal);
    abort.abort('deadline');
    expect(reasonOf(await running)).toBe('deadline');
    expect(egress.sent).toEqual([]);
  }
});

test('a recording may come beside its input at OpenAI, and leaves by the path that others copied', async () => {
  const [connection, egress] = await opened('openai');
  expect(connection.takesAttachments).toBe(true);
  const attachment = { field: 'audio', content: Buffer.from('XYZ') };
  const input = Buffer.from('{"file_name":"a.wav"}');
  const call = callOf({ inputKind: 'transcription', input, attachment });
  void connection.run(call, () => {}, new AbortController().signal);
  await expect.poll(() => egress.sent).toHaveLength(1);
  expect(egress.sent[0]).toMatchObject({
    path: '/v1/audio/transcriptions',
    headers: { authorization: `Bearer ${key}` },
  });
  expect(Buffer.from(egress.sent[0]?.body as Uint8Array).toString()).toContain('XYZ');
  expect(egress.opened.map(([origin]) => origin)).toEqual(['https://api.openai.com', 'https://api.openai.com']);
});

const asked = { accept: 'application/json' };
test.each<[Name, string, object]>([
  ['anthropic', '/v1/models', { ...asked, 'x-api-key': key, 'anthropic-version': '2023-06-01' }],
  ['google', '/v1beta/models', { ...asked, 'x-goog-api-key': key }],
  ['openai', '/v1/models', { ...asked, authorization: `Bearer ${key}` }],
])('%s is healthy by its list of models', async (name, path, headers) => {
  const healthy = async (status: number) => {
    const egress = new FakeEgress(() => ({ status }));
    const [connection] = await opened(name, {}, egress);
    const health = await connection.checkHealth(new AbortController().signal);
    await connection.close();
    expect(egress.sent).toMatchObject([{ method: 'GET', path, headers }]);
    expect(egress.sent[0]?.headers).toEqual(headers);
    expect(egress.isClosed).toBe(true);
    return health.healthy;
  };
  const statuses = [200, 399, 404, 429, 400, 401, 403, 405, 500, 503];
  const found = await Promise.all(statuses.map(healthy));
  expect(found).toEqual([true, true, true, true, false, false, false, false, false, false]);
});

test('a record that names no address and no cloud is refused, and so is one without a key', async () => {
  const cloud = { provider: 'anthropic', call_method: 'API' } as const;
  await expect(anthropicOver(new FakeEgress().open).open(modelFor({ ...cloud, slug: 'keyless' }))).rejects.toThrow(
    'model keyless has no api_key; provider anthropic needs one',
  );
  const local = modelFor({
    provider: 'anthropic',
    call_method: 'on-device',
    api_key: `env://${keyName}`,
    slug: 'lost',
  });
  await expect(anthropicOver(new FakeEgress().open).open(local)).rejects.toThrow('model lost has no endpoint');
});
