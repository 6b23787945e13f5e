import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { newId, subjects, wire } from '@will/contracts';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { connectClient, type StreamPart, type TaskClient, TaskError } from '@will/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// Durable tasks over the bus, gRPC, HTTP and the command line, on real processes.

let upstream: ReplayingUpstream;
let system: System;
let overGrpc: TaskClient;
/** A window of a minute: it opens while the tests run. */
const opensAtMs = Math.ceil((Date.now() + 15_000) / 60_000) * 60_000;
const hourOf = (ms: number): string => new Date(ms).toISOString().slice(11, 16);
const schedule = (name: string, fromMs: number, toMs: number): string =>
  `kind: schedule\nname: ${name}\nfrom: "${hourOf(fromMs)}"\nto: "${hourOf(toMs)}"\ntime_zone: UTC`;
/** Submitted at the start: three for the window, one for a later one. */
let deferredIds: string[] = [];
/** Submitted at the start; runs for longer than its message waits for an acknowledgement. */
let longId = '';

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const model = (name: string): string =>
    modelDocument({ name, tags: name, endpoint: `${upstream.url}/v1`, concurrency: 8 });
  system = await startSystem({
    callers: ['other'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        ...['plain', 'busy', 'slow', 'broken', 'long'].flatMap((name) => [model(name), routeDocument(name, name)]),
        'kind: schedule\nname: off_hours\nfrom: "00:00"\nto: "24:00"',
        schedule('soon', opensAtMs, opensAtMs + 60_000),
        schedule('hours_from_now', Date.now() + 3 * 3_600_000, Date.now() + 4 * 3_600_000),
      ),
    },
    counts: { tasks: 1, gateway: 1 },
  });
  await system.untilServed('plain', 'busy', 'slow', 'broken', 'long');
  upstream.script('long', { kind: 'answer', delayMs: 25_000 });
  longId = (await system.client.submit({ type: 'long', input: 'Hello' })).taskId;
  deferredIds = await Promise.all(
    ['soon', 'soon', 'soon', 'hours_from_now'].map(async (defer) => {
      const { taskId } = await system.client.submit({ type: 'plain', input: 'Hello', defer });
      return taskId;
    }),
  );
  overGrpc = await connectClient({ servers: `grpc://${system.grpcAddress}`, client: 'test' });
});
afterAll(async () => {
  await overGrpc?.close();
  await system?.stop();
  await upstream.close();
});

test('a submitted task is accepted, done, and its result is kept', async () => {
  const { client } = system;
  const { taskId, state, priority } = await client.submit({ type: 'plain', input: 'Hello' });
  expect([state, priority]).toEqual(['waiting', 'background']);
  const result = await client.result(taskId, { timeoutMs: 20_000 });
  expect(result).toMatchObject({ taskId, model: 'plain', outcome: 'Success' });
  expect(await client.result(taskId)).toEqual(result);
  expect(await client.task(taskId)).toMatchObject({ state: 'succeeded', pickups: 1, type: 'plain' });
  expect((await client.tasks({ state: 'succeeded' })).map((task) => task.taskId)).toContain(taskId);
  expect(await callsOf(system, { taskId }, 1)).toHaveLength(1);
});

test('a reflex without a document is told in the result, by the bus, by gRPC and in the decision', async () => {
  const notices = ['no reflex has the slug, name or alias "nope"; it is ignored'];
  const noted = { type: 'plain', input: 'Hello', reflex: 'nope' };
  const { taskId } = await system.client.submit(noted);
  const result = await system.client.result(taskId, { timeoutMs: 20_000 });
  expect(result.notices).toEqual(notices);
  expect((await overGrpc.result(taskId)).notices).toEqual(notices);
  expect((await overGrpc.run(noted)).notices).toEqual(notices);
  const parts: StreamPart[] = [];
  for await (const part of overGrpc.stream(noted)) parts.push(part);
  expect([parts.at(0), parts.at(-1)]).toMatchObject([{ notices }, { result: { notices } }]);
  const told = async (): Promise<string> => (await willmAt(system.nats.url)('decision', result.decisionId)).out;
  await expect.poll(told).toContain(`notice: ${notices[0]}\n`);
});

test('the same over gRPC', async () => {
  const { taskId } = await overGrpc.submit({ type: 'plain', input: 'Hello', priority: 'high' });
  expect((await overGrpc.result(taskId, { timeoutMs: 20_000 })).output).toContain('fox');
  expect((await overGrpc.task(taskId)).priority).toBe('high');
  expect((await overGrpc.cancelTask(taskId)).state).toBe('succeeded');
  await expect(overGrpc.task('unknown-task')).rejects.toMatchObject({
    code: 'unknown_task',
    message: 'task "unknown-task" is not known of client test',
  });
});

test('the same by HTTP, with the key in its usual header', async () => {
  const headers = { 'content-type': 'application/json', 'x-will-client': 'test', 'idempotency-key': newId() };
  const submit = () =>
    fetch(`${system.httpUrl}/v1/tasks`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ type: 'plain', input: 'Hello' }),
    });
  const accepted = await submit();
  const { task_id: taskId } = (await accepted.json()) as { task_id: string };
  const again = await submit();
  expect([accepted.status, again.status, ((await again.json()) as { task_id: string }).task_id]).toEqual([
    202,
    200,
    taskId,
  ]);
  const ended = await fetch(`${system.httpUrl}/v1/tasks/${taskId}?wait_ms=10000`, { headers });
  expect(await ended.json()).toMatchObject({ state: 'succeeded', result: { model: 'plain', task_id: taskId } });
  const listed = (await (await fetch(`${system.httpUrl}/v1/tasks?state=succeeded`, { headers })).json()) as {
    data: object[];
  };
  expect(listed.data).toContainEqual(expect.objectContaining({ task_id: taskId }));
  const wrong = await fetch(`${system.httpUrl}/v1/tasks/${taskId}?wait_ms=never`, { headers });
  expect(wrong.status).toBe(400);
  const cancelled = await fetch(`${system.httpUrl}/v1/tasks/${taskId}`, { method: 'DELETE', headers });
  expect(await cancelled.json()).toMatchObject({ state: 'succeeded' });
});

test('the events of a task by HTTP: as it is, each change, and its end, at which the stream ends', async () => {
  upstream.script('slow', { kind: 'answer', delayMs: 1_500 }, { kind: 'answer' });
  const { taskId } = await system.client.submit({ type: 'slow', input: 'Hello', priority: 'high' });
  const events = (id: string) =>
    fetch(`${system.httpUrl}/v1/tasks/${id}/events`, { headers: { 'x-will-client': 'test' } });
  const stream = await events(taskId);
  expect(stream.headers.get('content-type')).toContain('text/event-stream');
  const text = await stream.text();
  const names = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
  expect(names.at(-1)).toBe('succeeded');
  expect(names).toContain('running');
  const last = JSON.parse(text.trim().split('\n').at(-1)?.replace('data: ', '') ?? '') as object;
  expect(last).toMatchObject({ task_id: taskId, state: 'succeeded', result: { model: 'slow' } });
  expect((await (await events(taskId)).text()).match(/^event: /gm)).toHaveLength(1);
  expect((await events('unknown')).status).toBe(404);
});

test.each(['the bus', 'gRPC'])('the events of a task by %s', async (way) => {
  upstream.script('slow', { kind: 'answer', delayMs: 2_500 }, { kind: 'answer' });
  const client = way === 'gRPC' ? overGrpc : system.client;
  const { taskId } = await client.submit({ type: 'slow', input: 'Hello', priority: 'high' });
  const states: string[] = [];
  for await (const { state, result } of client.events(taskId))
    states.push(result ? `${state} by ${result.model}` : state);
  expect(states.slice(-2)).toEqual(['running', 'succeeded by slow']);
  await expect(client.events('unknown')[Symbol.asyncIterator]().next()).rejects.toThrow('is not known of client test');
  await expect(
    client.events(taskId, { signal: AbortSignal.abort() })[Symbol.asyncIterator]().next(),
  ).rejects.toMatchObject({ code: 'cancelled' });
});

test('a task watched over gRPC, by its definition alone', async () => {
  upstream.script('slow', { kind: 'answer', delayMs: 2_500 }, { kind: 'answer' });
  const { taskId } = await overGrpc.submit({ type: 'slow', input: 'Hello', priority: 'high' });
  const seen = await watched(taskId);
  expect(seen.at(-1)?.task).toMatchObject({ state: wire.DurableState.SUCCEEDED, taskId });
  expect(seen.map(({ task }) => task?.state)).toContain(wire.DurableState.RUNNING);
  expect((await watched('unknown')).map(({ failure }) => failure?.code)).toEqual([wire.FailureCode.UNKNOWN_TASK]);
});

test('the same on the command line', async () => {
  const willm = willmAt(system.nats.url);
  const { out } = await willm('submit', 'plain', 'Hello', '--client', 'test');
  const taskId = out.trim();
  expect((await willm('tasks', 'wait', taskId, '--client', 'test')).out).toContain('fox');
  upstream.script('slow', { kind: 'answer', delayMs: 4_000 }, { kind: 'answer' });
  const slow = await system.client.submit({ type: 'slow', input: 'Hello', priority: 'high' });
  const waited = await willm('tasks', 'wait', slow.taskId, '--client', 'test');
  expect([waited.code, waited.err, waited.out]).toEqual([
    0,
    expect.stringContaining('running\n'),
    expect.stringContaining('fox'),
  ]);
  expect((await willm('tasks', 'get', taskId, '--client', 'test')).out).toContain('succeeded');
  expect((await willm('tasks', 'ls', '--client', 'test')).out).toContain(taskId);
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const later = (await willm('submit', 'plain', 'Hello', '--client', 'test', '--not-before', inAnHour)).out.trim();
  const { out: waiting } = await willm('tasks', 'ls', '--client', 'test', '--state', 'waiting');
  expect([waiting.includes(later), waiting.includes(taskId), waiting.includes('STARTS')]).toEqual([true, false, true]);
  expect((await willm('tasks', 'cancel', later, '--client', 'test')).code).toBe(0);
  const unknown = await willm('tasks', 'get', 'no-such-task', '--client', 'test');
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('is not known of client test')]);
});

test('submitting again is the same task; another one under the same key is refused', async () => {
  const { client } = system;
  const idempotencyKey = newId();
  const first = await client.submit({ type: 'plain', input: 'Hello', idempotencyKey });
  const again = await client.submit({ type: 'plain', input: 'Hello', idempotencyKey });
  expect([first.isRepeated, again.isRepeated, again.taskId]).toEqual([false, true, first.taskId]);
  const other = await client.submit({ type: 'plain', input: 'Bye', idempotencyKey }).catch((error: unknown) => error);
  expect(other).toMatchObject({ code: 'invalid_task', message: expect.stringContaining('belongs to another task') });
  const elsewhere = await client.submit({ client: 'other', type: 'plain', input: 'Bye', idempotencyKey });
  expect(elsewhere.taskId).not.toBe(first.taskId);
  await expect(client.task(elsewhere.taskId)).rejects.toThrow('not known of client test');
  // Ids are each client's own as well: neither swallows the other's task.
  const sameId = await client.submit({ client: 'other', type: 'plain', input: 'Bye', taskId: first.taskId });
  await client.result(sameId.taskId, { client: 'other', timeoutMs: 20_000 });
  await client.result(first.taskId, { timeoutMs: 20_000 });
});

test('a task that finds no place is parked and not failed, and does not hold up others', async () => {
  const { client } = system;
  upstream.script('busy', { kind: 'status', status: 429, headers: { 'retry-after-ms': '1500' } }, { kind: 'answer' });
  const parked = await client.submit({ type: 'busy', input: 'Hello' });
  const next = await client.submit({ type: 'plain', input: 'Hello' });
  await client.result(next.taskId, { timeoutMs: 10_000 });
  expect((await client.result(parked.taskId, { timeoutMs: 20_000 })).model).toBe('busy');
});

test('a second message for a task that runs does not have it run twice', async () => {
  upstream.script('slow', { kind: 'answer', delayMs: 1_000 }, { kind: 'answer' });
  const before = upstream.countOf('slow');
  const called = upstream.nextRequest('slow');
  const { taskId } = await system.client.submit({ type: 'slow', input: 'Hello', priority: 'high' });
  await called;
  const reference = create(wire.TaskReferenceSchema, { client: 'test', taskId });
  system.bus.publish(subjects.taskQueue('high', 'test', 'slow'), toBinary(wire.TaskReferenceSchema, reference));
  await system.client.result(taskId, { timeoutMs: 20_000 });
  expect((await system.client.task(taskId)).pickups).toBe(1);
  expect(upstream.countOf('slow') - before).toBe(1);
});

test('a cancelled task ends at once, and its call is given up', async () => {
  const { client } = system;
  upstream.script('slow', { kind: 'answer', delayMs: 30_000 });
  const called = upstream.nextRequest('slow');
  const { taskId } = await client.submit({ type: 'slow', input: 'Hello', priority: 'high' });
  const { over } = await called;
  expect((await client.cancelTask(taskId)).state).toBe('cancelled');
  expect(await over).toBe('aborted');
  const failure = await client.result(taskId).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'cancelled' });
});

test('a task that fails again and again becomes a dead letter, with why, and is done once it is requeued', async () => {
  const { client } = system;
  upstream.script('broken', { kind: 'status', status: 404 });
  const { taskId } = await client.submit({ type: 'broken', input: 'Hello', priority: 'high', timeoutMs: 60_000 });
  const failure = await client.result(taskId, { timeoutMs: 50_000 }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TaskError);
  const dead = await client.task(taskId);
  expect([dead.state, dead.pickups]).toEqual(['failed', 5]);
  expect(dead.deadReason).toContain('each of 5 runs failed');

  const willm = willmAt(system.nats.url);
  const listed = await willm('tasks', 'ls', '--dead', '--client', 'test');
  expect(listed.out).toMatch(new RegExp(`^${taskId} .*each of 5 runs failed`, 'm'));
  expect((await overGrpc.tasks({ dead: true })).map((task) => task.taskId)).toContain(taskId);
  expect(await client.tasks({ client: 'other', dead: true })).toEqual([]);

  const { taskId: done } = await client.submit({ type: 'plain', input: 'Hello' });
  await client.result(done, { timeoutMs: 20_000 });
  await expect(client.requeueTask(done)).rejects.toMatchObject({
    code: 'invalid_task',
    message: expect.stringContaining('is succeeded and no dead letter'),
  });
  const heard: string[] = [];
  const ends = system.bus.listen(subjects.taskResult('test', taskId), ({ subject }) => heard.push(subject));
  await system.bus.connection.flush();
  upstream.script('broken', { kind: 'answer' });
  const headers = { 'x-will-client': 'test' };
  const requeued = await fetch(`${system.httpUrl}/v1/tasks/${taskId}/requeue`, { method: 'POST', headers });
  expect([requeued.status, await requeued.json()]).toEqual([200, expect.objectContaining({ task_id: taskId })]);
  expect((await client.result(taskId, { timeoutMs: 30_000 })).model).toBe('broken');
  expect(await client.task(taskId)).toMatchObject({ state: 'succeeded', pickups: 6, idempotencyKey: taskId });
  expect(await client.tasks({ dead: true })).toEqual([]);
  await expect.poll(() => heard).toHaveLength(1);
  ends.unsubscribe();
  const again = await client.submit({ type: 'broken', input: 'Hello', priority: 'high', taskId });
  expect([again.isRepeated, again.state]).toEqual([true, 'succeeded']);
  await expect.poll(async () => (await willm('audit', 'ls', '--json')).out).toContain('task.requeued');
});

test('a task starts not before its time, and inside its schedule; a deadline ends what could not start', async () => {
  const { client } = system;
  const notBeforeUnixMs = Date.now() + 1_200;
  const later = await client.submit({ type: 'plain', input: 'Hello', notBeforeUnixMs });
  const deferred = await client.submit({ type: 'plain', input: 'Hello', defer: 'off_hours' });
  await client.result(deferred.taskId, { timeoutMs: 10_000 });
  expect((await client.task(later.taskId)).state).toBe('waiting');
  await client.result(later.taskId, { timeoutMs: 10_000 });
  const [call] = await callsOf(system, { taskId: later.taskId }, 1);
  expect(Number(call?.startedUnixMs)).toBeGreaterThanOrEqual(notBeforeUnixMs);
  const bad = await client
    .submit({ type: 'plain', input: 'Hello', defer: 'sometime' })
    .catch((error: unknown) => error);
  expect((bad as Error).message).toContain(
    'defer "sometime" must be cheapest or name a schedule: hours_from_now, off_hours, soon',
  );
});

test('what is submitted wrongly is refused with the value and what was allowed, and nothing is stored', async () => {
  const { client } = system;
  const refusals = await Promise.all(
    [
      { type: 'No Slug', input: 'Hello' },
      { type: 'plain', input: 'Hello', timeoutMs: -5 },
      { type: 'plain', input: 'Hello', timeoutMs: 1_000, notBeforeUnixMs: Date.now() + 5_000 },
      { type: 'plain', input: 'Hello', taskId: 'with spaces' },
    ].map((wrong) => client.submit(wrong).catch((error: unknown) => error)),
  );
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'invalid_task' });
});

test('deferred tasks run inside their window, but for one whose deadline comes first', async () => {
  const { client } = system;
  // It starts as long before its deadline as two tries may take.
  const due = { type: 'plain', input: 'Hello', defer: 'hours_from_now', timeoutMs: 5 * 60_000 + 500 } as const;
  const early = await client.submit(due);
  await client.result(early.taskId, { timeoutMs: 20_000 });
  const inWindow = deferredIds.slice(0, 3);
  const startsMs = await Promise.all(
    inWindow.map(async (taskId) => {
      await client.result(taskId, { timeoutMs: 100_000 });
      const [call] = await callsOf(system, { taskId }, 1);
      return Number(call?.startedUnixMs);
    }),
  );
  for (const startMs of startsMs) {
    expect(startMs).toBeGreaterThanOrEqual(opensAtMs);
    expect(startMs).toBeLessThan(opensAtMs + 60_000);
  }
  expect((await client.task(deferredIds[3] as string)).state).toBe('waiting');
});

/** What a plain gRPC client is told of a task, until the stream ends. */
async function watched(taskId: string): Promise<wire.GetTaskResponse[]> {
  const client = new Client(system.grpcAddress, credentials.createInsecure());
  const stream = client.makeServerStreamRequest(
    '/will.v1.DurableTaskService/WatchDurableTask',
    (request: wire.WatchDurableTaskRequest) => Buffer.from(toBinary(wire.WatchDurableTaskRequestSchema, request)),
    (bytes) => fromBinary(wire.WatchDurableTaskResponseSchema, bytes),
    create(wire.WatchDurableTaskRequestSchema, { client: 'test', request: { taskId } }),
  );
  const told: wire.GetTaskResponse[] = [];
  for await (const { response } of stream as AsyncIterable<wire.WatchDurableTaskResponse>)
    if (response) told.push(response);
  client.close();
  return told;
}

test('a task that runs for longer than its message waits is called once', async () => {
  await system.client.result(longId, { timeoutMs: 60_000 });
  expect(await system.client.task(longId)).toMatchObject({ state: 'succeeded', pickups: 1 });
  expect(upstream.countOf('long')).toBe(1);
});
