import { newId, patterns, type wire } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answerForRouters, answerInFlight, type Bus, connectBus, findWork, type Work } from '../index.ts';

// A task of which nobody has said a word: who has it, or that it is lost with the router that took it.

let nats: NatsServer;
const opened: Bus[] = [];
beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());
afterEach(async () => {
  for (const bus of opened.splice(0)) await bus.close();
});

async function bus(): Promise<Bus> {
  const connected = await connectBus({ servers: nats.url, processId: `p-${newId()}`, inboxScope: 'acme' });
  opened.push(connected);
  return connected;
}

const work: Work = { client: 'acme', id: 'task-1' };
const dead = 'router-that-died';

/** A router that knows of others, and has some tasks; `isHere` absent: it is too busy to answer about them. */
async function router(known: readonly string[], isHere?: (work: Work) => boolean): Promise<Bus> {
  const own = await bus();
  const processes = new Map(
    [own.processId, ...known].map((processId) => [processId, { processId, service: 'router' } as wire.Presence]),
  );
  answerForRouters(own, { processes });
  if (isHere) answerInFlight(own, isHere);
  else own.listen(patterns.inFlights(own.processId), () => {});
  await own.connection.flush();
  return own;
}

test('a task is found at the router that has it', async () => {
  const owner = await router([dead], ({ client, id }) => client === 'acme' && id === 'task-1');
  await router([owner.processId, dead], () => false);
  expect(await findWork(await bus(), work, () => true)).toEqual({ routerId: owner.processId });
});

test('a task is lost where a router is dead and no other one has it', async () => {
  await router([dead], () => false);
  expect(await findWork(await bus(), work, () => true)).toBe('lost');
});

test('a task is lost where no router is there', async () => {
  expect(await findWork(await bus(), work, () => true)).toBe('lost');
});

test('a router that listens and does not answer may have the task: nobody can tell', async () => {
  await router([dead]);
  let rounds = 0;
  const asker = await bus();
  expect(await findWork(asker, work, () => (rounds += 1) <= 2)).toBe('unknown');
});

test('where every router lives and none has the task, its answer may be on its way', async () => {
  await router([], () => false);
  expect(await findWork(await bus(), work, () => true)).toBe('unknown');
});
