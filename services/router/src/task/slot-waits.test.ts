import { wire } from '@will/contracts';
import { expect, test, vi } from 'vitest';
import { accepted, ended, failureIn, full, useTimeByHand, world } from '../testing/task-world.ts';

useTimeByHand();

test('full is not failed: the task waits for a slot, and takes it when the worker says so', async () => {
  const { sent, slots, settle } = world(['a']);
  await settle();
  sent[0]?.hear('nobody');
  await settle();
  expect(new Map(slots.waitingByModel()).get('a')).toBe(1);
  slots.free('a', 1);
  await settle();
  expect(sent).toHaveLength(2);
});

test('a full first choice is waited for 200 ms, then the next is tried; when all are full the first to be free gets it', async () => {
  const { sent, slots, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(full);
  await vi.advanceTimersByTimeAsync(201);
  expect(sent[1]?.request.model).toBe('b');
  sent[1]?.hear(full);
  await vi.advanceTimersByTimeAsync(201);
  slots.free('b', 1);
  await settle();
  expect(sent[2]?.request.model).toBe('b');
});

test('everything full until the deadline: overloaded or too late, one record without a model, nobody called', async () => {
  const { over, sent, frames, calls, settle } = world(['a']);
  await settle();
  sent[0]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(10_001);
  await over;
  expect([wire.FailureCode.DEADLINE, wire.FailureCode.OVERLOADED]).toContain(failureIn(frames)?.code);
  expect(calls).toMatchObject([{ model: '' }]);
});

test('models that nobody serves stand among the attempts where their turn was, with the reason', async () => {
  const { sent, settle } = world(['a', 'b', 'c'], { unserved: { a: 'env://KEY is not set', c: 'no file' } });
  await settle();
  expect(sent[0]?.request.model).toBe('b');
  expect(sent[0]?.request.prior.map(({ model, reason }) => [model, reason])).toEqual([['a', 'env://KEY is not set']]);
});

test('a task waits for the worker of a scalable model that is started, and is its demand until then', async () => {
  const { sent, slots, served, settle } = world(['a'], { scalable: ['a'], served: [], maxMs: 600_000 });
  await settle();
  sent[0]?.hear('nobody');
  await settle();
  expect([...slots.waitingByModel()]).toEqual([['a', 1]]);
  await vi.advanceTimersByTimeAsync(120_000);
  slots.poll();
  await settle();
  sent[1]?.hear('nobody');
  await settle();
  expect([...slots.waitingByModel()]).toEqual([['a', 1]]);
  served.add('a');
  slots.poll();
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'a', attempt: 1 });
});

test('no task waits for longer than five minutes for a worker to start, or than its deadline', async () => {
  for (const maxMs of [600_000, 20_000]) {
    const { sent, frames, settle, over } = world(['a'], { scalable: ['a'], served: [], maxMs });
    await settle();
    sent[0]?.hear('nobody');
    await vi.advanceTimersByTimeAsync(Math.min(maxMs, 300_000) - 1_000);
    expect(failureIn(frames)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2_000);
    await over;
    expect([wire.FailureCode.NO_WORKER, wire.FailureCode.DEADLINE]).toContain(failureIn(frames)?.code);
    expect(failureIn(frames)).toMatchObject({ retryable: true });
  }
});

test('while a worker is started another model that may do the task answers it', async () => {
  const { sent, settle } = world(['a', 'b'], { scalable: ['a'], served: ['b'] });
  await settle();
  sent[0]?.hear('nobody');
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'b' });
});

test('a task that can wait is told at once that no worker is there, and so is one of a model that is not scalable', async () => {
  for (const options of [{ scalable: ['a'], priority: 'background' }, {}] as const) {
    const { sent, frames, settle, over } = world(['a'], { ...options, served: [] });
    await settle();
    sent[0]?.hear('nobody');
    await over;
    expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.NO_WORKER });
  }
});

test('a model in cooldown is passed over, with the end of its cooldown among the attempts', async () => {
  const { sent, settle } = world(['a', 'b'], { cooldowns: { a: 60_000 } });
  await settle();
  expect(sent.map(({ request }) => request.model)).toEqual(['b']);
  expect(sent[0]?.request.prior[0]?.reason).toMatch(/^cooling down until 20/);
  expect(sent[0]?.request.onlyChoice).toBe(true);
});

test('where everything cools down the task waits for the first end before its deadline', async () => {
  const { sent, slots, settle } = world(['a', 'b'], { cooldowns: { a: 60_000, b: 3_000 } });
  await vi.advanceTimersByTimeAsync(2_990);
  expect(sent).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(20);
  slots.poll();
  await settle();
  expect(sent.map(({ request }) => request.model)).toEqual(['b']);
});

test('a cooldown that is ended early ends the wait', async () => {
  const { sent, slots, cooldowns, settle } = world(['a'], { cooldowns: { a: 8_000 } });
  await settle();
  cooldowns.change('a', 0);
  await settle();
  slots.poll();
  await settle();
  expect(sent).toHaveLength(1);
});

test('where no cooldown ends in time the task fails at once, and says when to retry', async () => {
  const { over, frames, sent } = world(['a', 'b'], { cooldowns: { a: 60_000, b: 30_000 } });
  await over;
  expect(sent).toHaveLength(0);
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.OVERLOADED, retryable: true, retryAfterMs: 30_000 });
  expect(failureIn(frames)?.message).toMatch(/b is cooling down until 20/);
});

test('where one cools down for long and the other one failed or is not served, no caller is told to retry after the long cooldown', async () => {
  const lost = world(['a', 'b'], { cooldowns: { a: 3_600_000 } });
  await lost.settle();
  lost.sent[0]?.hear(accepted(1));
  lost.sent[0]?.lose();
  await lost.over;
  expect(failureIn(lost.frames)).toMatchObject({ code: wire.FailureCode.ALL_FAILED, retryable: true, retryAfterMs: 0 });
  const away = world(['a', 'b'], { cooldowns: { a: 3_600_000 }, unserved: { b: 'no live worker serves it' } });
  await away.over;
  expect(failureIn(away.frames)).toMatchObject({ code: wire.FailureCode.OVERLOADED, retryAfterMs: 1_000 });
});

test('a call that met the provider’s limit is sent again when the model has cooled down', async () => {
  const { sent, slots, cooldowns, settle } = world(['a']);
  await settle();
  sent[0]?.hear(accepted(1));
  cooldowns.change('a', 2_000);
  sent[0]?.hear(ended('a', 'RateLimited', false));
  await vi.advanceTimersByTimeAsync(1_900);
  slots.poll();
  await settle();
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  slots.poll();
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'a', attempt: 2 });
});

test('a silent model gives way while another follows, the last is waited for, and who gave way is asked once more', async () => {
  const { over, sent, frames, settle } = world(['a', 'b'], { timeoutMs: 1_200 });
  await settle();
  expect(sent[0]?.request).toMatchObject({ model: 'a', firstContentTimeoutMs: 1_200, anotherFollows: true });
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Stalled', false));
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'b', firstContentTimeoutMs: 0, anotherFollows: false });
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'a', attempt: 3, firstContentTimeoutMs: 0, mayCommit: true });
  sent[2]?.hear(accepted(3));
  sent[2]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
});

test('a model that is silent though it was waited for is not asked for ever', async () => {
  const { over, sent, frames, settle } = world(['a', 'b'], { timeoutMs: 1_200 });
  for (let n = 0; n < 3; n += 1) {
    await settle();
    sent[n]?.hear(accepted(n + 1));
    sent[n]?.hear(ended(sent[n]?.request.model ?? '', 'Stalled', false));
  }
  await over;
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'a']);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.ALL_FAILED);
});

test('when workers are back, models are tried in the order of the route', async () => {
  const { sent, slots } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(200);
  sent[1]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(200);
  slots.free('b', 1);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'a']);
  // Nobody took calls of it since it was full: then the one that is free gets the task.
  sent[2]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(0);
  expect(sent[3]?.request.model).toBe('b');
});
