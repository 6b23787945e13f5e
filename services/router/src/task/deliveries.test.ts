import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test, vi } from 'vitest';
import {
  accepted,
  confirmStart,
  ended,
  expired,
  failureIn,
  hasContent,
  readyToCommit,
  useTimeByHand,
  waits,
  world,
} from '../testing/task-world.ts';

useTimeByHand();

test('a call that no worker takes is sent to the same model again, with a new window, and the late worker of the first is revoked', async () => {
  const { sent, commands, frames, settle } = world(['a', 'b']);
  await settle();
  expect(Number(sent[0]?.request.startUntilUnixMs) - Date.now()).toBe(500);
  await vi.advanceTimersByTimeAsync(500);
  const [first, second] = sent.map(({ request }) => request);
  expect(second).toMatchObject({ model: 'a', attempt: 2, mayCommit: false, earlierIds: [first?.attemptId], prior: [] });
  expect(Number(second?.startUntilUnixMs) - Date.now()).toBe(500);
  sent[1]?.hear(accepted(2));
  sent[0]?.hear(confirmStart);
  expect(commands).toEqual(['REVOKE worker-1']);
  sent[1]?.hear(readyToCommit);
  await settle();
  expect(frames.map(({ kind }) => kind.case)).toEqual(['accepted', 'counts']);
  expect(commands).toEqual(['REVOKE worker-1', 'COMMIT worker-2']);
});

test('whichever delivery is accepted first is the call; what comes of the others is not wanted', async () => {
  const { over, sent, commands, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'a', 'a']);
  sent[1]?.hear(accepted(2));
  sent[2]?.hear(confirmStart);
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual(['REVOKE worker-3', 'REVOKE worker-1']);
  sent[1]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, failureIn(frames)]).toEqual([3, undefined]);
});

test('a worker that took a call late hears that it may start, and until when; it is then the call’s own worker', async () => {
  const { sent, commands } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(400);
  sent[0]?.hear(confirmStart);
  expect(commands).toEqual(['START worker-1']);
  await vi.advanceTimersByTimeAsync(400);
  sent[0]?.hear(accepted(1));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sent).toHaveLength(1);
});

test('a call that came too late is sent to the same model again at once, and is no attempt of its own', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(300);
  sent[0]?.hear(expired);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent[1]?.request).toMatchObject({ model: 'a', attempt: 1, mayCommit: true, earlierIds: [], prior: [] });
  // Who says so again and again is not asked in a loop without a pause.
  for (let n = 1; n < 20; n += 1) {
    sent.at(-1)?.hear(expired);
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(sent.length).toBeLessThan(10);
});

test('a worker that has an unanswered call may be cut off: its model is tried for two more seconds before another one', async () => {
  const { sent } = world(['a', 'b'], { served: ['b'] });
  await vi.advanceTimersByTimeAsync(500);
  for (let n = 1; n <= 6; n += 1) {
    sent.at(-1)?.hear('nobody');
    await vi.advanceTimersByTimeAsync(250);
  }
  expect(new Set(sent.map(({ request }) => request.model))).toEqual(new Set(['a']));
  // It is back, and says what it has.
  sent[0]?.hear(accepted(1));
  sent.at(-1)?.hear('nobody');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sent.every(({ request }) => request.model === 'a')).toBe(true);
});

test('content of a call whose acceptance was lost shows that its worker has it: it is not sent again', async () => {
  const { over, sent, told, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(400);
  sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([sent.length, told]).toEqual([1, ['decided', 'intent 1 a']]);
  sent[0]?.lose();
  await over;
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.WORKER_LOST);
});

test('a delivery whose content the caller reads is the call, and the other one is revoked', async () => {
  const { over, sent, commands, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(500);
  sent[1]?.hear(accepted(2));
  sent[0]?.hear(hasContent);
  expect(commands).toEqual(['REVOKE worker-2']);
  sent[1]?.hear(ended('a', 'Cancelled', false));
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, failureIn(frames)]).toEqual([2, undefined]);
});

test('a busy answer to the second delivery leaves the first one unanswered: the next model may not mix with it', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(500);
  sent[1]?.hear({ case: 'busy', value: create(wire.CallBusySchema, { reason: 'all slots are taken' }) });
  await vi.advanceTimersByTimeAsync(200);
  expect(sent[2]?.request).toMatchObject({ model: 'b', attempt: 3, mayCommit: false });
});

async function withLateFirstDelivery() {
  const tried = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(500);
  tried.sent[1]?.hear({ case: 'busy', value: create(wire.CallBusySchema, { reason: 'all slots are taken' }) });
  await vi.advanceTimersByTimeAsync(200);
  tried.sent[2]?.hear(accepted(3));
  return tried;
}

test('content of a delivery that nobody had heard of ends the calls that were made since, and the task with its own end', async () => {
  const { over, sent, commands, told, frames } = await withLateFirstDelivery();
  sent[0]?.hear(hasContent);
  expect(commands).toEqual(['CANCEL worker-3']);
  expect(told.at(-1)).toBe('intent 1 a');
  sent[2]?.hear(ended('b', 'Cancelled', false, false));
  await vi.advanceTimersByTimeAsync(6_000);
  expect([sent.length, failureIn(frames)]).toEqual([3, undefined]);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
});

test('a worker that dies within such a late answer ends the task', async () => {
  const { over, sent, frames } = await withLateFirstDelivery();
  sent[0]?.hear(hasContent);
  sent[0]?.lose();
  await over;
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.WORKER_LOST);
});

test('a late answer does not count where another one has content', async () => {
  const { over, sent, commands, frames } = await withLateFirstDelivery();
  sent[2]?.hear(readyToCommit);
  await vi.advanceTimersByTimeAsync(0);
  sent[2]?.hear(hasContent);
  sent[0]?.hear(hasContent);
  sent[2]?.hear(ended('b', 'Success', true));
  await over;
  expect(commands).not.toContain('CANCEL worker-3');
  expect(failureIn(frames)).toBeUndefined();
});

test('silence means nothing while this process or the server stood still', async () => {
  const { sent, touch } = world(['a', 'b']);
  touch.isInTouch = false;
  await vi.advanceTimersByTimeAsync(4_000);
  expect(sent).toHaveLength(1);
  touch.isInTouch = true;
  await vi.advanceTimersByTimeAsync(500);
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'a']);
});

test('a delivery of a connection that was lost is looked for before it is sent again', async () => {
  const { sent, touch, commands, frames, over, settle } = world(['a', 'b']);
  await settle();
  touch.connection = 2;
  touch.holder = 'unknown';
  await vi.advanceTimersByTimeAsync(1_500);
  expect(sent).toHaveLength(1);
  touch.holder = { processId: 'worker-9', id: sent[0]?.request.attemptId ?? '' };
  await vi.advanceTimersByTimeAsync(3_000);
  // It is the call, and nobody else is asked.
  expect(sent).toHaveLength(1);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(commands).toEqual([]);
  expect(failureIn(frames)).toBeUndefined();
});

test('a delivery of a connection that was lost is sent again where no worker has it, and where one stays away', async () => {
  for (const holder of ['nobody', 'unknown'] as const) {
    const { sent, touch, settle } = world(['a', 'b']);
    await settle();
    touch.connection = 2;
    touch.holder = holder;
    await vi.advanceTimersByTimeAsync(holder === 'nobody' ? 600 : 3_500);
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.every(({ request }) => request.model === 'a')).toBe(true);
  }
});

test('a model whose workers stay silent for 5 s gives way to the next, whose answer may not mix with a late one', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(5_001);
  const last = sent.at(-1)?.request;
  expect(last).toMatchObject({ model: 'b', mayCommit: false });
  const numbers = sent.map(({ request }) => request.attempt);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(sent.slice(0, -1).every(({ request }) => request.model === 'a')).toBe(true);
});

test('nothing is sent before the bus clock is known', async () => {
  const { sent, touch, settle } = world(['a'], { isTimed: false });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sent).toHaveLength(0);
  touch.boundMs = 1;
  touch.timed.resolve(true);
  await settle();
  expect(sent).toHaveLength(1);
});

test('a worker that says it waits is waited for, and told when the caller is gone', async () => {
  const { run, sent, commands, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(waits);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(sent).toHaveLength(1);
  run.cancel();
  expect(commands).toEqual(['CANCEL worker-1']);
});

test('a worker that waits for longer than it said is no longer counted on, nor is one that dies while it waits', async () => {
  const { sent, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(waits);
  await vi.advanceTimersByTimeAsync(3_001);
  expect(sent[1]?.request).toMatchObject({ model: 'a', mayCommit: false });
  sent[1]?.hear(waits);
  sent[1]?.lose();
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'a', mayCommit: false });
});

test('the last model left is waited for until the deadline', async () => {
  const { over, sent, frames } = world(['a']);
  await vi.advanceTimersByTimeAsync(10_001);
  await over;
  expect(sent.length).toBeGreaterThan(15);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.DEADLINE);
});

test('a worker lost before content: outcome unknown is recorded, and the next model answers', async () => {
  const { sent, calls, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await settle();
  expect(calls).toMatchObject([{ model: 'a', status: 'Unknown', outcome: 'Timeout', writtenBy: 'router' }]);
  expect(sent[1]?.request.model).toBe('b');
});

test('a worker lost after content ends the task: another model’s text never follows', async () => {
  const { over, sent, frames, calls, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(hasContent);
  sent[0]?.lose();
  await over;
  expect(sent).toHaveLength(1);
  expect(calls).toHaveLength(1);
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.WORKER_LOST, retryable: true });
});
