import { wire } from '@will/contracts';
import type { StoredTask } from '@will/store';
import { expect, test } from 'vitest';
import { durableTask } from './durable-task.ts';

const ended: StoredTask = {
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
  finishedAtMs: 2,
  result: undefined,
  deadReason: undefined,
};

test('a task whose result is kept no longer says so, and that it had succeeded', () => {
  const told = durableTask(ended);
  expect(told.state).toBe(wire.DurableState.SUCCEEDED);
  expect(told.failure?.message).toBe('what task "task-1" came to was kept for 24 hours after its end');
  expect(durableTask({ ...ended, state: 'running' }).failure).toBeUndefined();
  expect(durableTask(ended, { withOutcome: false }).failure).toBeUndefined();
});
