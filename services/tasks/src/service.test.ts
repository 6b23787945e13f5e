import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import type { TaskStore } from '@will/store';
import { expect, onTestFinished, test, vi } from 'vitest';
import { submittedTask } from './submission.ts';
import { day, documents, hour, inHours, startMs, useTasks } from './testing/served.ts';
import { storedIn } from './testing/task-store.ts';

const { store, clock, served, endRun } = useTasks();

test('a dead letter is requeued while what it asked is kept, with as long as it had at first; after a day its content is forgotten, after a month all of it', async () => {
  clock.ms = startMs;
  const { tasks, queue, notes, submit } = served();
  await submit({ taskId: 'one', deadlineUnixMs: BigInt(startMs + 2 * hour) });
  const die = (): Promise<void> => endRun('anna', 'one', { deadReason: 'each run failed' });
  await die();
  expect(await tasks.list({ client: 'anna' }, { dead: true }, 10)).toMatchObject([{ deadReason: 'each run failed' }]);
  expect(await tasks.list({ client: 'bert' }, { dead: true }, 10)).toEqual([]);

  clock.ms += 20 * hour;
  const requeued = await tasks.requeue({ client: 'anna' }, 'one');
  expect(requeued).toMatchObject({ state: wire.DurableState.WAITING, deadReason: '', pickups: 1 });
  expect(Number(requeued.deadlineUnixMs)).toBe(clock.ms + 2 * hour);
  await tasks.requeue({ client: 'anna' }, 'one');
  expect(queue.asked).toEqual(['queued one', 'withdrawn one', 'queued one']);
  expect(queue.placed[1]).toMatchObject({
    reference: { client: 'anna', taskId: 'one', runs: 0, parkings: 0 },
    priority: 'background',
    type: 'text_gen',
    id: 'anna.one:after.1',
  });
  expect(notes).toEqual(['anna one: each run failed']);
  await expect(tasks.requeue({ client: 'bert' }, 'one')).rejects.toThrow('is not known of client bert');

  await die();
  clock.ms += 23 * hour;
  await tasks.forget();
  expect((await tasks.get({ client: 'anna' }, 'one')).failure?.message).toBe('all failed');
  clock.ms += 2 * hour;
  await tasks.forget();
  expect(await store().get('anna', 'one')).toMatchObject({
    state: 'failed',
    body: new Uint8Array(),
    result: undefined,
  });
  await expect(tasks.requeue({ client: 'anna' }, 'one')).rejects.toThrow(
    'task "one" cannot be requeued: what it asked was kept for 24 hours after its end',
  );
  clock.ms += 31 * 24 * hour;
  await tasks.forget();
  expect(await store().get('anna', 'one')).toBeUndefined();
});

test('a task keeps the rules on data that held when it was accepted, and a repeat after a change is the same task', async () => {
  const { tasks, snapshots } = served();
  snapshots.current = documents({ avoid_cloud: true, data_residency: 'EU' });
  const floor = create(wire.RequirementSchema, { compliantOnly: true });
  const request = create(wire.SubmitRequestSchema, {
    task: { taskId: 'kept', type: 'text_gen', deadlineUnixMs: BigInt(clock.ms + hour), floor },
    idempotencyKey: 'kept-once',
  });
  await tasks.submit('anna', request);
  snapshots.current = documents();
  expect((await tasks.submit('anna', request)).repeated).toBe(true);
  const stored = await store().get('anna', 'kept');
  if (!stored) throw new Error('the task was not stored');
  expect(submittedTask(stored).floor).toMatchObject({
    dataClass: wire.DataClass.CUSTOMER_SENSITIVE,
    avoidCloud: true,
    compliantOnly: true,
    residencies: ['EU'],
  });
});

test('a task of another project is not known, whichever key of the client asks, and stays as it is', async () => {
  const { tasks, submit } = served();
  await submit({ taskId: 'of-site', project: 'SITE' });
  await submit({ taskId: 'of-shop', project: 'shop' });
  await submit({ taskId: 'of-none' });
  // The same name for another task says whose it is only within its project.
  const again = (project: string) =>
    submit({ taskId: 'new', type: 'code', project }, { idempotencyKey: 'of-site' }).catch(
      (error: Error) => error.message,
    );
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
  const { queue, submit } = served({ snapshots: { current: undefined } });
  await expect(submit({ taskId: 'early' })).rejects.toMatchObject({
    code: wire.FailureCode.UNAVAILABLE,
    isRetryable: true,
  });
  expect([await store().get('anna', 'early'), queue.asked]).toEqual([undefined, []]);
});

test('erasing a client cancels what has not ended and removes all its tasks, and none of others', async () => {
  clock.ms = startMs;
  const { tasks, queue, submit: submitOf } = served();
  const submit = (client: string, taskId: string) => submitOf({ taskId }, {}, client);
  for (const taskId of ['waits', 'runs', 'ended']) await submit('erased', taskId);
  await submit('stays', 'waits');
  await store().claim('erased', 'runs');
  await tasks.cancel({ client: 'erased' }, 'ended');
  expect(await tasks.erase('erased')).toEqual({ tasks: 3, cancelled: 2 });
  expect(await tasks.list({ client: 'erased' }, {}, 10)).toEqual([]);
  expect(await tasks.list({ client: 'stays' }, {}, 10)).toHaveLength(1);
  expect(queue.asked.at(-1)).toBe('erased erased');
  // The key of an erased task is free again.
  expect((await submit('erased', 'waits')).repeated).toBe(false);
  await expect(tasks.erase('No Slug')).rejects.toThrow(/client "No Slug" must match/);
});

test('a caller waits for the end of its task and gets it as soon as it is there', async () => {
  clock.ms = startMs;
  const { tasks, queue, submit } = served();
  await submit({ taskId: 'awaited' });
  await submit({ taskId: 'other' });
  const told = tasks.get({ client: 'anna' }, 'awaited', 20_000);
  let isTold = false;
  void told.then(() => (isTold = true));
  queue.tellEnd('anna', 'other');
  queue.tellEnd('stays', 'awaited');
  expect((await tasks.get({ client: 'anna' }, 'awaited')).state).toBe(wire.DurableState.WAITING);
  expect(isTold).toBe(false);
  await endRun('anna', 'awaited');
  queue.tellEnd('anna', 'awaited');
  expect(await told).toMatchObject({ state: wire.DurableState.FAILED, failure: { message: 'all failed' } });
  // It has ended: nobody waits.
  expect((await tasks.get({ client: 'anna' }, 'awaited', 20_000)).state).toBe(wire.DurableState.FAILED);
});

test('nobody waits for longer than they want, and for 25 seconds at most', async () => {
  clock.ms = startMs;
  const { tasks, submit } = served();
  await submit({ taskId: 'slow' });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  for (const [asked, waited] of [
    [3_000, 3_000],
    [90_000, 25_000],
  ] as const) {
    let isTold = false;
    const told = tasks.get({ client: 'anna' }, 'slow', asked).then((task) => ((isTold = true), task));
    // The store was asked before, and answers in order.
    await store().get('anna', 'slow');
    vi.advanceTimersByTime(waited - 1);
    await store().get('anna', 'slow');
    expect(isTold).toBe(false);
    vi.advanceTimersByTime(1);
    expect((await told).state).toBe(wire.DurableState.WAITING);
    expect(vi.getTimerCount()).toBe(0);
  }
});

test('a process that ends lets nobody wait', async () => {
  clock.ms = startMs;
  const { tasks, queue, submit } = served();
  await submit({ taskId: 'left' });
  const told = Promise.all([1, 2].map(() => tasks.get({ client: 'anna' }, 'left', 25_000)));
  await store().get('anna', 'left');
  tasks.stop();
  expect((await told).map(({ state }) => state)).toEqual([wire.DurableState.WAITING, wire.DurableState.WAITING]);
  expect(queue.listening).toBe(0);
});

test('a task that waits past its deadline has expired when it is asked for; one that runs is left to who runs it', async () => {
  clock.ms = startMs;
  const { tasks, queue, submit } = served();
  await submit({ taskId: 'due', deadlineUnixMs: inHours(1) });
  await submit({ taskId: 'due-and-runs', deadlineUnixMs: inHours(1) });
  await store().claim('anna', 'due-and-runs');
  clock.ms = startMs + hour - 1;
  expect((await tasks.get({ client: 'anna' }, 'due')).state).toBe(wire.DurableState.WAITING);
  clock.ms += 1;
  expect(await tasks.get({ client: 'anna' }, 'due')).toMatchObject({
    state: wire.DurableState.EXPIRED,
    failure: { code: wire.FailureCode.DEADLINE, message: 'the deadline passed before it could be done' },
  });
  expect(queue.results).toMatchObject([{ taskId: 'due', state: wire.DurableState.EXPIRED }]);
  expect((await tasks.get({ client: 'anna' }, 'due-and-runs')).state).toBe(wire.DurableState.RUNNING);
});

test('twenty tasks are listed where nothing is said, 200 at most, by state, and without what they came to', async () => {
  clock.ms = startMs;
  const { tasks, submit } = served();
  for (let n = 0; n < 21; n += 1) await submit({ taskId: `listed-${n}` }, {}, 'lists');
  await endRun('lists', 'listed-0');
  const of = { client: 'lists' };
  expect(await tasks.list(of, {}, 0)).toHaveLength(20);
  expect(await tasks.list(of, { state: 'waiting' }, 200)).toHaveLength(20);
  const [failed, ...others] = await tasks.list(of, { state: 'failed' }, 200);
  expect(failed).toMatchObject({ taskId: 'listed-0', state: wire.DurableState.FAILED });
  expect(failed?.failure).toBeUndefined();
  expect(others).toEqual([]);
  expect(await tasks.list(of, { dead: true }, 200)).toEqual([]);
  await expect(tasks.list(of, {}, 201)).rejects.toMatchObject({
    message: 'limit 201 must be between 1 and 200',
    code: wire.FailureCode.INVALID_TASK,
  });
});

test('a cancelled task has ended and says so; to cancel one that has ended changes nothing and tells its end again', async () => {
  clock.ms = startMs;
  const { tasks, queue, submit } = served();
  await submit({ taskId: 'unwanted' });
  const end = {
    state: wire.DurableState.CANCELLED,
    failure: { code: wire.FailureCode.CANCELLED, message: 'the task was cancelled' },
    finishedUnixMs: BigInt(startMs),
  };
  expect(await tasks.cancel({ client: 'anna' }, 'unwanted')).toMatchObject(end);
  clock.ms += 1_000;
  expect(await tasks.cancel({ client: 'anna' }, 'unwanted')).toMatchObject(end);
  expect(queue.results).toMatchObject([end, end]);
  expect((await store().unpublished(clock.ms + 1, 100)).map(({ taskId }) => taskId)).not.toContain('unwanted');
});

test('a task that another process picks up while it is cancelled is cancelled by the one who finds it', async () => {
  clock.ms = startMs;
  const raced: TaskStore = {
    ...store(),
    async claim(client, taskId) {
      const claim = await store().claim(client, taskId);
      await store().claim(client, taskId);
      return claim;
    },
  };
  const { tasks, queue, submit } = served({ store: raced });
  await submit({ taskId: 'raced' });
  expect((await tasks.cancel({ client: 'anna' }, 'raced')).state).toBe(wire.DurableState.RUNNING);
  expect(queue.results).toEqual([]);
});

test.each(['claim', 'finish'] as const)('a task that is erased while it is cancelled (%s) is as it was', async (at) => {
  clock.ms = startMs;
  const erasing: TaskStore = { ...store(), [at]: async () => ({ kind: 'unknown' }) };
  const { tasks, queue, submit } = served({ store: erasing });
  await submit({ taskId: `gone-at-${at}` });
  expect((await tasks.cancel({ client: 'anna' }, `gone-at-${at}`)).state).toBe(wire.DurableState.WAITING);
  expect(queue.results).toEqual([]);
});

test('ids that no task can have are not looked for', async () => {
  const { tasks } = served({ store: { ...store(), get: () => Promise.reject(new Error('asked')) } });
  for (const ask of [tasks.get({ client: 'anna' }, 'a b'), tasks.cancel({ client: 'anna' }, '')])
    await expect(ask).rejects.toMatchObject({ code: wire.FailureCode.UNKNOWN_TASK });
});

test('only a dead letter is requeued: a task that has ended otherwise is not, and one that waits stays as it is', async () => {
  clock.ms = startMs;
  const { tasks, queue, notes, submit } = served();
  await submit({ taskId: 'over' });
  await submit({ taskId: 'waits' });
  await endRun('anna', 'over');
  await expect(tasks.requeue({ client: 'anna' }, 'over')).rejects.toMatchObject({
    code: wire.FailureCode.INVALID_TASK,
    message: 'task "over" is failed and no dead letter; only dead letters can be requeued',
  });
  expect((await tasks.requeue({ client: 'anna' }, 'waits')).state).toBe(wire.DurableState.WAITING);
  expect([queue.asked, notes]).toEqual([['queued over', 'queued waits'], []]);
});

test.each([
  ['unknown', { kind: 'unknown' }],
  ['refused', { kind: 'refused' }],
] as const)('a dead letter that is %s to the store by then is not queued', async (kind, requeued) => {
  clock.ms = startMs;
  const taskId = `dead-${kind}`;
  const gone: TaskStore = {
    ...store(),
    requeue: async () => ({ ...requeued, task: await storedIn(store(), 'anna', taskId) }) as never,
  };
  const { tasks, queue, notes, submit } = served({ store: gone });
  await submit({ taskId });
  await endRun('anna', taskId, { deadReason: 'each run failed' });
  const told = await tasks.requeue({ client: 'anna' }, taskId).catch((error: Error) => error.message);
  if (kind === 'unknown') expect(told).toBe(`task "${taskId}" is not known of client anna`);
  else expect(told).toMatchObject({ state: wire.DurableState.FAILED });
  expect([queue.placed.length, notes]).toEqual([1, []]);
});

test('all that is old enough is forgotten, however much it is', async () => {
  clock.ms = startMs;
  const left = { dropContent: 1_100, drop: 1_000 };
  const asked: unknown[] = [];
  const take =
    (what: 'dropContent' | 'drop') =>
    async (beforeMs: number, limit: number): Promise<number> => {
      asked.push([what, beforeMs]);
      const taken = Math.min(limit, left[what]);
      left[what] -= taken;
      return taken;
    };
  const { tasks } = served({ store: { ...store(), dropContent: take('dropContent'), drop: take('drop') } });
  await tasks.forget();
  expect(left).toEqual({ dropContent: 0, drop: 0 });
  expect(asked).toEqual([
    ...Array.from({ length: 3 }, () => ['dropContent', startMs - day]),
    ...Array.from({ length: 3 }, () => ['drop', startMs - 31 * day]),
  ]);
});

test('a client is erased however much it has: its tasks are taken away in parts', async () => {
  clock.ms = startMs;
  let left = 1_300;
  const erase = async (_client: string, limit: number): Promise<number> => {
    const taken = Math.min(limit, left);
    left -= taken;
    return taken;
  };
  const { tasks, queue } = served({ store: { ...store(), list: async () => [], erase } });
  expect(await tasks.erase('erased')).toEqual({ tasks: 1_300, cancelled: 0 });
  expect(queue.asked).toEqual(['erased erased']);
});

test('erasing a client says of each task that it was erased, and leaves what is submitted afterwards', async () => {
  clock.ms = startMs;
  const { tasks, queue, submit } = served();
  await submit({ taskId: 'old' }, {}, 'leaves');
  const later: TaskStore = {
    ...store(),
    async list(filter, limit) {
      clock.ms = startMs + 1;
      await submit({ taskId: 'new' }, {}, 'leaves');
      clock.ms = startMs;
      return store().list(filter, limit);
    },
  };
  const erasing = served({ store: later });
  expect(await erasing.tasks.erase('leaves')).toEqual({ tasks: 1, cancelled: 1 });
  expect(erasing.queue.results).toMatchObject([
    { taskId: 'old', state: wire.DurableState.CANCELLED, failure: { message: 'the client was erased' } },
  ]);
  expect((await tasks.get({ client: 'leaves' }, 'new')).state).toBe(wire.DurableState.WAITING);
  expect(queue.results).toEqual([]);
  await tasks.erase('leaves');
});
