import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { compileSnapshot, type AnyDocument } from '@will/core';
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Admission } from './admission/admission.ts';
import { startHttpServer } from './server/http/server.ts';
import { openGuard } from './auth/keys/guard.ts';
import { routes } from './routes.ts';
import { answers, breaksAfter, chatOf, delta, fails, result, started, toolCalls } from './testing/fake-tasks.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';
import { UnderWay } from './admission/under-way.ts';

// Routes and forms that clients expect beside the main ones.

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
});

const openai = () => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 0 });
const anthropic = () => new Anthropic({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const hello = [{ role: 'user', content: 'hello' }];

describe('models', () => {
  const before = { snapshot: undefined as TestServer['backends']['snapshot'] };
  beforeEach(() => {
    before.snapshot = server.backends.snapshot;
    const body = {
      name: 'GPT 9y',
      slug: 'gpt-9y',
      aliases: ['openai/gpt-9y'],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai-compatible',
      capabilities: [],
      tier: 'standard',
      released: '2026-01-02T00:00:00Z',
      context_tokens: 200_000,
      max_output_tokens: 8_000,
      modalities: { input: ['text', 'image'], output: ['text'] },
      prices: { input: 2.5, output: 10, cached_input: 0.25, request: 0.01 },
    };
    const compiled = compileSnapshot(7, [{ kind: 'model', body } as unknown as AnyDocument]);
    if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
    server.backends.snapshot = compiled.snapshot;
  });
  afterEach(() => {
    server.backends.snapshot = before.snapshot;
  });

  test.each(['openai/gpt-9y', 'openai%2Fgpt-9y', 'gpt-9y'])('an id with slashes is found as %s', async (id) => {
    expect(await (await fetch(`${server.url}/v1/models/${id}`)).json()).toMatchObject({ id: 'gpt-9y' });
  });

  test('OpenAI’s library finds an id with a slash', async () => {
    expect(await openai().models.retrieve('openai/gpt-9y')).toMatchObject({ id: 'gpt-9y' });
  });

  test('a model has its date, context, modalities and prices', async () => {
    expect(await (await fetch(`${server.url}/v1/models/gpt-9y`)).json()).toMatchObject({
      created: 1_767_312_000,
      context_length: 200_000,
      max_model_len: 200_000,
      max_output_tokens: 8_000,
      architecture: { input_modalities: ['text', 'image'], output_modalities: ['text'] },
      pricing: { prompt: '0.0000025', completion: '0.00001', input_cache_read: '0.00000025', request: '0.01' },
    });
    expect(await (await fetch(`${server.url}/v1/models/auto`)).json()).toMatchObject({ context_length: 200_000 });
  });

  test('Anthropic’s library lists and finds models in its own form', async () => {
    const ids: string[] = [];
    for await (const { id, type } of anthropic().models.list()) ids.push(`${type} ${id}`);
    expect(ids).toContain('model gpt-9y');
    expect(await anthropic().models.retrieve('gpt-9y')).toMatchObject({
      display_name: 'GPT 9y',
      created_at: '2026-01-02T00:00:00.000Z',
      max_input_tokens: 200_000,
      max_tokens: 8_000,
    });
  });
});

describe('counting tokens in Anthropic’s form', () => {
  test('is answered without a model', async () => {
    const asked = {
      model: 'auto',
      system: 'be brief',
      messages: [{ role: 'user' as const, content: 'x'.repeat(300) }],
    };
    const { input_tokens: tokens } = await anthropic().messages.countTokens(asked);
    expect(tokens).toBeGreaterThan(100);
    expect(tokens).toBeLessThan(200);
    expect(server.tasks.requests).toEqual([]);
  });

  test('refuses an unknown model and a wish in Anthropic’s form', async () => {
    for (const [fields, status] of [
      [{ model: 'gpt-99' }, 404],
      [{ inference_geo: 'eu' }, 400],
    ] as const) {
      const response = await post('/v1/messages/count_tokens', { model: 'auto', messages: hello, ...fields });
      expect([response.status, await response.json()]).toMatchObject([
        status,
        { type: 'error', error: { type: expect.stringMatching(/error$/) } },
      ]);
    }
  });
});

test('every error below /v1/messages has Anthropic’s form', async () => {
  const responses = [
    await fetch(`${server.url}/v1/messages`),
    await post('/v1/messages/batches', {}),
    await post('/v1/messages/count_tokens', { model: 'auto' }),
    await fetch(`${server.url}/v1/messages/count_tokens`, { method: 'POST', body: '{}' }),
  ];
  expect(responses.map(({ status }) => status)).toEqual([405, 404, 400, 415]);
  for (const response of responses)
    expect(await response.json()).toMatchObject({ type: 'error', error: { message: expect.stringMatching(/./) } });
});

describe('completions in OpenAI’s oldest form', () => {
  const asked = { model: 'auto', prompt: 'ping', max_tokens: 5, best_of: 1, echo: false };

  test('are answered whole and streamed', async () => {
    const whole = await openai().completions.create(asked);
    expect(whole).toMatchObject({ object: 'text_completion', choices: [{ text: 'pong', finish_reason: 'stop' }] });
    expect(whole.usage?.total_tokens).toBe(10);
    expect(chatOf(server.tasks.requests[0]).messages).toEqual([{ role: 'user', content: 'ping' }]);
    expect(server.tasks.requests[0]?.maxOutputTokens).toBe(5);
    let [text, tokens] = ['', 0];
    const options = { stream: true, stream_options: { include_usage: true } } as const;
    for await (const { choices, usage } of await openai().completions.create({ ...asked, ...options })) {
      text += choices[0]?.text ?? '';
      tokens += usage?.total_tokens ?? 0;
    }
    expect([text, tokens]).toEqual(['pong', 10]);
  });

  test('that ask for more than a text, or break, are errors', async () => {
    for (const fields of [{ echo: true }, { n: 2 }, { suffix: 'x' }, { prompt: [1, 2] }, { prompt: ['a', 'b'] }])
      expect((await post('/v1/completions', { ...asked, ...fields })).status).toBe(400);
    server.tasks.script = breaksAfter('half', 'worker_lost', 'because');
    const read = async (): Promise<void> => {
      for await (const _chunk of await openai().completions.create({ ...asked, stream: true }));
    };
    await expect(read()).rejects.toThrow('because');
  });
});

test('a translation of a recording says that English is wanted', async () => {
  server.tasks.script = (request) => result(request, { output: 'said' });
  const file = await toFile(Buffer.from('RIFF'), 'a.wav', { type: 'audio/wav' });
  expect(await openai().audio.translations.create({ model: 'auto', file })).toMatchObject({ text: 'said' });
  expect(chatOf(server.tasks.requests[0])).toMatchObject({ into_english: true, file_name: 'a.wav' });
});

describe('embeddings of token ids', () => {
  const input = [
    [1, 2],
    [3, 4],
  ];
  test('go to the model that is named', async () => {
    server.tasks.script = (request) =>
      result(request, { output: '{"count":2,"dimensions":1}', data: new Uint8Array(8) });
    expect((await post('/v1/embeddings', { model: 'gpt-4', input })).status).toBe(200);
    expect(chatOf(server.tasks.requests[0])).toEqual({ input });
  });

  test('are refused where any model may answer', async () => {
    const response = await post('/v1/embeddings', { model: 'embedding', input });
    expect([response.status, await response.text()]).toMatchObject([400, expect.stringContaining('name that model')]);
  });
});

test('a user that is no string is refused, as OpenAI does', async () => {
  const response = await post('/v1/chat/completions', { model: 'auto', messages: hello, user: 42 });
  expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'user' } }]);
});

describe('an answer with calls of tools that its server ends with stop', () => {
  beforeEach(() => {
    server.tasks.script = (request, stream, onPart) => {
      const calls = toolCalls('weather', {});
      if (stream) {
        onPart(started);
        onPart(
          delta('', {
            toolCalls: JSON.stringify((JSON.parse(calls) as object[]).map((call) => ({ index: 0, ...call }))),
          }),
        );
      }
      return result(request, { toolCalls: calls, finish: 'stop' });
    };
  });

  test('ends for the calls in every dialect, whole and streamed', async () => {
    const chat = { model: 'auto', messages: hello } as const;
    for (const stream of [false, true]) {
      const ofChat = await (await post('/v1/chat/completions', { ...chat, stream })).text();
      expect(ofChat).toContain('"finish_reason":"tool_calls"');
      expect(ofChat).not.toContain('"finish_reason":"stop"');
      const ofMessages = await (await post('/v1/messages', { ...chat, max_tokens: 9, stream })).text();
      expect(ofMessages).toContain('"stop_reason":"tool_use"');
    }
  });
});

test('an answer whose end is not known has the word of each dialect for a usual end', async () => {
  server.tasks.script = (request) => result(request, { output: 'pong', finish: 'unknown' });
  const chat = { model: 'auto', messages: hello } as const;
  expect(await (await post('/v1/chat/completions', chat)).json()).toMatchObject({
    choices: [{ finish_reason: 'stop' }],
  });
  expect(await (await post('/v1/messages', { ...chat, max_tokens: 9 })).json()).toMatchObject({
    stop_reason: 'end_turn',
  });
  expect(await (await post('/v1/responses', { model: 'auto', input: 'ping' })).json()).toMatchObject({
    status: 'completed',
  });
});

describe('a page of an origin that the settings name', () => {
  const origin = 'https://app.example';
  let web: Awaited<ReturnType<typeof startHttpServer>>;
  let url = '';
  beforeAll(async () => {
    const table = routes({
      backends: server.backends,
      admission: new Admission(9),
      largeBodies: new Admission(2),
      underWay: new UnderWay(),
      nowMs: Date.now,
      onError: () => {},
    });
    web = await startHttpServer(0, table, () => {}, {
      guard: openGuard,
      web: { hosts: ['will.example'], origins: [origin] },
    });
    url = `http://127.0.0.1:${web.port}/v1/chat/completions`;
  });
  afterAll(() => web.stop(0));
  const preflight = (from: string): Promise<Response> =>
    fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      },
    });

  test('is told that it may call, and reads answers and errors', async () => {
    const asked = await preflight(origin);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    expect(asked.headers.get('access-control-allow-headers')).toBe('authorization, content-type');
    for (const [body, status] of [
      [{ model: 'auto', messages: hello }, 200],
      [{ model: 'auto', messages: hello, stream: true }, 200],
      [{ model: 'gpt-99', messages: hello }, 404],
    ] as const) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: JSON.stringify(body),
      });
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([status, origin]);
      expect(response.headers.get('access-control-expose-headers')).toContain('x-will-ignored');
      await response.text();
    }
  });

  test('and no other is', async () => {
    for (const from of ['https://evil.example', 'null', `${origin}.evil.example`]) {
      const asked = await preflight(from);
      expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
  });
});

test('a target in absolute form is its path', async () => {
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.end(`GET http://127.0.0.1:${port}/v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const piece of socket) text += String(piece);
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
});

test('an error of a task below /v1/messages keeps its meaning', async () => {
  server.tasks.script = fails('context_length_exceeded', 'prompt is too long: 9 tokens > 8 maximum');
  const response = await post('/v1/messages', { model: 'auto', max_tokens: 9, messages: hello });
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { type: 'error', error: { type: 'invalid_request_error', message: expect.stringContaining('prompt is too long') } },
  ]);
});

test('the fields that an answer was made without are counted, and not named', async () => {
  const messages = [{ role: 'user', content: 'Hello' }];
  server.ignored.length = 0;
  for (const more of [{ foo: 1, bar: 2 }, { foo: 1, stream: true }, {}])
    await (await server.post({ model: 'auto', messages, ...more })).text();
  server.tasks.script = (request) => result(request, { output: '{"count":1,"dimensions":1}', data: new Uint8Array(4) });
  await (await post('/v1/embeddings', { model: 'embedding', input: 'x', foo: 1 })).text();
  expect(server.ignored).toEqual([2, 1, 1]);
  // The decision names them.
  const named = server.tasks.requests.slice(-4).map(({ ignoredFields }) => ignoredFields);
  expect(named).toEqual([['foo', 'bar'], ['foo'], undefined, ['foo']]);
});

test('timeouts that headers state reach tasks of every kind', async () => {
  const headers = { 'x-will-first-token-timeout-ms': '1500', 'x-will-idle-timeout-ms': '2500' };
  const stated = { firstTokenTimeoutMs: 1_500, idleTimeoutMs: 2_500 };
  const form = new FormData();
  form.set('model', 'auto');
  form.set('file', new Blob(['RIFF']), 'a.wav');
  const json = { 'content-type': 'application/json', ...headers };
  const bodies: readonly (readonly [string, RequestInit])[] = [
    ['/v1/chat/completions', { headers: json, body: '{"model":"auto","messages":[{"role":"user","content":"x"}]}' }],
    ['/v1/embeddings', { headers: json, body: '{"model":"auto","input":"x"}' }],
    ['/v1/images/generations', { headers: json, body: '{"model":"auto","prompt":"x"}' }],
    ['/v1/audio/speech', { headers: json, body: '{"model":"auto","input":"x","voice":"alloy"}' }],
    ['/v1/rerank', { headers: json, body: '{"model":"auto","query":"x","documents":["y"]}' }],
    ['/v1/audio/transcriptions', { headers, body: form }],
  ];
  for (const [path, init] of bodies) {
    server.tasks.requests.length = 0;
    await (await fetch(`${server.url}${path}`, { method: 'POST', ...init })).arrayBuffer();
    expect([path, server.tasks.requests]).toEqual([path, [expect.objectContaining(stated)]]);
  }
});

test('a server that leaves answers what comes by a kept connection, and ends the connection with the answer', async () => {
  const leaving = await startHttpServer(0, { '/': { GET: (_, response) => void response.end('hello') } }, () => {});
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const asked = async (): Promise<string | undefined> => {
    const [response] = (await once(get({ port: leaving.port, agent }), 'response')) as [IncomingMessage];
    await once(response.resume(), 'end');
    return response.headers.connection;
  };
  expect(await asked()).toBe('keep-alive');
  leaving.leave();
  expect(await asked()).toBe('close');
  agent.destroy();
  await leaving.stop(0);
});
