import { create, toBinary } from '@bufbuild/protobuf';
import { jetstream } from '@nats-io/jetstream';
import { type Bus, connectBus, ensureStreams } from '@will/bus';
import { EventBatchWriter, newId, subjects, wire } from '@will/contracts';
import { ChangeBook, compileSnapshot, type Snapshot, type ModelChange, StatsBook } from '@will/core';
import { type NatsServer, startNatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foldEvents } from './bus-stats.ts';

let nats: NatsServer;
let bus: Bus;

beforeAll(async () => {
  nats = await startNatsServer();
  bus = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'test' });
  await ensureStreams(bus);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const types = ['rows', 'whole', 'lost'];

function snapshot(): Snapshot {
  const compiled = compileSnapshot(1, [
    {
      kind: 'model',
      body: {
        name: 'm',
        slug: 'm',
        aliases: [],
        tags: types,
        call_method: 'API',
        provider: 'openai-compatible',
        capabilities: [],
        tier: 'standard',
      },
    },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

const callOf = (
  taskType: string,
  over: { readonly servedVersion?: string; readonly writtenBy?: string } = {},
): wire.Event => {
  const ids = { attemptId: newId(), taskId: newId(), decisionId: newId() };
  const ended = { startedUnixMs: BigInt(Date.now()), durationMs: 20, outcome: 'Success', status: 'Success' };
  const value = create(wire.CallRecordSchema, { ...ids, ...ended, attempt: 1, model: 'm', taskType, ...over });
  return create(wire.EventSchema, { kind: { case: 'call', value } });
};

function rowsOf(...events: readonly wire.Event[]): Uint8Array {
  const writer = new EventBatchWriter('test');
  for (const event of events) writer.add(event);
  return writer.take();
}

test('calls are counted from rows and from whole events of an earlier release, of workers and of routers', async () => {
  const book = new StatsBook();
  const books = { stats: book, changes: new ChangeBook(), onChange: () => {} };
  const folding = await foldEvents(bus, books, snapshot, () => {});
  const publish = (service: string, data: Uint8Array) =>
    jetstream(bus.connection).publish(subjects.event(service, 'records'), data);
  const decision = create(wire.EventSchema, { kind: { case: 'decision', value: create(wire.DecisionRecordSchema) } });
  await publish('worker', rowsOf(callOf('rows')));
  await publish('worker', Buffer.from('no batch'));
  const whole = create(wire.EventBatchSchema, { source: 'earlier', events: [callOf('whole')] });
  await publish('worker', toBinary(wire.EventBatchSchema, whole));
  await publish('router', rowsOf(decision, callOf('lost')));
  await expect.poll(() => types.map((type) => book.incumbent(type))).toEqual(['m', 'm', 'm']);
  await folding.stop();
});

test('another version that serves a model is told from what workers saw, and from nobody else', async () => {
  const found: ModelChange[] = [];
  const books = {
    stats: new StatsBook(),
    changes: new ChangeBook(),
    onChange: (change: ModelChange) => found.push(change),
  };
  const folding = await foldEvents(bus, books, snapshot, () => {});
  const served = (servedVersion: string, writtenBy = 'worker') => callOf('served', { servedVersion, writtenBy });
  const of = (version: string, writtenBy?: string) => Array.from({ length: 3 }, () => served(version, writtenBy));
  const batch = rowsOf(...of('june'), ...of('router', 'router'), ...of('august'));
  await jetstream(bus.connection).publish(subjects.event('worker', 'records'), batch);
  await expect.poll(() => found.map(({ words }) => words)).toEqual(['it is served by august, before by june']);
  await folding.stop();
});
