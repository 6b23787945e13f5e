import { create, toBinary } from '@bufbuild/protobuf';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { Metadata, credentials, makeGenericClientConstructor, status, type ServiceError } from '@grpc/grpc-js';
import { grpcMethodsOf, wire } from '@will/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Admission } from '../../admission/admission.ts';
import { UnderWay } from '../../admission/under-way.ts';
import { routes } from '../../routes.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';
import { testKeys } from '../../testing/test-keys.ts';
import { accessTo, grpcAccess, httpAccess } from './access.ts';
import { keyGuard } from './guard.ts';

const keys = testKeys();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(100, keys.guard);
});
afterAll(() => server.stop());

const chat = { model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] };
const bearer = (key: string, more: Record<string, string> = {}) => ({ authorization: `Bearer ${key}`, ...more });

test('every route of the server says who may use it, and the table names no route that is not there', () => {
  const table = Object.entries(
    routes({
      backends: server.backends,
      admission: new Admission(1),
      largeBodies: new Admission(1),
      underWay: new UnderWay(),
      nowMs: () => 0,
      onError: () => {},
    }),
  ).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  expect(Object.keys(httpAccess).sort()).toEqual(table.sort());
});

test('every method of our gRPC services says who may call it', () => {
  const methods = [wire.TaskService, wire.DurableTaskService, wire.RegistryService, wire.TelemetryService].flatMap(
    ({ typeName, methods: all }) => all.map(({ name }) => `${typeName}/${name}`),
  );
  expect(methods.length).toBeGreaterThan(6);
  expect(Object.keys(grpcAccess)).toEqual(expect.arrayContaining(methods));
});

test('a route without a declared role is refused to every key', async () => {
  const key = await keys.give('acme', 'operator');
  expect(accessTo(httpAccess, 'POST /v1/forgotten')).toEqual([]);
  expect(accessTo(httpAccess, 'constructor')).toEqual([]);
  expect(() => keys.guard.enter('POST /v1/forgotten', [], { authorization: `Bearer ${key}` }, () => 1)).toThrow(
    /no role/,
  );
});

test('a key comes in by the header of each dialect, and its client is the task’s', async () => {
  const key = await keys.give('acme', 'caller');
  for (const headers of [bearer(key), { 'x-api-key': key }, { 'x-goog-api-key': key }]) {
    const response = await server.post(chat, headers);
    expect(response.status).toBe(200);
    expect(server.tasks.requests.at(-1)?.client).toBe('acme');
  }
});

test.each([
  ['no key', {}],
  ['a word', { authorization: 'Bearer word' }],
  ['an empty one', { authorization: 'Bearer ' }],
  ['a key that was never given', { authorization: `Bearer sk-will-${'a'.repeat(12)}-${'A'.repeat(43)}` }],
  ['text for a database', { 'x-api-key': `' OR 1=1 --` }],
])('%s is answered 401 in one and the same form', async (_, headers) => {
  const before = server.tasks.requests.length;
  const response = await server.post(chat, headers);
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe('Bearer');
  expect(((await response.json()) as { error: { code: string } }).error.code).toBe('unauthenticated');
  expect(server.tasks.requests.length).toBe(before);
});

test('two keys in two lines of one header are refused: node alone would keep the first', async () => {
  const [a, b] = [await keys.give('acme', 'caller'), await keys.give('globex', 'caller')];
  const statusOf = (...lines: readonly string[]): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = ['Host', new URL(server.url).host, 'Connection', 'close', ...lines];
      get(`${server.url}/v1/models`, { headers: headers as never }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
  for (const name of ['Authorization', 'X-Api-Key', 'X-Goog-Api-Key']) {
    expect(await statusOf(name, a, name, b)).toBe(401);
    expect(await statusOf(name, b, name, a)).toBe(401);
    expect(await statusOf(name, a, name, a)).toBe(200);
  }
});

test('one changed letter makes a key of nobody', async () => {
  const key = await keys.give('acme', 'caller');
  for (let at = 21; at < key.length; at += 1) {
    const other = key.slice(0, at) + (key[at] === 'x' ? 'y' : 'x') + key.slice(at + 1);
    expect(() => keys.guard.check('POST /v1/rerank', ['caller'], bearer(other))).toThrow('the key is not valid');
  }
});

test('two different keys in one request are refused', async () => {
  const [a, b] = [await keys.give('acme', 'caller'), await keys.give('other', 'caller')];
  expect((await server.post(chat, bearer(a, { 'x-api-key': b }))).status).toBe(401);
  expect((await server.post(chat, bearer(a, { 'x-api-key': a }))).status).toBe(200);
});

test('a revoked or ended key is refused at once, and the refusal names it without its secret', async () => {
  const key = await keys.give('acme', 'caller', { expiresUnixMs: BigInt(keys.nowMs + 1_000) });
  expect((await server.post(chat, bearer(key))).status).toBe(200);
  keys.nowMs += 2_000;
  expect((await server.post(chat, bearer(key))).status).toBe(401);
  const second = await keys.give('acme', 'caller');
  keys.revoke(second);
  const response = await server.post(chat, bearer(second));
  expect(response.status).toBe(401);
  expect(await response.text()).not.toContain('revoked');
  expect(keys.refused.at(-1)).toEqual({
    keyId: second.split('-')[2],
    what: 'POST /v1/chat/completions',
    why: 'key revoked',
  });
  expect(JSON.stringify(keys.refused)).not.toContain(second.slice(21));
});

test('who names another client is refused, wherever the name stands', async () => {
  const key = await keys.give('acme', 'caller');
  const before = server.tasks.requests.length;
  for (const client of ['globex', 'default', 'Default'])
    expect((await server.post(chat, bearer(key, { 'x-will-client': client }))).status).toBe(403);
  expect((await server.post({ ...chat, metadata: { will_client: 'globex' } }, bearer(key))).status).toBe(403);
  expect(
    (await server.post({ ...chat, metadata: { will_client: 'globex' } }, bearer(key, { 'x-will-client': 'acme' })))
      .status,
  ).toBe(400);
  expect(server.tasks.requests.length).toBe(before);
  expect((await server.post(chat, bearer(key, { 'x-will-client': 'ACME' }))).status).toBe(200);
});

test('a key’s projects and task types bound its tasks; its data class raises theirs and never lowers it', async () => {
  const key = await keys.give('acme', 'caller', { projects: ['site'], taskTypes: ['text_gen'], dataClass: 'customer' });
  expect((await server.post(chat, bearer(key))).status).toBe(200);
  expect(server.tasks.requests.at(-1)).toMatchObject({ project: 'site', dataClass: 'customer' });
  expect((await server.post(chat, bearer(key, { 'x-will-data-class': 'open' }))).status).toBe(200);
  expect(server.tasks.requests.at(-1)?.dataClass).toBe('customer');
  expect((await server.post(chat, bearer(key, { 'x-will-data-class': 'sensitive' }))).status).toBe(200);
  expect(server.tasks.requests.at(-1)?.dataClass).toBe('customer-sensitive');
  expect((await server.post(chat, bearer(key, { 'x-will-project': 'other' }))).status).toBe(403);
  expect((await server.post({ ...chat, model: 'code' }, bearer(key))).status).toBe(403);
});

test('while the keys are not known nobody is let in', () => {
  const guard = keyGuard({ find: () => undefined, isKnownClient: () => true, nowMs: () => 0, onRefused: () => {} });
  const text = `Bearer sk-will-${'a'.repeat(12)}-${'A'.repeat(43)}`;
  expect(() => guard.check('POST /v1/rerank', ['caller'], { authorization: text })).toThrow(
    'the keys are not known yet',
  );
});

test('health tells who shows no operator’s key whether a task can be answered, and nothing else', async () => {
  const health = async (key?: string) =>
    (await fetch(`${server.url}/healthz`, key === undefined ? {} : { headers: bearer(key) })).json();
  const noted = keys.refused.length;
  for (const key of [undefined, 'sk-will-wrong', await keys.give('acme', 'caller')])
    expect(await health(key)).toEqual({ status: 'ok' });
  const operator = await keys.give('ops', 'operator');
  expect(await health(operator)).toEqual({ status: 'ok', revision: 7, models: ['llama'] });
  server.backends.isBusConnected = false;
  expect(await health()).toEqual({ status: 'unavailable' });
  expect(await health(operator)).toMatchObject({ status: 'unavailable', reason: 'NATS is not connected' });
  server.backends.isBusConnected = true;
  keys.revoke(operator);
  expect(await health(operator)).toEqual({ status: 'ok' });
  expect(keys.refused).toHaveLength(noted);
});

test('health needs no key', async () => {
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/v1/models`)).status).toBe(401);
});

test.each(['authorization', 'x-api-key', 'x-goog-api-key'])(
  'two keys in two lines of %s of a gRPC call are refused in clear words, and one that is sent twice is one',
  async (name) => {
    const [a, b] = [await keys.give('acme', 'caller'), await keys.give('globex', 'caller')];
    const before = server.tasks.requests.length;
    for (const lines of [
      [a, b],
      [b, a],
    ])
      expect(await runByHttp2(lines.flatMap((line) => [name, `Bearer ${line}`]))).toEqual([
        String(status.UNAUTHENTICATED),
        'the headers hold more than one key',
      ]);
    expect(server.tasks.requests).toHaveLength(before);
    expect(await runByHttp2([name, `Bearer ${a}`, name, `Bearer ${a}`])).toEqual([String(status.OK), 'OK']);
    expect(server.tasks.requests.at(-1)?.client).toBe('acme');
  },
);

const grpcHeaders = [
  ':method',
  'POST',
  ':path',
  '/will.v1.TaskService/Run',
  'content-type',
  'application/grpc',
  'te',
  'trailers',
];

/** Libraries refuse to send some headers twice; what comes over the wire is another matter. */
async function runByHttp2(lines: readonly string[]): Promise<readonly [string, string]> {
  const lenient: object = { strictSingleValueFields: false };
  const session = connect(`http://${server.grpcAddress}`, lenient);
  const call = session.request([...grpcHeaders, ...lines]);
  let ended: IncomingHttpHeaders = {};
  call.on('response', (headers) => {
    ended = { ...ended, ...headers };
  });
  call.on('trailers', (headers) => {
    ended = { ...ended, ...headers };
  });
  const message = toBinary(
    wire.RunRequestSchema,
    create(wire.RunRequestSchema, { prompt: 'ping', task: { type: 'text_gen' } }),
  );
  call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  call.resume();
  await once(call, 'close');
  session.close();
  return [String(ended['grpc-status']), decodeURIComponent(String(ended['grpc-message']))];
}

test('gRPC asks for the key too: own methods, health and reflection', async () => {
  const key = await keys.give('acme', 'caller');
  const call = (service: Parameters<typeof grpcMethodsOf>[0], method: string, request: object, shown?: string) =>
    new Promise<{ code: number; answer?: object }>((resolve) => {
      const Client = makeGenericClientConstructor(grpcMethodsOf(service) as never, 'test');
      const client = new Client(server.grpcAddress, credentials.createInsecure());
      const metadata = new Metadata();
      if (shown !== undefined) metadata.set('authorization', `Bearer ${shown}`);
      (client as unknown as Record<string, (...args: unknown[]) => void>)[method]?.(
        request,
        metadata,
        (error: ServiceError | null, answer?: object) => {
          client.close();
          resolve({ code: error?.code ?? 0, ...(answer && { answer }) });
        },
      );
    });
  const task = { prompt: 'ping', task: { type: 'text_gen' } };
  expect((await call(wire.TaskService, 'run', task)).code).toBe(status.UNAUTHENTICATED);
  expect((await call(wire.TaskService, 'run', { ...task, client: 'globex' }, key)).code).toBe(status.PERMISSION_DENIED);
  expect((await call(wire.TaskService, 'run', task, key)).code).toBe(status.OK);
  expect(server.tasks.requests.at(-1)?.client).toBe('acme');
  expect((await call(wire.RegistryService, 'get', {}, key)).code).toBe(status.PERMISSION_DENIED);
  expect((await call(wire.RegistryService, 'status', {})).code).toBe(status.UNAUTHENTICATED);
});
