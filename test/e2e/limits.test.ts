import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// Limits in the documents hold over three workers, and say so when they stop a call.

let upstream: ReplayingUpstream;
let system: System;

const model = (name: string, tag: string, more: string): string =>
  `${modelDocument({ name, tags: tag, endpoint: `${upstream.url}/v1` })}\n${more}`;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        model('Capped', 'capped', 'limits: { daily: { requests: 20 } }'),
        model('Spare', 'capped', ''),
        model('Minute', 'minute', 'limits: { rpm: 30 }'),
        model('Tokens', 'tokens', 'limits: { daily: { tokens: 3000 } }'),
        model('Late', 'late', ''),
        model('Unpriced', 'unpriced', 'limits: { daily: { usd: 1 } }'),
        model('Dear', 'dear', 'prices: { input: 1000, output: 1000 }'),
        model('Free', 'dear', 'prices: { input: 0, output: 0 }'),
        routeDocument('capped', 'Capped', 'Spare'),
        routeDocument('minute', 'Minute'),
        routeDocument('tokens', 'Tokens'),
        routeDocument('late', 'Late'),
        routeDocument('unpriced', 'Unpriced'),
        routeDocument('dear', 'Dear', 'Free'),
        // An answer of the upstream costs 26 tokens at $1 a thousand.
        'kind: project\nname: Thrift\nbudget: { monthly: { usd: 10 }, warn_at: 0.5 }',
      ),
    },
    counts: { 'provider-worker': 3 },
  });
  await system.untilServed('capped', 'spare', 'minute', 'tokens', 'late', 'unpriced', 'dear', 'free');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

const run = (type: string, more: { maxOutputTokens?: number; timeoutMs?: number; project?: string } = {}) =>
  system.client.run({ type, input: 'Hello', timeoutMs: 20_000, ...more });
const many = (count: number, work: () => Promise<unknown>): Promise<unknown[]> =>
  Promise.all(Array.from({ length: count }, () => work().catch((error: unknown) => error)));

test('a daily cap holds over all workers; what comes after it goes to the next model, and the attempts say why', async () => {
  await many(60, () => run('capped'));
  expect(upstream.countOf('capped')).toBeLessThanOrEqual(20);
  expect(upstream.countOf('capped')).toBeGreaterThanOrEqual(17);
  // What a worker took and did not use goes back to the others.
  while (upstream.countOf('capped') < 20) await run('capped');
  const { model: answered, attempts } = await run('capped');
  expect(answered).toBe('spare');
  expect(attempts[0]).toMatchObject({
    model: 'capped',
    reason: 'the limit of 20 requests per day of model capped is reached',
  });
  expect(upstream.countOf('capped')).toBe(20);
});

test('a limit per minute holds, and a task that cannot wait for the next one is told when to retry', async () => {
  // Not across the end of a minute.
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < 8_000) await new Promise((resolve) => setTimeout(resolve, leftMs + 50));
  const ends = await many(90, () => run('minute', { timeoutMs: 1_500 }));
  expect(upstream.countOf('minute')).toBeLessThanOrEqual(30);
  expect(upstream.countOf('minute')).toBeGreaterThanOrEqual(24);
  const refused = ends.find((end) => end instanceof Error) as Error & { code: string; retryAfterMs: number };
  expect(refused.code).toBe('overloaded');
  expect(refused.message).toContain('the limit of 30 requests per minute of model minute is reached, until 20');
  expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
});

test('tokens are reserved at their most and settled at what they were', async () => {
  // 26 tokens are used of about 1,000 that are reserved: many more than three calls fit.
  for (let n = 0; n < 20; n += 1) await run('tokens', { maxOutputTokens: 900 });
  expect(upstream.countOf('tokens')).toBe(20);
  const tooLarge = await run('tokens', { maxOutputTokens: 5_000 }).catch((error: unknown) => error);
  expect(tooLarge).toMatchObject({ code: 'limit_unreachable', isRetryable: false });
  expect((tooLarge as Error).message).toContain('may take more than the limit of 3000 tokens per day of model tokens');
});

test('a limit that is stated in the midst of its day counts what was used of it before', async () => {
  await many(3, () => run('late'));
  const logged = async (): Promise<number> =>
    (JSON.parse((await willmAt(system.nats.url)('logs', '--model', 'late', '--json')).out) as unknown[]).length;
  await expect.poll(logged).toBe(3);
  await apply(system, model('Late', 'late', 'limits: { daily: { requests: 5 } }'));
  const ends = await many(8, () => run('late', { timeoutMs: 5_000 }));
  expect(ends.filter((end) => !(end instanceof Error)).length).toBeLessThanOrEqual(2);
  expect(upstream.countOf('late')).toBe(5);
});

test('a limit in money cannot hold for a model whose price is unknown: it is not called, and says so', async () => {
  const failure = (await run('unpriced').catch((error: unknown) => error)) as Error;
  expect(failure.message).toContain(
    'the limit of $1 per day of model unpriced cannot hold for a model whose price is unknown',
  );
  expect(upstream.countOf('unpriced')).toBe(0);
});

test('a project’s budget is kept on every model; when it is used up only what costs nothing is left', async () => {
  const models: string[] = [];
  // Each reserves about $1.1 and comes to $0.026.
  for (let n = 0; n < 12; n += 1) models.push((await run('dear', { maxOutputTokens: 1_000, project: 'thrift' })).model);
  expect(new Set(models)).toEqual(new Set(['dear']));
  const { model: answered, attempts } = await run('dear', { maxOutputTokens: 9_900, project: 'thrift' });
  expect(answered).toBe('free');
  expect(attempts[0]?.reason).toContain('project thrift');
});

test('operators see what is used of each limit', async () => {
  const { out } = await willmAt(system.nats.url)('limits', '--json');
  const limits = JSON.parse(out) as { scope: string; id: string; metric: string; used: string; most: string }[];
  expect(limits.find(({ id, metric }) => id === 'capped' && metric === 'requests')).toMatchObject({
    used: 20,
    most: 20,
  });
});

test('a limit that is raised in its document holds from the next call on', async () => {
  const raised = modelDocument({ name: 'Capped', tags: 'capped', endpoint: `${upstream.url}/v1` });
  const { problems } = await apply(system, `${raised}\nlimits: { daily: { requests: 22 } }`);
  expect(problems).toEqual([]);
  await many(10, () => run('capped'));
  while (upstream.countOf('capped') < 22) await run('capped');
  expect((await run('capped')).model).toBe('spare');
  expect(upstream.countOf('capped')).toBe(22);
});
