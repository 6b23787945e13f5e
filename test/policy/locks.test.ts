import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Bus, connectBus } from '@will/bus';
import { factsToWire, newId, subjects, wire } from '@will/contracts';
import type { AnyDocument, DataClass, Facts, ModelDocument } from '@will/core';
import { createProviders } from '@will/providers';
import { type ReplayingUpstream, startNatsServer, startReplayingUpstream, exactClock, factsFor } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { busGroups } from '../../services/provider-worker/src/adapters/bus-groups.ts';
import { authorizeBy, type Authorizer } from '../../services/provider-worker/src/call/authorize.ts';
import type { Groups } from '../../services/provider-worker/src/ports.ts';
import { CallIndex } from '../../services/provider-worker/src/call/call-index.ts';
import { Worker } from '../../services/provider-worker/src/service.ts';
import { noPayloads, ShortCooldowns, unlimited } from './short-cooldowns.ts';
import { compileRevision } from './house.ts';

// Three locks on data, each alone: the other two are taken out by putting a worker's own parts together without them.

type Nats = Awaited<ReturnType<typeof startNatsServer>>;

let nats: Nats;
let upstream: ReplayingUpstream;
/** The router's connection, in the hands of a router that is faulty or worse. */
let router: Bus;

beforeAll(async () => {
  nats = await startNatsServer();
  upstream = await startReplayingUpstream();
  router = await connectBus({ servers: nats.url, processId: `router-${newId()}`, inboxScope: 'router' });
});
afterAll(async () => {
  await router?.close();
  await upstream?.close();
  await nats?.stop();
});
beforeEach(() => upstream.clear());

const staleAfterMs = 15_000;
const noAuthorization: Authorizer = () => undefined;
const allClasses: readonly DataClass[] = ['open', 'customer', 'sensitive', 'customer-sensitive'];
/** Groups in which everybody is in the groups of every class. */
const everyClass = (groups: Groups): Groups => ({
  ...groups,
  join: (model, _classes, onCall) => groups.join(model, allClasses, onCall),
});

const model = (name: string, fields: Partial<ModelDocument>): AnyDocument => ({
  kind: 'model',
  body: {
    name,
    slug: name,
    aliases: [],
    tags: ['text_gen'],
    call_method: 'API',
    provider: 'openai-compatible',
    endpoint: `${upstream.url}/v1`,
    capabilities: [],
    tier: 'standard',
    ...fields,
  },
});
const trusted: Partial<ModelDocument> = {
  security_level: 'safe_for_sensitive',
  allowed_tasks: { can_this_model_see_customer_data: true },
  compliance: [{ standard: 'GDPR' }],
};
const route = (...models: string[]): AnyDocument => ({
  kind: 'route',
  body: { name: 'text_gen', slug: 'text_gen', steps: models.map((name, n) => ({ step: `step_${n}`, model: name })) },
});
const world = (): AnyDocument[] => [
  { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } },
  model('plain', {}),
  model('trusted', trusted),
  model('own', { ...trusted, call_method: 'Local' }),
  route('plain', 'trusted', 'own'),
  { kind: 'client', body: { name: 'acme', slug: 'acme', data_rules: { avoid_cloud: true, use_compliant_only: true } } },
];

interface WorkerParts {
  readonly documents?: readonly AnyDocument[];
  readonly revision?: number;
  readonly authorize?: Authorizer;
  readonly groups?: (groups: Groups) => Groups;
  /** How long the registry has been silent. */
  readonly ageMs?: number;
}

/** A worker on the bus out of its own parts; it stops with the test. */
async function startWorker(parts: WorkerParts): Promise<void> {
  const bus = await connectBus({ servers: nats.url, processId: `worker-${newId()}`, inboxScope: 'worker' });
  const groups = busGroups(bus, () => {});
  const { snapshot } = compileRevision(parts.revision ?? 1, parts.documents ?? world());
  const worker = new Worker({
    workerId: bus.processId,
    groups: parts.groups ? parts.groups(groups) : groups,
    snapshots: {
      current: snapshot,
      ageMs: () => parts.ageMs ?? 0,
      untilRevision: async (revision) => revision <= snapshot.revision,
      onChange: () => () => {},
    },
    authorize: parts.authorize ?? authorizeBy(staleAfterMs),
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
  onTestFinished(async () => {
    await worker.stop(5_000);
    await bus.close();
  });
}

interface Forged {
  readonly model: string;
  /** Of the subject. */
  readonly to: DataClass;
  readonly facts?: Partial<Facts>;
  readonly revision?: number;
  readonly expiresInMs?: number;
}

/** Sends a call past every decision. Resolves with the rule that refused it, `called`, or `nobody`. */
async function forge({ model: slug, to, facts, revision = 1, expiresInMs = 10_000 }: Forged): Promise<string> {
  const client = facts?.client ?? 'default';
  const request = create(wire.CallRequestSchema, {
    taskId: newId(),
    attemptId: newId(),
    startUntilUnixMs: BigInt(Date.now() + 10_000),
    attempt: 1,
    decisionId: newId(),
    revision: BigInt(revision),
    expiresUnixMs: BigInt(Date.now() + expiresInMs),
    deadlineUnixMs: BigInt(Date.now() + 10_000),
    facts: factsToWire({ ...plainFacts, ...facts }),
    model: slug,
    callerInbox: `_INBOX.${client}.c.t`,
    mayCommit: true,
    inputKind: 'chat',
    input: new TextEncoder().encode('{"messages":[{"role":"user","content":"Hello"}]}'),
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  const reply = subjects.inbox('router', router.processId, newId());
  const inbox = router.listen(reply, (message) => {
    if (message.isNoResponders) return resolve('nobody');
    const { kind } = fromBinary(wire.CallEventSchema, message.data);
    if (kind.case === 'refused') resolve(kind.value.rule);
    if (kind.case === 'ended') resolve('called');
    // This process stood still: as a router would, it sends the call again.
    if (kind.case === 'expired' || kind.case === 'confirmStart') resolve('again');
  });
  router.publish(subjects.call(to, slug), toBinary(wire.CallRequestSchema, request), reply);
  const end = await promise.finally(() => inbox.unsubscribe());
  return end === 'again' ? forge({ model: slug, to, ...(facts && { facts }), revision, expiresInMs }) : end;
}

const plainFacts = factsFor();

test('without any lock the forged call is made: what follows is not refused for another reason', async () => {
  await startWorker({ authorize: noAuthorization, groups: everyClass });
  expect(await forge({ model: 'plain', to: 'customer', facts: { dataClass: 'customer' } })).toBe('called');
  expect(upstream.countOf('plain')).toBe(1);
});

test('the class in the subject alone: nobody listens where a model’s tags do not admit the data', async () => {
  await startWorker({ authorize: noAuthorization });
  for (const to of ['customer', 'sensitive', 'customer-sensitive'] as const)
    expect(await forge({ model: 'plain', to, facts: { dataClass: to } })).toBe('nobody');
  expect(upstream.requests).toHaveLength(0);
  expect(await forge({ model: 'trusted', to: 'customer-sensitive' })).toBe('called');
});

test('the worker’s own look alone: forged calls are refused by the rule they break, and nothing leaves', async () => {
  await startWorker({ groups: everyClass });
  const acme = { client: 'acme' };
  const expected: readonly (readonly [Forged, string])[] = [
    [{ model: 'plain', to: 'customer', facts: { dataClass: 'customer' } }, 'customer_data'],
    [{ model: 'plain', to: 'sensitive', facts: { dataClass: 'sensitive' } }, 'security_level'],
    // Said to be open on the subject, and not in the facts.
    [{ model: 'plain', to: 'open', facts: { dataClass: 'customer' } }, 'data_class'],
    [{ model: 'plain', to: 'open', facts: acme }, 'avoid_cloud'],
    [{ model: 'trusted', to: 'open', facts: acme }, 'avoid_cloud'],
    [{ model: 'own', to: 'open', expiresInMs: -1 }, 'expired'],
    [{ model: 'own', to: 'open', revision: 2 }, 'stale_snapshot'],
    [{ model: 'own', to: 'open', facts: { taskType: 'code' } }, 'task_type'],
    [{ model: 'own', to: 'open', facts: { needs: ['tools'] } }, 'capability'],
  ];
  for (const [forged, rule] of expected) expect([forged, await forge(forged)]).toEqual([forged, rule]);
  expect(await forge({ model: 'nobody', to: 'open' })).toBe('nobody');
  expect(upstream.requests).toHaveLength(0);
  expect(await forge({ model: 'own', to: 'open', facts: acme })).toBe('called');
});

test('the worker’s own look alone: a decision of an older revision that would now differ is refused', async () => {
  const documents = [...world().filter(({ kind }) => kind !== 'route'), route('trusted', 'own')];
  await startWorker({ documents, revision: 2, groups: everyClass });
  expect(await forge({ model: 'plain', to: 'open', revision: 1 })).toBe('old_decision');
  expect(upstream.requests).toHaveLength(0);
  expect(await forge({ model: 'own', to: 'open', revision: 1 })).toBe('called');
});

test('the age of the documents alone: after the limit only open data is served', async () => {
  await startWorker({ groups: everyClass, ageMs: staleAfterMs + 1 });
  for (const to of ['customer', 'sensitive', 'customer-sensitive'] as const)
    expect(await forge({ model: 'trusted', to, facts: { dataClass: to } })).toBe('stale_snapshot');
  expect(upstream.requests).toHaveLength(0);
  expect(await forge({ model: 'trusted', to: 'open' })).toBe('called');
});
