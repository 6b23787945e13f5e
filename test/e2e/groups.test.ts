import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { newId, subjects, wire } from '@will/contracts';
import { type NatsCluster, type ReplayingUpstream, startNatsCluster, startReplayingUpstream } from '@will/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { peakPerSecond, reasonsIn, startOpenLoad } from '../support/open-load.ts';
import { isServed, startSystem, type System } from '../support/system.ts';

// Queue groups under load: workers join and leave by hand, and nothing is lost. `WILL_GROUP_CALLS` sets how many calls,
// `WILL_NATS_SERVERS=3` runs all of it on a cluster.

const calls = Number(process.env['WILL_GROUP_CALLS'] ?? 1_000);
const servers = Number(process.env['WILL_NATS_SERVERS'] ?? 1);
let cluster: NatsCluster | undefined;
let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream({ keepLog: false });
  cluster = servers > 1 ? await startNatsCluster(servers) : undefined;
  system = await startSystem({
    callers: ['fuzz'],
    ...(cluster && { natsUrl: cluster.url }),
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Shared', endpoint: `${upstream.url}/v1`, concurrency: 16 }),
        modelDocument({ name: 'Narrow', endpoint: `${upstream.url}/v1`, concurrency: 1, tags: 'narrow' }),
        routeDocument('text_gen', 'Shared'),
        routeDocument('narrow', 'Narrow'),
      ),
    },
    counts: { telemetry: 0 },
  });
  await system.untilServed('shared', 'narrow');
});
afterAll(async () => {
  await system?.stop();
  await cluster?.stop();
  await upstream.close();
});

const run = (): Promise<unknown> => system.client.run({ type: 'text_gen', input: 'Hello', timeoutMs: 300_000 });

test('workers join and leave under half the peak load, and no call is lost', async () => {
  const perSecond = Math.max(50, (await peakPerSecond(run)) / 2);
  const load = startOpenLoad(run, calls, perSecond);
  let changes = 0;
  while (load.isRunning) {
    const joined = await system.add('provider-worker', { WILL_WORKER_MODELS: 'shared' });
    await joined.stop();
    changes += 2;
  }
  const failures = await load.failures;
  process.stdout.write(
    `${calls} calls at ${perSecond.toFixed(0)}/s, ${changes} joins and leaves, ${failures.length} failed\n`,
  );
  expect(reasonsIn(failures)).toEqual([]);
  expect(changes).toBeGreaterThan(0);
});

test('full is not failed: more tasks than slots wait for their turn', async () => {
  upstream.script('narrow', { kind: 'answer', delayMs: 20 });
  const results = await Promise.all(
    Array.from({ length: 30 }, () => system.client.run({ type: 'narrow', input: 'Hello', timeoutMs: 300_000 })),
  );
  expect(results.every(({ model }) => model === 'narrow')).toBe(true);
});

test('a model whose last worker left is answered for at once, with the reason', async () => {
  const worker = await system.add('provider-worker', { WILL_WORKER_MODELS: 'nothing-of-this-name' });
  for (const other of system.of('provider-worker')) if (other !== worker) await other.stop().catch(() => {});
  await system.until((view) => !isServed(view, 'shared'), 'nobody to serve the model');
  const failure = await run().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'no_worker' });
  await system.add('provider-worker');
  await system.untilServed('shared', 'narrow');
});

test('random bad tasks on the bus: each gets a clear error, and the router lives on', async () => {
  const runs = Number(process.env['WILL_BAD_TASKS'] ?? 4_000);
  const token = newId();
  let answers = 0;
  let unclear = 0;
  const client = 'fuzz';
  const done = Promise.withResolvers<void>();
  const inbox = system.bus.connection.subscribe(`_INBOX.${client}.${token}.*`, {
    callback: (_error, message) => {
      // Accepted is not an end; a task that happens to be well formed is answered by the model.
      const kind = frameOf(message.data);
      if (kind.case !== 'failure' && kind.case !== 'end') return;
      if (kind.case === 'failure' && kind.value.message === '') unclear += 1;
      answers += 1;
      if (answers === runs) done.resolve();
    },
  });
  await system.bus.connection.flush();
  const bad = fc.sample(badTask, { numRuns: runs, seed: 20_261_123 });
  for (const [n, data] of bad.entries()) {
    system.bus.publish(subjects.taskRun(client), data, `_INBOX.${client}.${token}.${newId()}`);
    if (n % 200 === 0) await system.bus.connection.flush();
  }
  await done.promise;
  inbox.unsubscribe();
  expect(unclear).toBe(0);
  expect(system.of('router')[0]?.log()).not.toMatch(/unhandled|TypeError/i);
  await run();
});

const frameOf = (data: Uint8Array): wire.Frame['kind'] => fromBinary(wire.FrameSchema, data).kind;

const badTask = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .record({
      taskId: fc.string({ maxLength: 70 }),
      type: fc.oneof(fc.string(), fc.constant('no_such_type')),
      project: fc.string(),
      model: fc.string(),
      inputKind: fc.oneof(fc.string(), fc.constant('chat')),
      input: fc.uint8Array({ maxLength: 60 }),
      deadlineUnixMs: fc.bigInt({ min: -1_000n, max: 2n ** 62n }),
      needs: fc.array(fc.string(), { maxLength: 20 }),
    })
    .map((fields) => toBinary(wire.TaskSchema, create(wire.TaskSchema, fields))),
);
