import { type Behaviour, modelFor, type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { callOf, chatInput, providerContract, reasonOf, runCall } from '../contract.ts';
import { type ModelConnection, ProviderConfigError } from '../port.ts';
import { openAiCompatible } from './index.ts';

let upstream: ReplayingUpstream;
const opened: ModelConnection[] = [];
beforeAll(async () => {
  upstream = await startReplayingUpstream();
});
afterAll(() => upstream.close());
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
});

async function open(slug: string, ...behaviours: Behaviour[]): Promise<ModelConnection> {
  if (behaviours.length > 0) upstream.script(slug, ...behaviours);
  const connection = await openAiCompatible.open(modelFor({ name: slug, slug, endpoint: `${upstream.url}/v1` }));
  opened.push(connection);
  return connection;
}

providerContract('openai-compatible', () => ({
  open: async () => {
    upstream.script('contract', { kind: 'answer', gapMs: 5 });
    return openAiCompatible.open(modelFor({ name: 'contract', slug: 'contract', endpoint: `${upstream.url}/v1` }));
  },
  close: async () => {},
  keepsMaximum: false,
}));

const status = (code: number, body?: string, headers?: Record<string, string>, contentType?: string): Behaviour => ({
  kind: 'status',
  status: code,
  ...(body !== undefined && { body }),
  ...(headers && { headers }),
  ...(contentType && { contentType }),
});
const error = (code: string): string =>
  JSON.stringify({ error: { message: 'no', type: 'invalid_request_error', param: null, code } });

const failures: readonly (readonly [string, Behaviour, string, string])[] = [
  ['429 with seconds', status(429, undefined, { 'retry-after': '3' }), 'RateLimited', 'rate_limit'],
  ['429 with nothing', status(429), 'RateLimited', 'rate_limit'],
  ['429 without credit', status(429, error('insufficient_quota')), 'RateLimited', 'quota'],
  ['401', status(401, error('invalid_api_key')), 'AuthError', 'bad_key'],
  ['403', status(403), 'AuthError', 'bad_key'],
  ['404', status(404, error('model_not_found')), 'Invalid', 'not_found'],
  ['400 too long', status(400, error('context_length_exceeded')), 'Invalid', 'context_length'],
  ['400 filter', status(400, error('content_filter')), 'ContentFilter', 'content_filter'],
  ['the soft filter', { kind: 'filtered' }, 'ContentFilter', 'content_filter'],
  ['500', status(500), 'ProviderError', 'server_error'],
  ['502 in HTML', status(502, '<html>Bad Gateway</html>', {}, 'text/html'), 'ProviderError', 'server_error'],
  ['503', status(503), 'Overloaded', 'overloaded'],
  ['529', status(529, '{"type":"error","error":{"type":"overloaded_error"}}'), 'Overloaded', 'overloaded'],
  [
    'a redirect, which is not followed',
    status(302, '', { location: 'http://169.254.169.254/' }),
    'ProviderError',
    'bad_response',
  ],
  ['a reset connection', { kind: 'reset' }, 'ProviderError', 'connection'],
  ['200 with other JSON', { kind: 'nonsense' }, 'ProviderError', 'bad_response'],
];

for (const stream of [false, true]) {
  test.each(failures)(`${stream ? 'streamed' : 'plain'}: %s is classified`, async (what, behaviour, status, reason) => {
    const slug = `f-${stream}-${what.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
    const before = upstream.countOf(slug);
    const { outcome, deltas } = await runCall(await open(slug, behaviour), callOf({ stream }));
    expect(outcome).toMatchObject({ ok: false, failure: { status, reason, isRetryable: true } });
    expect(deltas).toEqual([]);
    expect(upstream.countOf(slug)).toBe(before + 1);
  });
}

test('the provider’s wish to be left alone is passed on', async () => {
  const { outcome } = await runCall(await open('rest', status(429, undefined, { 'retry-after': '3' })), callOf());
  expect(outcome.ok ? undefined : outcome.failure.retryAfterMs).toBe(3_000);
});

test('nobody listening is a failed connection', async () => {
  const connection = await openAiCompatible.open(modelFor({ endpoint: 'http://127.0.0.1:9/v1' }));
  opened.push(connection);
  expect(reasonOf(await runCall(connection, callOf()))).toBe('connection');
  expect((await connection.checkHealth(AbortSignal.timeout(1_000))).healthy).toBe(false);
});

test.each([
  ['a cut connection', 'cut', 'truncated'],
  ['an error among the events', 'error_event', 'server_error'],
  ['an end without its marker', 'end_without_marker', 'truncated'],
] as const)('after content, %s is a failure and never an answer', async (_what, how, reason) => {
  const ran = await runCall(await open(`mid-${how}`, { kind: 'breaks', after: 3, how }), callOf());
  expect(ran.text).toContain('piece 0');
  expect(reasonOf(ran)).toBe(reason);
  expect(ran.outcome.usage?.estimated).toBe(true);
});

test('silence before the first content, and within the answer, ends in time', async () => {
  const silent = await runCall(await open('silent', { kind: 'silent' }), callOf({ firstContentTimeoutMs: 100 }));
  expect(reasonOf(silent)).toBe('first_token_timeout');
  const stalled = await runCall(
    await open('stall', { kind: 'breaks', after: 2, how: 'stall' }),
    callOf({ idleTimeoutMs: 1_000 }),
  );
  expect(reasonOf(stalled)).toBe('stalled');
});

test('an abort closes the connection to the upstream', async () => {
  const abort = new AbortController();
  const connection = await open('abort', { kind: 'answer', chunks: 50, gapMs: 20 });
  const seen = upstream.nextRequest('abort');
  const run = connection.run(callOf(), () => abort.abort('cancelled'), abort.signal);
  const outcome = await run;
  expect(await (await seen).over).toBe('aborted');
  // Nobody told how many tokens it was; it is paid for all the same.
  expect(outcome.usage).toMatchObject({ estimated: true });
  expect(outcome.usage?.inputTokens).toBeGreaterThan(0);
});

test('what the registry decides is set, and the rest of the input goes through as it is', async () => {
  const connection = await open('body');
  const seen = upstream.nextRequest('body');
  await runCall(
    connection,
    callOf({ input: chatInput({ temperature: 0.5, max_tokens: 9_999, tools: [] }), maxOutputTokens: 7 }),
  );
  expect((await seen).body).toEqual({
    messages: [{ role: 'user', content: 'Say something.' }],
    temperature: 0.5,
    tools: [],
    model: 'body',
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 7,
  });
});

test('no maximum of output tokens is sent where none is given, and another field carries it where the record says so', async () => {
  const sent = async (slug: string, fields: object, maxOutputTokens: number | undefined): Promise<object> => {
    const connection = await openAiCompatible.open(
      modelFor({ name: slug, slug, endpoint: `${upstream.url}/v1`, ...fields }),
    );
    opened.push(connection);
    const seen = upstream.nextRequest(slug);
    await runCall(connection, callOf({ maxOutputTokens }));
    const { body } = await seen;
    return Object.fromEntries(Object.entries(body).filter(([name]) => name.startsWith('max_')));
  };
  expect(await sent('no-maximum', { context_tokens: 128_000, max_output_tokens: 16_384 }, undefined)).toEqual({});
  expect(await sent('newer-maximum', { max_tokens_field: 'max_completion_tokens' }, 7)).toEqual({
    max_completion_tokens: 7,
  });
});

test('cached and reasoning tokens are counted, and missing figures are estimated', async () => {
  const counted = await runCall(await open('usage'), callOf());
  expect(counted.outcome.usage).toEqual({
    inputTokens: 12,
    outputTokens: 14,
    cachedInputTokens: 4,
    reasoningTokens: 2,
    estimated: false,
  });
  const estimated = await runCall(await open('no-usage', { kind: 'answer', usage: false }), callOf());
  expect(estimated.outcome.usage).toMatchObject({ estimated: true });
});

test('tool calls come through, plain and streamed', async () => {
  const connection = await open('tools', { kind: 'tool_call' });
  const plain = await runCall(connection, callOf({ stream: false }));
  expect(plain.outcome.ok && JSON.parse(plain.outcome.output?.toolCalls ?? '[]')).toMatchObject([
    { function: { name: 'get_weather' } },
  ]);
  const streamed = await runCall(connection, callOf());
  expect(streamed.deltas.filter(({ toolCalls }) => toolCalls !== undefined)).toHaveLength(3);
  expect(streamed.outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
});

test('the key is read by reference, sent to the provider, and in no message', async () => {
  process.env['WILL_TEST_KEY'] = 'sk-test-0123456789';
  const connection = await openAiCompatible.open(
    modelFor({ name: 'keyed', slug: 'keyed', endpoint: `${upstream.url}/v1`, api_key: 'env://WILL_TEST_KEY' }),
  );
  opened.push(connection);
  const seen = upstream.nextRequest('keyed');
  await runCall(connection, callOf());
  expect((await seen).headers['authorization']).toBe('Bearer sk-test-0123456789');
  delete process.env['WILL_TEST_KEY'];
  const missing = openAiCompatible.open(modelFor({ endpoint: `${upstream.url}/v1`, api_key: 'env://WILL_TEST_KEY' }));
  await expect(missing).rejects.toThrow(ProviderConfigError);
  await expect(missing).rejects.toThrow('env://WILL_TEST_KEY is not set');
});

test.each(['169.254.169.254', '2852039166', '0x7f.1', '[::1]', '[::ffff:a9fe:a9fe]', '10.0.0.1', '0'])(
  'the private address %s is not opened where the record says public',
  async (host) => {
    const opening = openAiCompatible.open({
      ...modelFor({ call_method: 'API', endpoint: `http://${host}/v1` }),
      isPrivate: false,
    });
    await expect(opening).rejects.toThrow(ProviderConfigError);
  },
);

test('a public name that resolves to this machine is not called', async () => {
  // localtest-like names are not needed: the resolver's answer for this name is loopback everywhere.
  const connection = await openAiCompatible.open({
    ...modelFor({ call_method: 'API', endpoint: `http://localhost:${new URL(upstream.url).port}/v1` }),
    isPrivate: false,
  });
  opened.push(connection);
  const { outcome } = await runCall(connection, callOf());
  expect(outcome).toMatchObject({
    ok: false,
    failure: { reason: 'connection', message: expect.stringContaining('EPRIVATE') },
  });
});

test('a local model may be reached by a name of the own network', async () => {
  const connection = await openAiCompatible.open({
    ...modelFor({ call_method: 'container', endpoint: `http://localhost:${new URL(upstream.url).port}/v1` }),
    isPrivate: false,
  });
  opened.push(connection);
  expect((await runCall(connection, callOf())).outcome.ok).toBe(true);
});

test('a server of one’s own is asked for its health, and for its list where it has none', async () => {
  const own = await openAiCompatible.open(
    modelFor({ name: 'own', slug: 'own', call_method: 'Local', endpoint: `${upstream.url}/v1` }),
  );
  opened.push(own);
  const look = async (health: number, list = 200) => {
    upstream.script('GET /health', status(health));
    upstream.script('GET /v1/models', status(list));
    return (await own.checkHealth(AbortSignal.timeout(5_000))).healthy;
  };
  expect(await look(200, 500)).toBe(true);
  // It loads its model, which it lists already.
  expect(await look(503, 200)).toBe(false);
  expect(await look(404, 200)).toBe(true);
  expect(await look(404, 503)).toBe(false);
});

test('a key for prompt caches reaches only a server whose document names the field, as a digest', async () => {
  const sent = async (slug: string, pass_through: readonly string[]): Promise<object> => {
    const fields = { name: slug, slug, endpoint: `${upstream.url}/v1`, pass_through };
    const connection = await openAiCompatible.open(modelFor(fields));
    opened.push(connection);
    const seen = upstream.nextRequest(slug);
    const input = chatInput({ prompt_cache_key: 'stated', prompt_cache_retention: '24h' });
    await runCall(connection, callOf({ input, client: 'acme' }));
    return (await seen).body as object;
  };
  const plain = await sent('without-key', ['top_k']);
  expect(plain).not.toHaveProperty('prompt_cache_key');
  expect(plain).not.toHaveProperty('prompt_cache_retention');
  const named = await sent('with-key', ['prompt_cache_key']);
  expect(named).toMatchObject({ prompt_cache_key: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) });
  expect(named).not.toHaveProperty('prompt_cache_retention');
});
