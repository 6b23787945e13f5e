import { connectClient, type StreamPart, type TaskClient } from '@will/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  answers,
  attempt,
  breaksAfter,
  callsTool,
  exclusion,
  fails,
  hangs,
  midStreamFaults,
  started,
} from '../../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

// The client library over gRPC against the server.

let server: TestServer;
let client: TaskClient;
beforeAll(async () => {
  server = await startTestServer();
  client = await connectClient({ servers: `grpc://${server.grpcAddress}`, client: 'acme' });
});
afterAll(async () => {
  await client.close();
  await server.stop();
});
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
});

const ping = { type: 'text_gen', input: 'ping', project: 'p', priority: 'high', dataClass: 'customer' } as const;

test('everything that a request says arrives, and the whole result comes back', async () => {
  const result = await client.run({ ...ping, taskId: 'task-of-mine', maxOutputTokens: 9, timeoutMs: 5_000 });
  expect(result).toMatchObject({ taskId: 'task-of-mine', output: 'pong', model: 'llama', usage: { inputTokens: 7 } });
  expect(result.attempts).toHaveLength(2);
  const [task] = server.tasks.requests;
  const { type, project, priority, dataClass } = ping;
  expect(task).toMatchObject({ taskId: 'task-of-mine', client: 'acme', type, project, priority, dataClass });
  expect(task).toMatchObject({ maxOutputTokens: 9, inputKind: 'chat' });
  expect(task?.timeoutMs).toBeLessThanOrEqual(5_000);
  expect(JSON.parse(Buffer.from(task?.input as Uint8Array).toString())).toEqual({
    messages: [{ role: 'user', content: 'ping' }],
  });
});

test('a streamed tool call is put together', async () => {
  server.tasks.script = callsTool('weather', { city: 'Oslo' });
  const parts: StreamPart[] = [];
  for await (const part of client.stream(ping)) parts.push(part);
  const end = parts.at(-1);
  expect(end?.kind === 'end' && JSON.parse(end.result.toolCalls)).toEqual([
    { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
  ]);
});

test('a failure is the same error that the bus gives', async () => {
  server.tasks.script = fails('blocked', 'because', {
    isRetryable: true,
    retryAfterMs: 1_500,
    decisionId: 'decision-9',
    attempts: [attempt(1, 'gpt-4', 'AuthError', 'no key')],
    exclusions: [exclusion('eyes', 'task_type')],
  });
  await expect(client.run(ping)).rejects.toMatchObject({
    name: 'TaskError',
    code: 'blocked',
    message: 'because',
    isRetryable: true,
    retryAfterMs: 1_500,
    decisionId: 'decision-9',
    attempts: [{ model: 'gpt-4', status: 'AuthError' }],
    exclusions: [{ model: 'eyes', rule: 'task_type' }],
  });
});

test.each([...midStreamFaults])('a stream that ends as %s throws that, and has no end', async (code) => {
  server.tasks.script = breaksAfter('half', code, 'because');
  const kinds: string[] = [];
  const read = async (): Promise<void> => {
    for await (const part of client.stream(ping)) kinds.push(part.kind);
  };
  await expect(read()).rejects.toMatchObject({ name: 'TaskError', code, message: 'because' });
  expect(kinds).not.toContain('end');
});

test('a failure with too many lists for a trailer still has its code and reason', async () => {
  const many = Array.from({ length: 500 }, (_, n) => exclusion(`model-${n}`, 'task_type'));
  server.tasks.script = fails('blocked', 'because', { exclusions: many, decisionId: 'decision-9' });
  const failure = client.run(ping);
  await expect(failure).rejects.toMatchObject({ code: 'blocked', message: 'because', decisionId: 'decision-9' });
});

test('aborting, and leaving the loop, cancel the task', async () => {
  const aborted = hangs();
  server.tasks.script = aborted;
  const abort = new AbortController();
  const answer = client.run({ ...ping, signal: abort.signal });
  await aborted.begun;
  abort.abort();
  await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
  await aborted.cancelled;
  const left = hangs([started]);
  server.tasks.script = left;
  for await (const part of client.stream(ping)) if (part.kind === 'started') break;
  await left.cancelled;
});

test('a server that is not there is unavailable, and worth another try', async () => {
  const nowhere = await connectClient({ servers: 'grpc://127.0.0.1:9' });
  await expect(nowhere.run({ ...ping, timeoutMs: 5_000 })).rejects.toMatchObject({
    code: 'unavailable',
    isRetryable: true,
  });
  await nowhere.close();
});
