import { create } from '@bufbuild/protobuf';
import { TaskError } from '@will/client';
import { wire } from '@will/contracts';
import type { TaskStore } from '@will/store';
import { afterEach, expect, test, vi } from 'vitest';
import type { RunnerDeps } from './runner.ts';
import type { Handed } from './testing/fake-queue.ts';
import { startMs, useRunner } from './testing/running.ts';

const { store, submitted, running, stored, told, endElsewhere } = useRunner();
afterEach(() => void vi.useRealTimers());

/** A run that lasts until the test ends it, or until it is aborted. */
function lasting() {
  const { promise: begun, resolve: begin } = Promise.withResolvers<Parameters<RunnerDeps['run']>[2]>();
  const { promise: end, resolve: finish } = Promise.withResolvers<void>();
  const run: RunnerDeps['run'] = async (_client, { taskId }, options) => {
    begin(options);
    await Promise.race([end, new Promise((resolve) => options.signal.addEventListener('abort', resolve))]);
    if (options.signal.aborted) throw new TaskError('cancelled', 'aborted', { taskId });
    return create(wire.EndSchema, { model: 'm' });
  };
  return { run, begun, finish };
}

test('a run that another process ended elsewhere is broken off, and its message goes back', async () => {
  const taskId = await submitted();
  const { run, begun } = lasting();
  const { queue, runner } = running({ run });
  const { over } = queue.hand('normal', { client: 'anna', taskId });
  const { signal } = await begun;
  expect(runner.running).toBe(1);
  queue.tellEnd('anna', 'another');
  queue.tellEnd('bert', taskId);
  expect(signal.aborted).toBe(false);
  await endElsewhere(taskId);
  queue.tellEnd('anna', taskId);
  expect(await over).toBe('given back');
  expect(await told(taskId)).toMatchObject({ state: wire.DurableState.CANCELLED });
  await vi.waitFor(() => expect(runner.running).toBe(0));
});

test('a run asks whether it is still wanted: no longer once another process has the task', async () => {
  const taskId = await submitted();
  const { run, begun, finish } = lasting();
  const { queue } = running({ run });
  const { over } = queue.hand('normal', { client: 'anna', taskId });
  const { isStillWanted } = await begun;
  expect(await isStillWanted()).toBe(true);
  await store().claim('anna', taskId);
  expect(await isStillWanted()).toBe(false);
  // Its result is nobody's any more: the other one's is the task's.
  finish();
  expect(await over).toBe('done');
  expect(await stored(taskId)).toMatchObject({ state: 'running', fence: 2, result: undefined });
  expect(queue.results).toEqual([]);
});

test('a run that is broken off since another process has the task says nothing for that one', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const taskId = await submitted();
  const { run, begun } = lasting();
  const { queue } = running({ run });
  const message = queue.hand('normal', { client: 'anna', taskId });
  const { signal } = await begun;
  await vi.waitFor(() => expect(message.signs).toBe(1));
  await store().claim('anna', taskId);
  vi.advanceTimersByTime(3_000);
  expect(await message.over).toBe('done');
  expect([signal.aborted, message.signs]).toEqual([true, 1]);
  expect(await stored(taskId)).toMatchObject({ state: 'running', fence: 2, waitsFor: undefined });
  expect([queue.placed, queue.results]).toEqual([[], []]);
});

test('a run shows every three seconds that it is under way, and no more once it is over', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const taskId = await submitted();
  const { run, begun, finish } = lasting();
  const { queue, runner, clock, errors } = running({ run });
  const message = queue.hand('normal', { client: 'anna', taskId });
  await begun;
  await vi.waitFor(async () => expect((await stored(taskId)).messagedAtMs).toBe(startMs));
  vi.advanceTimersByTime(2_999);
  clock.ms += 3_000;
  vi.advanceTimersByTime(1);
  await vi.waitFor(async () => expect((await stored(taskId)).messagedAtMs).toBe(startMs + 3_000));
  expect(message.signs).toBe(2);
  finish();
  await message.over;
  await vi.waitFor(() => expect(runner.running).toBe(0));
  expect([vi.getTimerCount(), message.signs, errors]).toEqual([0, 2, []]);
});

test('a sign that cannot be given is reported, and the run goes on', async () => {
  const taskId = await submitted();
  const { run, begun, finish } = lasting();
  const deaf: TaskStore = { ...store(), messaged: () => Promise.reject(new Error('the disk is full')) };
  const { queue, errors } = running({ run, store: deaf });
  const { over } = queue.hand('normal', { client: 'anna', taskId });
  await begun;
  await vi.waitFor(() => expect(errors).toEqual(['a sign of a running task: the disk is full']));
  finish();
  await over;
  expect((await stored(taskId)).state).toBe('succeeded');
});

/** A task that somebody else picked up and that showed so long ago to be under way. */
async function pickedUpElsewhere(quietMs: number): Promise<string> {
  const taskId = await submitted();
  await store().claim('anna', taskId);
  await store().messaged('anna', taskId, startMs - quietMs);
  return taskId;
}

test('a second message of a task that runs does not break its run, and looks again after nine seconds', async () => {
  const taskId = await pickedUpElsewhere(8_999);
  const { queue, ran } = running();
  expect(await queue.hand('normal', { client: 'anna', taskId }).over).toBe('done');
  expect(ran).toEqual([]);
  expect(await stored(taskId)).toMatchObject({ state: 'running', fence: 1 });
  expect(queue.placed).toMatchObject([
    {
      reference: { client: 'anna', taskId, second: true },
      priority: 'normal',
      type: 'text_gen',
      atMs: startMs + 9_000,
    },
  ]);
});

test.each([
  ['that was quiet for nine seconds', 9_000, {}, 1],
  ['that is given out again', 0, {}, 2],
  ['that failed before', 0, { runs: 1 }, 1],
  ['that was parked', 0, { parkings: 1 }, 1],
])('a message of a running task %s takes the task over', async (_what, quietMs, reference, deliveries) => {
  const taskId = await pickedUpElsewhere(quietMs);
  const { queue, ran } = running();
  await queue.hand('normal', { client: 'anna', taskId, ...reference }, deliveries).over;
  expect(ran).toHaveLength(1);
  expect(await stored(taskId)).toMatchObject({ state: 'succeeded', fence: 2 });
});

test('a second message stays one, also when it is given out again', async () => {
  const taskId = await pickedUpElsewhere(0);
  const { queue, ran } = running();
  await queue.hand('normal', { client: 'anna', taskId, second: true }, 2).over;
  expect(ran).toEqual([]);
  expect(queue.placed).toHaveLength(1);
});

test('a message of a task that waits is its first, however lately it was put into the queue', async () => {
  const taskId = await submitted();
  await store().messaged('anna', taskId, startMs);
  const { queue, ran } = running();
  await queue.hand('normal', { client: 'anna', taskId }).over;
  expect(ran).toHaveLength(1);
});

/** A process that stood still right after it had picked a task up, for longer than half a second. */
async function stoodStill(stillMs: number, meanwhile: (taskId: string) => Promise<unknown>) {
  const taskId = await submitted();
  const slow: TaskStore = {
    ...store(),
    async claim(client, id) {
      const claim = await store().claim(client, id);
      await meanwhile(taskId);
      world.clock.monotonicMs += stillMs;
      return claim;
    },
  };
  const world = running({ store: slow });
  await world.queue.hand('normal', { client: 'anna', taskId }).over;
  return { ran: world.ran, task: await stored(taskId) };
}

test('a process that stood still after it picked a task up, until another one did, does not run it', async () => {
  const { ran, task } = await stoodStill(501, (taskId) => store().claim('anna', taskId));
  expect(ran).toEqual([]);
  expect(task).toMatchObject({ state: 'running', fence: 2 });
});

test('a process that stood still while nobody else took the task runs it', async () => {
  const { ran, task } = await stoodStill(20_000, async () => {});
  expect(ran).toHaveLength(1);
  expect(task).toMatchObject({ state: 'succeeded', fence: 1 });
});

test('a process that did not stand still asks nobody whether the task is still its own', async () => {
  let asked = 0;
  const counting: TaskStore = { ...store(), get: (...of) => ((asked += 1), store().get(...of)) };
  const taskId = await submitted();
  const { queue } = running({
    store: counting,
    run: async () => (expect(asked).toBeLessThan(3), create(wire.EndSchema)),
  });
  await queue.hand('normal', { client: 'anna', taskId }).over;
  expect(asked).toBeLessThan(3);
});

test('a process that ends lets runs end in their time and takes nothing new', async () => {
  const [taskId, later] = [await submitted(), await submitted()];
  const { run, begun, finish } = lasting();
  const { queue, runner, ran } = running({ run });
  const { over } = queue.hand('normal', { client: 'anna', taskId });
  await begun;
  const stopped = runner.stop(60_000);
  queue.close();
  finish();
  await stopped;
  const untaken = queue.hand('normal', { client: 'anna', taskId: later });
  expect(await over).toBe('done');
  expect((await stored(taskId)).state).toBe('succeeded');
  expect(await Promise.race([untaken.over, 'untaken'])).toBe('untaken');
  expect([ran.length, queue.listening]).toEqual([1, 0]);
});

test('runs that outlast the time of a process that ends are broken off and given back', async () => {
  const taskId = await submitted();
  const { run, begun } = lasting();
  const { queue, runner } = running({ run });
  const { over } = queue.hand('normal', { client: 'anna', taskId });
  const { signal } = await begun;
  await runner.stop(1);
  expect(signal.aborted).toBe(true);
  expect(await over).toBe('given back');
  expect((await stored(taskId)).state).toBe('running');
});

test('no more tasks run at once than there are places', async () => {
  const { run, begun, finish } = lasting();
  const { queue, runner, ran } = running({ run, atOnce: 3 });
  const messages: Handed[] = [];
  for (let n = 0; n < 3; n += 1) messages.push(queue.hand('high', { client: 'anna', taskId: await submitted() }));
  await begun;
  expect([ran.length, runner.running]).toEqual([1, 1]);
  finish();
  for (const { over } of messages) expect(await over).toBe('done');
  expect(ran).toHaveLength(3);
});
