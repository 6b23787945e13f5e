import { failureOf, TaskError, type TaskErrorCode } from '@will/client';
import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { afterEach, expect, test, vi } from 'vitest';
import type { RunnerDeps } from './runner.ts';
import { FakeQueue } from './testing/fake-queue.ts';
import { hourMs, startMs, useRunner } from './testing/running.ts';

const { store, submitted, running, stored, told, endElsewhere } = useRunner();
afterEach(() => void vi.useRealTimers());

const failing =
  (code: TaskErrorCode, more: { isRetryable?: boolean; retryAfterMs?: number } = {}): RunnerDeps['run'] =>
  async (_client, { taskId }) => {
    throw new TaskError(code, 'not now', { taskId, ...more });
  };

test('a task is run for its client with what is left of its time, and its end is stored, published and acknowledged', async () => {
  const taskId = await submitted({ deadlineMs: startMs + 90_000 });
  const { queue, ran, errors } = running();
  expect(await queue.hand('normal', { client: 'anna', taskId }).over).toBe('done');
  expect(ran).toMatchObject([
    ['anna', { taskId, type: 'text_gen' }, { timeoutMs: 90_000, traceparent: 'the trace of the submit' }],
  ]);
  expect(await told(taskId)).toMatchObject({
    state: wire.DurableState.SUCCEEDED,
    end: { model: 'm' },
    finishedUnixMs: BigInt(startMs),
    deadReason: '',
  });
  expect(queue.results).toMatchObject([{ taskId, state: wire.DurableState.SUCCEEDED, end: { model: 'm' } }]);
  expect(await store().unpublished(startMs + 1, 10)).toEqual([]);
  expect(errors).toEqual([]);
});

test('no run is given more than an hour, however far its deadline is', async () => {
  const taskId = await submitted({ deadlineMs: startMs + 30 * hourMs });
  const { queue, ran } = running();
  await queue.hand('normal', { client: 'anna', taskId }).over;
  expect(ran[0]?.[2].timeoutMs).toBe(hourMs);
});

test.each(['high', 'normal', 'background'] as const)(
  'tasks of %s priority are taken out of the queue',
  async (priority) => {
    const taskId = await submitted();
    const { queue, ran } = running();
    await queue.hand(priority, { client: 'anna', taskId }).over;
    expect(ran).toHaveLength(1);
  },
);

test('a message of a task that nobody knows is thrown away', async () => {
  const { queue, ran, errors } = running();
  expect(await queue.hand('normal', { client: 'anna', taskId: 'unheard-of' }).over).toBe('done');
  expect([ran, queue.results, errors]).toEqual([[], [], []]);
});

test('a message of a task that has ended has its end told once more, and nothing is run', async () => {
  const taskId = await submitted();
  await endElsewhere(taskId);
  const { queue, ran } = running();
  expect(await queue.hand('normal', { client: 'anna', taskId }).over).toBe('done');
  expect(ran).toEqual([]);
  expect(queue.results).toMatchObject([{ taskId, state: wire.DurableState.CANCELLED }]);
});

test('a task whose deadline has come is not run and ends as expired', async () => {
  const taskId = await submitted({ deadlineMs: startMs });
  const { queue, ran } = running();
  expect(await queue.hand('normal', { client: 'anna', taskId }).over).toBe('done');
  expect(ran).toEqual([]);
  const end = {
    state: wire.DurableState.EXPIRED,
    failure: { code: wire.FailureCode.DEADLINE, message: 'the deadline passed before it could be done' },
    deadReason: '',
  };
  expect(await told(taskId)).toMatchObject(end);
  expect(queue.results).toMatchObject([end]);
});

test.each([
  { runs: 5, deliveries: 1 },
  { runs: 0, deliveries: 6 },
  { runs: 2, deliveries: 4 },
])('after five runs whose end nobody saw a task is given up: %j', async ({ runs, deliveries }) => {
  const taskId = await submitted();
  const { queue, ran } = running();
  expect(await queue.hand('normal', { client: 'anna', taskId, runs }, deliveries).over).toBe('done');
  expect(ran).toEqual([]);
  expect(await told(taskId)).toMatchObject({
    state: wire.DurableState.FAILED,
    deadReason: 'of 5 runs nobody saw the end',
    failure: { code: wire.FailureCode.ALL_FAILED, message: 'given up: of 5 runs nobody saw the end' },
  });
});

test.each([
  { runs: 4, deliveries: 1 },
  { runs: 0, deliveries: 5 },
])('after four such runs it is run once more: %j', async ({ runs, deliveries }) => {
  const taskId = await submitted();
  const { queue, ran } = running();
  await queue.hand('normal', { client: 'anna', taskId, runs }, deliveries).over;
  expect(ran).toHaveLength(1);
});

/** What became of a task whose run failed: its state, and the new place in the queue if it got one. */
async function afterFailure(
  run: RunnerDeps['run'],
  reference: object = {},
  over: Partial<Omit<RunnerDeps, 'queue'>> = {},
  leftMs = hourMs,
) {
  const taskId = await submitted({ deadlineMs: startMs + leftMs });
  const { queue } = running({ ...over, run });
  const message = await queue.hand('normal', { client: 'anna', taskId, ...reference }).over;
  return { message, task: await stored(taskId), told: await told(taskId), queue, again: queue.placed[0] };
}

test('a run that failed in a way that may pass is put into the queue again, for later', async () => {
  const { message, task, again, queue } = await afterFailure(failing('all_failed', { isRetryable: true }));
  expect(message).toBe('done');
  expect(task).toMatchObject({ state: 'running', waitsFor: 'not now', idlePickups: 0, messagedAtMs: startMs + 250 });
  expect(again).toMatchObject({
    reference: { client: 'anna', runs: 1, parkings: 1, second: false },
    priority: 'normal',
    type: 'text_gen',
    atMs: startMs + 250,
  });
  expect(queue.results).toEqual([]);
});

test.each(['unavailable', 'all_failed'] as const)(
  'a run that failed (%s) after another process took its task puts nothing into the queue, where it would end that one’s run',
  async (code) => {
    const { message, task, again } = await afterFailure(async (client, { taskId }) => {
      await store().claim(client, taskId);
      throw new TaskError(code, 'not now', { taskId, isRetryable: true });
    });
    expect([message, again]).toEqual(['done', undefined]);
    expect([task.state, task.waitsFor === 'not now']).toEqual(['running', false]);
  },
);

test.each(['overloaded', 'unavailable', 'no_worker'] as const)(
  'a run that came to no provider (%s) does not count, as often as that happens',
  async (code) => {
    const { task, again } = await afterFailure(failing(code, { isRetryable: true }), { runs: 4, parkings: 30 });
    expect(again?.reference).toMatchObject({ runs: 4, parkings: 31 });
    expect(task).toMatchObject({ state: 'running', idlePickups: 1 });
  },
);

test('the fifth run that fails is the last: the task is a dead letter that says how it failed', async () => {
  const failed = failing('all_failed', { isRetryable: true });
  expect((await afterFailure(failed, { runs: 3 })).again?.reference.runs).toBe(4);
  const { told, again, message, queue } = await afterFailure(failed, { runs: 4 });
  expect([message, again]).toEqual(['done', undefined]);
  expect(told).toMatchObject({
    state: wire.DurableState.FAILED,
    deadReason: 'each of 5 runs failed, the last with all_failed: not now',
    failure: { code: wire.FailureCode.ALL_FAILED, message: 'not now', retryable: true },
  });
  expect(queue.results).toHaveLength(1);
});

test('a run that failed for good ends its task at once, and it is no dead letter', async () => {
  const { told, again } = await afterFailure(failing('blocked'));
  expect(again).toBeUndefined();
  expect(told).toMatchObject({
    state: wire.DurableState.FAILED,
    deadReason: '',
    failure: { code: wire.FailureCode.BLOCKED, message: 'not now' },
  });
});

test('a run that ends as cancelled, though nobody cancelled its task, is made again', async () => {
  const { task, again } = await afterFailure(failing('cancelled'));
  expect(task.state).toBe('running');
  expect(again?.reference.runs).toBe(1);
});

test.each([
  // A first pause of half a second, by chance shorter or longer, that doubles up to a minute.
  { parkings: 0, drawn: 0, afterMs: 250 },
  { parkings: 0, drawn: 1, afterMs: 500 },
  { parkings: 0, drawn: 0.001, afterMs: 251 },
  { parkings: 1, drawn: 1, afterMs: 1_000 },
  { parkings: 6, drawn: 1, afterMs: 32_000 },
  { parkings: 7, drawn: 1, afterMs: 60_000 },
  { parkings: 5_000, drawn: 1, afterMs: 60_000 },
  { parkings: 5_000, drawn: 0, afterMs: 30_000 },
  // Where the vendor says how long, that counts, up to five minutes.
  { parkings: 0, drawn: 1, retryAfterMs: 400, afterMs: 500 },
  { parkings: 0, drawn: 0, retryAfterMs: 400, afterMs: 400 },
  { parkings: 0, drawn: 0, retryAfterMs: 299_000, afterMs: 299_000 },
  { parkings: 0, drawn: 0, retryAfterMs: 900_000, afterMs: 300_000 },
  // Never past its deadline, where it ends as expired.
  { parkings: 0, drawn: 0, retryAfterMs: 10_000, leftMs: 5_000, afterMs: 5_000 },
])('the pause before the next run: %j', async ({ parkings, drawn, retryAfterMs = 0, leftMs = hourMs, afterMs }) => {
  const run = failing('all_failed', { isRetryable: true, retryAfterMs });
  const { again } = await afterFailure(run, { parkings }, { draw: () => drawn }, leftMs);
  expect(again?.atMs).toBe(startMs + afterMs);
});

test('a run that failed by its deadline is expired only where the deadline of the task has come', async () => {
  const taskId = await submitted({ deadlineMs: startMs + 1_000 });
  const { queue, clock } = running({
    run: async () => {
      clock.ms += 1_000;
      throw new TaskError('deadline', 'too late', { taskId });
    },
  });
  await queue.hand('normal', { client: 'anna', taskId }).over;
  expect(await told(taskId)).toMatchObject({
    state: wire.DurableState.EXPIRED,
    failure: { code: wire.FailureCode.DEADLINE, message: 'too late' },
  });
  expect((await afterFailure(failing('deadline'))).told.state).toBe(wire.DurableState.FAILED);
  expect((await afterFailure(failing('blocked'), {}, {}, 1)).told.state).toBe(wire.DurableState.FAILED);
});

test('what throws on the way leaves the message to be given out again, is reported, and frees the place', async () => {
  const [broken, next] = [await submitted(), await submitted()];
  const { queue, errors, ran } = running({
    atOnce: 3,
    run: async (_client, { taskId }) => {
      if (taskId === broken) throw new Error('a bug');
      return create(wire.EndSchema);
    },
  });
  const left = queue.hand('high', { client: 'anna', taskId: broken });
  await queue.hand('high', { client: 'anna', taskId: next }).over;
  expect(await Promise.race([left.over, 'left'])).toBe('left');
  expect(errors).toEqual(['a durable task: a bug']);
  expect(ran).toHaveLength(2);
});

test('a queue that fails is asked again after a while', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const taskId = await submitted();
  const failing = new FakeQueue();
  failing.failure = new Error('not connected to NATS');
  const { errors, ran, queue } = running({ queue: failing });
  const { over } = queue.hand('high', { client: 'anna', taskId });
  await new Promise(setImmediate);
  vi.advanceTimersByTime(249);
  await new Promise(setImmediate);
  expect([errors, ran]).toEqual([['the queue of tasks: not connected to NATS'], []]);
  vi.advanceTimersByTime(1);
  await over;
  expect(ran).toHaveLength(1);
});

test('the failure of a run reaches the caller as it was, with what the attempts came to', async () => {
  const taskId = await submitted();
  const error = new TaskError('blocked', 'a rule', { taskId, decisionId: 'd' });
  const { queue } = running({ run: () => Promise.reject(error) });
  await queue.hand('normal', { client: 'anna', taskId }).over;
  expect((await told(taskId)).failure).toEqual(failureOf(error));
});
