import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { closedRefusals, newId, sizes, wire } from '@will/contracts';
import type { AnyDocument } from '@will/core';
import { expect, test } from 'vitest';
import { submissionOf } from './submission.ts';
import { day, documents, hour, inHours, startMs, useTasks } from './testing/served.ts';
import { storedIn } from './testing/task-store.ts';

const { store, clock, served } = useTasks();

test('a task is stored as it was accepted, put into the queue, and told of', async () => {
  clock.ms = startMs;
  const { queue, submit } = served({ traceparent: () => 'the trace of the submit' });
  const { task, repeated } = await submit({
    taskId: 'accepted',
    input: new Uint8Array([1]),
    priority: wire.Priority.HIGH,
    highPriority: true,
    deadlineUnixMs: BigInt(startMs + 2 * hour),
  });
  expect(repeated).toBe(false);
  expect(task).toMatchObject({
    taskId: 'accepted',
    client: 'anna',
    type: 'text_gen',
    priority: wire.Priority.HIGH,
    state: wire.DurableState.WAITING,
    startsUnixMs: 0n,
    createdUnixMs: BigInt(startMs),
    deadlineUnixMs: BigInt(startMs + 2 * hour),
    idempotencyKey: 'accepted',
  });
  const stored = await storedIn(store(), 'anna', 'accepted');
  expect(stored).toMatchObject({ priority: 'high', messagedAtMs: startMs });
  const { task: kept, traceparent } = submissionOf(stored);
  expect(kept).toMatchObject({ type: 'text_gen', priority: wire.Priority.HIGH });
  expect(kept.highPriority).toBeUndefined();
  expect(traceparent).toBe('the trace of the submit');
  expect(queue.placed).toMatchObject([
    { reference: { client: 'anna', taskId: 'accepted' }, priority: 'high', type: 'text_gen', id: 'anna.accepted' },
  ]);
});

test('a task that says nothing of it is background work for a day, under an id of its own', async () => {
  clock.ms = startMs;
  const { submit, queue } = served();
  const { task } = await submit({});
  expect(task).toMatchObject({ priority: wire.Priority.BACKGROUND, deadlineUnixMs: BigInt(startMs + day) });
  expect(task.taskId).toHaveLength(newId().length);
  expect(queue.placed).toMatchObject([{ priority: 'background' }]);
});

test('a submit that is repeated is the same task, whatever id and deadline it came with, and is queued once', async () => {
  clock.ms = startMs;
  const { submit, queue } = served();
  const once = await submit({ deadlineUnixMs: BigInt(startMs + hour) }, { idempotencyKey: 'the key' });
  clock.ms += 1_000;
  const again = await submit(
    { taskId: 'other', deadlineUnixMs: BigInt(clock.ms + hour) },
    { idempotencyKey: 'the key', traceparent: 'another' },
  );
  expect(again).toEqual({ task: once.task, repeated: true });
  expect(queue.placed).toHaveLength(1);
  await expect(submit({ type: 'code' }, { idempotencyKey: 'the key' })).rejects.toThrow(
    `idempotency key or task id "the key" belongs to another task, ${once.task.taskId}`,
  );
  await expect(submit({}, { idempotencyKey: 'the key', defer: 'cheapest' })).rejects.toThrow('another task');
  await expect(submit({ taskId: once.task.taskId, type: 'code' })).rejects.toThrow('another task');
});

const schedule: AnyDocument = {
  kind: 'schedule',
  body: { name: 'Off Hours', slug: 'off-hours', time_zone: 'UTC', from: '21:00', to: '06:00' },
};

test.each<[string, MessageInitShape<typeof wire.SubmitRequestSchema>]>([
  ['task is missing', { task: undefined }],
  ['task id "a b" must be 1 to 64 of A-Z a-z 0-9 _ -', { task: { taskId: 'a b', type: 'x' } }],
  ['type "A" must match ^[a-z0-9][a-z0-9_-]{0,63}$', { task: { type: 'A' } }],
  ['idempotency key must have at most 200 characters', { task: { type: 'x' }, idempotencyKey: 'k'.repeat(201) }],
  [
    'deadline 2026-01-05T00:00:00.000Z must lie within the next 31 days',
    { task: { type: 'x', deadlineUnixMs: inHours(0) } },
  ],
  [
    'deadline 2026-02-05T00:00:00.001Z must lie within the next 31 days',
    { task: { type: 'x', deadlineUnixMs: inHours(31 * 24) + 1n } },
  ],
  ['deadline 8640000000000000 must lie', { task: { type: 'x', deadlineUnixMs: 8_640_000_000_000_000n } }],
  [
    'not_before 2026-01-05T02:00:00.000Z must lie before the deadline 2026-01-05T02:00:00.000Z',
    { task: { type: 'x', deadlineUnixMs: inHours(2) }, notBeforeUnixMs: inHours(2) },
  ],
  ['defer "soon" must be cheapest or name a schedule: off-hours', { task: { type: 'x' }, defer: 'soon' }],
  ['priority', { task: { type: 'x', priority: wire.Priority.BACKGROUND, highPriority: true } }],
])('a submit that cannot be is refused: %s', async (message, request) => {
  clock.ms = startMs;
  const { tasks, queue } = served({ snapshots: { current: documents({}, schedule) } });
  await expect(tasks.submit('anna', create(wire.SubmitRequestSchema, request))).rejects.toMatchObject({
    message: expect.stringContaining(message),
    code: wire.FailureCode.INVALID_TASK,
    isRetryable: false,
  });
  expect(queue.placed).toEqual([]);
});

test('what is just allowed is accepted: the longest key, input and deadline, and a task that may start just in time', async () => {
  clock.ms = startMs;
  const { submit } = served();
  const accepted = await submit(
    { input: new Uint8Array(sizes.inputBytes), deadlineUnixMs: inHours(31 * 24) },
    { idempotencyKey: 'k'.repeat(200), notBeforeUnixMs: inHours(31 * 24) - 1n },
  );
  expect(accepted.task.deadlineUnixMs).toBe(inHours(31 * 24));
  await expect(submit({ input: new Uint8Array(sizes.inputBytes + 1) })).rejects.toMatchObject({
    code: wire.FailureCode.TOO_LARGE,
    message: `input of ${sizes.inputBytes + 1} bytes exceeds ${sizes.inputBytes}`,
  });
});

test('a schedule that nobody states is told to be none', async () => {
  await expect(served().submit({}, { defer: 'soon' })).rejects.toThrow(
    'defer "soon" must be cheapest or name a schedule: none is stated',
  );
});

test('a task of an unknown client or project, or of another client’s project, is refused as its server refuses', async () => {
  const open = served();
  await expect(open.submit({}, {}, 'nobody')).rejects.toMatchObject({ code: wire.FailureCode.UNKNOWN_CLIENT });
  await expect(open.submit({ project: 'none' })).rejects.toMatchObject({ code: wire.FailureCode.UNKNOWN_PROJECT });
  await expect(open.submit({ project: 'site' }, {}, 'stays')).rejects.toMatchObject({ code: wire.FailureCode.BLOCKED });
  const closed = served({ refusals: closedRefusals });
  await expect(closed.submit({ project: 'none' })).rejects.toMatchObject({ code: wire.FailureCode.FORBIDDEN });
  expect(await open.tasks.list({ client: 'nobody' }, {}, 10)).toEqual([]);
});

test('a client is meant by its slug alone: a name of it that another one could have is refused', async () => {
  await expect(served().submit({}, {}, 'Anna')).rejects.toMatchObject({
    code: wire.FailureCode.UNKNOWN_CLIENT,
    message: expect.stringContaining('"Anna"'),
  });
});

test('a task that is not to start yet is put into the queue for then, and says so', async () => {
  clock.ms = startMs;
  const { submit, queue } = served();
  const { task } = await submit({ taskId: 'later' }, { notBeforeUnixMs: inHours(1) });
  expect(queue.placed).toMatchObject([
    { reference: { client: 'anna', taskId: 'later' }, priority: 'background', type: 'text_gen', atMs: startMs + hour },
  ]);
  expect(task).toMatchObject({ state: wire.DurableState.WAITING, startsUnixMs: inHours(1) });
  expect((await storedIn(store(), 'anna', 'later')).messagedAtMs).toBe(startMs + hour);
});

test('a deferred task starts in the first part of its window, the same task always at the same time', async () => {
  clock.ms = startMs + 12 * hour;
  const { submit, queue } = served({ snapshots: { current: documents({}, schedule) } });
  for (let n = 0; n < 30; n += 1) await submit({ taskId: `deferred-${n}` }, { defer: 'OFF hours' });
  const opensMs = startMs + 21 * hour;
  const starts = queue.placed.map(({ atMs = 0 }) => (atMs - opensMs) / (hour / 4));
  expect(starts.every((part) => part >= 0 && part <= 1)).toBe(true);
  expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(0.7);
  await submit({ taskId: 'deferred-0' }, { defer: 'OFF hours' }, 'stays');
  expect(queue.placed.at(-1)?.atMs).toBe(queue.placed[0]?.atMs);
});

const nightly: AnyDocument = {
  kind: 'model',
  body: {
    name: 'nightly',
    slug: 'nightly',
    aliases: [],
    tags: ['text_gen'],
    call_method: 'API',
    provider: 'openai-compatible',
    capabilities: [],
    tier: 'standard',
    prices: { input: 2, output: 4, hours: [{ from: '20:00', to: '23:00', input: 1, output: 2 }] },
  },
};
const open: AnyDocument = { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } };

test('a task that may wait for the cheapest hour starts then, never before it may and in time for its deadline', async () => {
  clock.ms = startMs + 12 * hour;
  const { submit, queue } = served({ snapshots: { current: documents({}, nightly, open) } });
  const startOf = async (more: object, request: object = {}) => {
    await submit(more, { defer: 'cheapest', ...request });
    const { atMs = clock.ms } = queue.placed.at(-1) ?? {};
    return (atMs - startMs) / hour;
  };
  expect(await startOf({})).toBe(20);
  expect(await startOf({}, { notBeforeUnixMs: inHours(21) })).toBe(21);
  expect(await startOf({}, { notBeforeUnixMs: inHours(13) })).toBe(20);
  expect(await startOf({ deadlineUnixMs: inHours(20) + 300_000n })).toBe(20);
  expect(await startOf({ deadlineUnixMs: inHours(20) + 299_999n })).toBe(12);
});

test('a schedule that is named cheapest counts before the word', async () => {
  clock.ms = startMs + 12 * hour;
  const named: AnyDocument = {
    kind: 'schedule',
    body: { ...schedule.body, name: 'cheapest', slug: 'cheapest', to: '21:01' } as never,
  };
  const { submit, queue } = served({ snapshots: { current: documents({}, nightly, open, named) } });
  await submit({}, { defer: 'cheapest' });
  expect(queue.placed[0]?.atMs).toBeGreaterThanOrEqual(startMs + 21 * hour);
});
