import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

export type Role = 'caller' | 'operator' | 'auditor' | 'owner';
export const roles: readonly Role[] = ['caller', 'operator', 'auditor', 'owner'];

/** A model's name as an attacker writes it; it must be shown as a text everywhere. */
export const hostileName = '<img src=x onerror="window.hostile = true">';

const priced = `benchmark: { avg_latency_ms: 100, accuracy: 8, cost_per_1k_tokens_usd: { input: 0.001, output: 0.002 } }`;

const cheap = priced.replace('0.001', '0.0004').replace('0.002', '0.0005');

const documents = (upstream: string): Record<string, string> => ({
  'world.yaml': documentFile(
    openByDefault,
    `${modelDocument({ name: 'Cloud', callMethod: 'API', endpoint: `${upstream}/v1`, residency: 'US', tags: 'text_gen, code' })}\n${priced}`,
    `${modelDocument({ name: 'Home', callMethod: 'container', endpoint: `${upstream}/v1`, tags: 'text_gen' })}\n${cheap}`,
    `${modelDocument({ name: hostileName, callMethod: 'API', endpoint: `${upstream}/v1`, tags: 'text_gen' })}\nslug: hostile`,
    routeDocument('text_gen', 'Cloud', 'Home'),
    routeDocument('code', 'Cloud'),
    'kind: client\nname: Legal\ndata_rules: { avoid_cloud: true }\nbudget: { daily: { requests: 1000, usd: 5 } }',
    'kind: project\nname: Case\nclient: Legal',
  ),
});

/** The product with keys required, a console, a scripted upstream, and a key of each role. */
export interface AdminWorld {
  readonly system: System;
  readonly upstream: ReplayingUpstream;
  readonly keys: Readonly<Record<Role, string>>;
  /** A caller's key of another client, Globex. */
  readonly foreignKey: string;
  /** Asks the admin API with a key. */
  ask(path: string, key: string, init?: RequestInit): Promise<Response>;
  /** The same, and its JSON. */
  json(path: string, key: string, init?: RequestInit): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export async function startAdminWorld(): Promise<AdminWorld> {
  const upstream = await startReplayingUpstream();
  const system = await startSystem({
    callers: ['Acme', 'Globex', 'Ops'],
    documents: documents(upstream.url),
    env: { WILL_KEYS: 'required' },
    counts: { tasks: 1, console: 1 },
  });
  await system.untilServed('cloud', 'home');
  const willm = willmAt(system.nats.url);
  const made = async (client: string, role: Role): Promise<string> => {
    const { out, err } = await willm('keys', 'create', '--client', client, '--role', role);
    if (out === '') throw new Error(err);
    return out.trim();
  };
  const [caller, operator, auditor, owner, foreignKey] = await Promise.all([
    made('Acme', 'caller'),
    made('Ops', 'operator'),
    made('Ops', 'auditor'),
    made('Ops', 'owner'),
    made('Globex', 'caller'),
  ]);
  const ask: AdminWorld['ask'] = (path, key, init = {}) =>
    fetch(`${system.adminUrl}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...init.headers },
    });
  // The console knows a key as soon as the bus has told it.
  for (const key of [caller, operator, auditor, owner, foreignKey])
    while ((await ask('/admin/v1/session', key)).status !== 200)
      await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    system,
    upstream,
    keys: { caller, operator, auditor, owner },
    foreignKey,
    ask,
    json: async (path, key, init) => {
      const response = await ask(path, key, init);
      const body = (await response.json()) as Record<string, unknown>;
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
      return body;
    },
    async stop() {
      await system.stop();
      await upstream.close();
    },
  };
}

export const post = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });

/** Runs a task of a client and waits until its call is stored. */
export async function callAs(world: AdminWorld, client: string, type = 'text_gen'): Promise<string> {
  const { taskId } = await world.system.client.run({ type, client, input: 'ping' });
  await untilStored(world, taskId);
  return taskId;
}

export async function untilStored({ json, keys }: AdminWorld, taskId: string): Promise<void> {
  for (;;) {
    const { calls } = (await json(`/admin/v1/calls?task=${taskId}`, keys.operator)) as { calls: unknown[] };
    if (calls.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
