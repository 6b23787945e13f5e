import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ReplayingUpstream, startReplayingUpstream, tinyGguf } from '@will/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply, callsOf, decisionOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';

// The main job on real parts: a real bus, real processes and a real model's inference.

let upstream: ReplayingUpstream;
let system: System;
let folder: string;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  folder = await mkdtemp(join(tmpdir(), 'will-model-'));
  await writeFile(join(folder, 'tiny.gguf'), tinyGguf());
  await writeFile(join(folder, 'key'), 'sk-vendor-0123456789\n');
  const cloud = { callMethod: 'API', endpoint: `${upstream.url}/v1` } as const;
  system = await startSystem({
    callers: ['acme'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ ...cloud, name: 'Keyless', apiKey: 'env://WILL_NO_SUCH_KEY' }),
        modelDocument({ ...cloud, name: 'Down', endpoint: 'http://127.0.0.1:9/v1' }),
        modelDocument({ ...cloud, name: 'Cloud', tags: 'text_gen, code' }),
        modelDocument({
          name: 'Tiny',
          provider: 'gguf',
          callMethod: 'on-device',
          path: join(folder, 'tiny.gguf'),
          aliases: ['local:Tiny'],
        }),
        modelDocument({
          ...cloud,
          name: 'Claude',
          tags: 'summary',
          provider: 'anthropic',
          apiKey: pathToFileURL(join(folder, 'key')).href,
        }),
        modelDocument({
          ...cloud,
          name: 'Gemini',
          tags: 'summary',
          provider: 'google',
          endpoint: `${upstream.url}/v1beta`,
          apiKey: pathToFileURL(join(folder, 'key')).href,
        }),
        routeDocument('summary', 'Claude', 'Gemini'),
        routeDocument('text_gen', 'Keyless', 'Down', 'local:Tiny'),
        routeDocument('code', 'Cloud'),
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('cloud', 'tiny', 'down', 'claude', 'gemini');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
});

test('a route whose first has no key and whose second is down answers from the local model, and says why', async () => {
  const result = await system.client.run({ type: 'text_gen', input: 'Hello', maxOutputTokens: 20 });
  expect(result.model).toBe('tiny');
  expect(result.output.length).toBeGreaterThan(0);
  expect(result.usage?.outputTokens).toBe(20);
  expect(result.attempts.map(({ model, status }) => [model, status])).toEqual([
    ['keyless', 'NoWorker'],
    ['down', 'ProviderError'],
    ['tiny', 'Success'],
  ]);
  expect(result.attempts[0]?.reason).toContain('env://WILL_NO_SUCH_KEY is not set');
  expect(result.attempts[1]?.reason).toContain('ECONNREFUSED');
  const { decision, set } = await decisionOf(system, result.decisionId);
  expect(decision?.order).toEqual(['down', 'tiny']);
  expect(decision?.skipped).toMatchObject([{ model: 'keyless' }]);
  expect(set?.candidates.map(({ model }) => model)).toEqual(['keyless', 'down', 'tiny']);
});

test('a route goes from one vendor’s own wire format to another’s, and the bill is in the words of the one that answered', async () => {
  const overloaded = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
  upstream.script('claude', { kind: 'status', status: 529, body: overloaded });
  const result = await system.client.run({ type: 'summary', input: 'Guten Tag' });
  expect(result.model).toBe('gemini');
  expect(result.output).toBe('The quick brown fox jumps over the lazy dog and runs away.');
  expect(result.usage).toMatchObject({ inputTokens: 12, outputTokens: 14, cachedInputTokens: 4, reasoningTokens: 2 });
  expect(result.attempts.map(({ model, status }) => [model, status])).toEqual([
    ['claude', 'Overloaded'],
    ['gemini', 'Success'],
  ]);
  expect(upstream.requests.filter(({ model }) => model === 'claude' || model === 'gemini')).toMatchObject([
    { path: '/v1/messages' },
    { path: expect.stringContaining('/v1beta/models/gemini:') },
  ]);
});

test('a real model’s text streams to the caller', async () => {
  const kinds: string[] = [];
  let text = '';
  for await (const part of system.client.stream({
    type: 'text_gen',
    model: 'local:Tiny',
    input: 'Hello',
    maxOutputTokens: 40,
  })) {
    kinds.push(part.kind);
    if (part.kind === 'delta') text += part.delta.text;
    if (part.kind === 'end') expect(part.result.output).toBe(text);
  }
  expect(kinds[0]).toBe('started');
  expect(kinds.at(-1)).toBe('end');
  expect(kinds.filter((kind) => kind === 'delta').length).toBeGreaterThan(0);
});

test('every attempt is one call record with the specification’s fields', async () => {
  const { taskId } = await system.client.run({ type: 'text_gen', client: 'acme', input: 'Hello', maxOutputTokens: 10 });
  const calls = await callsOf(system, { taskId }, 2);
  expect(calls.map(({ model, outcome }) => [model, outcome]).sort()).toEqual([
    ['down', 'Blocked'],
    ['tiny', 'Success'],
  ]);
  const record = calls.find(({ model }) => model === 'tiny');
  expect(record).toMatchObject({
    taskType: 'text_gen',
    client: 'acme',
    outcome: 'Success',
    writtenBy: 'worker',
    usage: { outputTokens: 10 },
  });
  expect(record?.outputChars).toBeGreaterThan(0);
  expect(record?.durationMs).toBeGreaterThan(0);
  expect(Number(record?.startedUnixMs)).toBeGreaterThan(Date.now() - 60_000);
  // No price is known, so no cost is claimed.
  expect(record?.costNanoUsd).toBeUndefined();
});

test('a task that no model may do is blocked with every reason, and leaves one record without a model', async () => {
  const failure = await system.client.run({ type: 'translation', input: 'Hello' }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'TaskError', code: 'blocked' });
  const calls = await callsOf(system, { taskId: (failure as { taskId: string }).taskId }, 1);
  expect(calls).toMatchObject([{ model: '', outcome: 'Blocked', status: 'Policy' }]);
});

test('the unmodified openai package gets answers through HTTP, plain and streamed', async () => {
  const openai = new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  const plain = await openai.chat.completions.create({ model: 'code', messages });
  expect(plain.choices[0]?.message.content).toContain('quick brown fox');
  expect(plain.usage?.completion_tokens).toBe(14);
  const stream = await openai.chat.completions.create({ model: 'local:Tiny', messages, stream: true, max_tokens: 20 });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  expect(text.length).toBeGreaterThan(0);
  const models = await openai.models.list();
  expect(models.data.map(({ id }) => id.toLowerCase())).toContain('cloud');
});

test('documents apply live: the next task sees them, and one bad document leaves everything as it was', async () => {
  const good = await apply(
    system,
    documentFile(
      routeDocument('summary', 'Cloud'),
      modelDocument({
        name: 'Cloud',
        callMethod: 'API',
        endpoint: `${upstream.url}/v1`,
        tags: 'text_gen, code, summary',
      }),
    ),
  );
  expect(good.problems).toEqual([]);
  expect(good.lagging).toEqual([]);
  expect((await system.client.run({ type: 'summary', input: 'Hello' })).model).toBe('cloud');
  const bad = await apply(
    system,
    documentFile(routeDocument('summary', 'Tiny'), 'kind: route\nname: other\nprimary: nobody'),
  );
  expect(bad.problems[0]?.message).toContain('"nobody" is no model');
  expect(bad.revision).toBe(good.revision);
});
