import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpAccess } from '../../services/gateway/src/keys/access.ts';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { SecretScan } from '../support/secret-scan.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';
import { type Payload, payloads } from './payloads.ts';

// Every route of the door's own table × everybody who may come × every payload, on the running product.

const services = ['gateway', 'router', 'provider-worker', 'policy', 'registry', 'telemetry', 'tasks'] as const;
const marker = 'alphas-own-words-4711';
const routeTable = Object.entries(httpAccess);
const roles = ['nobody', 'a wrong key', 'a revoked key', 'caller', 'operator', 'auditor'] as const;
type Role = (typeof roles)[number];

let upstream: ReplayingUpstream;
let system: System;
let canary: Server;
let canaryUrl = '';
let connections = 0;
const keys: Partial<Record<Role | 'alpha', string>> = {};
const providerKey = 'sk-canary-provider-0f3b9c77d1e24a6c';
const said: { subject: string; data: Uint8Array }[] = [];
const answers: string[] = [];
const agent = new Agent({ connections: 24, pipelining: 1 });
const alphasTasks: string[] = [];

beforeAll(async () => {
  canary = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  upstream = await startReplayingUpstream({ keepLog: false });
  const model = (name: string, tags: string) =>
    modelDocument({
      name,
      tags,
      callMethod: 'API',
      endpoint: `${upstream.url}/v1`,
      concurrency: 64,
      apiKey: 'env://CANARY_PROVIDER_KEY',
    });
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        model('Cloud', 'text_gen, code'),
        model('Media', 'embedding, transcription, speech, rerank, image_gen'),
        routeDocument('text_gen', 'Cloud'),
      ),
    },
    env: { WILL_KEYS: 'required', CANARY_PROVIDER_KEY: providerKey, WILL_LOG_LEVEL: 'debug' },
    counts: { gateway: 1, tasks: 1 },
  });
  system.bus.connection.subscribe('>', {
    callback: (error, { subject, data }) => void (error ?? said.push({ subject, data })),
  });
  await system.untilServed('cloud', 'media');
  const willm = willmAt(system.nats.url);
  const made = async (...args: string[]): Promise<string> => (await willm('keys', 'create', ...args)).out.trim();
  [keys.alpha, keys.caller, keys.operator, keys.auditor, keys['a revoked key']] = await Promise.all([
    made('--client', 'alpha'),
    made('--client', 'beta'),
    made('--client', 'beta', '--role', 'operator'),
    made('--client', 'beta', '--role', 'auditor'),
    made('--client', 'beta'),
  ]);
  await willm('keys', 'revoke', (keys['a revoked key'] as string).split('-')[2] as string);
  keys['a wrong key'] = `sk-will-${(keys.alpha as string).split('-')[2]}-${'A'.repeat(43)}`;
  for (let n = 0; n < 2; n += 1) alphasTasks.push(await submitAsAlpha(n));
});
afterAll(async () => {
  await agent.close();
  await system.stop();
  await upstream.close();
  canary.close();
});

async function submitAsAlpha(n: number): Promise<string> {
  const body = { type: 'text_gen', input: marker, idempotency_key: `${marker}-${n}` };
  const answer = await send('POST', '/v1/tasks', { authorization: `Bearer ${keys.alpha}` }, JSON.stringify(body));
  expect(answer.body).toContain(marker);
  return (JSON.parse(answer.body) as { task_id: string }).task_id;
}

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
  const answer = await request(`${system.httpUrl}${path}`, {
    dispatcher: agent,
    method: method as 'GET',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && method !== 'GET' && { body }),
  });
  const text = await answer.body.text();
  answers.push(text);
  return { status: answer.statusCode, body: text };
}

/** A body that the route would take, as far as one fits all. */
const rightBody = (route: string): Record<string, unknown> => ({
  ...(route.endsWith('/tasks') ? { type: 'text_gen', input: 'ping' } : { model: 'text_gen' }),
  ...(/chat|messages/.test(route) && { messages: [{ role: 'user', content: 'ping' }] }),
  ...(route.endsWith('messages') && { max_tokens: 16 }),
  ...(/responses|embeddings|speech/.test(route) && { input: 'ping' }),
  ...(/speech/.test(route) && { voice: 'alloy', model: 'speech' }),
  ...(/images|rerank|embeddings/.test(route) && { model: 'media' }),
  ...(/images/.test(route) && { prompt: 'ping' }),
  ...(/rerank/.test(route) && { query: 'ping', documents: ['a', 'b'] }),
});

function bodyOf(route: string, { raw, fields }: Payload): string | Uint8Array {
  return raw ?? JSON.stringify({ ...rightBody(route), ...fields });
}

const keyOf = (role: Role): Record<string, string> =>
  role === 'nobody' ? {} : { authorization: `Bearer ${keys[role]}` };

test('no route, no role and no payload makes the product connect elsewhere, fail inside, or show another’s data', async () => {
  const tried = payloads(canaryUrl, 'alpha', alphasTasks);
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
  let next = 0;
  const attack = async (): Promise<void> => {
    for (let one = cases[next++]; one; one = cases[next++]) {
      const [method = '', route = ''] = one.what.split(' ');
      const path = route.replace('*', one.payload.segment ?? 'cloud') + (one.payload.query ?? '');
      const headers = { ...keyOf(one.role), ...one.payload.headers };
      const { status, body } = await send(method, path, headers, bodyOf(route, one.payload)).catch((error: Error) => {
        const log = system.of('gateway')[0]?.log().slice(-2_000);
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
    }
  };
  await Promise.all(Array.from({ length: 24 }, attack));
  expect(cases.length).toBeGreaterThan(3_000);
  expect(wrong).toEqual([]);
  expect(connections).toBe(0);
  // The canary would have seen a connection.
  await expect(request(canaryUrl)).rejects.toThrow(/closed|other side|reset/);
  expect(connections).toBe(1);
  for (const service of services)
    for (const process of system.of(service)) expect(() => globalThis.process.kill(process.pid, 0)).not.toThrow();
}, 120_000);

test('another client’s task is answered byte for byte like one that never was', async () => {
  const own = { authorization: `Bearer ${keys.caller}` };
  const never = 'AAAAAAAAAAAAAAAAAAAAAA';
  const ids = [await submitAsAlpha(7), await submitAsAlpha(8)];
  for (const method of ['GET', 'DELETE'])
    for (const id of ids) {
      const another = await send(method, `/v1/tasks/${id}`, own);
      const none = await send(method, `/v1/tasks/${never}`, own);
      expect(another.status).toBe(none.status);
      expect(another.body.replaceAll(id, never)).toBe(none.body);
    }
  const still = await send('GET', `/v1/tasks/${ids[0]}`, { authorization: `Bearer ${keys.alpha}` });
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
  const names = ['caller', 'operator', 'auditor', 'alpha', 'a revoked key'] as const;
  const secrets = [
    { name: 'the provider key', text: providerKey },
    ...names.map((name) => ({ name: `the key ${name}`, text: (keys[name] as string).slice(21) })),
  ];
  const prompt = 'a-prompt-nobody-else-may-see-8841';
  const asked = await send(
    'POST',
    '/v1/chat/completions',
    { authorization: `Bearer ${keys.alpha}` },
    JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: prompt }] }),
  );
  expect(asked.status).toBe(200);
  // The call's record is on its way in a batch; what is written after it is written by then.
  await callsOf(system, { client: 'alpha' }, 1);
  const everything = new SecretScan([...secrets, { name: 'the prompt', text: prompt }]);
  const keysOnly = new SecretScan(secrets);
  const processes = services.flatMap((service) => system.of(service));
  for (const one of processes) everything.look(`log of ${one.name}`, one.log());
  for (const [n, body] of answers.entries()) everything.look(`answer ${n}`, body);
  for (const { subject, data } of said) (contentSubjects.test(subject) ? keysOnly : everything).look(subject, data);
  // A durable task's content is kept until it has ended and a day longer; that store may hold it.
  const files = await everything.lookBelow(system.dataDir, /tasks\.sqlite/);
  await keysOnly.lookBelow(system.dataDir, /\.gguf$/);
  await everything.lookAtCommandLines([...processes.map(({ pid }) => pid), system.nats.pid]);
  expect(processes.length).toBe(services.length);
  expect(said.length).toBeGreaterThan(1_000);
  expect(files).toBeGreaterThan(3);
  expect([...everything.finds, ...keysOnly.finds]).toEqual([]);

  const planted = Buffer.from(`x${providerKey}`).toString('base64');
  for (const disguise of [
    providerKey,
    Buffer.from(providerKey).toString('hex'),
    planted,
    encodeURIComponent(providerKey),
  ]) {
    const before = everything.finds.length;
    await writeFile(join(system.dataDir, 'planted.log'), `{"level":30,"note":"${disguise}"}`);
    await everything.lookBelow(system.dataDir, /sqlite/);
    expect(everything.finds.slice(before)).toContainEqual(expect.objectContaining({ canary: 'the provider key' }));
  }
});
