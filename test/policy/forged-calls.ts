import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Bus, connectBus } from '@will/bus';
import { factsToWire, newId, subjects, wire } from '@will/contracts';
import { startWindowMs, type DataClass, type Facts, type RankedSet } from '@will/core';
import { createProviders } from '@will/providers';
import { exactClock, factsFor } from '@will/testkit';
import { busGroups } from '../../services/provider-worker/src/adapters/bus-groups.ts';
import { authorizeBy, type Authorizer } from '../../services/provider-worker/src/call/authorize.ts';
import { CallIndex } from '../../services/provider-worker/src/call/call-index.ts';
import type { Groups, WorkerSnapshots } from '../../services/provider-worker/src/ports.ts';
import { Worker } from '../../services/provider-worker/src/service.ts';
import { busPolicy } from '../../services/router/src/adapters/bus-policy.ts';
import { noPayloads, ShortCooldowns, unlimited } from './short-cooldowns.ts';

export { authorizeBy };
export const noAuthorization: Authorizer = () => undefined;
const allClasses: readonly DataClass[] = ['open', 'customer', 'sensitive', 'customer-sensitive'];
/** Groups in which everybody is in the groups of every class. */
export const everyClass = (groups: Groups): Groups => ({
  ...groups,
  join: (model, _classes, onCall) => groups.join(model, allClasses, onCall),
});

export interface BareWorkerParts {
  /** The documents that it goes by, told over its own connection. */
  readonly snapshots: (bus: Bus) => WorkerSnapshots | Promise<WorkerSnapshots>;
  readonly authorize: Authorizer;
  readonly groups?: (groups: Groups) => Groups;
}

/** A worker on the bus, put together of its own parts. Returns how to stop it. */
export async function startBareWorker(natsUrl: string, parts: BareWorkerParts): Promise<() => Promise<void>> {
  const bus = await connectBus({ servers: natsUrl, processId: `worker-${newId()}`, inboxScope: 'worker' });
  const groups = busGroups(bus, () => {});
  const worker = new Worker({
    workerId: bus.processId,
    groups: parts.groups ? parts.groups(groups) : groups,
    snapshots: await parts.snapshots(bus),
    authorize: parts.authorize,
    records: { call() {} },
    cooldowns: new ShortCooldowns(Date.now),
    allowances: unlimited,
    payloads: noPayloads,
    hooks: [],
    nowMs: Date.now,
    startClock: exactClock(),
    draw: Math.random,
    calls: new CallIndex(),
    providers: createProviders({ dataDir: '.', threads: 1 }),
    selects: () => true,
    scheduleHealthChecks: () => ({ stop() {} }),
    onError: () => {},
  });
  await worker.start(() => {});
  await bus.connection.flush();
  return async () => {
    await worker.stop(5_000);
    await bus.close();
  };
}

/** A router's connection, in the hands of a router that is faulty or worse. */
export const connectForger = (natsUrl: string): Promise<Bus> =>
  connectBus({ servers: natsUrl, processId: `router-${newId()}`, inboxScope: 'router' });

/** What policy alone decides on a task of these facts. */
export const decideBy = async (bus: Bus, facts: Facts): Promise<RankedSet> =>
  (await busPolicy(bus, 1_000).decide(facts, 10_000)).set;

export interface Forged {
  readonly model: string;
  /** Of the subject. */
  readonly to: DataClass;
  readonly facts?: Partial<Facts>;
  readonly revision?: number;
  readonly expiresInMs?: number;
  readonly words?: string;
}

/**
 * Sends a call past every decision. Resolves with the rule that refused it, `called`, or `nobody`. Where nobody answers
 * for a window, since a worker that stands still has it, it is sent again as a router does.
 */
export async function forge(router: Bus, forged: Forged): Promise<string> {
  for (;;) {
    const end = await sendForged(router, forged);
    if (end !== 'again') return end;
  }
}

async function sendForged(router: Bus, forged: Forged): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const reply = subjects.inbox('router', router.processId, newId());
  const inbox = router.listen(reply, (message) => {
    if (message.isNoResponders) return resolve('nobody');
    const { kind } = fromBinary(wire.CallEventSchema, message.data);
    if (kind.case === 'accepted') clearTimeout(timer);
    if (kind.case === 'refused') resolve(kind.value.rule);
    if (kind.case === 'ended') resolve('called');
    // This process stood still, or a worker of the group does.
    if (kind.case === 'expired' || kind.case === 'confirmStart') resolve('again');
  });
  const timer = setTimeout(() => resolve('again'), 2 * startWindowMs);
  const request = toBinary(wire.CallRequestSchema, requestOf(forged));
  router.publish(subjects.call(forged.to, forged.model), request, reply);
  return promise.finally(() => {
    clearTimeout(timer);
    inbox.unsubscribe();
  });
}

const plainFacts = factsFor();

function requestOf({ model, facts, revision = 1, expiresInMs = 10_000, words = 'Hello' }: Forged): wire.CallRequest {
  const client = facts?.client ?? 'default';
  return create(wire.CallRequestSchema, {
    taskId: newId(),
    attemptId: newId(),
    startUntilUnixMs: BigInt(Date.now() + startWindowMs),
    attempt: 1,
    decisionId: newId(),
    revision: BigInt(revision),
    expiresUnixMs: BigInt(Date.now() + expiresInMs),
    deadlineUnixMs: BigInt(Date.now() + 10_000),
    facts: factsToWire({ ...plainFacts, ...facts }),
    model,
    callerInbox: `_INBOX.${client}.c.t`,
    mayCommit: true,
    inputKind: 'chat',
    input: new TextEncoder().encode(JSON.stringify({ messages: [{ role: 'user', content: words }] })),
  });
}
