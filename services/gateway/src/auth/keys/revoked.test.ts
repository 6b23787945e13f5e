import { credentials, makeGenericClientConstructor, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { DurableTask } from '@will/client';
import { grpcMethodsOf, wire } from '@will/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Queries } from '../../ports.ts';
import { delta, hangs, started } from '../../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';
import { testKeys } from '../../testing/test-keys.ts';

const keys = testKeys();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(100, keys.guard);
});
afterAll(() => server.stop());

const waiting: DurableTask = {
  taskId: 'task-1',
  client: 'acme',
  type: 'text_gen',
  priority: 'background',
  state: 'waiting',
  createdUnixMs: 1,
  deadlineUnixMs: 2,
  pickups: 0,
  idempotencyKey: '',
};
const messages = [{ role: 'user', content: 'ping' }];
const streams = [
  ['/v1/chat/completions', { model: 'text_gen', stream: true, messages }, /"error":\{.*"code":"unauthenticated"/],
  [
    '/v1/responses',
    { model: 'text_gen', stream: true, input: 'ping' },
    /event: (error|response\.failed)\n.*no longer valid/,
  ],
  ['/v1/messages', { model: 'text_gen', max_tokens: 9, stream: true, messages }, /event: error\n.*no longer valid/],
] as const;

const ask = (path: string, key: string, body?: object): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });

test.each(streams)(
  'a stream of %s ends with an error of its dialect, and its task is cancelled',
  async (path, body, error) => {
    const [key, other] = [await keys.give('acme', 'caller'), await keys.give('acme', 'caller')];
    const script = hangs([started, delta('half')]);
    server.tasks.script = script;
    const answer = ask(path, key, body).then((response) => response.text());
    await script.begun;
    expect(server.underWay.endKeys(keys.holds)).toBe(0);
    keys.revoke(other);
    expect(server.underWay.endKeys(keys.holds)).toBe(0);
    keys.revoke(key);
    expect(server.underWay.endKeys(keys.holds)).toBe(1);
    const text = await answer;
    expect(text).toContain('half');
    expect(text).toMatch(error);
    await script.cancelled;
  },
);

test('an answer that has not begun is 401, also when the key expired', async () => {
  const key = await keys.give('acme', 'caller', { expiresUnixMs: BigInt(keys.nowMs + 1_000) });
  const script = hangs();
  server.tasks.script = script;
  const answer = ask('/v1/embeddings', key, { model: 'embedding', input: 'ping' });
  await script.begun;
  keys.nowMs += 1_000;
  expect(server.underWay.endKeys(keys.holds)).toBe(1);
  expect((await answer).status).toBe(401);
  await script.cancelled;
});

test('the events of a durable task end with an error event, and a long look at it is 401', async () => {
  const key = await keys.give('acme', 'caller');
  const looked = Promise.withResolvers<void>();
  let looks = 0;
  server.tasks.task = async () => {
    looks += 1;
    if (looks === 1) return waiting;
    if (looks === 3) looked.resolve();
    return new Promise(() => {});
  };
  const events = ask('/v1/tasks/task-1/events', key);
  const response = await events;
  const look = ask('/v1/tasks/task-1?wait_ms=25000', key);
  await looked.promise;
  keys.revoke(key);
  expect(server.underWay.endKeys(keys.holds)).toBe(2);
  expect(await response.text()).toMatch(/^event: waiting\n[\s\S]*event: error\ndata: .*"code":"unauthenticated"/);
  expect((await look).status).toBe(401);
});

test('streams of gRPC end with UNAUTHENTICATED: a task’s answer and the watch of a durable task', async () => {
  const key = await keys.give('acme', 'caller');
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  const stream = (service: Parameters<typeof grpcMethodsOf>[0], method: string, request: object) => {
    const Client = makeGenericClientConstructor(grpcMethodsOf(service) as never, 'test');
    const client = new Client(server.grpcAddress, credentials.createInsecure());
    const call = (client as unknown as Record<string, (...args: unknown[]) => NodeJS.EventEmitter>)[method]?.(
      request,
      metadata,
    );
    return new Promise<number>((resolve) => {
      call?.on('data', () => {});
      call?.on('error', (error: ServiceError) => {
        client.close();
        resolve(error.code);
      });
    });
  };
  const script = hangs([started, delta('half')]);
  server.tasks.script = script;
  const looked = Promise.withResolvers<void>();
  server.backends.queries = {
    durable: {
      get: () => {
        looked.resolve();
        return new Promise(() => {});
      },
    },
  } as unknown as Queries;
  const answer = stream(wire.TaskService, 'stream', { prompt: 'ping', task: { type: 'text_gen' } });
  const watch = stream(wire.DurableTaskService, 'watchDurableTask', { request: { taskId: 'task-1' } });
  await Promise.all([script.begun, looked.promise]);
  keys.revoke(key);
  expect(server.underWay.endKeys(keys.holds)).toBe(2);
  expect(await Promise.all([answer, watch])).toEqual([status.UNAUTHENTICATED, status.UNAUTHENTICATED]);
  await script.cancelled;
});
