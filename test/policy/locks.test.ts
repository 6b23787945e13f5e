import type { Bus } from '@will/bus';
import type { AnyDocument, ModelDocument } from '@will/core';
import { type ReplayingUpstream, startNatsServer, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { authorizeBy, type Authorizer } from '../../services/provider-worker/src/call/authorize.ts';
import type { Groups } from '../../services/provider-worker/src/ports.ts';
import {
  connectForger,
  everyClass,
  forge as forgeBy,
  type Forged,
  noAuthorization,
  startBareWorker,
} from './forged-calls.ts';
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
  router = await connectForger(nats.url);
});
afterAll(async () => {
  await router?.close();
  await upstream?.close();
  await nats?.stop();
});
beforeEach(() => upstream.clear());

const staleAfterMs = 15_000;

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

/** A worker that stops with the test. */
async function startWorker({ authorize = authorizeBy(staleAfterMs), ...parts }: WorkerParts): Promise<void> {
  const { snapshot } = compileRevision(parts.revision ?? 1, parts.documents ?? world());
  const snapshots = {
    current: snapshot,
    ageMs: () => parts.ageMs ?? 0,
    untilRevision: async (revision: number) => revision <= snapshot.revision,
    onChange: () => () => {},
  };
  onTestFinished(await startBareWorker(nats.url, { ...parts, authorize, snapshots: () => snapshots }));
}

const forge = (forged: Forged): Promise<string> => forgeBy(router, forged);

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
