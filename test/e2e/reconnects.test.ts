import { LivenessMonitor } from '@will/bus';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../faults/tcp-proxy.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Connections are lost and come back while calls run: nobody pays for a task twice.

const answerMs = 400;
let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const models = ['First', 'Second'];
  for (const name of models) upstream.script(name.toLowerCase(), { kind: 'answer', delayMs: answerMs });
  const endpoint = `${upstream.url}/v1`;
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        ...models.map((name) => modelDocument({ name, endpoint })),
        routeDocument('text_gen', ...models),
      ),
    },
    counts: { 'provider-worker': 0 },
  });
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});
beforeEach(() => upstream.clear());

/** How often providers were called for each task, by the text that each task has of its own. */
function callsByTask(): Map<string, number> {
  const calls = new Map<string, number>();
  for (const { body } of upstream.requests) {
    const task = /task-\d+/.exec(JSON.stringify(body))?.[0] ?? '';
    calls.set(task, (calls.get(task) ?? 0) + 1);
  }
  return calls;
}

const run = (n: number): Promise<string> =>
  system.client.run({ type: 'text_gen', input: `task-${n}`, timeoutMs: 20_000 }).then(
    ({ model }) => model,
    (error: { code: string }) => error.code,
  );

test('a worker that is cut off the bus again and again, and comes back, answers every task with one call', async () => {
  const proxy: TcpProxy = await startTcpProxy(system.nats.port);
  const worker = await system.add('provider-worker', { NATS_URL: `nats://127.0.0.1:${proxy.port}` });
  await system.untilServed('first', 'second');
  await run(0);
  upstream.clear();
  for (let round = 0; round < 5; round += 1) {
    const tasks = Array.from({ length: 20 }, (_, n) => run(100 * round + n));
    await upstream.nextRequest('first');
    proxy.setWeather('cut');
    proxy.setWeather('fine');
    expect(new Set(await Promise.all(tasks))).toEqual(new Set(['first']));
  }
  const counts = [...callsByTask().values()];
  expect(counts).toHaveLength(100);
  expect(Math.max(...counts)).toBe(1);
  await worker.stop();
  await proxy.close();
});

test('the only worker is away until it counts as dead, and answers what it had and what came meanwhile, with one call each', async () => {
  const proxy: TcpProxy = await startTcpProxy(system.nats.port);
  const worker = await system.add('provider-worker', { NATS_URL: `nats://127.0.0.1:${proxy.port}` });
  await system.untilServed('first', 'second');
  await run(0);
  upstream.clear();
  // Its answers come while it is away.
  const before = Array.from({ length: 10 }, (_, n) => run(100 + n));
  await expect.poll(() => upstream.countOf('first')).toBe(10);
  const workers = [...system.processes.processes.values()].filter(({ service }) => service === 'provider-worker');
  const life = new LivenessMonitor(system.bus);
  const isMissed = Promise.all(
    workers.map(
      ({ processId }) =>
        new Promise<void>((resolve) => life.watch(processId, () => resolve(), { client: 'test', id: 'x' })),
    ),
  );
  proxy.setWeather('cut');
  const during = Array.from({ length: 10 }, (_, n) => run(200 + n));
  await isMissed;
  life.close();
  proxy.setWeather('fine');
  expect(new Set(await Promise.all(before))).toEqual(new Set(['first']));
  // A worker that comes back joins the group of one model after the other, in no order.
  expect(new Set(await Promise.all(during)).difference(new Set(['first', 'second']))).toEqual(new Set());
  expect([...callsByTask().values()]).toEqual(Array.from({ length: 20 }, () => 1));
  await worker.stop();
  await proxy.close();
});

test('a nats-server that is restarted while calls run ends tasks, and no provider is called twice for one', async () => {
  const worker = await system.add('provider-worker');
  await system.untilServed('first', 'second');
  await run(0);
  upstream.clear();
  for (let round = 1; round <= 3; round += 1) {
    const tasks = Array.from({ length: 20 }, (_, n) => run(1_000 * round + n));
    await upstream.nextRequest('first');
    await system.nats.restart();
    await Promise.all(tasks);
    // Whatever the router still had to do for tasks of before, it does before this one is over.
    await expect.poll(() => run(1_000 * round + 999)).toBe('first');
  }
  const counts = [...callsByTask()].filter(([task]) => !task.endsWith('999')).map(([, calls]) => calls);
  expect(counts.length).toBeGreaterThan(0);
  expect(Math.max(...counts)).toBe(1);
  await worker.stop();
});
