import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status as codes } from '@grpc/grpc-js';
import { subjects, wire } from '@will/contracts';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpAccess } from '../../services/gateway/src/auth/keys/access.ts';
import { callsOf } from '../support/ask.ts';
import { SecretScan } from '../support/secret-scan.ts';
import { author, type Change, changes, content, entriesSince, untilEntries } from './audited.ts';
import { askBus, askElsewhere, busTargets, forbiddenReplies } from './bus-attack.ts';
import { callGrpc, grpcTargets, openGrpc } from './grpc-attack.ts';
import { payloads } from './payloads.ts';
import {
  busUsers,
  clientOf,
  marker,
  permissionsOfUser,
  providerKey,
  type Role,
  roles,
  services,
  startWorld,
  type World,
} from './world.ts';
import type { Targets } from './wire-payloads.ts';
import { bodyOf, covers, environmentOf, inLanes } from './requests.ts';

// Every route, every gRPC method and every operation of the bus, out of the product's own tables × everybody who may
// come × every payload, on the running product.

const routeTable = Object.entries(httpAccess);

let world: World;
const answers: string[] = [];
const agent = new Agent({ connections: 24, pipelining: 1 });
const alphasTasks: string[] = [];
/** Ids of what is alpha's: its tasks, and of one its decision and attempt. */
const alphas: string[] = [];

beforeAll(async () => {
  world = await startWorld();
  for (let n = 0; n < 2; n += 1) alphasTasks.push(await submitAsAlpha(n));
  const [call] = await callsOf(world.system, { client: 'alpha' }, 1);
  alphas.push(...alphasTasks, call?.decisionId ?? '', call?.attemptId ?? '');
  if (alphas.some((id) => id.length < 20)) throw new Error(`ids of alpha’s: ${alphas.join(', ')}`);
});
afterAll(async () => {
  await agent.close();
  await world.stop();
});

async function submitAsAlpha(n: number): Promise<string> {
  const body = { type: 'text_gen', input: marker, idempotency_key: `${marker}-${n}` };
  const answer = await send('POST', '/v1/tasks', { authorization: `Bearer ${world.keys.alpha}` }, JSON.stringify(body));
  expect(answer.body).toContain(marker);
  return (JSON.parse(answer.body) as { task_id: string }).task_id;
}

const targets = (): Targets => ({ canaryUrl: world.canaryUrl, otherClient: 'alpha', others: alphas });

/** Nobody died of it, and nobody was kept by the bus from what the product itself does. */
function everybodyMustLive(): void {
  for (const service of services)
    for (const process of world.system.of(service)) {
      expect(() => globalThis.process.kill(process.pid, 0)).not.toThrow();
      expect(/Permissions Violation[^}]*/.exec(process.log())?.[0]).toBeUndefined();
    }
}

/** What of alpha's stands in an answer that was not in the question. */
const leakIn = (answer: Uint8Array, question: Uint8Array): string | undefined =>
  Buffer.from(answer).includes(marker)
    ? 'showed what is another’s'
    : alphas.some((id) => Buffer.from(answer).includes(id) && !Buffer.from(question).includes(id))
      ? 'showed an id of another’s'
      : undefined;

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function send(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string | Uint8Array,
): Promise<Answer> {
  const answer = await request(`${world.system.httpUrl}${path}`, {
    dispatcher: agent,
    method: method as 'GET',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && method !== 'GET' && { body }),
  });
  const text = await answer.body.text();
  answers.push(text);
  return { status: answer.statusCode, body: text };
}

const keyOf = (role: Role): Record<string, string> =>
  role === 'nobody' ? {} : { authorization: `Bearer ${world.keys[role]}` };

test('no route, no role and no payload makes the product connect elsewhere, fail inside, or show another’s data', async () => {
  const tried = payloads(world.canaryUrl, 'alpha', alphasTasks);
  const cases = routeTable.flatMap(([what, access]) =>
    roles.flatMap((role) =>
      // Who is refused at the threshold is refused before the payload counts: a tenth of them shows it.
      tried
        .filter((_, n) => n % 10 === 0 || (access !== 'anybody' && access.some((allowed) => allowed === role)))
        .map((payload) => ({ what, access, role, payload })),
    ),
  );
  const wrong: string[] = [];
  const say = (one: (typeof cases)[number], why: string): void =>
    void wrong.push(`${one.what} as ${one.role} with ${one.payload.what}: ${why}`);
  await inLanes(cases, 24, async (one) => {
    const [method = '', route = ''] = one.what.split(' ');
    const path = route.replace('*', one.payload.segment ?? 'cloud') + (one.payload.query ?? '');
    const headers = { ...keyOf(one.role), ...one.payload.headers };
    const { status, body } = await send(method, path, headers, bodyOf(route, one.payload)).catch((error: Error) => {
      const log = world.system.of('gateway')[0]?.log().slice(-2_000);
      throw new Error(`${one.what} as ${one.role} with ${one.payload.what}: ${error.message}\n${log}`);
    });
    const isAllowed = one.access === 'anybody' || one.access.some((allowed) => allowed === one.role);
    const isKnown = one.role === 'caller' || one.role === 'operator' || one.role === 'auditor';
    if (status >= 500 && status !== 504) say(one, `answered ${status}: ${body.slice(0, 200)}`);
    if (!isAllowed && isKnown && status !== 403 && status !== 404) say(one, `answered ${status} where 403 was due`);
    if (!isAllowed && !isKnown && status !== 401 && status !== 404) say(one, `answered ${status} where 401 was due`);
    if (body.includes(marker)) say(one, 'showed what is another’s');
    if (
      one.payload.headers?.['x-will-client'] === 'alpha' &&
      isAllowed &&
      one.access !== 'anybody' &&
      one.role === 'caller' &&
      status < 400 &&
      !/models|openapi/.test(route)
    )
      say(one, `answered ${status} in another client’s name`);
  });
  expect(cases.length).toBeGreaterThan(3_000);
  expect(wrong).toEqual([]);
  expect(world.connections()).toBe(0);
  // The canary would have seen a connection.
  await expect(request(world.canaryUrl)).rejects.toThrow(/closed|other side|reset/);
  expect(world.connections()).toBe(1);
  everybodyMustLive();
});

test('no gRPC method, no role and no message makes the product connect elsewhere, fail inside, or show another’s data', async () => {
  const cases = grpcTargets(targets()).flatMap((target) =>
    roles.flatMap((role) =>
      target.payloads
        .filter(
          (_, n) => n % 20 === 0 || (target.access !== 'anybody' && target.access.some((allowed) => allowed === role)),
        )
        .map((payload) => ({ target, role, payload })),
    ),
  );
  const wrong: string[] = [];
  const before = world.connections();
  const client = openGrpc(world.system.grpcAddress);
  await inLanes(cases, 24, async ({ target, role, payload }) => {
    const key = role === 'nobody' ? undefined : world.keys[role];
    const { code, details, content } = await callGrpc(client, target, payload, key);
    const say = (why: string): void =>
      void wrong.push(
        `${target.what} as ${role} with ${payload.what}: ${why} (${codes[code]} ${details.slice(0, 200)})`,
      );
    const isAllowed = target.access === 'anybody' || target.access.some((allowed) => allowed === role);
    const isKnown = role === 'caller' || role === 'operator' || role === 'auditor';
    if ([codes.INTERNAL, codes.UNKNOWN, codes.DATA_LOSS].includes(code)) say('failed inside');
    if (!isAllowed && isKnown && code !== codes.PERMISSION_DENIED) say('was let in');
    if (!isAllowed && !isKnown && code !== codes.UNAUTHENTICATED) say('was let in');
    if (isAllowed && role === 'caller' && payload.namesAnother && code === codes.OK && !target.what.endsWith('Explain'))
      say('answered in another client’s name');
    answers.push(details, content.toString('latin1'));
    const leak = Buffer.concat([content, Buffer.from(details)]);
    const why = role === 'caller' || content.includes(marker) ? leakIn(leak, payload.bytes) : undefined;
    if (why !== undefined) say(why);
  });
  client.close();
  process.stdout.write(`attacks: ${cases.length} gRPC calls\n`);
  expect(cases.length).toBeGreaterThan(2_000);
  expect(wrong).toEqual([]);
  expect(world.connections()).toBe(before);
  everybodyMustLive();
});

test('no operation of the bus, no user and no message makes the product connect elsewhere, fail inside, or show another’s data', async () => {
  const bodies = payloads(world.canaryUrl, 'alpha', alphas);
  const wrong: string[] = [];
  const before = world.connections();
  let tried = 0;
  for (const user of busUsers) {
    const { publish } = permissionsOfUser(user);
    const allowed = busTargets(clientOf(user), targets(), bodies).filter(({ subject }) =>
      publish.some((one) => covers(one, subject)),
    );
    expect(allowed.length).toBeGreaterThan(user === 'registry' || user === 'telemetry' ? 0 : 1);
    // A service that was taken over may ask what it may ask; a fifth of the list shows what it gets.
    const share = user === 'beta' || user === 'operator' ? 1 : 5;
    const cases = allowed.flatMap(({ payloads: all, ...target }) =>
      all.filter((_, n) => n % share === 0).map((payload) => ({ ...target, payload })),
    );
    const connection = await world.as(user);
    await inLanes(cases, 16, async ({ subject, isAnswered, payload }) => {
      tried += 1;
      if (!isAnswered) return connection.publish(subject, payload.bytes);
      const answer = await askBus(connection, subject, payload.bytes, 20_000);
      const why =
        answer === undefined ? 'nobody answered' : user === 'beta' ? leakIn(answer, payload.bytes) : undefined;
      if (why !== undefined) wrong.push(`${subject} as ${user} with ${payload.what}: ${why}`);
      if (user !== 'operator' && answer !== undefined && Buffer.from(answer).includes(marker))
        wrong.push(`${subject} as ${user} with ${payload.what}: showed what was said`);
    });
    await connection.flush();
    await connection.close();
  }
  process.stdout.write(`attacks: ${tried} messages on the bus\n`);
  expect(tried).toBeGreaterThan(2_000);
  expect(wrong).toEqual([]);
  expect(world.connections()).toBe(before);
  everybodyMustLive();
});

test('nobody has an answer written where no answer belongs, nor into another client’s inbox', async () => {
  const heard = (token: string): string[] =>
    world.said.filter(({ subject }) => subject.endsWith(token)).map(({ subject }) => subject);
  for (const user of busUsers) {
    const token = `t${busUsers.indexOf(user)}-planted`;
    const { publish } = permissionsOfUser(user);
    const connection = await world.as(user);
    const elsewhere = [...forbiddenReplies(token), ...(user === 'beta' ? [`_INBOX.alpha.x.${token}`] : [])];
    for (const { subject, payloads: all } of busTargets(clientOf(user), targets(), []))
      if (publish.some((one) => covers(one, subject)))
        for (const reply of elsewhere) {
          const [right] = all;
          askElsewhere(connection, subject, right?.bytes ?? new Uint8Array(), { reply });
          // Where it may publish itself, its own trace may go, too.
          if (!publish.some((one) => covers(one, reply)))
            askElsewhere(connection, subject, right?.bytes ?? new Uint8Array(), { traceTo: reply });
        }
    await connection.flush();
    await connection.close();
    await everybodyAnswered();
    expect(heard(token)).toEqual([]);
  }
});

/** Resolves once every service has answered what was asked before, and the watcher has heard it. */
async function everybodyAnswered(): Promise<void> {
  const ask = async (subject: string, schema: typeof wire.StatusRequestSchema): Promise<void> =>
    void (await world.system.bus.request(subject, toBinary(schema, create(schema)), 20_000));
  await ask(subjects.registry('status'), wire.StatusRequestSchema);
  await ask(subjects.telemetry('limits'), wire.StatusRequestSchema);
  await ask(subjects.task('list', 'test'), wire.StatusRequestSchema);
  await ask(subjects.policyExplain, wire.StatusRequestSchema);
  await world.untilHeard();
}

test('whatever changes something leaves an entry in the audit log that names who and what, and no content', async () => {
  const { system } = world;
  const after = (await entriesSince(system, 0n)).at(-1)?.sequence ?? 0n;
  for (const { subject, bytes } of changes) await system.bus.request(subject, bytes, 20_000);
  const fits = ({ action, object }: Change, entry: wire.AuditEntry): boolean =>
    entry.action === action &&
    entry.actor === author &&
    (typeof object === 'string' ? entry.object === object : object.test(entry.object));
  const missing = (entries: readonly wire.AuditEntry[]): string[] =>
    changes.filter((one) => !entries.some((entry) => fits(one, entry))).map(({ subject }) => subject);
  const entries = await untilEntries(system, after, (sofar) => missing(sofar).length === 0);
  expect(missing(entries)).toEqual([]);
  // Two of them change documents.
  expect(entries.filter(({ action }) => action === 'documents.changed')).toHaveLength(2);
  expect(changes.length).toBeGreaterThan(5);
  expect(entries.map(({ detail, object }) => `${object} ${detail}`).join('\n')).not.toContain(content);
});

test('every refusal at a server, of every route and method, leaves an entry that names who, what and why', async () => {
  const { system, keys } = world;
  const isRefused = (access: (typeof httpAccess)[string], role: Role): boolean =>
    access !== 'anybody' && !access.some((allowed) => allowed === role);
  const http = routeTable.flatMap(([what, access]) =>
    roles.filter((role) => isRefused(access, role)).map((role) => ({ what, role })),
  );
  const grpc = grpcTargets(targets()).flatMap((target) =>
    roles.filter((role) => isRefused(target.access, role)).map((role) => ({ what: target.what, role, target })),
  );
  const actorOf = (role: Role): string => (role === 'nobody' ? 'nobody' : (keys[role].split('-')[2] as string));
  const after = (await untilQuiet()).at(-1)?.sequence ?? 0n;
  const client = openGrpc(system.grpcAddress);
  for (const { what, role } of http) {
    const [method = '', route = ''] = what.split(' ');
    await send(method, route.replace('*', content), keyOf(role), JSON.stringify({ input: content }));
  }
  const sent = { what: 'content', bytes: Buffer.from(content), namesAnother: false };
  for (const { target, role } of grpc) await callGrpc(client, target, sent, role === 'nobody' ? undefined : keys[role]);
  client.close();
  const all = [...http, ...grpc];
  const missing = (entries: readonly wire.AuditEntry[]): string[] =>
    all
      .filter(
        ({ what, role }) =>
          !entries.some(
            ({ action, object, actor, detail }) =>
              action === 'request.refused' && object === what && actor === actorOf(role) && detail !== '',
          ),
      )
      .map(({ what, role }) => `${what} as ${role}`);
  // Those of a kind that was refused a moment before come with the end of the minute.
  const entries = await untilEntries(system, after, (sofar) => missing(sofar).length === 0, 90_000);
  expect(missing(entries)).toEqual([]);
  expect(all.length).toBeGreaterThan(120);
  expect(entries.map(({ detail, object }) => `${object} ${detail}`).join('\n')).not.toContain(content);
  expect((await world.willm('audit', 'verify')).code).toBe(0);
});

/** What the servers still had to tell of the attacks before has come. */
async function untilQuiet(): Promise<readonly wire.AuditEntry[]> {
  let before: readonly wire.AuditEntry[] = [];
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const now = await entriesSince(world.system, 0n);
    if (now.length === before.length) return now;
    before = now;
  }
}

test('another client’s task is answered byte for byte like one that never was', async () => {
  const own = { authorization: `Bearer ${world.keys.caller}` };
  const never = 'AAAAAAAAAAAAAAAAAAAAAA';
  const ids = [await submitAsAlpha(7), await submitAsAlpha(8)];
  for (const method of ['GET', 'DELETE'])
    for (const id of ids) {
      const another = await send(method, `/v1/tasks/${id}`, own);
      const none = await send(method, `/v1/tasks/${never}`, own);
      expect(another.status).toBe(none.status);
      expect(another.body.replaceAll(id, never)).toBe(none.body);
    }
  const still = await send('GET', `/v1/tasks/${ids[0]}`, { authorization: `Bearer ${world.keys.alpha}` });
  expect(still.body).toContain(marker);
  expect(still.body).not.toContain('cancelled');
});

test.each([
  '//v1/tasks',
  '/v1//tasks',
  '/v1/tasks/',
  '/V1/TASKS',
  '/v1/%74asks',
  '/v1/./tasks',
  '/v1/x/../tasks',
  '/healthz/../v1/tasks',
  '/v1/tasks;a=b',
  '/v1/tasks%00',
  '/healthz?/v1/tasks',
  '/.env',
  '/metrics',
  '/admin',
  '/debug/pprof',
])('the spelling %s opens nothing to who has no key', async (path) => {
  const { status, body } = await send('GET', path, {});
  expect(body).not.toContain(marker);
  expect(path.startsWith('/healthz?') ? 200 : [401, 404].includes(status) ? 200 : status).toBe(200);
});

/** Where a prompt may travel and wait: to its worker, to its caller, and in the task that is kept for later. */
const contentSubjects = /^(will\.v1\.(task|call|json)\.|_INBOX\.|\$O\.|\$JS\.|will\.v1\.result\.)/;

test('after all this no key and no prompt stands where it does not belong, and the scan finds one that was put there', async () => {
  const { system, keys, collector, said, seeds } = world;
  const names = ['caller', 'operator', 'auditor', 'alpha', 'a revoked key'] as const;
  const callers = [
    ...names.map((name) => ({ name: `the key ${name}`, text: keys[name].slice(21) })),
    ...[...seeds].map(([user, seed]) => ({ name: `the seed of ${user}`, text: seed })),
  ];
  const secrets = [{ name: 'the provider key', text: providerKey }, ...callers];
  const prompt = 'a-prompt-nobody-else-may-see-8841';
  const asked = await send(
    'POST',
    '/v1/chat/completions',
    { authorization: `Bearer ${keys.alpha}` },
    JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: prompt }] }),
  );
  expect(asked.status).toBe(200);
  // The call's record is on its way in a batch; what is written after it is written by then.
  const taskId = String((JSON.parse(asked.body) as { id: string }).id).replace(/^\D*-/, '');
  await callsOf(system, { client: 'alpha' }, 1);
  expect(taskId).not.toBe('');
  const everything = new SecretScan([...secrets, { name: 'the prompt', text: prompt }]);
  const keysOnly = new SecretScan(secrets);
  const notOfWorkers = new SecretScan([...callers, { name: 'the prompt', text: prompt }]);
  const processes = services.flatMap((service) => system.of(service));
  for (const one of processes) everything.scan(`log of ${one.name}`, one.log());
  for (const [n, body] of answers.entries()) everything.scan(`answer ${n}`, body);
  for (const { subject, data } of said) (contentSubjects.test(subject) ? keysOnly : everything).scan(subject, data);
  // A durable task's content is kept until it has ended and a day longer; that store may hold it.
  const files = await everything.scanBelow(system.dataDir, /tasks\.sqlite/);
  await keysOnly.scanBelow(system.dataDir, /\.gguf$/);
  await everything.scanCommandLines([...processes.map(({ pid }) => pid), system.nats.pid]);
  // A reference env://NAME is resolved by workers alone: nobody else has the key in its environment.
  for (const { name, pid } of processes)
    (name === 'provider-worker' ? notOfWorkers : everything).scan(`environment of ${name}`, await environmentOf(pid));
  everything.scan('environment of nats-server', await environmentOf(system.nats.pid));
  expect((await environmentOf(system.of('provider-worker')[0]?.pid ?? 0)).includes(providerKey)).toBe(true);
  const pages = await metricsPages();
  for (const { service, text } of pages) everything.scan(`metrics of ${service}`, text);
  expect(new Set(pages.map(({ service }) => service))).toEqual(new Set(services));
  await collector.until((spans) => spans.some(({ name }) => name.startsWith('chat ')), 'the spans of calls');
  everything.scan('traces, metrics and logs of OpenTelemetry', collector.received());
  expect([...collector.paths].sort()).toEqual(expect.arrayContaining(['/v1/metrics', '/v1/traces']));
  expect(processes.length).toBe(services.length);
  expect(said.length).toBeGreaterThan(1_000);
  expect(files).toBeGreaterThan(3);
  expect([...everything.finds, ...keysOnly.finds, ...notOfWorkers.finds]).toEqual([]);

  const planted = Buffer.from(`x${providerKey}`).toString('base64');
  for (const disguise of [
    providerKey,
    Buffer.from(providerKey).toString('hex'),
    planted,
    encodeURIComponent(providerKey),
    [...providerKey].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join(''),
  ]) {
    const before = everything.finds.length;
    await writeFile(join(system.dataDir, 'planted.log'), `{"level":30,"note":"${disguise}"}`);
    await everything.scanBelow(system.dataDir, /sqlite/);
    everything.scan('metrics', `will_planted{note="${disguise}"} 1`);
    const found = everything.finds.slice(before);
    expect(found).toContainEqual(
      expect.objectContaining({ canary: 'the provider key', place: join(system.dataDir, 'planted.log') }),
    );
    expect(found).toContainEqual(expect.objectContaining({ canary: 'the provider key', place: 'metrics' }));
  }
});

/** What every process shows to who collects its figures. */
async function metricsPages(): Promise<{ service: string; text: string }[]> {
  const ask = toBinary(wire.StatusRequestSchema, create(wire.StatusRequestSchema));
  const answer = await world.system.bus.request(subjects.registry('status'), ask, 10_000);
  const { processes } = fromBinary(wire.StatusResponseSchema, answer);
  return Promise.all(
    processes
      .filter(({ metricsUrl }) => metricsUrl !== '')
      .map(async ({ service, metricsUrl }) => ({ service, text: await (await fetch(`${metricsUrl}/metrics`)).text() })),
  );
}
