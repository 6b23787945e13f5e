import { request as httpRequest } from 'node:http';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { attributeNames, type AttributeName, fieldOf, headerOf } from '@will/core';
import { grpcMethodsOf, newId, wire } from '@will/contracts';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answers } from './testing/fake-tasks.ts';
import { startTestServer, sampleSnapshot, type TestServer } from './testing/test-server.ts';

// Servers × attributes × spellings: what looks like one of Will's attributes is understood or rejected, never ignored.

let server: TestServer;
let grpc: Client;
beforeAll(async () => {
  server = await startTestServer(50);
  grpc = new Client(server.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  grpc.close();
  await server.stop();
});
beforeEach(() => {
  server.tasks.script = answers('pong');
  Object.assign(server.backends, { client: server.tasks, snapshot: sampleSnapshot() });
});

/** Key and value as they go over the wire. */
type Line = readonly [key: string, value: string];
interface Answer {
  readonly isRejected: boolean;
  readonly message: string;
  /** What the task was understood as. */
  readonly task: object | undefined;
}
interface Server {
  readonly name: string;
  readonly send: (lines: readonly Line[]) => Promise<Answer>;
  readonly spellings: (attribute: AttributeName) => readonly string[];
}

const messages = [{ role: 'user', content: 'ping' }];
const routes: Readonly<Record<string, object>> = {
  '/v1/chat/completions': { model: 'auto', messages },
  '/v1/responses': { model: 'auto', input: 'ping' },
  '/v1/messages': { model: 'auto', max_tokens: 9, messages },
  '/v1/embeddings': { model: 'auto', input: 'ping' },
};

/** Sends header lines one by one: fetch would join them. */
function post(path: string, body: string, lines: readonly Line[]): Promise<{ status: number; text: string }> {
  const { port } = new URL(server.url);
  const headers = [
    ['Host', `127.0.0.1:${port}`],
    ['Content-Type', 'application/json'],
    ['Connection', 'close'],
  ];
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', path, method: 'POST', headers: [...headers, ...lines].flat() as unknown as string[] },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function checkedAnswer(sent: Promise<{ status: number; text: string }>): Promise<Answer> {
  const before = server.tasks.requests.length;
  const { status: code, text } = await sent;
  const task = server.tasks.requests.slice(before).at(-1);
  return { isRejected: code === 400 && task === undefined, message: text, task };
}

const headerSpellings = (attribute: AttributeName): readonly string[] => {
  const key = headerOf(attribute);
  const bare = key.slice(2);
  return [
    key,
    key.toUpperCase(),
    key.replaceAll('-', '_'),
    key.replaceAll('-', ''),
    key.replaceAll('-', '.'),
    `X-Will_${attribute}`,
    bare,
    bare.replaceAll('-', '_').toUpperCase(),
    bare.replaceAll('-', ''),
  ];
};
const metadataSpellings = (attribute: AttributeName): readonly string[] => [
  ...headerSpellings(attribute),
  fieldOf(attribute).replaceAll('_', ' '),
  fieldOf(attribute)
    .split('_')
    .map((word) => word[0]?.toUpperCase() + word.slice(1))
    .join(' '),
  ` ${fieldOf(attribute)} `,
  attribute,
  attribute.toUpperCase(),
  attribute.replaceAll('_', '-'),
  attribute.replaceAll('_', ''),
];

const byHeader = (path: string): Server => ({
  name: `${path} header`,
  send: (lines) => checkedAnswer(post(path, JSON.stringify(routes[path]), lines)),
  spellings: headerSpellings,
});
/** The text is written by hand, so that a key may stand there twice. */
const byMetadata = (path: string): Server => ({
  name: `${path} metadata`,
  send: (lines) => {
    const pairs = lines.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(', ');
    return checkedAnswer(post(path, `${JSON.stringify(routes[path]).slice(0, -1)}, "metadata": {${pairs}}}`, []));
  },
  spellings: metadataSpellings,
});
const run = grpcMethodsOf(wire.TaskService)['run'];
const byGrpc: Server = {
  name: 'gRPC metadata',
  // Keys of HTTP/2 are in lower case, and the library sees to it.
  spellings: (attribute) => headerSpellings(attribute).filter((key) => /^[\w.-]+$/.test(key)),
  send: (lines) =>
    new Promise((resolve) => {
      const before = server.tasks.requests.length;
      const metadata = new Metadata();
      for (const [key, value] of lines) metadata.add(key, value);
      const message = {
        client: '',
        prompt: 'ping',
        inputJson: '',
        task: create(wire.TaskSchema, { taskId: newId(), type: 'text_gen' }),
      };
      if (!run) throw new Error('no method run');
      const done = (error: ServiceError | null): void =>
        resolve({
          isRejected: error?.code === status.INVALID_ARGUMENT && server.tasks.requests.length === before,
          message: error?.details ?? '',
          task: server.tasks.requests.slice(before).at(-1),
        });
      grpc.makeUnaryRequest(run.path, run.requestSerialize, run.responseDeserialize, message, metadata, done);
    }),
};
const servers = [...Object.keys(routes).flatMap((path) => [byHeader(path), byMetadata(path)]), byGrpc];

/** A value, another one, and what a task shows of the first. */
const said: Readonly<Record<AttributeName, readonly [string, string, object]>> = {
  client: ['acmelegal', 'globex', { client: 'acmelegal' }],
  project: ['merger', 'other', { project: 'merger' }],
  reflex: ['debug', 'other', { reflex: 'debug' }],
  priority: ['high', 'background', { priority: 'high' }],
  high_priority: ['true', 'false', { priority: 'high' }],
  data_class: ['customer', 'open', { dataClass: 'customer' }],
  task_type: ['text_gen', 'code', { type: 'text_gen' }],
  timeout_ms: ['2500', '3000', { timeoutMs: expect.any(Number) as number }],
  first_token_timeout_ms: ['2500', '3000', { firstTokenTimeoutMs: 2_500 }],
  idle_timeout_ms: ['2500', '3000', { idleTimeoutMs: 2_500 }],
  unavailable_model: ['route', 'error', { unavailableModel: 'route' }],
  cost_tags: ['team=search', 'team=ads', { costTags: { team: 'search' } }],
};

const isUnderstood = (attribute: AttributeName, { task }: Answer): boolean => {
  const [, , shown] = said[attribute];
  const [field, value] = Object.entries(shown)[0] as [string, unknown];
  const found = (task as Record<string, unknown> | undefined)?.[field];
  return attribute === 'timeout_ms' ? Number(found) <= 2_500 : JSON.stringify(found) === JSON.stringify(value);
};

test.each(servers)('$name: every spelling of every attribute is understood or rejected by name', async (server) => {
  const ignored: string[] = [];
  let understood = 0;
  for (const attribute of attributeNames)
    for (const key of server.spellings(attribute)) {
      const answer = await server.send([[key, said[attribute][0]]]);
      if (answer.isRejected && answer.message.toLowerCase().includes(attribute.split('_')[0] ?? '')) continue;
      if (isUnderstood(attribute, answer)) understood += 1;
      else ignored.push(`${key}: ${answer.message}`);
    }
  expect(ignored).toEqual([]);
  // Each attribute in its own spelling at least.
  expect(understood).toBeGreaterThanOrEqual(attributeNames.length);
});

test.each(servers)('$name: an attribute that does not exist, or a wrong value, is rejected', async (server) => {
  const isMetadata = server.name.endsWith(' metadata') && server.name !== 'gRPC metadata';
  for (const key of isMetadata ? ['will_foo', 'Will Clients', 'will-', 'x-will-foo'] : ['x-will-foo', 'will-foo'])
    expect([key, await server.send([[key, 'a']])]).toMatchObject([key, { isRejected: true }]);
  for (const attribute of ['priority', 'high_priority', 'data_class', 'timeout_ms', 'unavailable_model'] as const) {
    const key = isMetadata ? fieldOf(attribute) : headerOf(attribute);
    expect([key, await server.send([[key, 'nonsense']])]).toMatchObject([key, { isRejected: true }]);
  }
});

test.each(servers)('$name: one that is sent twice with two values is rejected', async (server) => {
  const accepted: string[] = [];
  for (const attribute of attributeNames) {
    const [first, second] = said[attribute];
    const [key = '', ...others] = server.spellings(attribute);
    for (const again of [key, ...others]) {
      const answer = await server.send([
        [key, first],
        [again, second],
      ]);
      if (!answer.isRejected) accepted.push(`${key} ${again}`);
    }
  }
  expect(accepted).toEqual([]);
});

test.each(servers.filter(({ name }) => name.endsWith('header') || name.startsWith('gRPC')))(
  '$name: one that is sent twice with one value is that value',
  async (server) => {
    for (const attribute of attributeNames) {
      const [value] = said[attribute];
      const key = headerOf(attribute);
      const answer = await server.send([
        [key, value],
        [key, value],
      ]);
      expect([attribute, isUnderstood(attribute, answer), answer.isRejected]).toEqual([attribute, true, false]);
    }
  },
);

test.each(Object.keys(routes))('%s: a header and metadata that differ are rejected', async (path) => {
  for (const attribute of attributeNames) {
    const [first, second] = said[attribute];
    const body = JSON.stringify({ ...routes[path], metadata: { [fieldOf(attribute)]: second } });
    const answer = await checkedAnswer(post(path, body, [[headerOf(attribute), first]]));
    expect([attribute, answer]).toMatchObject([attribute, { isRejected: true }]);
    const same = JSON.stringify({ ...routes[path], metadata: { [fieldOf(attribute)]: first } });
    expect([attribute, await checkedAnswer(post(path, same, [[headerOf(attribute), first]]))]).toMatchObject([
      attribute,
      { isRejected: false },
    ]);
  }
});

test.each(Object.keys(routes))('%s: an attribute among the fields of the body is rejected by name', async (path) => {
  const accepted: string[] = [];
  for (const attribute of attributeNames)
    for (const key of metadataSpellings(attribute)) {
      const answer = await checkedAnswer(
        post(path, JSON.stringify({ ...routes[path], [key]: said[attribute][0] }), []),
      );
      if (!answer.isRejected) accepted.push(key);
    }
  expect(accepted).toEqual([]);
});

test('gRPC: metadata and a message that differ are rejected, equal ones are one', async () => {
  const ask = (task: object, client: string, line: Line): Promise<ServiceError | null> =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      metadata.add(...(line as [string, string]));
      const message = {
        client,
        prompt: 'ping',
        inputJson: '',
        task: create(wire.TaskSchema, { taskId: newId(), type: 'text_gen', ...task }),
      };
      if (!run) throw new Error('no method run');
      grpc.makeUnaryRequest(run.path, run.requestSerialize, run.responseDeserialize, message, metadata, resolve);
    });
  const { PRIORITY_HIGH: high, PRIORITY_NORMAL: normal } = { PRIORITY_HIGH: 3, PRIORITY_NORMAL: 2 };
  const differing: readonly (readonly [object, string, Line])[] = [
    [{}, 'acmelegal', ['x-will-client', 'globex']],
    [{ project: 'a' }, '', ['x-will-project', 'b']],
    [{ priority: normal }, '', ['x-will-high-priority', 'true']],
    [{ priority: high }, '', ['x-will-high-priority', 'false']],
    [{ dataClass: wire.DataClass.OPEN }, '', ['x-will-data-class', 'customer']],
    [{ type: 'code' }, '', ['x-will-task-type', 'text_gen']],
    [{ unavailableModel: 'error' }, '', ['x-will-unavailable-model', 'route']],
  ];
  for (const [task, client, line] of differing)
    expect([line, await ask(task, client, line)]).toMatchObject([line, { code: status.INVALID_ARGUMENT }]);
  const equal: typeof differing = [
    [{}, 'AcmeLegal', ['x-will-client', 'acmelegal']],
    [{ project: 'a' }, '', ['x-will-project', 'A']],
    [{ priority: high }, '', ['x-will-high-priority', 'true']],
    [{ dataClass: wire.DataClass.OPEN }, '', ['x-will-data-class', 'Open']],
  ];
  for (const [task, client, line] of equal) expect([line, await ask(task, client, line)]).toEqual([line, null]);
});

/** Places where nothing is read, by what a caller may have meant. */
const unheard: readonly (readonly [string, path: string, more: object])[] = [
  ['a query', '/v1/chat/completions?client=AcmeLegal', {}],
  ['a query in the words of a header', '/v1/chat/completions?x-will-client=AcmeLegal', {}],
  ['a field that is dropped', '/v1/chat/completions', { options: { will_client: 'AcmeLegal' } }],
  ['an object of our name', '/v1/chat/completions', { will: { client: 'AcmeLegal' } }],
  ['metadata of another name', '/v1/responses', { meta: [{ 'X-Will-Client': 'AcmeLegal' }] }],
  ['metadata of another kind', '/v1/responses', { client_metadata: { will_client: 'AcmeLegal' } }],
  ['a message', '/v1/chat/completions', { messages: [{ ...messages[0], metadata: { will_client: 'AcmeLegal' } }] }],
  ['metadata with half of the prefix', '/v1/messages', { metadata: { 'x-client': 'AcmeLegal' } }],
];

test.each(unheard)('a client that is named in %s is rejected', async (_where, path, more) => {
  const body = JSON.stringify({ ...routes[path.split('?')[0] ?? ''], ...more });
  const { isRejected, message } = await checkedAnswer(post(path, body, []));
  expect([isRejected, message]).toEqual([true, expect.stringMatching(/x-will-|will_client/)]);
});

test('a client that is named after the body is rejected', async () => {
  const { port } = new URL(server.url);
  const path = '/v1/chat/completions';
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked', trailer: 'x-will-client' };
  const status = new Promise<number>((resolve, reject) => {
    const asked = httpRequest({ port, host: '127.0.0.1', path, method: 'POST', headers }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    asked.on('error', reject);
    asked.write(JSON.stringify(routes[path]));
    asked.addTrailers({ 'x-will-client': 'AcmeLegal' });
    asked.end();
  });
  expect(await status).toBe(400);
});

test('a query that is no attribute’s changes nothing', async () => {
  const path = '/v1/chat/completions';
  const { task } = await checkedAnswer(
    post(`${path}?api-version=2026-01-01&beta=true`, JSON.stringify(routes[path]), []),
  );
  expect(task).toBeDefined();
});
