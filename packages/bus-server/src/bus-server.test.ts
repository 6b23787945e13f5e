import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Bus, busServices, busUsers, connectBus, publicKeyOf } from '@will/bus';
import { findNatsServer, type NatsServer, startNatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  addCaller,
  type BusFolder,
  callersOf,
  callerUser,
  type Certificate,
  certificateOfServer,
  certificateOfUser,
  hostsInCluster,
  kubernetesSecrets,
  newAuthority,
  prepareBusFolder,
  reloadServer,
  removeCaller,
  shippedFiles,
} from './index.ts';

// Against a real nats-server with users and TLS.

/** A nats-server reads its users some time after it was told to. */
const untilLetIn = { interval: 25 };
const dayMs = 86_400_000;
let base: string;
let files: BusFolder;
let server: NatsServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'will-bus-server-'));
  files = await prepareBusFolder(join(base, 'bus'), { nowMs: Date.now() });
  server = await startSecurely(files);
});
afterAll(async () => {
  await server.stop();
  await rm(base, { recursive: true });
});

const tlsAs = (user: string, of = files) => ({ ca: of.ca, cert: of.certOf(user), key: of.keyOf(user) });
const startSecurely = async (of: BusFolder): Promise<NatsServer> =>
  startNatsServer({
    confFile: of.conf,
    seed: await readFile(of.seedOf('operator'), 'utf8'),
    tls: tlsAs('operator', of),
  });

/** Connects as a user, and as nothing else. */
const connectAs = (user: string, more: Partial<Parameters<typeof connectBus>[0]> = {}): Promise<Bus> =>
  connectBus({
    servers: server.url,
    processId: `test-${user}`,
    inboxScope: user.replace('client.', ''),
    seedFile: files.seedOf(user),
    tls: tlsAs(user),
    ...more,
  });

async function writePair(name: string, { cert, key }: Certificate): Promise<{ cert: string; key: string }> {
  const paths = { cert: join(base, `${name}.crt`), key: join(base, `${name}.key`) };
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key);
  return paths;
}
const authority = async (): Promise<Certificate> => ({
  cert: await readFile(files.ca, 'utf8'),
  key: await readFile(join(files.folder, 'ca.key'), 'utf8'),
});

test('shipped files are those of the generator, and a nats-server takes them', async () => {
  const folder = await mkdtemp(join(base, 'shipped-'));
  await cp(join(import.meta.dirname, '../../../deploy/nats'), folder, { recursive: true });
  for (const [name, text] of shippedFiles()) expect(await readFile(join(folder, name), 'utf8')).toBe(text);
  const own = (await readFile(join(folder, 'secure.conf'), 'utf8'))
    .replace('/etc/nats/ca.crt', files.ca)
    .replace('/etc/nats/server.crt', files.certOf('server'))
    .replace('/etc/nats/server.key', files.keyOf('server'))
    .replace('/data', join(folder, 'data'));
  await writeFile(join(folder, 'secure.conf'), own);
  const env: Record<string, string> = {};
  for (const user of busUsers)
    env[`WILL_NKEY_${user.replaceAll('-', '_').toUpperCase()}`] = publicKeyOf(
      await readFile(files.seedOf(user), 'utf8'),
    );
  const check = (conf: string, more: Record<string, string>) =>
    promisify(execFile)(findNatsServer(), ['-t', '-c', join(folder, conf)], { env: { ...process.env, ...more } });
  await check('embedded.conf', {});
  await check('secure.conf', env);
  await expect(check('secure.conf', {})).rejects.toThrow(/WILL_NKEY_OPERATOR/);
});

test('what was made once is used again, is its owner’s alone, and holds no seed where the server reads', async () => {
  const before = await readFile(files.seedOf('router'), 'utf8');
  const certificate = await readFile(files.certOf('router'), 'utf8');
  await prepareBusFolder(files.folder, { nowMs: Date.now() });
  expect(await readFile(files.seedOf('router'), 'utf8')).toBe(before);
  expect(await readFile(files.certOf('router'), 'utf8')).toBe(certificate);
  for (const path of [files.seedOf('router'), files.keyOf('router'), join(files.folder, 'ca.key'), files.conf])
    expect((await stat(path)).mode & 0o077).toBe(0);
  for (const user of busUsers)
    expect(await readFile(join(files.folder, 'users.conf'), 'utf8')).not.toContain(
      (await readFile(files.seedOf(user), 'utf8')).trim(),
    );
});

test('certificates that end within a month are made anew, by the same authority; a host that is added gets into the server’s', async () => {
  const folder = join(base, 'renewed');
  const made = await prepareBusFolder(folder, { nowMs: Date.now() });
  const [ca, router, own] = [made.ca, made.certOf('router'), made.certOf('server')];
  const before = await Promise.all([ca, router, own].map((path) => readFile(path, 'utf8')));
  await prepareBusFolder(folder, { nowMs: Date.now(), hosts: ['nats.example'] });
  const withHost = await Promise.all([ca, router, own].map((path) => readFile(path, 'utf8')));
  expect(withHost.slice(0, 2)).toEqual(before.slice(0, 2));
  expect(withHost[2]).not.toBe(before[2]);
  await prepareBusFolder(folder, { nowMs: Date.now() + 380 * dayMs });
  const later = await Promise.all([ca, router, own].map((path) => readFile(path, 'utf8')));
  expect(later[0]).toBe(before[0]);
  expect(later[1]).not.toBe(before[1]);
});

test('a service is let in with its seed and certificate, and over TLS alone', async () => {
  const bus = await connectAs('policy', { user: 'policy' });
  expect(bus.connection.info?.tls_required).toBe(true);
  await bus.close();
  await expect(connectAs('policy', { tls: undefined })).rejects.toThrow(/wants TLS: set WILL_NATS_TLS_CA/);
});

test('a certificate that is missing, expired, of another bus or without its key is named, before anybody waits', async () => {
  const known = await authority();
  const expired = await writePair('expired', await certificateOfUser(known, 'policy', Date.now() - 2 * dayMs, 1));
  const stranger = await newAuthority(Date.now());
  const foreign = await writePair('foreign', await certificateOfUser(stranger, 'policy', Date.now()));
  const withTls = (more: Partial<ReturnType<typeof tlsAs>>) =>
    connectAs('policy', { tls: { ...tlsAs('policy'), ...more }, waitForServer: true });
  await expect(withTls({ cert: join(base, 'none.crt') })).rejects.toThrow(
    /WILL_NATS_TLS_CERT .*none\.crt cannot be read \(ENOENT\)/,
  );
  await expect(withTls(expired)).rejects.toThrow(/certificate in .*expired\.crt expired on 20/);
  await expect(withTls(foreign)).rejects.toThrow(/foreign\.crt was not signed by .*ca\.crt/);
  await expect(withTls({ key: files.keyOf('router') })).rejects.toThrow(/router\.key is not the key of/);
  await expect(withTls({ key: files.ca })).rejects.toThrow(/WILL_NATS_TLS_KEY .* must hold a private key/);
});

test('a server whose certificate is of another authority, of another host or expired is not talked to', async () => {
  const folder = join(base, 'stranger');
  const strange = await prepareBusFolder(folder, { nowMs: Date.now() });
  const other = await startSecurely(strange);
  await expect(connectAs('policy', { servers: other.url, waitForServer: true })).rejects.toThrow(
    /was not signed by the authority in WILL_NATS_TLS_CA/,
  );
  // It refuses us as well, whom it does not know.
  const wrongClient = await connectAs('policy', {
    servers: other.url,
    tls: { ...tlsAs('policy'), ca: strange.ca },
  }).catch((error: Error) => error.message);
  expect(wrongClient).toMatch(/was not signed by/);
  await other.stop();
  const known = await authority();
  for (const [name, certificate, message] of [
    ['elsewhere', await certificateOfServer(known, ['nats.example'], Date.now()), /is for other hosts/],
    ['old', await certificateOfServer(known, ['127.0.0.1'], Date.now() - 2 * dayMs, 1), /does not hold now/],
  ] as const) {
    const { cert, key } = await writePair(name, certificate);
    const conf = `tls { ca_file: "${files.ca}", cert_file: "${cert}", key_file: "${key}", verify: true, handshake_first: true }`;
    const bad = await startNatsServer({ conf, tls: tlsAs('operator'), answers: false });
    await expect(connectAs('policy', { servers: bad.url, waitForServer: true })).rejects.toThrow(message);
    await bad.stop();
  }
});

test('a bus without TLS is told from one with it', async () => {
  const plain = await startNatsServer();
  await expect(connectAs('policy', { servers: plain.url, waitForServer: true })).rejects.toThrow(/speaks no TLS/);
  await plain.stop();
});

test('a client’s user is let in as soon as it was added, does what its client may and no more, and is sent away when it is removed', async () => {
  const standing = await connectAs('router', { user: 'router' });
  await addCaller(files.folder, 'acme', Date.now());
  await expect(addCaller(files.folder, 'acme', Date.now())).rejects.toThrow(/has a user already/);
  await expect(addCaller(files.folder, 'A.*', Date.now())).rejects.toThrow(/must match/);
  expect(await reloadServer(files.folder)).toBe(true);
  const user = callerUser('acme');
  // It waits for the server, which reads its files a moment later.
  const acme = await vi.waitFor(() => connectAs(user), untilLetIn);
  const errors: string[] = [];
  void (async () => {
    for await (const status of acme.connection.status()) if (status.type === 'error') errors.push(String(status.error));
  })();
  for (const subject of ['will.v1.task.run.globex', 'will.v1.policy.decide', 'will.v1.registry.get', '$KV.will_keys.x'])
    acme.connection.publish(subject, new Uint8Array([1]));
  acme.connection.subscribe('_INBOX.globex.>', { callback: () => {} });
  acme.connection.publish('will.v1.task.run.acme', new Uint8Array());
  await acme.connection.flush();
  await expect.poll(() => errors.length).toBe(5);
  expect(errors.join('\n')).not.toContain('task.run.acme');
  expect((await callersOf(files.folder)).map(({ client }) => client)).toEqual(['acme']);

  const gone = new Promise<void>((resolve) => acme.onConnectionChange((isConnected) => !isConnected && resolve()));
  const seed = await readFile(files.seedOf(user), 'utf8');
  await removeCaller(files.folder, 'acme');
  expect(await reloadServer(files.folder)).toBe(true);
  await gone;
  await acme.connection.close();
  const kept = join(base, 'acme.seed');
  await writeFile(kept, seed);
  await expect(connectAs('policy', { seedFile: kept })).rejects.toThrow(/wants the seed of a user it knows/);
  // The one that was neither added nor removed stays.
  expect(standing.isConnected).toBe(true);
  await standing.close();
});

test('secrets for Kubernetes are of the namespaces that are named, and the server is reached by its name there', async () => {
  const namespaces = { services: 'router', nats: 'bus' };
  const secrets = parseAllDocuments(await kubernetesSecrets(files.folder, namespaces)).map(
    (document) => (document.toJS() as { metadata: { name: string; namespace: string } }).metadata,
  );
  expect(secrets.filter(({ namespace }) => namespace === 'bus').map(({ name }) => name)).toEqual(['will-nats-server']);
  expect(new Set(secrets.map(({ namespace }) => namespace))).toEqual(new Set(['bus', 'router']));
  expect(hostsInCluster(namespaces)).toEqual(['nats.bus', 'nats.bus.svc', 'nats.bus.svc.cluster.local']);
});

test('secrets for Kubernetes hold one user each, and the server’s no seed at all', async () => {
  const text = await kubernetesSecrets(files.folder);
  const secrets = parseAllDocuments(text).map(
    (document) => document.toJS() as { metadata: { name: string }; stringData: Record<string, string> },
  );
  expect(secrets.map(({ metadata }) => metadata.name)).toEqual([
    'will-nats-server',
    'will-bus-operator',
    ...busServices.map((service) => `will-bus-${service}`),
  ]);
  for (const user of busUsers) {
    const seed = (await readFile(files.seedOf(user), 'utf8')).trim();
    const holders = secrets.filter((secret) => JSON.stringify(secret).includes(seed));
    expect(holders.map(({ metadata }) => metadata.name)).toEqual([`will-bus-${user}`]);
  }
  expect(text).not.toContain((await authority()).key.split('\n')[1]);
});
