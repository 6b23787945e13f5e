import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import {
  type BusPermissions,
  busServices,
  newBusUser,
  operatorPermissions,
  permissionsOf,
  permissionsOfClient,
} from '@will/bus';
import { addCaller, callerUser, prepareBusFolder } from '@will/bus-server';
import { startReplayingUpstream } from '@will/testkit';
import { type Collector, startCollector } from '../support/collector.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { environmentAs, startSystem, type System, tlsOf } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// The product with everything on that protects it: keys at the servers, a user with permissions for everybody on the bus.

export const services = ['gateway', 'router', 'provider-worker', 'policy', 'registry', 'telemetry', 'tasks'] as const;
/** Who comes to a server. */
export const roles = ['nobody', 'a wrong key', 'a revoked key', 'caller', 'operator', 'auditor'] as const;
export type Role = (typeof roles)[number];
/** Who comes to the bus: a client's own service, the command line, and every service, should it be taken over. */
export const busUsers = ['beta', 'operator', ...busServices] as const;
export type BusUserName = (typeof busUsers)[number];

/** Whose inboxes a user of the bus may hear. */
export const clientOf = (user: BusUserName): string => (user === 'provider-worker' ? 'worker' : user);

export const permissionsOfUser = (user: BusUserName): BusPermissions =>
  user === 'operator' ? operatorPermissions : user === 'beta' ? permissionsOfClient('beta') : permissionsOf(user);

/** Stands in what alpha alone may see. */
export const marker = 'alphas-own-words-4711';
export const providerKey = 'sk-canary-provider-0f3b9c77d1e24a6c';

export interface World {
  readonly system: System;
  readonly collector: Collector;
  readonly willm: ReturnType<typeof willmAt>;
  readonly keys: Readonly<Record<Exclude<Role, 'nobody'> | 'alpha', string>>;
  /** Seeds of the bus's users. */
  readonly seeds: ReadonlyMap<string, string>;
  /** A connection of one of the bus's users. */
  as(user: BusUserName): Promise<NatsConnection>;
  /** Everything that went over the bus. */
  readonly said: readonly { readonly subject: string; readonly data: Uint8Array }[];
  /** Resolves once all that was published before has been heard. */
  untilHeard(): Promise<void>;
  readonly canaryUrl: string;
  /** How often somebody connected to the canary. */
  connections(): number;
  stop(): Promise<void>;
}

const shared = { WILL_KEYS: 'required', WILL_LOG_LEVEL: 'debug', WILL_METRICS_PORT: '0' };

export async function startWorld(): Promise<World> {
  let connections = 0;
  const canary = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  const upstream = await startReplayingUpstream({ keepLog: false });
  const collector = await startCollector();
  const folder = await mkdtemp(join(tmpdir(), 'will-attacks-'));
  const bus = await prepareBusFolder(folder, { nowMs: Date.now() });
  await addCaller(folder, 'beta', Date.now());
  const fileOf = (user: BusUserName): string => (user === 'beta' ? callerUser(user) : user);
  const watching = newBusUser();
  const usersFile = join(folder, 'users.conf');
  const withWatcher = `users: [ { nkey: ${watching.publicKey} }`;
  await writeFile(usersFile, (await readFile(usersFile, 'utf8')).replace('users: [', withWatcher));
  const seeds = new Map([['watcher', watching.seed]]);
  for (const user of busUsers) seeds.set(user, (await readFile(bus.seedOf(fileOf(user)), 'utf8')).trim());
  const model = (name: string, tags: string) =>
    modelDocument({
      name,
      tags,
      callMethod: 'API',
      endpoint: `${upstream.url}/v1`,
      concurrency: 64,
      apiKey: 'env://CANARY_PROVIDER_KEY',
    });
  const system = await startSystem({
    callers: ['alpha', 'beta'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        model('Cloud', 'text_gen, code'),
        model('Media', 'embedding, transcription, speech, rerank, image_gen'),
        routeDocument('text_gen', 'Cloud'),
      ),
    },
    env: {
      ...shared,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '200',
      OTEL_METRIC_EXPORT_INTERVAL: '2000',
    },
    secure: bus,
    counts: { gateway: 1, tasks: 1, 'provider-worker': 0 },
  });
  // A provider's key is in the environment of who calls providers, and of nobody else.
  await system.add('provider-worker', { CANARY_PROVIDER_KEY: providerKey });
  const as = (user: BusUserName | 'watcher'): Promise<NatsConnection> => {
    const { ca, cert, key } = tlsOf(user === 'watcher' ? 'operator' : fileOf(user), bus);
    return connect({
      tls: { handshakeFirst: true, caFile: ca, certFile: cert, keyFile: key },
      servers: system.nats.url,
      authenticator: nkeyAuthenticator(Buffer.from(seeds.get(user) as string)),
      inboxPrefix: `_INBOX.${user === 'watcher' ? user : clientOf(user)}`,
    });
  };
  const watcher = await as('watcher');
  const said: { subject: string; data: Uint8Array }[] = [];
  watcher.subscribe('>', { callback: (error, { subject, data }) => void (error ?? said.push({ subject, data })) });
  await system.untilServed('cloud', 'media');
  const willm = willmAt(system.nats.url, environmentAs('operator', bus));
  return {
    system,
    collector,
    willm,
    keys: await makeKeys(willm),
    seeds,
    as,
    said,
    untilHeard: () => watcher.flush(),
    canaryUrl: `http://127.0.0.1:${(canary.address() as AddressInfo).port}`,
    connections: () => connections,
    async stop() {
      await watcher.close();
      await system.stop();
      await collector.close();
      await upstream.close();
      canary.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function makeKeys(willm: World['willm']): Promise<World['keys']> {
  const made = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await willm('keys', 'create', ...args);
    if (code !== 0) throw new Error(err);
    return out.trim();
  };
  const [alpha, caller, operator, auditor, revoked] = (await Promise.all([
    made('--client', 'alpha'),
    made('--client', 'beta'),
    made('--client', 'beta', '--role', 'operator'),
    made('--client', 'beta', '--role', 'auditor'),
    made('--client', 'beta'),
  ])) as [string, string, string, string, string];
  await willm('keys', 'revoke', revoked.split('-')[2] as string);
  const wrong = `sk-will-${alpha.split('-')[2]}-${'A'.repeat(43)}`;
  return { alpha, caller, operator, auditor, 'a revoked key': revoked, 'a wrong key': wrong };
}
