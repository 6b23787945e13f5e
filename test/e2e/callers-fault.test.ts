import Anthropic from '@anthropic-ai/sdk';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// What the caller did wrong is told as that: in each dialect, once, and at nobody else's cost.

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  const model = (name: string, contextTokens: number): string =>
    `${modelDocument({ name, tags: 'text_gen, code', endpoint, apiKey: 'env://WILL_TEST_KEY' })}\ncontext_tokens: ${contextTokens}`;
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        model('One', 8_000),
        model('Two', 32_000),
        routeDocument('text_gen', 'One', 'Two'),
        'kind: route\nname: code\nprimary: Two\nfallback_1: One',
      ),
    },
    env: { WILL_TEST_KEY: 'k' },
    counts: { gateway: 1 },
  });
  await system.untilServed('one', 'two');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});
beforeEach(() => upstream.clear());

const messages = [{ role: 'user', content: 'Hello' }];
const post = (path: string, body: object): Promise<Response> =>
  fetch(`${system.httpUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const routes = {
  '/v1/chat/completions': { model: 'text_gen', messages },
  '/v1/responses': { model: 'text_gen', input: 'Hello' },
  '/v1/messages': { model: 'text_gen', max_tokens: 50, messages },
} as const;
type Path = keyof typeof routes;
const paths = Object.keys(routes) as Path[];

/** Both models answer so, as often as they are asked. */
const answers = (status: number, error: object): void => {
  for (const model of ['one', 'two'])
    upstream.script(model, { kind: 'status', status, body: JSON.stringify({ error }) });
};

const errorOf = async (response: Response): Promise<Record<string, unknown>> =>
  ((await response.json()) as { error: Record<string, unknown> }).error;
const called = (): number => upstream.countOf('one') + upstream.countOf('two');

test('an input that is too long for every model is 400 in each dialect, and its libraries do not send it again', async () => {
  answers(400, { message: "This model's maximum context length is 9 tokens.", code: 'context_length_exceeded' });
  for (const path of paths) {
    const response = await post(path, routes[path]);
    expect([path, response.status, response.headers.get('x-should-retry')]).toEqual([path, 400, 'false']);
    const error = await errorOf(response);
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'context_length_exceeded', retryable: false });
    if (path === '/v1/messages') expect(error['message']).toContain('prompt is too long');
  }
  upstream.clear();
  const openai = new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 2 });
  await expect(
    openai.chat.completions.create({ model: 'text_gen', messages: [{ role: 'user', content: 'Hello' }] }),
  ).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
  const anthropic = new Anthropic({ baseURL: system.httpUrl, apiKey: 'none', maxRetries: 2 });
  await expect(
    anthropic.messages.create({ model: 'text_gen', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }),
  ).rejects.toMatchObject({ status: 400, message: expect.stringContaining('prompt is too long') });
  // Each task tried both models once: the second one has a larger context.
  expect(called()).toBe(4);
});

test('a model with a larger context answers what was too long for the first', async () => {
  upstream.script('one', { kind: 'status', status: 400, body: '{"error":{"code":"context_length_exceeded"}}' });
  upstream.script('two', { kind: 'answer' });
  const response = await post('/v1/chat/completions', routes['/v1/chat/completions']);
  expect([response.status, response.headers.get('x-will-model')]).toEqual([200, 'two']);
});

test('a model whose context is smaller is not asked after an overflow', async () => {
  answers(400, { code: 'context_length_exceeded' });
  const response = await post('/v1/chat/completions', { model: 'code', messages });
  expect([response.status, (await errorOf(response))['code']]).toEqual([400, 'context_length_exceeded']);
  expect([upstream.countOf('one'), upstream.countOf('two')]).toEqual([0, 1]);
});

test('prompts that are flagged by moderation fail alone: two models with one key cool down for nobody', async () => {
  answers(403, { message: 'Your input was flagged by moderation', code: 403 });
  for (let n = 0; n < 3; n += 1) {
    const response = await post('/v1/chat/completions', routes['/v1/chat/completions']);
    expect([response.status, (await errorOf(response))['code']]).toEqual([400, 'content_filter']);
  }
  expect((await errorOf(await post('/v1/messages', routes['/v1/messages'])))['type']).toBe('invalid_request_error');
  for (const model of ['one', 'two']) upstream.script(model, { kind: 'answer' });
  const next = await post('/v1/chat/completions', routes['/v1/chat/completions']);
  expect([next.status, next.headers.get('x-will-model')]).toEqual([200, 'one']);
});

test('a value that the provider finds invalid is 400 with its field, and no other model is asked', async () => {
  const secret = 'never to be told';
  answers(400, { message: secret, type: 'invalid_request_error', param: 'top_p', code: 'invalid_value' });
  const response = await post('/v1/chat/completions', routes['/v1/chat/completions']);
  const error = await errorOf(response);
  expect([response.status, response.headers.get('x-should-retry')]).toEqual([400, 'false']);
  expect(error).toMatchObject({ code: 'invalid_task', param: 'top_p', retryable: false });
  expect([upstream.countOf('one'), upstream.countOf('two')]).toEqual([1, 0]);
  expect(JSON.stringify(error)).not.toContain(secret);
  // Operators see the provider's status and code, and none of its text.
  const [call] = await callsOf(system, { taskId: String(error['task_id']) }, 1);
  expect(call).toMatchObject({
    httpStatus: 400,
    vendorCode: 'invalid_value',
    reason: expect.stringContaining('HTTP 400'),
  });
  expect(
    JSON.stringify(call, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  ).not.toContain(secret);
});
