import { create } from '@bufbuild/protobuf';
import { connectBus, ensureStreams, Outbox } from '@will/bus';
import { wire } from '@will/contracts';
import { startNatsServer } from '@will/testkit';
import { expect, test } from 'vitest';
import type { Delivery } from '../ports.ts';
import { EventStream } from './event-stream.ts';

test('while the first events are being stored it is known that all before them were read', async () => {
  const nats = await startNatsServer();
  const bus = await connectBus({ servers: nats.url, processId: 'test-telemetry', inboxScope: 'telemetry' });
  await ensureStreams(bus);
  const stream = new EventStream(bus, { onMalformed: () => {}, onError: () => {}, nowMs: Date.now });
  const taken: Delivery[] = [];
  let next = Promise.withResolvers<void>();
  await stream.start((delivery) => {
    taken.push(delivery);
    next.resolve();
  });
  const outbox = new Outbox(bus, { service: 'router', kind: 'records', batchMs: 1 });
  const publish = async (): Promise<number> => {
    next = Promise.withResolvers<void>();
    const atMs = Date.now();
    const value = create(wire.CallRecordSchema, { attemptId: `a${taken.length}`, client: 'c', model: 'm' });
    outbox.add(create(wire.EventSchema, { kind: { case: 'call', value } }));
    await next.promise;
    return atMs;
  };
  // By the server's clock, which is this machine's.
  const firstMs = await publish();
  expect(await stream.readUntilMs()).toBeGreaterThanOrEqual(firstMs);
  const beforeSecondMs = await publish();
  expect(await stream.readUntilMs()).toBeLessThan(beforeSecondMs + 1);
  for (const { done } of taken) done();
  await expect.poll(() => stream.readUntilMs()).toBeGreaterThanOrEqual(beforeSecondMs);
  await outbox.close();
  await stream.stop();
  await bus.close();
  await nats.stop();
});
