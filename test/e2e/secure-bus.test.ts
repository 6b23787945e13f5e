import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, nkeyAuthenticator, nkeys, type NatsConnection } from '@nats-io/transport-node';
import { busServices, operatorPermissions, permissionsOf, permissionsOfClient, usersConf } from '@will/bus';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply, callsOf, decisionOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// The whole product on a bus that has a user with permissions for each service, and each user tried on what is not its own.

const users = ['operator', 'acme', ...busServices] as const;
type User = (typeof users)[number];
const seeds = new Map<User, string>();
const publicKeys = new Map<User, string>();
for (const user of users) {
  const pair = nkeys.createUser();
  seeds.set(user, Buffer.from(pair.getSeed()).toString());
  publicKeys.set(user, pair.getPublicKey());
}
/** A user whose permissions were forgotten. */
const loose = nkeys.createUser();
const permissionsOfUser = (user: User) =>
  user === 'operator' ? operatorPermissions : user === 'acme' ? permissionsOfClient('acme') : permissionsOf(user);

let upstream: ReplayingUpstream;
let system: System;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-seeds-'));
  for (const [user, seed] of seeds) await writeFile(join(folder, `${user}.seed`), seed, { mode: 0o600 });
  upstream = await startReplayingUpstream();
  const lines = usersConf([
    ...users.map((user) => ({ publicKey: publicKeys.get(user) as string, permissions: permissionsOfUser(user) })),
    { publicKey: loose.getPublicKey(), permissions: { publish: ['>'], subscribe: ['>'] } },
  ]);
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Cloud', tags: 'text_gen', callMethod: 'API', endpoint: `${upstream.url}/v1` }),
        routeDocument('text_gen', 'Cloud'),
      ),
    },
    secure: {
      conf: `authorization {\n  users = [\n${lines}\n  ]\n}\n`,
      seed: seeds.get('operator') as string,
      seedFile: join(folder, 'operator.seed'),
      seedFileOf: (service) => join(folder, `${service}.seed`),
    },
    counts: { gateway: 1, tasks: 1 },
  });
  await system.untilServed('cloud');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true });
});

const as = (user: User): Promise<NatsConnection> =>
  connect({
    servers: system.nats.url,
    authenticator: nkeyAuthenticator(Buffer.from(seeds.get(user) as string)),
    inboxPrefix: `_INBOX.${user}`,
  });

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
  const refused = system
    .of('gateway')
    .concat(busServices.flatMap((service) => system.of(service)))
    .filter((process) => /permissions violation/i.test(process.log()))
    .map((process) => `${process.name}: ${process.log().slice(-600)}`);
  expect(refused).toEqual([]);
});

/** Does one thing and resolves with whether the server refused it. */
async function isRefused(connection: NatsConnection, errors: string[], act: () => void): Promise<boolean> {
  const before = errors.length;
  act();
  await connection.flush();
  // What the server said came before the flush's answer; it is told a turn later.
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  return errors.length > before;
}

const firstWord = (allowed: string): string => allowed.split(' ')[0] as string;
const concrete = (pattern: string): string => pattern.replaceAll('*', 'x1').replace(/>$/, 'x1');
/** Whether a pattern of permissions covers a subject without wildcards. */
function covers(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split('.'), subject.split('.')];
  for (let at = 0; at < wanted.length; at += 1) {
    if (wanted[at] === '>') return given.length > at;
    if (given[at] === undefined || (wanted[at] !== '*' && wanted[at] !== given[at])) return false;
  }
  return wanted.length === given.length;
}

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

test('every user is refused on every subject of another’s that is not its own, to publish and to hear', async () => {
  const everything = [
    ...new Set([...users.flatMap((user) => permissionsOfUser(user).publish.map(concrete)), ...always]),
  ];
  const heard = [...new Set(users.flatMap((user) => permissionsOfUser(user).subscribe.map(firstWord)))];
  let tried = 0;
  const wrong: string[] = [];
  for (const user of users) {
    const { publish, subscribe } = permissionsOfUser(user);
    const connection = await as(user);
    const errors: string[] = [];
    void (async () => {
      for await (const status of connection.status()) if (status.type === 'error') errors.push(String(status.error));
    })();
    for (const subject of everything.filter((one) => !publish.some((pattern) => covers(pattern, one)))) {
      tried += 1;
      if (!(await isRefused(connection, errors, () => connection.publish(subject, new Uint8Array()))))
        wrong.push(`${user} may publish ${subject}`);
    }
    const foreign = ['>', '$KV.>', '_INBOX.>', 'will.v1.call.>', 'will.v1.>', ...heard.map((one) => one)].filter(
      (pattern) => !subscribe.some((own) => own === pattern || (!own.includes(' ') && covers(own, concrete(pattern)))),
    );
    for (const pattern of foreign) {
      tried += 1;
      const listen = (): void => void connection.subscribe(pattern, { callback: () => {} });
      if (!(await isRefused(connection, errors, listen))) wrong.push(`${user} may hear ${pattern}`);
    }
    await connection.close();
  }
  expect(wrong).toEqual([]);
  expect(tried).toBeGreaterThan(500);
  process.stdout.write(`secure bus: ${tried} forbidden subjects tried as ${users.length} users\n`);
});

test('who has no key of the bus, or another one, is not let in', async () => {
  await expect(connect({ servers: system.nats.url, reconnect: false })).rejects.toThrow(/authorization/i);
  const stranger = nkeyAuthenticator(nkeys.createUser().getSeed());
  await expect(connect({ servers: system.nats.url, authenticator: stranger, reconnect: false })).rejects.toThrow(
    /authorization/i,
  );
});

test('a client’s user has its own tasks done and cannot speak for another', async () => {
  const connection = await as('acme');
  const answer = await connection.request(
    'will.v1.json.run.acme',
    JSON.stringify({ type: 'text_gen', input: 'ping' }),
    {
      timeout: 10_000,
    },
  );
  expect(answer.json()).toMatchObject({ outcome: 'Success' });
  await expect(
    connection.request('will.v1.json.run.globex', JSON.stringify({ type: 'text_gen', input: 'ping' }), {
      timeout: 3_000,
    }),
  ).rejects.toThrow(/permission/i);
  await connection.close();
});

test('a service whose user may do what nobody may does not start', async () => {
  const file = join(folder, 'loose.seed');
  await writeFile(file, Buffer.from(loose.getSeed()));
  await expect(system.add('policy', { NATS_SEED_FILE: file })).rejects.toThrow(/lets this user reach .*STREAM\.DELETE/);
});
