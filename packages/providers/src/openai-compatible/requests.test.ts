import { modelFor } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keptWith, originOf } from '../chat/kept-reasoning.ts';
import { callOf, chatInput, reasonOf, runCall } from '../contract.ts';
import type { ModelCall, ModelConnection } from '../port.ts';
import { FakeEgress } from '../testing/fake-egress.ts';
import { openAiCompatibleOver } from './index.ts';

// What leaves for servers of OpenAI's form, whole, without a network.

const keyName = 'WILL_TEST_REQUESTS_KEY';
beforeAll(() => void (process.env[keyName] = 'sk-requests-0123'));
afterAll(() => void delete process.env[keyName]);

type Fields = Parameters<typeof modelFor>[0];
const opened = async (fields: Fields, egress = new FakeEgress()): Promise<[ModelConnection, FakeEgress]> => [
  await openAiCompatibleOver(egress.open).open(modelFor({ endpoint: 'https://h.example/v1', ...fields })),
  egress,
];

/** The request of one call. */
async function requestOf(fields: Fields, over: Partial<ModelCall> = {}) {
  const [connection, egress] = await opened(fields);
  void connection.run(callOf(over), () => {}, new AbortController().signal);
  const [request, ...more] = egress.sent;
  if (!request) throw new Error('nothing was sent');
  expect(more).toEqual([]);
  return { ...request, body: JSON.parse(String(request.body)) as Readonly<Record<string, unknown>>, egress };
}

const messages = [{ role: 'user', content: 'Say something.' }];

test('a streamed chat is sent with its key, its maximum and the wish to be told the usage', async () => {
  const mayLeave = (): boolean => true;
  const fields = { provider_model: 'llama-3', endpoint: 'https://h.example/v1//', api_key: `env://${keyName}` };
  const over = { maxOutputTokens: 7, firstContentTimeoutMs: 5_000, idleTimeoutMs: 3_000, mayLeave };
  const { egress, ...request } = await requestOf(fields, over);
  expect(request).toStrictEqual({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      authorization: 'Bearer sk-requests-0123',
    },
    body: { messages, model: 'llama-3', stream: true, stream_options: { include_usage: true }, max_tokens: 7 },
    headersTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    mayLeave,
  });
  expect(egress.opened).toEqual([['https://h.example', 'any']]);
});

test('a plain chat asks for JSON, without a key where the record has none, and without a maximum where none is given', async () => {
  const { headers, body } = await requestOf({ slug: 'plain' }, { stream: false, maxOutputTokens: undefined });
  expect(headers).toStrictEqual({
    'content-type': 'application/json',
    accept: 'application/json',
    'accept-encoding': 'identity',
  });
  expect(body).toStrictEqual({ messages, model: 'plain', stream: false });
});

const hinted = { input: chatInput({ prompt_cache_key: 'stated' }), client: 'acme', session: 'acme.conversation' };
const aKey = expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) as string;
test.each<[string, Fields, string | undefined, string | undefined]>([
  ['xAI takes it in a header', { endpoint: 'https://api.x.ai/v1' }, undefined, aKey],
  ['Azure takes it in a field', { endpoint: 'https://acme.openai.azure.com/openai/v1' }, aKey, undefined],
  ['Mistral takes it in a field', { endpoint: 'https://api.mistral.ai/v1' }, aKey, undefined],
  [
    'a server whose document names the field',
    { endpoint: 'https://h.example/v1', pass_through: ['prompt_cache_key'] },
    aKey,
    undefined,
  ],
  [
    'the document’s word counts before what is known of a host',
    { endpoint: 'https://api.x.ai/v1', pass_through: ['prompt_cache_key'] },
    aKey,
    undefined,
  ],
  ['any other server gets none', { endpoint: 'https://h.example/v1' }, undefined, undefined],
])('a key for a prompt cache: %s', async (_what, fields, inBody, inHeader) => {
  const { body, headers } = await requestOf({ call_method: 'API', api_key: `env://${keyName}`, ...fields }, hinted);
  expect(body['prompt_cache_key']).toEqual(inBody);
  expect(headers['x-grok-conv-id']).toEqual(inHeader);
});

test('the session of a call is the key only with prompt_cache auto', async () => {
  const keyOf = async (fields: Fields) => {
    const { headers } = await requestOf(
      { endpoint: 'https://api.x.ai/v1', call_method: 'API', api_key: `env://${keyName}`, ...fields },
      { client: 'acme', session: 'acme.conversation' },
    );
    return headers['x-grok-conv-id'];
  };
  expect(await keyOf({ prompt_cache: 'auto' })).toEqual(aKey);
  expect(await keyOf({})).toBeUndefined();
});

test('marks for a cache are set only with prompt_cache auto, where the field passes, in a long chat', async () => {
  const isMarked = async (fields: Fields, length = 40_000): Promise<boolean> => {
    const input = chatInput({ messages: [{ role: 'user', content: 'x'.repeat(length) }] });
    return JSON.stringify((await requestOf(fields, { input })).body).includes('cache_control');
  };
  const passes = { pass_through: ['cache_control'], prompt_cache: 'auto' } as const;
  expect(await isMarked(passes)).toBe(true);
  expect(await isMarked(passes, 100)).toBe(false);
  expect(await isMarked({ prompt_cache: 'auto' })).toBe(false);
  expect(await isMarked({ pass_through: ['cache_control'] })).toBe(false);
});

test('what this server gave with its reasoning comes back to it, and to no other', async () => {
  const origin = originOf('openai-compatible', 'https://h.example/v1', 'thinker');
  const call = { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } };
  const kept = keptWith(origin, [{ field: 'reasoning', text: 'Hm.' }]);
  const input = chatInput({ messages: [{ role: 'assistant', content: null, tool_calls: [{ ...call, ...kept }] }] });
  const sentTo = async (fields: Fields) => (await requestOf(fields, { input })).body['messages'];
  const plain = { role: 'assistant', content: null, tool_calls: [call] };
  expect(await sentTo({ slug: 'thinker' })).toEqual([{ ...plain, reasoning: 'Hm.' }]);
  expect(await sentTo({ slug: 'another' })).toEqual([plain]);
  expect(await sentTo({ slug: 'thinker', endpoint: 'https://h.example/v2' })).toEqual([plain]);
});

test.each<[string, unknown]>([
  ['no object', 7],
  ['null', null],
  ['a list', [{ role: 'user', content: 'x' }]],
  ['no messages', { prompt: 'x' }],
  ['messages that are no list', { messages: {} }],
])('an input that is %s is a bad request, and nothing leaves', async (_what, input) => {
  const [connection, egress] = await opened({});
  const ran = await runCall(connection, callOf({ input: Buffer.from(JSON.stringify(input)) }));
  expect(ran.outcome).toMatchObject({ failure: { message: expect.stringContaining('input is no chat of JSON') } });
  expect(egress.sent).toEqual([]);
});

test('an input of another kind is sent by its own path, with its own type, and anything may come back', async () => {
  const [connection, egress] = await opened({ slug: 'm' });
  const input = Buffer.from('{"input":["a"]}');
  const running = connection.run(
    callOf({ inputKind: 'embedding', input, stream: false, firstContentTimeoutMs: 5_000, idleTimeoutMs: 3_000 }),
    () => {},
    new AbortController().signal,
  );
  await expect.poll(() => egress.sent).toHaveLength(1);
  expect(egress.sent[0]).toMatchObject({
    method: 'POST',
    path: '/v1/embeddings',
    headers: { 'content-type': 'application/json', accept: '*/*', 'accept-encoding': 'identity' },
    headersTimeoutMs: 5_000,
    idleTimeoutMs: 3_000,
  });
  egress.listeners[0]?.failed('ECONNRESET');
  expect(reasonOf({ outcome: await running, deltas: [], text: '' })).toBe('connection');
  const wrong = await runCall(connection, callOf({ inputKind: 'hologram' }));
  expect(wrong.outcome).toMatchObject({ failure: { message: expect.stringContaining('the input is no hologram') } });
});

test('a call that was ended while its recording was packed does not leave', async () => {
  const [connection, egress] = await opened({});
  const abort = new AbortController();
  const input = Buffer.from('{"audio":"QUJD","file_name":"a.wav"}');
  const running = runCall(connection, callOf({ inputKind: 'transcription', input }), abort.signal);
  abort.abort('deadline');
  expect(reasonOf(await running)).toBe('deadline');
  expect(egress.sent).toEqual([]);
});

/** Whether a model is healthy by what each path answers with. */
async function healthOf(fields: Fields, statuses: Readonly<Record<string, number>>) {
  const egress = new FakeEgress(({ path }) => ({ status: statuses[path] ?? 404 }));
  const [connection] = await opened({ api_key: `env://${keyName}`, ...fields }, egress);
  const { healthy } = await connection.checkHealth(new AbortController().signal);
  await connection.close();
  return { healthy, paths: egress.sent.map(({ path }) => path), egress };
}

test.each<[string, Readonly<Record<string, number>>, boolean, readonly string[]]>([
  ['says that it is healthy', { '/health': 200 }, true, ['/health']],
  ['redirects its health check', { '/health': 300, '/v1/models': 200 }, true, ['/health', '/v1/models']],
  ['loads its model', { '/health': 503, '/v1/models': 200 }, false, ['/health']],
  ['fails', { '/health': 500, '/v1/models': 200 }, false, ['/health']],
  ['has only a list', { '/v1/models': 200 }, true, ['/health', '/v1/models']],
  ['has neither', {}, true, ['/health', '/v1/models']],
  ['refuses the key', { '/v1/models': 401 }, false, ['/health', '/v1/models']],
])('a server of one’s own that %s', async (_what, statuses, healthy, paths) => {
  expect(await healthOf({ call_method: 'Local' }, statuses)).toMatchObject({ healthy, paths });
});

test.each([
  [200, true],
  [404, true],
  [429, true],
  [499, true],
  [401, false],
  [403, false],
  [500, false],
])('a vendor that answers %i for its list is usable: %s', async (status, healthy) => {
  const { egress, ...health } = await healthOf({ call_method: 'API' }, { '/v1/models': status });
  expect(health).toEqual({ healthy, paths: ['/v1/models'] });
  expect(egress.sent[0]).toMatchObject({
    method: 'GET',
    headers: { accept: 'application/json', authorization: 'Bearer sk-requests-0123' },
  });
  expect(egress.opened).toEqual([['https://h.example', 'public']]);
  expect(egress.isClosed).toBe(true);
});

test.each([
  ['ftp://h.example', 'must be an http or https address'],
  ['h.example', 'must be an http or https address'],
])('an endpoint of %s is refused', async (endpoint, message) => {
  await expect(
    openAiCompatibleOver(new FakeEgress().open).open({
      ...modelFor({ endpoint: 'https://h.example/v1' }),
      document: { ...modelFor({ endpoint: 'https://h.example/v1' }).document, endpoint },
    }),
  ).rejects.toThrow(message);
});

test('a record without an address is refused, and one of a local server may hold it beside the file', async () => {
  const { document, ...model } = modelFor({ endpoint: 'https://h.example/v1', slug: 'lost' });
  const { endpoint: _endpoint, ...without } = document;
  const provider = openAiCompatibleOver(new FakeEgress().open);
  await expect(provider.open({ ...model, document: without })).rejects.toThrow('model lost has no endpoint');
  const local = { ...without, local: { endpoint: 'http://127.0.0.1:8080/v1' } };
  const egress = new FakeEgress();
  await openAiCompatibleOver(egress.open).open({ ...model, document: local as typeof document });
  expect(egress.opened[0]?.[0]).toBe('http://127.0.0.1:8080');
});
