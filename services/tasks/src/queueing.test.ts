import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { openRefusals, wire } from '@will/contracts';
import { compileSnapshot, type Snapshot } from '@will/core';
import type { StoredTask } from '@will/store';
import { beforeEach, expect, test } from 'vitest';
import { outcomeBytes } from './durable-task.ts';
import { Tasks } from './service.ts';
import { FakeQueue } from './testing/fake-queue.ts';
import { storedIn, useTaskStore } from './testing/task-store.ts';

const startMs = Date.UTC(2026, 0, 5);
const hourMs = 3_600_000;
const store = useTaskStore();
let clockMs = startMs;
let queue: FakeQueue;
let made = 0;

beforeEach(() => {
  clockMs = startMs;
  queue = new FakeQueue();
});

function documents(): Snapshot {
  const schedule = { name: 'night', slug: 'night', time_zone: 'UTC', from: '21:00', to: '06:00' };
  const compiled = compileSnapshot(1, [
    { kind: 'client', body: { name: 'anna', slug: 'anna' } },
    { kind: 'schedule', body: schedule },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}
const snapshots: { current: Snapshot | undefined } = { current: documents() };

const served = (to: FakeQueue): Tasks =>
  new Tasks({
    store: store(),
    queue: to,
    snapshots,
    nowMs: () => clockMs,
    refusals: openRefusals,
    noteRequeued: () => {},
  });

type Timing = Pick<MessageInitShape<typeof wire.SubmitRequestSchema>, 'notBeforeUnixMs' | 'defer'>;

/** A task of anna that was accepted and put into a queue. @returns its id. */
async function accepted(more: Timing = {}): Promise<string> {
  const taskId = `task-${(made += 1)}`;
  const task = { taskId, type: 'text_gen', priority: wire.Priority.NORMAL, deadlineUnixMs: BigInt(clockMs + hourMs) };
  await served(new FakeQueue()).submit('anna', create(wire.SubmitRequestSchema, { task, ...more }));
  return taskId;
}

/** As {@link accepted}, by a process that died before it had put the task into the queue. */
async function acceptedAndLost(more: Timing = {}): Promise<string> {
  const dying = new FakeQueue();
  dying.add = dying.addAt = () => Promise.reject(new Error('the process died'));
  const taskId = `task-${(made += 1)}`;
  const task = {
    taskId,
    type: 'text_gen',
    priority: wire.Priority.NORMAL,
    deadlineUnixMs: BigInt(clockMs + 24 * hourMs),
  };
  const submit = served(dying).submit('anna', create(wire.SubmitRequestSchema, { task, ...more }));
  await expect(submit).rejects.toThrow('the process died');
  return taskId;
}

/** Picks the task up and ends it, without a word to anybody unless it is published. */
async function end(taskId: string, isPublished: boolean): Promise<void> {
  const claim = await store().claim('anna', taskId);
  if (claim.kind !== 'claimed') throw new Error(claim.kind);
  const failure = create(wire.FailureSchema, { code: wire.FailureCode.ALL_FAILED, message: 'all failed' });
  const { fence } = claim.task;
  await store().finish({
    client: 'anna',
    taskId,
    fence,
    state: 'failed',
    result: outcomeBytes({ failure }),
    atMs: clockMs,
  });
  if (isPublished) await store().published('anna', taskId);
}

const stored = (taskId: string): Promise<StoredTask> => storedIn(store(), 'anna', taskId);

const reconcile = (): Promise<number> => served(queue).reconcile(clockMs);

test('a task whose message is under way is left alone', async () => {
  await accepted();
  expect(await served(queue).reconcile(clockMs)).toBe(0);
  expect(queue.asked).toEqual([]);
});

test('a task that was picked up and is not heard of any more gets a message that is its only one', async () => {
  const taskId = await accepted();
  await store().claim('anna', taskId);
  clockMs += 20_000;
  expect(await reconcile()).toBe(1);
  expect(queue.placed).toMatchObject([
    {
      reference: { client: 'anna', taskId, runs: 0, parkings: 1 },
      priority: 'normal',
      type: 'text_gen',
      id: `anna.${taskId}:${clockMs}`,
    },
  ]);
  // It is noted, so that it does not get another one at once.
  expect((await stored(taskId)).messagedAtMs).toBe(clockMs);
  expect(await reconcile()).toBe(0);
});

test('a task that waits behind older ones is not lost, however long; one that is older than all of the queue is', async () => {
  const taskId = await accepted();
  clockMs += 600_000;
  queue.oldestMs = startMs + 999;
  expect(await reconcile()).toBe(0);
  expect([queue.placed, (await stored(taskId)).messagedAtMs]).toEqual([[], clockMs]);
  queue.oldestMs = clockMs + 1_000;
  clockMs += 1;
  expect(await reconcile()).toBe(1);
  expect(queue.placed).toMatchObject([{ reference: { client: 'anna', taskId, parkings: 0 } }]);
});

test('a task that runs is not in the queue, whatever stands there', async () => {
  const taskId = await accepted();
  await store().claim('anna', taskId);
  clockMs += 20_000;
  queue.oldestMs = 0;
  expect(await reconcile()).toBe(1);
});

test('a task that was accepted and never put into the queue starts when it was to start', async () => {
  clockMs = startMs + 12 * hourMs;
  const notBefore = startMs + 14 * hourMs;
  const [atOnce, later, deferred] = [
    await acceptedAndLost(),
    await acceptedAndLost({ notBeforeUnixMs: BigInt(notBefore) }),
    await acceptedAndLost({ defer: 'night' }),
  ];
  clockMs += 20_000;
  expect(await reconcile()).toBe(3);
  const placeOf = (taskId: string) => queue.placed.find(({ reference }) => reference.taskId === taskId);
  expect(placeOf(atOnce)).toMatchObject({ priority: 'normal', type: 'text_gen', id: `anna.${atOnce}:${clockMs}` });
  expect(placeOf(later)?.atMs).toBe(notBefore);
  expect(placeOf(deferred)?.atMs).toBeGreaterThanOrEqual(startMs + 21 * hourMs);
  expect((await stored(later)).messagedAtMs).toBe(notBefore);
  expect(await reconcile()).toBe(0);
});

test('a task whose schedule is stated no more starts at once', async () => {
  const taskId = await acceptedAndLost({ defer: 'night' });
  clockMs += 20_000;
  snapshots.current = undefined;
  expect(await reconcile()).toBe(1);
  snapshots.current = documents();
  expect(queue.placed).toMatchObject([{ reference: { taskId }, id: `anna.${taskId}:${clockMs}` }]);
});

test('a task that is lost until its deadline ends as expired, and is not put into the queue', async () => {
  const taskId = await accepted();
  await store().claim('anna', taskId);
  clockMs += hourMs - 1;
  expect(await reconcile()).toBe(1);
  queue = new FakeQueue();
  clockMs += 1;
  expect(await served(queue).reconcile(clockMs + 1)).toBe(0);
  expect(queue.asked).toEqual([`published ${taskId}`]);
  expect(await stored(taskId)).toMatchObject({ state: 'expired', finishedAtMs: clockMs });
});

test('an end that nobody heard of is told, once', async () => {
  const taskId = await accepted();
  await end(taskId, false);
  clockMs += 20_000;
  expect(await reconcile()).toBe(0);
  expect(queue.results).toMatchObject([
    { taskId, state: wire.DurableState.FAILED, failure: { message: 'all failed' }, finishedUnixMs: BigInt(startMs) },
  ]);
  await reconcile();
  expect(queue.results).toHaveLength(1);
});

test('what ended or was put into the queue just now is nobody’s loss yet', async () => {
  await end(await accepted(), false);
  await accepted();
  clockMs += 20_000;
  expect(await served(queue).reconcile(startMs)).toBe(0);
  expect(queue.asked).toEqual([]);
  await served(queue).reconcile(clockMs);
});
