import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { openRefusals, wire } from '@will/contracts';
import { compileSnapshot, type DataRules, type Snapshot } from '@will/core';
import { storesAt, type TaskStore } from '@will/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { outcomeBytes } from './durable-task.ts';
import type { TaskQueue } from './ports.ts';
import { Tasks } from './service.ts';
import { submittedTask } from './submission.ts';

const hour = 3_600_000;
const startMs = Date.UTC(2026, 0, 5);
let folder: string;
let store: TaskStore;
let nowMs = startMs;

/** The documents of a client with these rules, and of two without any. */
function documents(rules: DataRules = {}): Snapshot {
  const body = { name: 'anna', slug: 'anna', data_rules: rules };
  const others = ['erased', 'stays'].map((name) => ({ kind: 'client', body: { name, slug: name } }) as const);
  const projects = ['site', 'shop'].map(
    (name) => ({ kind: 'project', body: { name, slug: name, client: 'anna' } }) as const,
  );
  const compiled = compileSnapshot(1, [{ kind: 'client', body }, ...others, ...projects]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-tasks-'));
  store = await storesAt({ dataDir: folder, mongodbUri: undefined }).tasks();
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** What was put into the queue and taken back out of the results, in order. */
function recordedQueue(): { queue: TaskQueue; done: string[] } {
  const done: string[] = [];
  const queue: TaskQueue = {
    add: async ({ taskId }) => void done.push(`queued ${taskId}`),
    addAt: async () => {},
    next: async () => undefined,
    queuedSinceMs: async () => Infinity,
    publishResult: async () => {},
    withdrawResult: async (_client, taskId) => void done.push(`withdrawn ${taskId}`),
    erase: async (client) => void done.push(`erased ${client}`),
    onResult: () => () => {},
  };
  return { queue, done };
}

test('a dead letter is requeued while what it asked is kept, with as long as it had at first; after a day its content is forgotten, after a month all of it', async () => {
  nowMs = startMs;
  const { queue, done } = recordedQueue();
  const notes: string[] = [];
  const tasks = new Tasks({
    store,
    queue,
    snapshots: { current: documents() },
    nowMs: () => nowMs,
    refusals: openRefusals,
    noteRequeued: (client, taskId, why) => notes.push(`${client} ${taskId}: ${why}`),
  });
  const task = { taskId: 'one', type: 'text_gen', deadlineUnixMs: BigInt(startMs + 2 * hour) };
  await tasks.submit('anna', create(wire.SubmitRequestSchema, { task }));
  const die = async (): Promise<void> => {
    const claim = await store.claim('anna', 'one');
    if (claim.kind !== 'claimed') throw new Error(claim.kind);
    const failure = create(wire.FailureSchema, { code: wire.FailureCode.ALL_FAILED, message: 'all failed' });
    const ending = { client: 'anna', taskId: 'one', fence: claim.task.fence, result: outcomeBytes({ failure }) };
    await store.finish({ ...ending, state: 'failed', deadReason: 'each run failed', atMs: nowMs });
  };
  await die();
  expect(await tasks.list({ client: 'anna' }, { dead: true }, 10)).toMatchObject([{ deadReason: 'each run failed' }]);
  expect(await tasks.list({ client: 'bert' }, { dead: true }, 10)).toEqual([]);

  nowMs += 20 * hour;
  const requeued = await tasks.requeue({ client: 'anna' }, 'one');
  expect(requeued).toMatchObject({ state: wire.DurableState.WAITING, deadReason: '', pickups: 1 });
  expect(Number(requeued.deadlineUnixMs)).toBe(nowMs + 2 * hour);
  await tasks.requeue({ client: 'anna' }, 'one');
  expect(done).toEqual(['queued one', 'withdrawn one', 'queued one']);
  expect(notes).toEqual(['anna one: each run failed']);
  await expect(tasks.requeue({ client: 'bert' }, 'one')).rejects.toThrow('is not known of client bert');

  await die();
  nowMs += 23 * hour;
  await tasks.forget();
  expect((await tasks.get({ client: 'anna' }, 'one')).failure?.message).toBe('all failed');
  nowMs += 2 * hour;
  await tasks.forget();
  expect(await store.get('anna', 'one')).toMatchObject({ state: 'failed', body: new Uint8Array(), result: undefined });
  await expect(tasks.requeue({ client: 'anna' }, 'one')).rejects.toThrow(
    'task "one" cannot be requeued: what it asked was kept for 24 hours after its end',
  );
  nowMs += 31 * 24 * hour;
  await tasks.forget();
  expect(await store.get('anna', 'one')).toBeUndefined();
});

test('a task keeps the rules on data that held when it was accepted, and a repeat after a change is the same task', async () => {
  const { queue } = recordedQueue();
  const snapshots = { current: documents({ avoid_cloud: true, data_residency: 'EU' }) as Snapshot | undefined };
  const tasks = new Tasks({
    store,
    queue,
    snapshots,
    nowMs: () => nowMs,
    refusals: openRefusals,
    noteRequeued: () => {},
  });
  const floor = create(wire.RequirementSchema, { compliantOnly: true });
  const request = create(wire.SubmitRequestSchema, {
    task: { taskId: 'kept', type: 'text_gen', deadlineUnixMs: BigInt(nowMs + hour), floor },
    idempotencyKey: 'kept-once',
  });
  await tasks.submit('anna', request);
  snapshots.current = documents();
  expect((await tasks.submit('anna', request)).repeated).toBe(true);
  const stored = await store.get('anna', 'kept');
  if (!stored) throw new Error('the task was not stored');
  expect(submittedTask(stored).floor).toMatchObject({
    dataClass: wire.DataClass.CUSTOMER_SENSITIVE,
    avoidCloud: true,
    compliantOnly: true,
    residencies: ['EU'],
  });
});

test('a task of another project is not known, whichever key of the client asks, and stays as it is', async () => {
  const { queue } = recordedQueue();
  const tasks = new Tasks({
    store,
    queue,
    snapshots: { current: documents() },
    nowMs: () => nowMs,
    refusals: openRefusals,
    noteRequeued: () => {},
  });
  const submit = (taskId: string, project: string) =>
    tasks.submit('anna', create(wire.SubmitRequestSchema, { task: { taskId, type: 'text_gen', project } }));
  await submit('of-site', 'SITE');
  await submit('of-shop', 'shop');
  await submit('of-none', '');
  // The same name for another task says whose it is only within its project.
  const again = (project: string) =>
    tasks
      .submit(
        'anna',
        create(wire.SubmitRequestSchema, {
          task: { taskId: 'new', type: 'code', project },
          idempotencyKey: 'of-site',
        }),
      )
      .catch((error: Error) => error.message);
  expect(await again('site')).toMatch(/belongs to another task, /);
  expect(await again('shop')).toMatch(/belongs to another task$/);
  const site = { client: 'anna', projects: ['site'] };
  expect((await tasks.list(site, {}, 10)).map(({ taskId, project }) => [taskId, project])).toEqual([
    ['of-site', 'site'],
  ]);
  for (const taskId of ['of-shop', 'of-none'])
    for (const ask of [
      () => tasks.get(site, taskId),
      () => tasks.cancel(site, taskId),
      () => tasks.requeue(site, taskId),
    ])
      await expect(ask()).rejects.toThrow(`task "${taskId}" is not known`);
  expect((await tasks.get({ client: 'anna' }, 'of-shop')).state).toBe(wire.DurableState.WAITING);
  expect((await tasks.cancel(site, 'of-site')).state).toBe(wire.DurableState.CANCELLED);
  expect((await tasks.cancel({ client: 'anna' }, 'of-none')).state).toBe(wire.DurableState.CANCELLED);
});

test('no task is accepted before its rules are known', async () => {
  const { queue, done } = recordedQueue();
  const snapshots = { current: undefined };
  const tasks = new Tasks({
    store,
    queue,
    snapshots,
    nowMs: () => nowMs,
    refusals: openRefusals,
    noteRequeued: () => {},
  });
  const task = { taskId: 'early', type: 'text_gen', deadlineUnixMs: BigInt(nowMs + hour) };
  await expect(tasks.submit('anna', create(wire.SubmitRequestSchema, { task }))).rejects.toMatchObject({
    code: wire.FailureCode.UNAVAILABLE,
    isRetryable: true,
  });
  expect([await store.get('anna', 'early'), done]).toEqual([undefined, []]);
});

test('erasing a client cancels what has not ended and removes all its tasks, and none of others', async () => {
  nowMs = startMs;
  const { queue, done } = recordedQueue();
  const tasks = new Tasks({
    store,
    queue,
    snapshots: { current: documents() },
    nowMs: () => nowMs,
    refusals: openRefusals,
    noteRequeued: () => {},
  });
  const submit = (client: string, taskId: string) =>
    tasks.submit(client, create(wire.SubmitRequestSchema, { task: { taskId, type: 'text_gen' } }));
  for (const taskId of ['waits', 'runs', 'ended']) await submit('erased', taskId);
  await submit('stays', 'waits');
  await store.claim('erased', 'runs');
  await tasks.cancel({ client: 'erased' }, 'ended');
  expect(await tasks.erase('erased')).toEqual({ tasks: 3, cancelled: 2 });
  expect(await tasks.list({ client: 'erased' }, {}, 10)).toEqual([]);
  expect(await tasks.list({ client: 'stays' }, {}, 10)).toHaveLength(1);
  expect(done.at(-1)).toBe('erased erased');
  // The key of an erased task is free again.
  expect((await submit('erased', 'waits')).repeated).toBe(false);
  await expect(tasks.erase('No Slug')).rejects.toThrow(/client "No Slug" must match/);
});
