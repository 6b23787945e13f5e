import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { factsToWire, names, newId, subjects, wire } from '@will/contracts';
import type { DataClass } from '@will/core';
import { connectBus } from '@will/bus';
import { type ReplayingUpstream, startReplayingUpstream, factsFor } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Documents that were not confirmed for longer than the limit may allow what is forbidden by now.

const staleAfterMs = 2_500;

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Trusted', endpoint: `${upstream.url}/v1` }),
        routeDocument('text_gen', 'Trusted'),
        'kind: client\nname: european\ndata_class: open\ndata_rules: { data_residency: EU }',
        'kind: client\nname: someone\ndata_class: open',
        'kind: client\nname: test\ndata_class: open',
      ),
    },
    env: { WILL_STALE_AFTER_MS: String(staleAfterMs) },
  });
  await system.untilServed('trusted');
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});

const run = (dataClass: DataClass): Promise<string> =>
  system.client.run({ type: 'text_gen', input: 'Hello', dataClass, timeoutMs: 3_000 }).then(
    ({ model }) => model,
    (error: { code: string }) => error.code,
  );

/** What policy itself answers: its error, or '' for a set. */
async function askPolicy(dataClass: DataClass, client = 'someone'): Promise<string> {
  const request = create(wire.DecideRequestSchema, { facts: factsToWire(factsFor({ dataClass, client })) });
  const data = await system.bus.request(subjects.policyDecide, toBinary(wire.DecideRequestSchema, request), 2_000);
  return fromBinary(wire.DecideResponseSchema, data).error;
}

/** What the worker says to a call that a careless router sends on: the rule it breaks, or `called`. */
async function callWorker(dataClass: DataClass, client = 'someone'): Promise<string> {
  const router = await connectBus({ servers: system.nats.url, processId: `router-${newId()}`, inboxScope: 'router' });
  const attemptId = newId();
  const deadlineUnixMs = BigInt(Date.now() + 5_000);
  const request = create(wire.CallRequestSchema, {
    taskId: newId(),
    attemptId,
    startUntilUnixMs: BigInt(Date.now() + 500),
    attempt: 1,
    revision: 1n,
    expiresUnixMs: deadlineUnixMs,
    deadlineUnixMs,
    facts: factsToWire(factsFor({ dataClass, client })),
    model: 'trusted',
    callerInbox: `_INBOX.${client}.c.t`,
    mayCommit: true,
    inputKind: 'chat',
    input: new TextEncoder().encode('{"messages":[{"role":"user","content":"Hello"}]}'),
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  const reply = subjects.inbox('router', router.processId, attemptId);
  router.listen(reply, ({ isNoResponders, data }) => {
    if (isNoResponders) return resolve('nobody');
    const { kind } = fromBinary(wire.CallEventSchema, data);
    if (kind.case === 'refused') resolve(kind.value.rule);
    if (kind.case === 'ended') resolve('called');
  });
  router.publish(subjects.call(dataClass, 'trusted'), toBinary(wire.CallRequestSchema, request), reply);
  return promise.finally(() => void router.close());
}

const strict = ['customer', 'sensitive', 'customer-sensitive'] as const;
const soon = () => new Promise((resolve) => setTimeout(resolve, 50));

test('documents that cannot be confirmed serve only what no rule on data restricts', async () => {
  expect([await run('open'), await run('customer')]).toEqual(['trusted', 'trusted']);
  expect(await callWorker('customer')).toBe('called');
  await system.of('registry')[0]?.kill();
  // The head is gone: nobody can say any more which revision is the newest.
  await system.bus.request(`$JS.API.STREAM.DELETE.KV_${names.registryBucket}`, new Uint8Array(), 5_000);
  // Policy and worker are asked until they have noticed.
  while ((await askPolicy('customer')) === '') await soon();
  while ((await callWorker('customer')) !== 'stale_snapshot') await soon();
  upstream.clear();
  for (const dataClass of strict) {
    expect(await askPolicy(dataClass)).toContain('the documents were not confirmed');
    expect(await callWorker(dataClass)).toBe('stale_snapshot');
    expect(await run(dataClass)).toBe('unavailable');
  }
  // A rule of the client counts beside the class of the data.
  expect(await askPolicy('open', 'european')).toContain('the documents were not confirmed');
  expect(await callWorker('open', 'european')).toBe('stale_snapshot');
  expect(upstream.requests).toHaveLength(0);
  expect(await askPolicy('open')).toBe('');
  expect(await callWorker('open')).toBe('called');
  expect(await run('open')).toBe('trusted');
  await system.add('registry');
  while ((await askPolicy('customer')) !== '') await soon();
  while ((await callWorker('customer')) !== 'called') await soon();
  expect(await run('customer')).toBe('trusted');
});

test('a registry that is away makes no document old: the bus still says which revision is the newest', async () => {
  await Promise.all(system.of('registry').map((registry) => registry.kill()));
  await new Promise((resolve) => setTimeout(resolve, 2 * staleAfterMs));
  for (const dataClass of strict) {
    expect(await askPolicy(dataClass)).toBe('');
    expect(await callWorker(dataClass)).toBe('called');
    expect(await run(dataClass)).toBe('trusted');
  }
});
