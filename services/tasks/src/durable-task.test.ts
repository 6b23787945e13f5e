import { wire } from '@will/contracts';
import type { StoredTask } from '@will/store';
import { expect, test } from 'vitest';
import { durableTask } from './durable-task.ts';

const nowMs = 5_000_000;
const ended: StoredTask = {
  idlePickups: 0,
  client: 'acme',
  taskId: 'task-1',
  idempotencyKey: 'key',
  bodyHash: 'hash',
  type: 'text_gen',
  project: '',
  priority: 'normal',
  createdAtMs: 1,
  deadlineMs: 2,
  body: new Uint8Array(),
  state: 'succeeded',
  fence: 1,
  messagedAtMs: 1,
  waitsFor: undefined,
  finishedAtMs: 2,
  result: undefined,
  deadReason: undefined,
};

test('a task whose result is kept no longer says so, and that it had succeeded', () => {
  const told = durableTask(ended, nowMs);
  expect(told.state).toBe(wire.DurableState.SUCCEEDED);
  expect(told.failure?.message).toBe('what task "task-1" came to was kept for 24 hours after its end');
  expect(durableTask({ ...ended, state: 'running' }, nowMs).failure).toBeUndefined();
  expect(durableTask(ended, nowMs, { withOutcome: false }).failure).toBeUndefined();
});

test('a task that waits for its time says when it starts, also after it was given up until then', () => {
  const parked: StoredTask = {
    ...ended,
    state: 'running',
    finishedAtMs: undefined,
    messagedAtMs: nowMs + 500.5,
    fence: 3,
  };
  expect(durableTask({ ...parked, idlePickups: 2, waitsFor: 'a limit' }, nowMs)).toMatchObject({
    waitsFor: 'a limit',
    state: wire.DurableState.WAITING,
    startsUnixMs: BigInt(nowMs + 501),
    pickups: 1,
  });
  expect(durableTask({ ...parked, waitsFor: 'a limit' }, nowMs + 501)).toMatchObject({
    state: wire.DurableState.RUNNING,
    startsUnixMs: 0n,
    waitsFor: '',
  });
  expect(durableTask({ ...parked, state: 'succeeded' }, nowMs).startsUnixMs).toBe(0n);
});
