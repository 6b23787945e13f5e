import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectBus, ensureStreams, type Bus } from '@will/bus';
import { names, newId, subjects, wire } from '@will/contracts';
import { openCallLog } from '@will/store';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchOf, callEvent, intentEvent, newFolder, until, wireRecord } from './samples.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
let nats: NatsServer;
let bus: Bus;
let folder: Awaited<ReturnType<typeof newFolder>>;
const children: ChildProcess[] = [];

beforeEach(async () => {
  [nats, folder] = await Promise.all([startNatsServer(), newFolder()]);
  bus = await connectBus({ servers: nats.url, processId: newId(), inboxScope: 'test' });
  await ensureStreams(bus);
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => end(child, 'SIGKILL')));
  await bus.close();
  await nats.stop();
  await folder.remove();
});

/** Starts the service as its own process; resolves once it serves. */
async function start(): Promise<ChildProcess> {
  const env = { ...process.env, NATS_URL: nats.url, WILL_DATA_DIR: folder.path, WILL_LOG_LEVEL: 'silent' };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  const [message] = (await once(child, 'message')) as [{ kind: string }];
  expect(message).toMatchObject({ kind: 'ready' });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  return child.exitCode;
}

const publish = (data: Uint8Array): Promise<unknown> =>
  jetstream(bus.connection).publish(subjects.event('router', 'records'), data);

type Question = Partial<Omit<wire.QueryCallsRequest, '$typeName' | '$unknown'>>;
async function ask(question: Question): Promise<wire.QueryCallsResponse> {
  const request = toBinary(wire.QueryCallsRequestSchema, create(wire.QueryCallsRequestSchema, question));
  return fromBinary(wire.QueryCallsResponseSchema, await bus.request(subjects.telemetry('calls'), request, 5_000));
}

/** Resolves once everything in the stream is stored and acknowledged. */
async function allRead(): Promise<void> {
  const manager = await jetstreamManager(bus.connection);
  await until(async () => {
    const { num_pending, num_ack_pending } = await manager.consumers.info(names.eventsStream, 'telemetry');
    return num_pending === 0 && num_ack_pending === 0;
  });
}

test('what was published before the service started is stored, found by its filters and explained', async () => {
  const record = wireRecord({ taskId: 'task-1', decisionId: 'decision-1', costNanoUsd: 0n });
  const decision = create(wire.DecisionRecordSchema, {
    decisionId: 'decision-1',
    taskId: 'task-1',
    setId: 'set-1',
    order: ['gpt-4'],
  });
  const set = create(wire.RankedSetSchema, {
    setId: 'set-1',
    facts: {},
    dataClass: wire.DataClass.OPEN,
    candidates: [{ model: 'gpt-4' }],
  });
  await publish(
    batchOf(
      { case: 'rankedSet', value: set },
      { case: 'decision', value: decision },
      intentEvent(record, Date.now() + 60_000),
    ),
  );
  await publish(batchOf(callEvent(record), callEvent(wireRecord({ client: 'globex' }))));
  const child = await start();
  await allRead();
  expect((await ask({ client: 'acmelegal' })).calls).toEqual([record]);
  expect((await ask({})).calls).toHaveLength(2);
  const request = toBinary(wire.GetDecisionRequestSchema, create(wire.GetDecisionRequestSchema, { taskId: 'task-1' }));
  const answer = fromBinary(
    wire.GetDecisionResponseSchema,
    await bus.request(subjects.telemetry('decision'), request, 5_000),
  );
  expect(answer).toMatchObject({
    error: '',
    decision: { order: ['gpt-4'] },
    set: { candidates: [{ model: 'gpt-4' }] },
  });
  expect(await end(child, 'SIGTERM')).toBe(0);
});

test('usage is told with costs, percentiles and a total; what is not kept together is refused', async () => {
  await publish(
    batchOf(
      callEvent(wireRecord({ model: 'a', costNanoUsd: 5n })),
      callEvent(wireRecord({ model: 'a', costNanoUsd: 7n })),
      callEvent(wireRecord({ model: 'b', client: 'globex' })),
    ),
  );
  await start();
  await allRead();
  const asking = async (question: object): Promise<wire.QueryUsageResponse> => {
    const request = toBinary(wire.QueryUsageRequestSchema, create(wire.QueryUsageRequestSchema, question));
    return fromBinary(wire.QueryUsageResponseSchema, await bus.request(subjects.telemetry('usage'), request, 5_000));
  };
  const { groups, total } = await asking({ by: ['model'] });
  expect(groups.map(({ model, calls, costNanoUsd }) => [model, calls, costNanoUsd])).toEqual([
    ['a', 2n, 12n],
    ['b', 1n, 0n],
  ]);
  expect(total).toMatchObject({ calls: 3n, costNanoUsd: 12n, unknownCosts: 1n });
  expect(total?.p95Ms).toBeGreaterThan(0);
  const question = { model: 'a', price: { input: 1_000_000n, output: 1_000_000n } };
  const reprice = toBinary(wire.RepriceRequestSchema, create(wire.RepriceRequestSchema, question));
  const answer = fromBinary(
    wire.RepriceResponseSchema,
    await bus.request(subjects.telemetry('reprice'), reprice, 5_000),
  );
  expect(answer).toMatchObject({ error: '', examined: 2n });
  expect((await asking({ by: ['client'] })).groups.map(({ client }) => client)).toEqual(['acmelegal', 'globex']);
  expect((await asking({ by: ['client', 'taskType'] })).error).toContain(
    'clients and cost tags are counted by day, client and model',
  );
  expect((await asking({ by: ['colour'] })).error).toContain('by "colour" must be one of hour, day, client');
  expect((await asking({ outcome: 'Bad' })).error).toContain('must be one of Success');
});

test('bad queries get an error that says what was allowed', async () => {
  await start();
  expect(await ask({ limit: 1_001 })).toMatchObject({
    error: 'limit 1001 must be between 1 and 1000, or 0 for 20',
    calls: [],
  });
  expect((await ask({ fromUnixMs: -5n })).error).toBe('fromMs -5 must be between 0 and 9007199254740991');
  const garbage = await bus.request(subjects.telemetry('decision'), Uint8Array.of(255, 255), 5_000);
  expect(fromBinary(wire.GetDecisionResponseSchema, garbage).error).toBe('2 bytes are no GetDecisionRequest');
});

test('malformed messages are removed and block nothing behind them', async () => {
  const record = wireRecord();
  for (let index = 0; index < 300; index += 1) await publish(Uint8Array.of(255, 255, index % 256));
  await publish(batchOf(callEvent(wireRecord({ writtenBy: 'nobody' })), callEvent(record)));
  await start();
  await allRead();
  expect((await ask({})).calls.map(({ attemptId }) => attemptId)).toEqual([record.attemptId]);
  const { num_redelivered } = await (await jetstreamManager(bus.connection)).consumers.info(
    names.eventsStream,
    'telemetry',
  );
  expect(num_redelivered).toBe(0);
});

test('an attempt that only its intent speaks of ends as Unknown, however far its start lies back', async () => {
  await start();
  const record = wireRecord({ startedUnixMs: 1n });
  await publish(batchOf(intentEvent(record, Date.now() - 5_500)));
  await until(async () => (await ask({})).calls.length === 1);
  expect((await ask({})).calls).toMatchObject([
    { attemptId: record.attemptId, outcome: 'Timeout', status: 'Unknown', writtenBy: 'telemetry' },
  ]);
});

test('killed in the middle of its work again and again, it keeps exactly one record per attempt', async () => {
  const records = Array.from({ length: 10_000 }, () => wireRecord());
  const publishAll = async (): Promise<void> => {
    for (let at = 0; at < records.length; at += 100) {
      const some = records.slice(at, at + 100);
      await publish(batchOf(...some.map((record) => intentEvent(record, Date.now() + 60_000))));
      await publish(batchOf(...some.map(callEvent)));
    }
  };
  await publishAll();
  const manager = await jetstreamManager(bus.connection);
  const left = async (): Promise<number> => {
    const { num_pending, num_ack_pending } = await manager.consumers.info(names.eventsStream, 'telemetry');
    return num_pending + num_ack_pending;
  };
  let kills = 0;
  for (let round = 0; round < 4; round += 1) {
    // A busy machine may look only once all is read: then the same is delivered once more, which changes nothing.
    if (round > 0 && (await left()) < 100) await publishAll();
    // Its own first start makes the consumer.
    const before = round > 0 ? await left() : (2 * records.length) / 100;
    const child = await start();
    let rest = before;
    await until(async () => (rest = await left()) < before);
    await end(child, 'SIGKILL');
    if (rest > 0) kills += 1;
  }
  const last = await start();
  await allRead();
  expect(await end(last, 'SIGTERM')).toBe(0);
  expect(kills).toBeGreaterThan(0);
  const log = await openCallLog(join(folder.path, 'telemetry.sqlite'));
  const stored = await log.calls({}, 100_000);
  expect(await log.openIntents(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  await log.close();
  expect(stored.length).toBe(records.length);
  expect(new Set(stored.map(({ attemptId }) => attemptId))).toEqual(new Set(records.map(({ attemptId }) => attemptId)));
});

test('a second instance on the same folder refuses to start and says why', async () => {
  await start();
  const env = { ...process.env, NATS_URL: nats.url, WILL_DATA_DIR: folder.path, WILL_LOG_LEVEL: 'silent' };
  const second = spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(second);
  const exited = once(second, 'exit');
  const [message] = (await once(second, 'message')) as [{ kind: string; message: string }];
  expect(message).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('telemetry.sqlite is in use') as unknown,
  });
  expect((await exited)[0]).toBe(1);
});

test('it goes on where it was when the nats-server comes back', async () => {
  await start();
  await publish(batchOf(callEvent(wireRecord())));
  await allRead();
  await nats.restart();
  await until(async () => bus.isConnected);
  await publish(batchOf(callEvent(wireRecord())));
  await until(async () => (await ask({}).catch(() => undefined))?.calls.length === 2);
});
