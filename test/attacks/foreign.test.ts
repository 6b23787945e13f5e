import type { Client } from '@grpc/grpc-js';
import { Client as GrpcClient, credentials, Metadata } from '@grpc/grpc-js';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../policy/random.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { type Said, willmAt } from '../support/willm.ts';
import { drawForeign, type Foreign, type ForeignRequest } from './foreign-requests.ts';

// A key of alpha names things of beta, at random, over HTTP and gRPC. The whole: WILL_FOREIGN_REQUESTS=10000.

const count = Number(process.env['WILL_FOREIGN_REQUESTS'] ?? 400);
/** Stand in what beta alone may see. */
const markers = ['betas-own-words', 'betatone', '4711'];

let upstream: ReplayingUpstream;
let system: System;
let grpc: Client;
let keys: { readonly alpha: string; readonly beta: string };
let foreign: Foreign;
let willm: (...args: string[]) => Promise<Said>;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  upstream.script('cloud', { kind: 'answer', echo: true });
  const model = modelDocument({
    name: 'Cloud',
    tags: 'text_gen, embedding',
    endpoint: `${upstream.url}/v1`,
    concurrency: 64,
  });
  system = await startSystem({
    documents: {
      'all.yaml': documentFile(
        openByDefault,
        model,
        routeDocument('text_gen', 'Cloud'),
        'kind: client\nname: Alpha\nslug: alpha',
        'kind: client\nname: Beta Berlin\nslug: beta-berlin\nforce_tone: betatone\nbudget: { daily: { requests: 4711 } }',
        'kind: project\nname: Beta Site\nslug: beta-site\nclient: Beta Berlin\nforce_tone: betatone\nbudget: { daily: { requests: 4711 } }',
      ),
    },
    env: { WILL_KEYS: 'required' },
    counts: { gateway: 1, tasks: 1 },
  });
  await system.untilServed('cloud');
  willm = willmAt(system.nats.url);
  keys = { alpha: await keyFor('alpha'), beta: await keyFor('beta-berlin') };
  grpc = new GrpcClient(system.grpcAddress, credentials.createInsecure());
  foreign = {
    clients: ['beta-berlin', 'Beta Berlin'],
    projects: ['beta-site', 'Beta Site'],
    ids: await betasIds(),
  };
});
afterAll(async () => {
  grpc?.close();
  await system?.stop();
  await upstream?.close();
});

async function keyFor(client: string): Promise<string> {
  const { code, out, err } = await willm('keys', 'create', '--client', client);
  if (code !== 0) throw new Error(err);
  await until(async () => (await fetchAs(out.trim(), '/v1/models')).status === 200, 'the key to be known');
  return out.trim();
}

const fetchAs = (key: string, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${system.httpUrl}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...init.headers },
    signal: AbortSignal.timeout(20_000),
  });

/** Tasks of beta with their decisions: one that was answered, a durable one that ended, one that waits. */
async function betasIds(): Promise<string[]> {
  const content = 'betas-own-words';
  const headers = { 'x-will-project': 'beta-site' };
  const asked = await fetchAs(keys.beta, '/v1/chat/completions', {
    method: 'POST',
    headers,
    body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content }] }),
  });
  expect(asked.status).toBe(200);
  const submit = async (more: object): Promise<string> => {
    const answer = await fetchAs(keys.beta, '/v1/tasks', {
      method: 'POST',
      headers,
      body: JSON.stringify({ type: 'text_gen', input: content, ...more }),
    });
    const body = (await answer.json()) as { task_id?: string };
    if (!answer.ok || body.task_id === undefined) throw new Error(JSON.stringify(body));
    return body.task_id;
  };
  const ended = await submit({});
  const isEnded = async () => (await (await fetchAs(keys.beta, `/v1/tasks/${ended}`)).text()).includes('succeeded');
  await until(isEnded, 'the durable task to end');
  const waiting = await submit({ not_before: new Date(Date.now() + 86_400_000).toISOString() });
  const named = ['x-will-task-id', 'x-will-decision-id'].map((header) => asked.headers.get(header) ?? '');
  return [...named, ended, waiting];
}

interface Answer {
  readonly status: string;
  readonly content: string;
}

async function send(request: ForeignRequest): Promise<Answer> {
  if ('grpc' in request) return sendGrpc(request.grpc);
  const { method, path, headers, body } = request.http;
  const response = await fetchAs(keys.alpha, path, { method, headers, ...(body !== undefined && { body }) });
  const told = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  return { status: String(response.status), content: `${told}\n${await response.text()}` };
}

function sendGrpc({
  what,
  metadata,
  bytes,
}: {
  what: string;
  metadata: Readonly<Record<string, string>>;
  bytes: Uint8Array;
}): Promise<Answer> {
  const sent = new Metadata();
  sent.set('authorization', `Bearer ${keys.alpha}`);
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
  const same = (value: Buffer): Buffer => value;
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    grpc
      .makeUnaryRequest(
        `/${what}`,
        same,
        same,
        Buffer.from(bytes),
        sent,
        { deadline: Date.now() + 20_000 },
        (_error, answer) => {
          if (answer) parts.push(answer);
        },
      )
      .on('status', ({ code, details, metadata: trailers }) =>
        setImmediate(() =>
          resolve({
            status: `gRPC ${code}`,
            content: `${details}\n${JSON.stringify(trailers.toJSON())}\n${Buffer.concat(parts).toString('latin1')}`,
          }),
        ),
      );
  });
}

/** All that is kept of beta: its calls, sums and tasks, as its operator sees them. */
async function keptOfBeta(): Promise<string[]> {
  const asked = [
    ['logs', '--client', 'beta-berlin', '--json'],
    ['usage', '--client', 'beta-berlin', '--json'],
    ['tasks', 'ls', '--client', 'beta-berlin', '--json'],
  ];
  const told: string[] = [];
  for (const args of asked) {
    const { code, out, err } = await willm(...args);
    if (code !== 0) throw new Error(`willm ${args.join(' ')}: ${err}`);
    told.push(out);
  }
  return told;
}

/** What beta used of its limits, once workers have given back what they only reserved. */
async function usedByBeta(): Promise<readonly string[]> {
  let told: readonly string[] = [];
  const isSettled = async (): Promise<boolean> => {
    told = ofBeta((await willm('limits', '--json')).out);
    return told.every((row) => row.endsWith(' 2'));
  };
  await until(isSettled, 'the limits of beta to hold its own two calls').catch(() => {});
  return told;
}

const ofBeta = (out: string): readonly string[] => {
  const limits = JSON.parse(out) as readonly { scope: string; id: string; used: number }[];
  const owned = limits.filter(({ id }) => id.startsWith('beta'));
  if (owned.length === 0) throw new Error('no limit of beta was told');
  return owned.map(({ scope, id, used }) => `${scope} ${id} ${used}`);
};

test(`${count} requests of alpha that name things of beta reveal and touch nothing, and are answered as if there were none`, async () => {
  const seed = Number(process.env['WILL_FOREIGN_SEED'] ?? 1);
  const random = new Random(seed);
  let before: string[] = [];
  const areRecorded = async (): Promise<boolean> => {
    before = await keptOfBeta();
    return (JSON.parse(before[0] ?? '') as unknown[]).length === 2;
  };
  await until(areRecorded, "beta's own two calls to be recorded");
  const [revealed, told]: [string[], string[]] = [[], []];
  const statuses = new Map<string, number>();
  for (let n = 0; n < count; n += 1) {
    const { kind, name, nobodys, template } = drawForeign(foreign, random);
    const [answer, nobodysAnswer] = [await send(template(name)), await send(template(nobodys))];
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const what = `${kind} ${JSON.stringify(template(name)).slice(0, 200)}`;
    for (const marker of markers) if (answer.content.includes(marker)) revealed.push(`${what}: ${marker}`);
    if (answer.status !== nobodysAnswer.status)
      told.push(`${what}: ${answer.status}, of nobody ${nobodysAnswer.status}`);
  }
  process.stdout.write(
    `foreign names, seed ${seed}: ${count} requests, answers ${JSON.stringify(Object.fromEntries(statuses))}\n`,
  );
  expect(revealed.slice(0, 5)).toEqual([]);
  expect(told.slice(0, 5)).toEqual([]);
  expect(statuses.size).toBeGreaterThan(2);
  expect(await keptOfBeta()).toEqual(before);
  expect(await usedByBeta()).toEqual(['client beta-berlin 2', 'project beta-site 2']);
}, 3_600_000);
