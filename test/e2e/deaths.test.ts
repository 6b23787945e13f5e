import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Processes are killed at the worst moments; nobody hangs, and every attempt leaves exactly one record.

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  const model = (name: string): string => modelDocument({ name, endpoint, tags: 'text_gen, ends, waits, lingers' });
  system = await startSystem({
    callers: ['counted'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        ...['Slow', 'Quick', 'Doomed', 'Silent', 'Spare', 'Late'].map(model),
        routeDocument('text_gen', 'Slow'),
        routeDocument('ends', 'Doomed'),
        routeDocument('waits', 'Silent', 'Spare'),
        routeDocument('lingers', 'Late'),
      ),
    },
    counts: { 'provider-worker': 0, router: 2 },
  });
  upstream.script('slow', { kind: 'answer', chunks: 40, gapMs: 100 });
  upstream.script('doomed', { kind: 'answer', chunks: 40, gapMs: 100 });
  upstream.script('silent', { kind: 'silent' });
  upstream.script('late', { kind: 'answer', delayMs: 2_500 });
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

test('a worker killed in the middle of a stream: a typed error, and one record', async () => {
  const worker = await system.add('provider-worker', { WILL_WORKER_MODELS: 'doomed' });
  await system.untilServed('doomed');
  let isKilled = false;
  const failure = await system.client
    .start({ type: 'ends', input: 'Hello', taskId: 'killed-worker', timeoutMs: 20_000 }, true, ({ kind }) => {
      if (kind !== 'delta' || isKilled) return;
      isKilled = true;
      worker.signal('SIGKILL');
    })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'TaskError', code: 'worker_lost', isRetryable: true });
  const calls = await callsOf(system, { taskId: 'killed-worker' }, 1);
  expect(calls).toMatchObject([{ model: 'doomed', status: 'Unknown', outcome: 'Timeout' }]);
});

test('a worker killed before the first content: the next model answers', async () => {
  const worker = await system.add('provider-worker', { WILL_WORKER_MODELS: 'silent' });
  await system.add('provider-worker', { WILL_WORKER_MODELS: 'spare,slow,late' });
  await system.untilServed('silent', 'spare', 'slow', 'late');
  const reached = upstream.nextRequest('silent');
  const result = system.client.run({ type: 'waits', input: 'Hello', taskId: 'killed-before', timeoutMs: 20_000 });
  await reached;
  await worker.kill();
  const answer = await result;
  expect(answer.model).toBe('spare');
  expect(answer.attempts.map(({ model, status }) => [model, status])).toEqual([
    ['silent', 'WorkerLost'],
    ['spare', 'Success'],
  ]);
  const calls = await callsOf(system, { taskId: 'killed-before' }, 2);
  expect(calls.map(({ model, outcome }) => [model, outcome]).sort()).toEqual([
    ['silent', 'Timeout'],
    ['spare', 'Success'],
  ]);
});

test('both routers killed in the middle of a stream: the worker brings it to its end', async () => {
  let killed = false;
  const result = await system.client.start(
    { type: 'text_gen', input: 'Hello', timeoutMs: 20_000 },
    true,
    ({ kind }) => {
      if (kind !== 'delta' || killed) return;
      killed = true;
      for (const router of system.of('router')) router.signal('SIGKILL');
    },
  );
  expect(result.output).toContain('lazy dog');
  const failure = await system.client.run({ type: 'text_gen', input: 'Hello' }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'unavailable' });
});

test('a router killed before the first content: another one does the task', async () => {
  const first = await system.add('router');
  // Longer than another router takes to start.
  upstream.script('late', { kind: 'answer', delayMs: 30_000 });
  const reached = upstream.nextRequest('late');
  const result = system.client.run({ type: 'lingers', input: 'Hello', timeoutMs: 120_000 });
  await reached;
  await system.add('router');
  upstream.script('late', { kind: 'answer' });
  const reachedAgain = upstream.nextRequest('late');
  await first.kill();
  await reachedAgain;
  expect((await result).model).toBe('late');
});

test('telemetry killed and started again: every attempt has exactly one record', async () => {
  const [telemetry] = system.of('telemetry');
  const ids = Array.from({ length: 60 }, (_, n) => `telemetry-${n}`);
  upstream.script('slow', { kind: 'answer' });
  await Promise.all(
    ids
      .slice(0, 30)
      .map((taskId) => system.client.run({ type: 'text_gen', client: 'counted', input: 'Hello', taskId })),
  );
  await telemetry?.kill();
  await Promise.all(
    ids.slice(30).map((taskId) => system.client.run({ type: 'text_gen', client: 'counted', input: 'Hello', taskId })),
  );
  await system.add('telemetry');
  const calls = await callsOf(system, { client: 'counted' }, 60);
  expect(calls).toHaveLength(60);
  expect(new Set(calls.map(({ attemptId }) => attemptId)).size).toBe(60);
  expect(calls.every(({ outcome }) => outcome === 'Success')).toBe(true);
});

test('the nats-server restarted: callers get an error at once, and everything works again by itself', async () => {
  await system.nats.restart();
  await system.until(
    (view) => [...view.processes.values()].some(({ service }) => service === 'router'),
    'a router that announced itself again',
  );
  const giveUpMs = performance.now() + 20_000;
  let answer: unknown;
  while (answer === undefined && performance.now() < giveUpMs) {
    answer = await system.client.run({ type: 'text_gen', input: 'Hello', timeoutMs: 5_000 }).catch(() => undefined);
    if (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(answer).toMatchObject({ model: 'slow' });
});
