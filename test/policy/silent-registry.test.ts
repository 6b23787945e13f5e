import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { factsToWire, newId, subjects, wire } from '@will/contracts';
import type { DataClass } from '@will/core';
import { connectBus } from '@will/bus';
import { type ReplayingUpstream, startReplayingUpstream, factsFor } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// A registry that is silent for longer than the limit may have forbidden what policy and workers still know as allowed.

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
      ),
    },
    env: { WILL_STALE_AFTER_MS: '2500' },
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
async function askPolicy(dataClass: DataClass): Promise<string> {
  const request = create(wire.DecideRequestSchema, { facts: factsToWire(factsFor({ dataClass })) });
  const data = await system.bus.request(subjects.policyDecide, toBinary(wire.DecideRequestSchema, request), 2_000);
  return fromBinary(wire.DecideResponseSchema, data).error;
}

/** What the worker says to a call that a careless router sends on: the rule it breaks, or `called`. */
async function callWorker(dataClass: DataClass): Promise<string> {
  const router = await connectBus({ servers: system.nats.url, processId: `router-${newId()}`, inboxScope: 'router' });
  const attemptId = newId();
  const deadlineUnixMs = BigInt(Date.now() + 5_000);
  const request = create(wire.CallRequestSchema, {
    taskId: newId(),
    attemptId,
    attempt: 1,
    revision: 1n,
    expiresUnixMs: deadlineUnixMs,
    deadlineUnixMs,
    facts: factsToWire(factsFor({ dataClass })),
    model: 'trusted',
    callerInbox: '_INBOX.someone.c.t',
    go: true,
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

test('while the registry is silent for longer than the limit, policy and workers serve open data only', async () => {
  expect([await run('open'), await run('customer')]).toEqual(['trusted', 'trusted']);
  expect(await callWorker('customer')).toBe('called');
  await system.of('registry')[0]?.kill();
  const killedAtMs = performance.now();
  // Policy is asked until it has noticed, which must be soon after the limit.
  while ((await askPolicy('customer')) === '') await new Promise((resolve) => setTimeout(resolve, 50));
  expect(performance.now() - killedAtMs).toBeLessThan(5_000);
  // The worker heard the last beat at the same time as policy, give or take the way of a message.
  while ((await callWorker('customer')) === 'called') await new Promise((resolve) => setTimeout(resolve, 50));
  upstream.clear();
  const strict = ['customer', 'sensitive', 'customer-sensitive'] as const;
  for (const dataClass of strict) {
    expect(await askPolicy(dataClass)).toContain('the registry was silent');
    expect(await callWorker(dataClass)).toBe('stale_snapshot');
    expect(await run(dataClass)).toBe('unavailable');
  }
  expect(upstream.requests).toHaveLength(0);
  expect(await askPolicy('open')).toBe('');
  expect(await callWorker('open')).toBe('called');
  expect(await run('open')).toBe('trusted');
  await system.add('registry');
  while ((await askPolicy('customer')) !== '') await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await run('customer')).toBe('trusted');
});
