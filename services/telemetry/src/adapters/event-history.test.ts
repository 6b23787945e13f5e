import { create, toBinary } from '@bufbuild/protobuf';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectBus, ensureStreams } from '@will/bus';
import { EventBatchWriter, names, newId, subjects, wire } from '@will/contracts';
import { startNatsServer } from '@will/testkit';
import { expect, test } from 'vitest';
import { busEventHistory } from './event-history.ts';

test('every batch that tells of a client goes, of each kind of event, and no other; what is not stored is waited for', async () => {
  const nats = await startNatsServer();
  const bus = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'test' });
  await ensureStreams(bus);
  const manager = await jetstreamManager(bus.connection);
  await manager.consumers.add(names.eventsStream, { durable_name: 'telemetry', ack_policy: 'explicit' });
  const history = busEventHistory(bus, 'telemetry');
  expect(await history.untilTaken(5_000)).toBe(true);
  expect(await history.erase('gone')).toBe(0);

  const of = (client: string): wire.Event['kind'][] => [
    { case: 'call', value: create(wire.CallRecordSchema, { client }) },
    { case: 'intent', value: create(wire.AttemptIntentSchema, { record: { client } }) },
    { case: 'decision', value: create(wire.DecisionRecordSchema, { client }) },
    { case: 'rankedSet', value: create(wire.RankedSetSchema, { facts: { client } }) },
  ];
  const publish = async (...kinds: wire.Event['kind'][]): Promise<void> => {
    const events = kinds.map((kind) => create(wire.EventSchema, { kind }));
    const batch = toBinary(wire.EventBatchSchema, create(wire.EventBatchSchema, { events }));
    await jetstream(bus.connection).publish(subjects.event('router', 'call'), batch);
  };
  const publishRows = async (...kinds: wire.Event['kind'][]): Promise<void> => {
    const writer = new EventBatchWriter('test');
    for (const kind of kinds) writer.add(create(wire.EventSchema, { kind }));
    await jetstream(bus.connection).publish(subjects.event('router', 'call'), writer.take());
  };
  for (const kind of of('gone')) await publish(kind);
  for (const kind of of('stays')) await publish(kind);
  await publish(...of('stays'), ...of('gone'));
  await publish({ case: 'feedback', value: create(wire.FeedbackSchema, { model: 'gone' }) });
  await jetstream(bus.connection).publish(subjects.event('router', 'call'), Buffer.from('no batch'));
  for (const kind of of('gone')) await publishRows(kind);
  await publishRows(...of('stays'));

  expect(await history.untilTaken(100)).toBe(false);
  const consumer = await jetstream(bus.connection).consumers.get(names.eventsStream, 'telemetry');
  const batch = await consumer.fetch({ max_messages: 16, expires: 5_000 });
  for await (const message of batch) message.ack();
  expect(await history.untilTaken(10_000)).toBe(true);

  expect(await history.erase('gone')).toBe(9);
  expect(await history.erase('gone')).toBe(0);
  const { state } = await manager.streams.info(names.eventsStream, { deleted_details: true });
  expect(state.messages).toBe(7);
  for (let seq = 5; seq <= 8; seq += 1) {
    const kept = await manager.streams.getMessage(names.eventsStream, { seq });
    expect(Buffer.from(kept?.data ?? []).toString()).toContain('stays');
  }
  await bus.close();
  await nats.stop();
});
