import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  answers,
  attempt,
  delta,
  exclusion,
  fails,
  hangs,
  result,
  type Script,
  started,
} from './testing/fake-tasks.ts';
import { whyNotReady } from './server/readiness.ts';
import { startTestServer, sampleSnapshot, type TestServer } from './testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(3);
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
  server.errors.length = 0;
  Object.assign(server.backends, { client: server.tasks, snapshot: sampleSnapshot(), isBusConnected: true });
});

const chat = (fields: Record<string, unknown> = {}) => ({
  model: 'auto',
  messages: [{ role: 'user', content: 'ping' }],
  ...fields,
});
const errorOf = async (response: Response) => ((await response.json()) as { error: Record<string, unknown> }).error;
const events = async (response: Response): Promise<string[]> =>
  (await response.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));

test('a chat is a task on the bus, and its answer says which model answered', async () => {
  const response = await server.post(chat({ temperature: 0.5, max_tokens: 9 }), { 'x-will-client': 'AcmeLegal' });
  const body = (await response.json()) as Record<string, unknown>;
  const [task] = server.tasks.requests;
  expect(task).toMatchObject({ type: 'text_gen', client: 'acmelegal', maxOutputTokens: 9, inputKind: 'chat' });
  expect(JSON.parse(Buffer.from(task?.input as Uint8Array).toString())).toEqual({
    messages: [{ role: 'user', content: 'ping' }],
    temperature: 0.5,
  });
  expect(response.status).toBe(200);
  expect(body).toEqual({
    id: `chatcmpl-${task?.taskId}`,
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'llama',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'pong', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: {
      prompt_tokens: 7,
      completion_tokens: 3,
      total_tokens: 10,
      prompt_tokens_details: { cached_tokens: 1 },
      completion_tokens_details: { reasoning_tokens: 2 },
    },
  });
  expect(response.headers.get('x-will-task-id')).toBe(task?.taskId);
  expect(response.headers.get('x-will-decision-id')).toBe('decision-1');
  expect(response.headers.get('x-will-decision')).toBe('decision-1; gpt-4:AuthError, llama:Success');
  expect(response.headers.get('x-will-model')).toBe('llama');
});

test('tool calls and reasoning come through', async () => {
  const calls = [{ id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } }];
  server.tasks.script = (request) =>
    result(request, { toolCalls: JSON.stringify(calls), reasoning: 'hm', finish: 'tool_calls' });
  const body = (await (await server.post(chat())).json()) as { choices: unknown[] };
  expect(body.choices[0]).toMatchObject({
    message: { content: null, reasoning_content: 'hm', tool_calls: calls },
    finish_reason: 'tool_calls',
  });
});

test('a stream is one event per piece, then the finish, the usage where asked, and [DONE]', async () => {
  const response = await server.post(chat({ stream: true, stream_options: { include_usage: true } }));
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('x-will-decision-id')).toBe('decision-1');
  const all = await events(response);
  expect(all.pop()).toBe('[DONE]');
  const chunks = all.map((event) => JSON.parse(event) as Record<string, unknown>);
  expect(chunks.map(({ choices }) => choices)).toEqual([
    [{ index: 0, delta: { role: 'assistant', content: 'po' }, finish_reason: null }],
    [{ index: 0, delta: { content: 'ng' }, finish_reason: null }],
    [{ index: 0, delta: {}, finish_reason: 'stop' }],
    [],
  ]);
  expect(chunks.map(({ usage }) => usage)).toEqual([null, null, null, expect.objectContaining({ total_tokens: 10 })]);
  expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set([`chatcmpl-${server.tasks.requests[0]?.taskId}`]));
  expect(chunks[0]).toMatchObject({ object: 'chat.completion.chunk', created: 1_700_000_000, model: 'llama' });
});

test('without include_usage no chunk speaks of usage', async () => {
  expect((await events(await server.post(chat({ stream: true })))).join('')).not.toContain('usage');
});

test('a model that cannot stream gives its whole answer in one piece', async () => {
  const calls = [{ id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } }];
  server.tasks.script = (request) => result(request, { output: 'whole', toolCalls: JSON.stringify(calls) });
  const [first] = await events(await server.post(chat({ stream: true })));
  expect(JSON.parse(first as string)).toMatchObject({
    choices: [{ delta: { role: 'assistant', content: 'whole', tool_calls: [{ index: 0, id: 'c1' }] } }],
  });
});

test('the first piece is there while the model still thinks about the second', async () => {
  const script = hangs([started, delta('first')]);
  server.tasks.script = script;
  const response = await server.post(chat({ stream: true }));
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  expect(Buffer.from(value as Uint8Array).toString()).toContain('"content":"first"');
  await reader?.cancel();
  await script.cancelled;
});

test('a stream that fails before its first content is an ordinary error', async () => {
  server.tasks.script = fails('no_worker', 'no live worker', { isRetryable: true });
  const response = await server.post(chat({ stream: true }));
  expect(response.status).toBe(503);
  expect(await errorOf(response)).toMatchObject({ code: 'no_worker' });
});

test('a stream that fails after content says so in an event and never says [DONE]', async () => {
  server.tasks.script = (request, stream, onPart) => {
    onPart(started);
    onPart(delta('half'));
    return fails('worker_lost', 'the worker died', { decisionId: 'decision-1' })(request, stream, onPart);
  };
  const all = await events(await server.post(chat({ stream: true })));
  expect(all).toHaveLength(2);
  expect(JSON.parse(all[1] as string)).toMatchObject({
    error: { code: 'worker_lost', message: 'the worker died', type: 'server_error' },
  });
});

test.each([
  ['invalid_task', 400, 'invalid_request_error'],
  ['blocked', 403, 'permission_error'],
  ['unknown_task', 404, 'invalid_request_error'],
  ['too_large', 413, 'invalid_request_error'],
  ['overloaded', 429, 'rate_limit_error'],
  ['internal', 500, 'server_error'],
  ['all_failed', 502, 'server_error'],
  ['truncated', 502, 'server_error'],
  ['no_worker', 503, 'server_error'],
  ['unavailable', 503, 'server_error'],
  ['worker_lost', 503, 'server_error'],
  ['router_lost', 503, 'server_error'],
  ['deadline', 504, 'timeout_error'],
] as const)('a task that ends as %s is answered %i', async (code, status, type) => {
  server.tasks.script = fails(code, 'because', {
    isRetryable: true,
    retryAfterMs: 1_500,
    decisionId: 'decision-9',
    attempts: [attempt(1, 'gpt-4', 'AuthError', 'no key')],
    exclusions: [exclusion('eyes', 'task_type')],
  });
  const response = await server.post(chat());
  expect(response.status).toBe(status);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(response.headers.get('x-should-retry')).toBe(String(code !== 'deadline'));
  expect(response.headers.get('x-will-decision')).toBe('decision-9; gpt-4:AuthError');
  expect(await errorOf(response)).toEqual({
    message: 'because',
    type,
    param: null,
    code,
    task_id: server.tasks.requests[0]?.taskId,
    decision_id: 'decision-9',
    retryable: true,
    attempts: [
      { number: 1, model: 'gpt-4', outcome: 'Blocked', status: 'AuthError', reason: 'no key', duration_ms: 12 },
    ],
    exclusions: [{ model: 'eyes', rule: 'task_type', detail: 'task_type says no' }],
  });
});

test('what breaks inside is told to the log, not to the caller', async () => {
  server.tasks.script = () => {
    throw new Error('secret path /srv/x');
  };
  const response = await server.post(chat());
  expect(response.status).toBe(500);
  expect(JSON.stringify(await errorOf(response))).not.toContain('secret');
  expect(server.errors).toEqual(['POST /v1/chat/completions']);
});

test('a caller that leaves cancels its task, plain and streamed', async () => {
  for (const stream of [false, true]) {
    const script = hangs();
    server.tasks.script = script;
    const abort = new AbortController();
    const answer = fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(chat({ stream })),
      signal: abort.signal,
    });
    await script.begun;
    abort.abort();
    await expect(answer).rejects.toThrow('aborted');
    await script.cancelled;
  }
});

test('one task more than may be in flight is answered 429 at once, and places come back', async () => {
  const scripts = [hangs(), hangs(), hangs()];
  const aborts = scripts.map(() => new AbortController());
  const running = [];
  for (const [index, script] of scripts.entries()) {
    server.tasks.script = script;
    running.push(
      fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(chat()),
        signal: (aborts[index] as AbortController).signal,
      }).catch(() => {}),
    );
    await script.begun;
  }
  const response = await server.post(chat());
  expect(response.status).toBe(429);
  const retryMs = Number(response.headers.get('retry-after-ms'));
  expect(retryMs).toBeGreaterThan(0);
  expect(response.headers.get('retry-after')).toBe(String(Math.ceil(retryMs / 1000)));
  for (const abort of aborts) abort.abort();
  await Promise.all([...running, ...scripts.map(({ cancelled }) => cancelled)]);
  server.tasks.script = answers('pong');
  expect((await server.post(chat())).status).toBe(200);
});

test.each([
  ['not JSON', '{', {}, 400, 'invalid_request'],
  ['a wish that cannot be honoured', chat({ store: true }), {}, 400, 'invalid_request'],
  ['an empty body', '', {}, 400, 'invalid_request'],
  ['bytes that are no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), {}, 400, 'invalid_request'],
  ['another content type', chat(), { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
  ['a packed body', chat(), { 'content-encoding': 'gzip' }, 415, 'unsupported_encoding'],
  ['a body that is too large', chat({ user: 'x'.repeat(17_000_000) }), {}, 413, 'too_large'],
  ['a model nobody knows', chat({ model: 'gpt-99' }), {}, 404, 'model_not_found'],
  ['a mistyped fact', chat(), { 'x-will-datclass': 'open' }, 400, 'invalid_request'],
] as const)('%s is refused before any task is made', async (_what, body, headers, status, code) => {
  const response = await server.post(body, headers as Record<string, string>);
  expect(response.status).toBe(status);
  expect(await errorOf(response)).toMatchObject({ code, type: 'invalid_request_error' });
  expect(server.tasks.requests).toEqual([]);
});

test('a body without a length is cut off at the limit, too', async () => {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let n = 0; n < 20; n += 1) controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
      controller.close();
    },
  });
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
    duplex: 'half',
  } as RequestInit);
  expect(response.status).toBe(413);
});

test('only so many bodies above the size of a message are held at once', async () => {
  const scripts = [hangs(), hangs()];
  const pending = [...scripts];
  server.tasks.script = (...args) => (pending.shift() as Script)(...args);
  const aborts = [new AbortController(), new AbortController()];
  const large = JSON.stringify(chat({ user: 'x'.repeat(900_000) }));
  const running = aborts.map((abort) =>
    fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: large,
      signal: abort.signal,
    }).catch(() => undefined),
  );
  await Promise.all(scripts.map(({ begun }) => begun));
  expect((await server.post(large)).status).toBe(429);
  for (const abort of aborts) abort.abort();
  await Promise.all([...running, ...scripts.map(({ cancelled }) => cancelled)]);
  server.tasks.script = answers('pong');
  await expect.poll(async () => (await server.post(large)).status).toBe(200);
});

test('models and task types are listed, with what is served', async () => {
  const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as {
    data: { id: string; served: boolean; kind: string }[];
  };
  expect(data.map(({ id, kind, served }) => [id, kind, served])).toEqual([
    ['auto', 'task_type', true],
    ['code', 'task_type', false],
    ['text_gen', 'task_type', true],
    ['vision', 'task_type', false],
    ['gpt-4', 'model', false],
    ['llama', 'model', true],
    ['eyes', 'model', false],
  ]);
});

test('one model is found by any of its names', async () => {
  expect(await (await fetch(`${server.url}/v1/models/openai:gpt4`)).json()).toMatchObject({
    id: 'gpt-4',
    owned_by: 'openai-compatible',
  });
  expect((await fetch(`${server.url}/v1/models/gpt-99`)).status).toBe(404);
  expect((await fetch(`${server.url}/v1/models/%ff`)).status).toBe(400);
});

test('healthz says ok only while a task can be answered, and else what is missing', async () => {
  const health = async () => {
    const response = await fetch(`${server.url}/healthz`);
    return [response.status, ((await response.json()) as { reason?: string }).reason];
  };
  const whole = { ...server.backends };
  expect(await health()).toEqual([200, undefined]);
  const served = new Set(['llama']);
  const missing = [
    [{ isBusConnected: false }, 'NATS is not connected'],
    [{ snapshot: undefined }, 'no documents are published yet: is the registry running?'],
    [{ fleet: { has: (service: string) => service !== 'router', servedModels: () => served } }, 'no router is running'],
    [{ fleet: { has: (service: string) => service !== 'policy', servedModels: () => served } }, 'no policy is running'],
    [{ fleet: { has: () => true, servedModels: () => new Set<string>() } }, 'no worker serves any model'],
  ] as const;
  for (const [change, reason] of missing) {
    Object.assign(server.backends, whole, change);
    expect(await health()).toEqual([503, reason]);
  }
  Object.assign(server.backends, whole);
});

test('requests may be sent to a gateway that is on the bus, with documents and workers or without', () => {
  const { backends } = server;
  const empty = { ...backends, snapshot: undefined, fleet: undefined };
  expect(whyNotReady(empty, false)).toBeUndefined();
  expect(whyNotReady({ ...empty, client: undefined }, false)).toBe('starting');
  expect(whyNotReady({ ...empty, isBusConnected: false }, false)).toBe('NATS is not connected');
  expect(whyNotReady(backends, true)).toBe('stopping');
});

test('before the bus is there a chat is answered 503 with the reason', async () => {
  server.backends.client = undefined;
  server.backends.isBusConnected = false;
  const response = await server.post(chat());
  expect(response.status).toBe(503);
  expect(await errorOf(response)).toMatchObject({ code: 'unavailable', message: 'NATS is not connected' });
});

test('unknown paths and methods say what there is', async () => {
  const unknown = await fetch(`${server.url}/v1/nothing?x=1`);
  expect(unknown.status).toBe(404);
  expect((await errorOf(unknown))['message']).toMatch(/"\/v1\/nothing" must be one of \/v1\/chat\/completions/);
  const wrong = await fetch(`${server.url}/v1/chat/completions`);
  expect(wrong.status).toBe(405);
  expect(wrong.headers.get('allow')).toBe('POST');
  expect((await fetch(`${server.url}/constructor`)).status).toBe(404);
});

/** What the server says to raw bytes, until it closes. */
