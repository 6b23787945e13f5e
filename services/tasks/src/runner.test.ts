import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { TaskError } from '@will/client';
import { wire } from '@will/contracts';
import { storesAt, type TaskStore } from '@will/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { durableTask } from './durable-task.ts';
import type { QueuedTask, TaskQueue } from './ports.ts';
import { Runner } from './runner.ts';

let folder: string;
let store: TaskStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-runner-'));
  store = await storesAt({ dataDir: folder, mongodbUri: undefined }).tasks();
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function submitted(taskId: string): Promise<void> {
  const task = create(wire.TaskSchema, { taskId, type: 'text_gen' });
  await store.insert({
    client: 'anna',
    taskId,
    idempotencyKey: taskId,
    bodyHash: taskId,
    type: 'text_gen',
    project: '',
    priority: 'normal',
    createdAtMs: Date.now(),
    deadlineMs: Date.now() + 60_000,
    body: toBinary(wire.SubmitRequestSchema, create(wire.SubmitRequestSchema, { task })),
  });
}

/** Runs one message; `claimed` is called between its pickup and its run. Resolves with what was run when it is done with. */
async function runOne(
  taskId: string,
  claimed: (clock: { ms: number }) => Promise<unknown>,
  failure?: TaskError,
): Promise<string[]> {
  const clock = { ms: 1_000 };
  const ran: string[] = [];
  const over = Promise.withResolvers<void>();
  const message: QueuedTask = {
    reference: create(wire.TaskReferenceSchema, { client: 'anna', taskId }),
    deliveries: 1,
    working() {},
    done: async () => over.resolve(),
    giveBack: () => over.resolve(),
  };
  const queued = [message];
  const queue: TaskQueue = {
    add: async () => {},
    addAt: async () => {},
    next: async (priority) =>
      (priority === 'normal' ? queued.shift() : undefined) ??
      new Promise((resolve) => setTimeout(() => resolve(undefined), 10)),
    queuedSinceMs: async () => Infinity,
    publishResult: async () => {},
    withdrawResult: async () => {},
    erase: async () => {},
    onResult: () => () => {},
  };
  const heldUp: TaskStore = {
    ...store,
    get: (client, id) => store.get(client, id),
    finish: (ending) => store.finish(ending),
    messaged: (...noted) => store.messaged(...noted),
    published: (client, id) => store.published(client, id),
    async claim(client, id) {
      const claim = await store.claim(client, id);
      await claimed(clock);
      return claim;
    },
  };
  const runner = new Runner({
    store: heldUp,
    queue,
    run: async (_client, task) => {
      ran.push(task.taskId);
      if (failure) throw failure;
      return create(wire.EndSchema, { model: 'm' });
    },
    nowMs: Date.now,
    monotonicMs: () => clock.ms,
    draw: () => 0,
    atOnce: 4,
    onError: (what, error) => over.reject(new Error(what, { cause: error })),
  });
  runner.start();
  await over.promise;
  await runner.stop(1_000);
  return ran;
}

test('a process that stood still after it picked a task up, until another one did, does not run it', async () => {
  await submitted('taken-over');
  const ran = await runOne('taken-over', async (clock) => {
    clock.ms += 20_000;
    await store.claim('anna', 'taken-over');
  });
  expect(ran).toEqual([]);
  expect(await store.get('anna', 'taken-over')).toMatchObject({ state: 'running', fence: 2 });
});

test('a process that stood still while nobody else took the task runs it', async () => {
  await submitted('still-mine');
  const ran = await runOne('still-mine', async (clock) => {
    clock.ms += 20_000;
  });
  expect(ran).toEqual(['still-mine']);
  expect(await store.get('anna', 'still-mine')).toMatchObject({ state: 'succeeded', fence: 1 });
});

test('to wait for a worker costs no pickup, and a call that failed does', async () => {
  const parked = async (taskId: string, code: 'no_worker' | 'all_failed') => {
    await submitted(taskId);
    await runOne(taskId, async () => {}, new TaskError(code, 'not now', { taskId, isRetryable: true }));
    const task = await store.get('anna', taskId);
    return task && durableTask(task, Date.now() - 60_000);
  };
  expect(await parked('unserved', 'no_worker')).toMatchObject({ state: wire.DurableState.WAITING, pickups: 0 });
  const failed = await parked('failing', 'all_failed');
  expect(failed).toMatchObject({ state: wire.DurableState.WAITING, pickups: 1, waitsFor: 'not now' });
  expect(failed?.startsUnixMs).toBeGreaterThan(0n);
});

test('a run that ends as cancelled, though nobody cancelled its task, is made again', async () => {
  await submitted('late-cancel');
  const failure = new TaskError('cancelled', 'the caller cancelled the task', { taskId: 'late-cancel' });
  await runOne('late-cancel', async () => {}, failure);
  const task = await store.get('anna', 'late-cancel');
  expect(task?.state).toBe('running');
  expect(task?.messagedAtMs).toBeGreaterThan(Date.now() - 60_000);
});
