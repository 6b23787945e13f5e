import { create } from '@bufbuild/protobuf';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { names, newId, patterns, readEvents, subjects, wire } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  announce,
  heartbeat,
  type Bus,
  BusError,
  connectBus,
  ensureStreams,
  answerInFlight,
  LivenessMonitor,
  Outbox,
  watchProcesses,
} from './index.ts';
import { coalesceWrites } from './connection/coalesce-writes.ts';

let nats: NatsServer;
const opened: (() => Promise<unknown> | unknown)[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function bus(server: NatsServer = nats): Promise<Bus> {
  const connected = await connectBus({ servers: server.url, processId: `t-${newId()}`, inboxScope: 'test' });
  opened.push(() => connected.close());
  return connected;
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const codeOf = (error: unknown): string => (error instanceof BusError ? error.code : String(error));

test('a request is answered, and one that nobody serves fails at once', async () => {
  const [server, asker] = [await bus(), await bus()];
  const serving = server.serve('t.echo', 'q', ({ data }) => bytes(`${text(data)}!`));
  await server.connection.flush();
  expect(text(await asker.request('t.echo', bytes('hi'), 1_000))).toBe('hi!');
  await serving.stop();
  await expect(asker.request('t.echo', bytes('hi'), 600_000).catch(codeOf)).resolves.toBe('no_responders');
});

test('who waits for a nats-server that is not there says which and why, and works once it is', async () => {
  const late = await startNatsServer();
  await late.kill();
  const { promise: told, resolve } = Promise.withResolvers<string>();
  const waiting = connectBus({
    servers: late.url.replace('//', '//user:secret@'),
    processId: `t-${newId()}`,
    inboxScope: 'test',
    waitForServer: true,
    onError: (what, error) => resolve(`${what}: ${(error as Error).message}`),
  });
  expect(await told).toBe(
    `waiting for the bus: no nats-server answers at nats://…@127.0.0.1:${late.port} (connection refused)`,
  );
  await late.restart();
  expect((await waiting).isConnected).toBe(true);
  await (await waiting).close();
  await late.stop();
});

test('who asks for an answer on a subject that is no inbox is not served', async () => {
  const errors: unknown[] = [];
  const server = await connectBus({
    servers: nats.url,
    processId: `t-${newId()}`,
    inboxScope: 'test',
    onError: (_, error) => errors.push(error),
  });
  opened.push(() => server.close());
  const asker = await bus();
  const served: string[] = [];
  const written: string[] = [];
  const serving = server.serve('t.write', 'q', ({ data, reply }) => {
    served.push(reply);
    return data;
  });
  for (const heard of ['$KV.>', 'will.v1.>', 't.written'])
    asker.listen(heard, ({ subject }) => void written.push(subject));
  await Promise.all([server.connection.flush(), asker.connection.flush()]);
  for (const reply of ['$KV.will_registry.head', 'will.v1.registry.apply', 't.written', '_INBOX', '_INBOX.a.>'])
    asker.connection.publish('t.write', bytes('x'), { reply });
  await asker.request('t.write', bytes('last'), 1_000);
  await serving.stop();
  expect(served).toHaveLength(1);
  expect(written).toEqual([]);
  expect(errors).toHaveLength(5);
});

test('stopping to serve loses nothing: handlers in flight are waited for', async () => {
  const [server, asker] = [await bus(), await bus()];
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const serving = server.serve('t.slow', 'q', async ({ data }) => {
    entered.resolve();
    await release.promise;
    return data;
  });
  await server.connection.flush();
  const answer = asker.request('t.slow', bytes('x'), 5_000);
  await entered.promise;
  const stopped = serving.stop();
  release.resolve();
  await stopped;
  expect(text(await answer)).toBe('x');
});

test('a message too large for the bus is refused here, and the connection lives on', async () => {
  const own = await bus();
  expect(() => own.publish('t.x', new Uint8Array(1024 * 1024))).toThrow('exceed the 1044480');
  expect(own.isConnected).toBe(true);
});

test('while NATS is not connected publishing and asking fail at once, and work again when it is back', async () => {
  const server = await startNatsServer();
  opened.push(() => server.stop());
  const own = await bus(server);
  const changes: boolean[] = [];
  const away = Promise.withResolvers<void>();
  const back = Promise.withResolvers<void>();
  own.onConnectionChange((isConnected) => {
    changes.push(isConnected);
    (isConnected ? back : away).resolve();
  });
  await server.kill();
  await away.promise;
  expect(() => own.publish('t.x', bytes('x'))).toThrow(BusError);
  await expect(own.request('t.x', bytes('x'), 600_000).catch(codeOf)).resolves.toBe('disconnected');
  await server.restart();
  await back.promise;
  own.publish('t.x', bytes('x'));
  expect(changes).toEqual([false, true]);
});

test('the library still has the method that writes are coalesced at, and order is kept', async () => {
  const [server, asker] = [await bus(), await bus()];
  expect(coalesceWrites(asker.connection)).toBe(true);
  const got: number[] = [];
  const all = Promise.withResolvers<void>();
  server.listen('t.order', ({ data }) => {
    got.push(Number(text(data)));
    if (got.length === 1_000) all.resolve();
  });
  await server.connection.flush();
  for (let n = 0; n < 1_000; n += 1) {
    asker.publish('t.order', bytes(String(n)));
    if (n % 7 === 0) await Promise.resolve();
  }
  await all.promise;
  expect(got).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
});

const acmes = { client: 'acme', id: 'task' };

/** A process that works, as others see it; and one that watches it. */
async function watched() {
  const [owner, watcher] = [await bus(), await bus()];
  const stopHeartbeat = heartbeat(owner);
  opened.push(stopHeartbeat);
  const still = answerInFlight(owner, () => true);
  await owner.connection.flush();
  const life = new LivenessMonitor(watcher);
  opened.push(() => life.close());
  return { owner, watcher, life, stopHeartbeat, still };
}

test('a process whose connection is gone is lost, once for each that watches it, and a living one is not', async () => {
  const { owner, life } = await watched();
  const living = await watched();
  let livingLost = 0;
  living.life.watch(living.owner.processId, () => (livingLost += 1), acmes);
  let losses = 0;
  const lost = [1, 2].map(
    () =>
      new Promise<void>((resolve) =>
        life.watch(
          owner.processId,
          () => {
            losses += 1;
            resolve();
          },
          acmes,
        ),
      ),
  );
  await owner.connection.close();
  await Promise.all(lost);
  expect([losses, livingLost]).toEqual([2, 0]);
});

test('a process that is there and answers nothing is busy, not dead', async () => {
  const { owner, life, stopHeartbeat, still } = await watched();
  stopHeartbeat();
  still.stop();
  let questions = 0;
  const asked = Promise.withResolvers<void>();
  owner.listen(patterns.inFlights(owner.processId), () => (questions += 1) === 3 && asked.resolve());
  await owner.connection.flush();
  let isLost = false;
  life.watch(owner.processId, () => (isLost = true), acmes);
  await asked.promise;
  expect(isLost).toBe(false);
});

test('a process that is back within the time of a reconnect is not lost', async () => {
  const { owner, watcher, life, stopHeartbeat, still } = await watched();
  let isLost = false;
  life.watch(owner.processId, () => (isLost = true), acmes);
  stopHeartbeat();
  still.stop();
  await owner.connection.flush();
  // The first who asks hears that nobody is there.
  const subject = subjects.inFlight(owner.processId, 'acme');
  await expect(watcher.request(subject, new Uint8Array(0), 1_000)).rejects.toThrow(BusError);
  const askedAgain = Promise.withResolvers<void>();
  let questions = 0;
  const isHere = (): boolean => {
    questions += 1;
    if (questions === 5) askedAgain.resolve();
    return true;
  };
  opened.push(answerInFlight(owner, isHere).stop);
  await askedAgain.promise;
  expect(isLost).toBe(false);
});

test('after a restart of the server nobody’s absence proves anything for a while', async () => {
  const server = await startNatsServer();
  opened.push(() => server.stop());
  const [owner, watcher] = [await bus(server), await bus(server)];
  const stopHeartbeat = heartbeat(owner);
  const still = answerInFlight(owner, () => true);
  const life = new LivenessMonitor(watcher);
  opened.push(() => life.close());
  let isLost = false;
  life.watch(owner.processId, () => (isLost = true), acmes);
  await owner.connection.flush();
  stopHeartbeat();
  const back = Promise.withResolvers<void>();
  watcher.onConnectionChange((isConnected) => isConnected && back.resolve());
  await server.restart();
  await back.promise;
  still.stop();
  // Work of after the restart is lost by what the new connection says, that of before not yet.
  await new Promise<void>((resolve) => {
    life.watch(owner.processId, () => resolve(), { client: 'acme', id: 'later' });
  });
  expect(isLost).toBe(false);
});

test('a living process that no longer has the work is as good as lost for who waits for it, and only for them', async () => {
  const [owner, watcher] = [await bus(), await bus()];
  opened.push(heartbeat(owner));
  opened.push(answerInFlight(owner, ({ client, id }) => client === 'acme' && id === 'under-way').stop);
  await owner.connection.flush();
  const life = new LivenessMonitor(watcher, undefined, 60);
  opened.push(() => life.close());
  const told: string[] = [];
  const watch = (client: string, id: string): Promise<void> =>
    new Promise((resolve) => {
      const onLost = (): void => {
        told.push(`${client} ${id}`);
        resolve();
      };
      life.watch(owner.processId, onLost, { client, id });
    });
  void watch('acme', 'under-way');
  await Promise.all([watch('acme', 'ended'), watch('other', 'under-way')]);
  expect(told.toSorted()).toEqual(['acme ended', 'other under-way']);
});

test('events are kept while the stream is away and arrive after it is back', async () => {
  const server = await startNatsServer();
  opened.push(() => server.stop());
  const own = await bus(server);
  await ensureStreams(own);
  const away = Promise.withResolvers<void>();
  own.onConnectionChange((isConnected) => !isConnected && away.resolve());
  await server.kill();
  await away.promise;
  const outbox = new Outbox(own, { service: 'router', kind: 'records', batchMs: 5 });
  for (let n = 0; n < 1_500; n += 1) {
    const value = create(wire.CallRecordSchema, { attemptId: `attempt-${n}` });
    outbox.add(create(wire.EventSchema, { kind: { case: 'call', value } }));
  }
  await server.restart();
  expect(await outbox.close(10_000)).toBe(0);
  expect(await storedAttempts(own)).toBe(1_500);
  expect(outbox.dropped).toBe(0);
});

test('an outbox that is full drops the oldest, counts them and says so, ever more rarely', async () => {
  const own = await bus();
  const told: string[] = [];
  const outbox = new Outbox(own, {
    service: 'router',
    kind: 'records',
    capacity: 10,
    batchMs: 60_000,
    onError: (what) => told.push(what),
  });
  for (let n = 0; n < 25; n += 1) outbox.add(create(wire.EventSchema));
  expect(outbox.waiting).toBe(10);
  expect(outbox.dropped).toBe(15);
  expect(told).toEqual(['1 events were dropped', '10 events were dropped']);
});

test('an event that cannot be written is dropped and told, and the others of its batch arrive', async () => {
  const own = await bus();
  await ensureStreams(own);
  const told: string[] = [];
  const options = { service: 'router', kind: 'records', batchMs: 60_000, onError: (what: string) => told.push(what) };
  const outbox = new Outbox(own, options);
  const before = await storedAttempts(own);
  for (const durationMs of [1, 2.5, 3]) {
    const value = create(wire.CallRecordSchema, { attemptId: `with-${durationMs}`, durationMs });
    outbox.add(create(wire.EventSchema, { kind: { case: 'call', value } }));
  }
  expect(await outbox.close(10_000)).toBe(0);
  expect(outbox.dropped).toBe(1);
  expect(told).toContain('an event cannot be written');
  expect((await storedAttempts(own)) - before).toBe(2);
});

test('a listener that throws or rejects is reported, and the messages and listeners after it are served', async () => {
  const reported: string[] = [];
  const own = await connectBus({
    servers: nats.url,
    processId: `t-${newId()}`,
    inboxScope: 'test',
    onError: (what) => reported.push(what),
  });
  opened.push(() => own.close());
  const heard: string[] = [];
  const { promise: third, resolve } = Promise.withResolvers<void>();
  own.listen('test.faults', (({ data }) => {
    heard.push(text(data));
    if (heard.length === 1) throw new Error('thrown');
    if (heard.length === 2) return Promise.reject(new Error('rejected'));
    return resolve();
  }) as Parameters<Bus['listen']>[1]);
  for (const word of ['one', 'two', 'three']) own.publish('test.faults', bytes(word));
  await third;
  expect(heard).toEqual(['one', 'two', 'three']);
  expect(reported).toEqual(['handling a message to test.faults', 'handling a message to test.faults']);
});

test('a process is seen while it lives, with why it does not serve a model, and gone when it says so', async () => {
  const [own, other] = [await bus(), await bus()];
  const view = await watchProcesses(other);
  opened.push(() => view.stop());
  const appeared = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  view.onChange(() => (view.processes.has(own.processId) ? appeared.resolve() : gone.resolve()));
  const models = [
    { model: 'a', capacity: 1, inFlight: 0, reason: '' },
    { model: 'b', capacity: 0, inFlight: 0, reason: 'env://KEY is not set' },
  ];
  const announced = await announce(own, 'provider-worker', () => ({ revision: 7, models }));
  await appeared.promise;
  expect(view.processes.get(own.processId)?.revision).toBe(7n);
  expect(view.reasonNotServed('a')).toBeUndefined();
  expect(view.reasonNotServed('b')).toBe('env://KEY is not set');
  await announced.stop();
  await gone.promise;
});

async function storedAttempts(own: Bus): Promise<number> {
  const manager = await jetstreamManager(own.connection);
  const { state } = await manager.streams.info(names.eventsStream);
  const attempts = new Set<string>();
  const consumer = await jetstream(own.connection).consumers.get(names.eventsStream);
  const batch = await consumer.fetch({ max_messages: state.messages, expires: 2_000 });
  for await (const message of batch) {
    readEvents(message.data, (kind) => kind.case === 'call' && attempts.add(kind.value.attemptId));
  }
  return attempts.size;
}

test('what was asked when the connection is lost fails at once, and not when its time is up', async () => {
  const own = await startNatsServer();
  const bus = await connectBus({ servers: own.url, processId: 't-lost', inboxScope: 'test' });
  // Somebody who never answers.
  bus.listen('lost.question', () => {});
  await bus.connection.flush();
  const asked = bus.request('lost.question', new Uint8Array(), 600_000).catch((error: unknown) => error);
  await bus.connection.flush();
  await own.kill();
  expect(await asked).toMatchObject({ name: 'BusError', code: 'disconnected' });
  await bus.connection.close();
  await own.stop();
});
