import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, followSnapshot } from '@will/bus';
import { factsFor, type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  authorizeBy,
  type BareWorkerParts,
  connectForger,
  decideBy,
  everyClass,
  forge,
  noAuthorization,
  startBareWorker,
} from '../policy/forged-calls.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// Processes are stopped and go on: what a worker finds when it wakes may be over, and starts no call of a provider.

let upstream: ReplayingUpstream;
let system: System;
let world: string;
const acme = 'kind: client\nname: acme\ndata_rules: { avoid_cloud: yes }';

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  const model = (name: string, tags: string): string => modelDocument({ name, endpoint, tags });
  world = documentFile(
    openByDefault,
    modelDocument({ name: 'Cloud', endpoint, tags: 'guarded', callMethod: 'API', seesCustomerData: 'no' }),
    model('Own', 'guarded'),
    routeDocument('guarded', 'Cloud', 'Own'),
    model('First', 'text_gen'),
    model('Second', 'text_gen'),
    model('Alone', 'lonely'),
    routeDocument('text_gen', 'First', 'Second'),
    routeDocument('lonely', 'Alone'),
  );
  system = await startSystem({
    documents: { 'world.yaml': documentFile(world, acme) },
    counts: { 'provider-worker': 0 },
  });
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});
beforeEach(() => upstream.clear());

const run = (type: string, timeoutMs: number, input = 'Hello'): Promise<string> =>
  system.client.run({ type, input, timeoutMs }).then(
    ({ model }) => model,
    (error: { code: string }) => error.code,
  );

test('a worker that stood still until its tasks were over calls no provider for them', async () => {
  const worker = await system.add('provider-worker', { WILL_WORKER_MODELS: 'alone' });
  await system.untilServed('alone');
  expect(await run('lonely', 10_000)).toBe('alone');
  upstream.clear();
  worker.signal('SIGSTOP');
  const over = await Promise.all(Array.from({ length: 10 }, () => run('lonely', 1_500)));
  expect(new Set(over)).toEqual(new Set(['deadline']));
  worker.signal('SIGCONT');
  // What came before this one was taken, or dropped, before it.
  expect(await run('lonely', 20_000, 'the one after')).toBe('alone');
  expect(upstream.requests).toHaveLength(1);
  expect(JSON.stringify(upstream.requests[0]?.body)).toContain('the one after');
  await worker.stop();
});

test('while one of two workers stands still, every task is answered by the model that its route prefers, with one call each', async () => {
  const both = await Promise.all(
    Array.from({ length: 2 }, () => system.add('provider-worker', { WILL_WORKER_MODELS: 'first,second' })),
  );
  await system.until(
    ({ processes }) =>
      [...processes.values()].filter(({ models }) => models.some(({ model }) => model === 'first')).length === 2,
    'two workers that serve first',
  );
  await run('text_gen', 10_000);
  upstream.clear();
  both[0]?.signal('SIGSTOP');
  const answers = await Promise.all(Array.from({ length: 20 }, () => run('text_gen', 20_000)));
  both[0]?.signal('SIGCONT');
  expect(new Set(answers)).toEqual(new Set(['first']));
  expect(await run('text_gen', 20_000)).toBe('first');
  expect(upstream.requests).toHaveLength(21);
  await Promise.all(both.map((worker) => worker.stop()));
});

/** What became of data of the client `acme` where one protection alone stands; beside it a frozen worker is in each group. */
async function throughEachProtection(router: Bus) {
  const facts = factsFor({ client: 'acme', taskType: 'guarded' });
  const customers = factsFor({ client: 'default', taskType: 'guarded', dataClass: 'customer' });
  const words = 'of acme alone';
  const beside = async <T>(parts: Omit<BareWorkerParts, 'snapshots'>, ask: () => Promise<T>): Promise<T> => {
    const stop = await startBareWorker(system.nats.url, { snapshots: (bus) => followSnapshot(bus), ...parts });
    try {
      return await ask();
    } finally {
      await stop();
    }
  };
  const careless = { authorize: noAuthorization, groups: everyClass };
  const set = await decideBy(system.bus, facts);
  const policy: string[] = [];
  for (const { model } of set.candidates) {
    const end = await beside(careless, () => forge(router, { model, to: set.dataClass, facts, words }));
    policy.push(`${model} ${end}`);
  }
  const forbidden = { model: 'cloud', to: 'customer', facts: customers } as const;
  return {
    rules: set.exclusions.map(({ rule }) => rule),
    policy,
    group: await beside({ authorize: noAuthorization }, () => forge(router, { ...forbidden, words })),
    check: await beside({ authorize: authorizeBy(15_000) }, () =>
      forge(router, { model: 'cloud', to: 'open', facts, words }),
    ),
    // Without any of them the call is made: what is refused above is refused by what is tried there.
    unprotected: await beside(careless, () => forge(router, { ...forbidden, words: 'of nobody' })),
  };
}

test('policy, the group of a data class and the worker’s check each suffice alone, beside a frozen worker and without the document', async () => {
  const frozen = await system.add('provider-worker', { WILL_WORKER_MODELS: 'cloud,own' });
  await system.untilServed('cloud', 'own');
  const router = await connectForger(system.nats.url);
  frozen.signal('SIGSTOP');
  onTestFinished(() => frozen.signal('SIGCONT'));
  const bound = await throughEachProtection(router);
  expect(bound).toMatchObject({ policy: ['own called'], unprotected: 'called', group: 'nobody', check: 'avoid_cloud' });

  const folder = await mkdtemp(join(tmpdir(), 'will-frozen-'));
  await writeFile(join(folder, 'world.yaml'), world);
  const removed = await willmAt(system.nats.url)('apply', '-f', folder, '--prune', '--force', '--no-wait');
  expect([removed.code, removed.err]).toEqual([0, expect.stringContaining('client acme: it is removed')]);
  const facts = factsFor({ client: 'acme', taskType: 'guarded' });
  await expect.poll(async () => (await decideBy(system.bus, facts)).candidates).toEqual([]);
  const without = await throughEachProtection(router);
  // Data of a client that nobody knows counts as the strictest.
  expect(without).toMatchObject({ policy: [], unprotected: 'called', group: 'nobody', check: 'data_class' });
  expect(without.rules).toContain('unknown_client');

  frozen.signal('SIGCONT');
  // What waited at the frozen worker was taken, or dropped, before this one.
  const others = factsFor({ taskType: 'guarded' });
  expect(await forge(router, { model: 'own', to: 'open', facts: others })).toBe('called');
  const acmes = upstream.requests.filter(({ body }) => JSON.stringify(body).includes('of acme alone'));
  expect(new Set(acmes.map(({ model }) => model))).toEqual(new Set(['own']));
  await Promise.all([frozen.stop(), router.close(), rm(folder, { recursive: true })]);
});
