import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { connect, nkeyAuthenticator, nkeys, type NatsConnection } from '@nats-io/transport-node';
import {
  busServices,
  busUsers,
  isAllowed,
  permissionsOfClient,
  permissionsOfUser,
  type PermissionTest,
  permittedOf,
} from '@will/bus';
import { addCaller, type BusFolder, callerUser, prepareBusFolder } from '@will/bus-server';
import { connectClient, type TaskClient } from '@will/client';
import { subjects, wire } from '@will/contracts';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { apply, callsOf, decisionOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { environmentAs, startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// The whole product on a bus with TLS that has a user with permissions for each service, and each user tried on what is not its own.

/** A nats-server reads its users some time after it was told to. */
const untilLetIn = { interval: 25 };
const users = [...busUsers, callerUser('acme'), callerUser('globex')] as const;
type User = (typeof users)[number];
const permissionsOfAny = (user: User) => {
  const client = /^client\.(.*)/.exec(user)?.[1];
  return client === undefined ? permissionsOfUser(user as (typeof busUsers)[number]) : permissionsOfClient(client);
};

let upstream: ReplayingUpstream;
let system: System;
let folder: string;
let bus: BusFolder;
/** A user whose permissions were forgotten. */
const loose = nkeys.createUser();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-bus-'));
  bus = await prepareBusFolder(folder, { nowMs: Date.now() });
  for (const client of ['acme', 'globex']) await addCaller(folder, client, Date.now());
  const usersFile = join(folder, 'users.conf');
  const looseUser = `{ nkey: ${loose.getPublicKey()} }`;
  await writeFile(usersFile, (await readFile(usersFile, 'utf8')).replace('users: [', `users: [ ${looseUser}`));
  upstream = await startReplayingUpstream();
  system = await startSystem({
    callers: ['globex', 'initech'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Cloud', tags: 'text_gen', callMethod: 'API', endpoint: `${upstream.url}/v1` }),
        routeDocument('text_gen', 'Cloud'),
      ),
    },
    secure: bus,
    counts: { gateway: 1, tasks: 1 },
  });
  await system.untilServed('cloud');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true });
});

const tlsAs = (user: User) => ({
  handshakeFirst: true,
  caFile: bus.ca,
  certFile: bus.certOf(user),
  keyFile: bus.keyOf(user),
});

const as = async (user: User): Promise<NatsConnection> =>
  connect({
    servers: system.nats.url,
    authenticator: nkeyAuthenticator(Buffer.from((await readFile(bus.seedOf(user), 'utf8')).trim())),
    inboxPrefix: `_INBOX.${user.replace('client.', '')}`,
    tls: tlsAs(user),
  });

/** Everything of the client that names none goes, as an operator asks for it. */
async function erased(subject: string): Promise<wire.EraseClientResponse> {
  const request = create(wire.EraseClientRequestSchema, { client: 'default', author: 'test' });
  const answer = await system.bus.request(subject, toBinary(wire.EraseClientRequestSchema, request), 60_000);
  return fromBinary(wire.EraseClientResponseSchema, answer);
}

test('the product works: a task by HTTP and one for later, a change of documents, records and decisions', async () => {
  const chat = await fetch(`${system.httpUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] }),
  });
  expect(chat.status).toBe(200);
  const submitted = await fetch(`${system.httpUrl}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'text_gen', input: 'ping' }),
  });
  const { task_id: id } = (await submitted.json()) as { task_id: string };
  const ended = (await (await fetch(`${system.httpUrl}/v1/tasks/${id}?wait_ms=20000`)).json()) as { state: string };
  expect(ended.state).toBe('succeeded');
  const applied = await apply(system, 'kind: client\nname: Acme');
  expect(applied).toMatchObject({ problems: [], lagging: [] });
  const [call] = await callsOf(system, {}, 2);
  expect((await decisionOf(system, call?.decisionId ?? '')).set).toBeDefined();
  expect(await erased(subjects.tasksErase)).toMatchObject({ tasks: 1n, cancelledTasks: 0n, error: '' });
  const gone = await erased(subjects.telemetry('erase'));
  expect(gone).toMatchObject({ error: '' });
  expect(Number(gone.calls)).toBeGreaterThanOrEqual(2);
  expect(Number(gone.eventBatches)).toBeGreaterThanOrEqual(1);
  expect((await fetch(`${system.httpUrl}/v1/tasks/${id}`)).status).toBe(404);
  const refused = system
    .of('gateway')
    .concat(busServices.flatMap((service) => system.of(service)))
    .filter((process) => /permissions violation/i.test(process.log()))
    .map((process) => `${process.name}: ${process.log().slice(-600)}`);
  expect(refused).toEqual([]);
});

const firstWord = (allowed: string): string => allowed.split(' ')[0] as string;
const concrete = (pattern: string): string => pattern.replaceAll('*', 'x1').replace(/>$/, 'x1');

const always = [
  '$SYS.REQ.SERVER.PING',
  '$JS.API.STREAM.DELETE.WILL_EVENTS',
  '$JS.API.STREAM.UPDATE.KV_will_registry',
  '$JS.API.STREAM.CREATE.MINE',
  '$JS.API.STREAM.RESTORE.WILL_EVENTS',
  '$JS.API.STREAM.LIST',
  '$JS.API.ACCOUNT.PURGE.x',
  'something.else',
];

/** What anybody may do, one by one, and some things that nobody may; as the server would have to allow them. */
function everything(): readonly PermissionTest[] {
  const publish = [...users.flatMap((user) => permissionsOfAny(user).publish.map(concrete)), ...always];
  const heard = users.flatMap((user) => permissionsOfAny(user).subscribe);
  const subscribe = [...heard.map(firstWord), '>', '$KV.>', '_INBOX.>', 'will.v1.call.>', 'will.v1.>'];
  const inQueues = heard.filter((allowed) => allowed.includes(' ')).map((allowed) => allowed.split(' '));
  return [
    ...[...new Set(publish)].map((subject): PermissionTest => ({ operation: 'publish', subject })),
    ...[...new Set(subscribe)].map((subject): PermissionTest => ({ operation: 'subscribe', subject })),
    ...inQueues.map(
      ([subject = '', queue = '']): PermissionTest => ({ operation: 'subscribe', subject: concrete(subject), queue }),
    ),
  ];
}

test('every user is refused on every subject of another’s that is not its own, to publish and to hear', async () => {
  let tried = 0;
  const wrong: string[] = [];
  for (const user of users) {
    const connection = await as(user);
    const forbidden = everything().filter((permissionTest) => !isAllowed(permissionsOfAny(user), permissionTest));
    tried += forbidden.length;
    const worked = await permittedOf(connection, forbidden);
    wrong.push(...worked.map(({ operation, subject }) => `${user} may ${operation} ${subject}`));
    await connection.close();
  }
  expect(wrong).toEqual([]);
  expect(tried).toBeGreaterThan(1_000);
  process.stdout.write(`secure bus: ${tried} forbidden subjects tried as ${users.length} users\n`);
});

test('what is forbidden is looked for truly: for a user without permissions, all of it works', async () => {
  const connection = await connect({
    servers: system.nats.url,
    authenticator: nkeyAuthenticator(loose.getSeed()),
    tls: tlsAs('operator'),
  });
  const harmless: PermissionTest[] = [
    { operation: 'publish', subject: 'will.v1.selftest' },
    { operation: 'subscribe', subject: 'will.v1.registry.x1', queue: 'registry' },
    { operation: 'subscribe', subject: 'will.v1.>' },
  ];
  expect(await permittedOf(connection, harmless)).toEqual(harmless);
  await connection.close();
});

test('who has no key of the bus, or another one, or no certificate, is not let in', async () => {
  const { url: servers } = system.nats;
  await expect(connect({ servers, reconnect: false, tls: tlsAs('operator') })).rejects.toThrow(/authorization/i);
  const stranger = nkeyAuthenticator(nkeys.createUser().getSeed());
  await expect(connect({ servers, authenticator: stranger, reconnect: false, tls: tlsAs('operator') })).rejects.toThrow(
    /authorization/i,
  );
});

test('a client’s user has its own tasks done and cannot speak for another', async () => {
  const connection = await as(callerUser('acme'));
  const answer = await connection.request(
    'will.v1.json.run.acme',
    JSON.stringify({ type: 'text_gen', input: 'ping' }),
    { timeout: 60_000 },
  );
  expect(answer.json()).toMatchObject({ outcome: 'Success' });
  await expect(
    connection.request('will.v1.json.run.globex', JSON.stringify({ type: 'text_gen', input: 'ping' }), {
      timeout: 3_000,
    }),
  ).rejects.toThrow(/permission/i);
  await connection.close();
});

test('a service whose user may do what it must not does not start, and says what', async () => {
  const file = join(folder, 'loose.seed');
  await writeFile(file, Buffer.from(loose.getSeed()));
  await expect(system.add('policy', { NATS_SEED_FILE: file })).rejects.toThrow(
    /lets the user of policy reach \d+ subjects that it must not \(.*STREAM\.LIST/,
  );
  // What it tried did nothing: nobody keeps it, and everybody goes on.
  expect(await system.client.run({ type: 'text_gen', input: 'ping' })).toMatchObject({ outcome: 'Success' });
  // The user of another service may do what that one may.
  await expect(system.add('policy', { NATS_SEED_FILE: bus.seedOf('registry') })).rejects.toThrow(
    /lets the user of policy reach \d+ subjects/,
  );
});

test('a client’s program is let in by `willm bus users add` while everything runs, has tasks done as its client alone, and is sent away by `remove`', async () => {
  const willm = willmAt(system.nats.url, environmentAs('operator', bus));
  const added = await willm('bus', 'users', 'add', 'initech', '--folder', folder, '--json');
  expect(added).toMatchObject({ code: 0 });
  const given = JSON.parse(added.out) as { seed: string; ca: string; cert: string; key: string; isReloaded: boolean };
  expect(given.isReloaded).toBe(true);
  expect((await willm('bus', 'users', 'ls', '--folder', folder)).out).toMatch(/acme[^]*globex[^]*initech/);
  const own = { servers: system.nats.url, seedFile: given.seed, tls: given };
  const client = await vi.waitFor(() => connectClient({ ...own, client: 'initech' }), untilLetIn);
  expect(await client.run({ type: 'text_gen', input: 'ping' })).toMatchObject({ outcome: 'Success' });
  await client.close();
  // By its own user, with the name of another client.
  const posing = await connectClient({ ...own, client: 'globex' });
  await expect(posing.run({ type: 'text_gen', input: 'ping', timeoutMs: 500 })).rejects.toThrow(/the deadline passed/);
  await posing.close();
  const kept = join(folder, 'kept.seed');
  await writeFile(kept, await readFile(given.seed));
  expect(await willm('bus', 'users', 'remove', 'initech', '--folder', folder)).toMatchObject({ code: 0 });
  await expect
    .poll(() => connectClient({ ...own, seedFile: kept, tls: filesOf('operator') }).then(closed, messageOf))
    .toMatch(/wants the seed of a user it knows/);
  expect(await willm('bus', 'users', 'remove', 'initech', '--folder', folder)).toMatchObject({ code: 2 });
  // Nobody else noticed.
  expect(await system.client.run({ type: 'text_gen', input: 'ping' })).toMatchObject({ outcome: 'Success' });
});

const filesOf = (user: User) => ({ ca: bus.ca, cert: bus.certOf(user), key: bus.keyOf(user) });
const messageOf = (error: Error): string => error.message;
const closed = async (client: TaskClient): Promise<string> => {
  await client.close();
  return 'let in';
};
