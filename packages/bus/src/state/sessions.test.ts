import { newId } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { connectBus, openSessions, type SessionsView, sessionSecret } from '../index.ts';

let nats: NatsServer;
const opened: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function connected() {
  const bus = await connectBus({ servers: nats.url, processId: `t-${newId()}`, inboxScope: 'test' });
  opened.push(() => bus.close());
  return bus;
}
async function replica(): Promise<SessionsView> {
  const sessions = await openSessions(await connected());
  opened.push(() => sessions.stop());
  return sessions;
}

const state = (calls: number, model = 'gpt-4') => ({
  lastModel: model,
  calls,
  prefixes: [{ model, tokens: 1_000 * calls, usedAtMs: 1_700_000_000_000 + calls }],
});

test('what one router keeps of a conversation the others know, also those that start later', async () => {
  const [one, two] = [await replica(), await replica()];
  one.keep('acme.session', state(1));
  expect(one.of('acme.session')).toEqual(state(1));
  await vi.waitFor(() => expect(two.of('acme.session')).toEqual(state(1)));
  two.keep('acme.session', state(2, 'claude-3'));
  await vi.waitFor(() => expect(one.of('acme.session')).toEqual(state(2, 'claude-3')));
  const late = await replica();
  await vi.waitFor(() => expect(late.of('acme.session')).toEqual(state(2, 'claude-3')));
  expect(late.of('other.session')).toBeUndefined();
});

test('many changes of one moment come in few messages, each conversation with its newest state', async () => {
  const [one, two, bus] = [await replica(), await replica(), await connected()];
  const messages: number[] = [];
  const listening = bus.listen('will.v1.sessions.*', ({ data }) => messages.push(data.length));
  await bus.connection.flush();
  for (let calls = 1; calls <= 3; calls += 1)
    for (let at = 0; at < 1_200; at += 1) one.keep(`acme.${at}`, state(calls));
  await vi.waitFor(() => {
    for (let at = 0; at < 1_200; at += 1) expect(two.of(`acme.${at}`)).toEqual(state(3));
  });
  expect(messages.length).toBeLessThan(30);
  listening.unsubscribe();
});

test('that a conversation moved to another model is told at once, with what waited', async () => {
  const [one, two] = [await replica(), await replica()];
  one.keep('acme.first', state(1));
  one.keep('acme.waits', state(1));
  one.keep('acme.first', state(2, 'claude-3'));
  await vi.waitFor(() => expect(two.of('acme.first')).toEqual(state(2, 'claude-3')));
  expect(two.of('acme.waits')).toEqual(state(1));
});

test('what was kept while NATS was not connected is told once it is', async () => {
  const [bus, two] = [await connected(), await replica()];
  const one = await openSessions(bus);
  opened.push(() => one.stop());
  await bus.connection.flush();
  const away = new Promise<void>((resolve) => {
    const stop = bus.onConnectionChange((isConnected) => {
      if (isConnected) return;
      one.keep('acme.away', state(7));
      stop();
      resolve();
    });
  });
  await bus.connection.reconnect();
  await away;
  await vi.waitFor(() => expect(two.of('acme.away')).toEqual(state(7)));
});

test('an entry that nobody can read counts as none, and later ones are still heard', async () => {
  const [one, bus] = [await replica(), await connected()];
  await bus.request('will.v1.sessions.another', new Uint8Array([0xff]), 2_000);
  const two = await replica();
  two.keep('acme.next', state(1));
  await vi.waitFor(() => expect(one.of('acme.next')).toEqual(state(1)));
  const late = await replica();
  await vi.waitFor(() => expect(late.of('acme.next')).toEqual(state(1)));
});

test('all processes have one secret', async () => {
  const buses = await Promise.all([connected(), connected(), connected()]);
  const secrets = await Promise.all(buses.map(sessionSecret));
  const late = await sessionSecret(await connected());
  expect(new Set([...secrets, late].map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1);
  expect(late).toHaveLength(32);
});
