import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Bus, connectBus, type LivenessMonitor, type LoopWatch } from '@will/bus';
import { newId, queues, subjects, wire } from '@will/contracts';
import { type NatsServer, startNatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { CallSignal } from '../ports.ts';
import { busCalls } from './bus-calls.ts';

let nats: NatsServer;
const opened: (() => unknown)[] = [];
beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function connected(name: string): Promise<Bus> {
  const bus = await connectBus({ servers: nats.url, processId: `${name}-${newId()}`, inboxScope: 'router' });
  opened.push(() => bus.close());
  return bus;
}

type Said = 'accepted' | 'full' | 'limit';
let taken: string[] = [];
beforeEach(() => {
  taken = [];
});

/** A worker of the model's group that says one thing to each call. */
async function worker(name: string, said: Said): Promise<string> {
  const bus = await connected(name);
  const answer = (subject: string): void => {
    const serving = bus.serve(subject, queues.worker, (message) => {
      const { attemptId } = fromBinary(wire.CallRequestSchema, message.data);
      taken.push(name);
      const kind =
        said === 'accepted'
          ? { case: 'accepted' as const, value: create(wire.CallAcceptedSchema) }
          : { case: 'busy' as const, value: create(wire.CallBusySchema, { isLimit: said === 'limit' }) };
      return toBinary(wire.CallEventSchema, create(wire.CallEventSchema, { attemptId, workerId: name, kind }));
    });
    opened.push(() => serving.stop());
  };
  answer(subjects.call('open', 'local'));
  answer(subjects.callAt('open', 'local', bus.processId));
  await bus.connection.flush();
  return bus.processId;
}

async function send(workerId: string | undefined): Promise<CallSignal> {
  const bus = await connected('router');
  const calls = busCalls(bus, {} as LivenessMonitor, {} as LoopWatch);
  opened.push(() => calls.stop());
  const request = create(wire.CallRequestSchema, { attemptId: newId(), model: 'local' });
  const { promise, resolve } = Promise.withResolvers<CallSignal>();
  calls.send({ request, dataClass: 'open', workerId }, resolve);
  return promise;
}
const saidBy = (signal: CallSignal): string =>
  signal.kind === 'nobody' ? 'nobody' : `${signal.event.workerId}: ${signal.event.kind.case}`;

test('a call that is meant for one worker reaches that one, each time', async () => {
  const one = await worker('one', 'accepted');
  await worker('two', 'accepted');
  for (let turn = 0; turn < 8; turn += 1) expect(saidBy(await send(one))).toBe('one: accepted');
  expect(taken).toEqual(Array.from({ length: 8 }, () => 'one'));
});

test('where that worker is full or gone, any other one has it', async () => {
  const full = await worker('full', 'full');
  await worker('other', 'accepted');
  // The group may ask the full one once more; then its word counts.
  await vi.waitFor(async () => expect(saidBy(await send(full))).toBe('other: accepted'));
  expect(taken[0]).toBe('full');
  taken = [];
  expect(['other: accepted', 'full: busy']).toContain(saidBy(await send(`gone-${newId()}`)));
});

test('a limit holds for every worker, so that its word counts at once; and nobody is nobody', async () => {
  expect(saidBy(await send(`gone-${newId()}`))).toBe('nobody');
  const limited = await worker('limited', 'limit');
  await worker('other', 'accepted');
  expect(saidBy(await send(limited))).toBe('limited: busy');
  expect(taken).toEqual(['limited']);
});
