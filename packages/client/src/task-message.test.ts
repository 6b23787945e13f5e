import { fromBinary } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import { taskMessage } from './task-message.ts';

const read = (more: object) => {
  const message = taskMessage({ type: 'text_gen', input: 'Hello', ...more }, true, 1_000);
  return { message, task: fromBinary(wire.TaskSchema, message.bytes) };
};

test('a task without a timeout leaves its deadline to the router, so that a stream that flows is not cut here', () => {
  const { message, task } = read({});
  expect([message.deadlineUnixMs, task.deadlineUnixMs]).toEqual([0, 0n]);
  expect([task.firstTokenTimeoutMs, task.idleTimeoutMs]).toEqual([0, 0]);
});

test('timeouts of a caller go with its task', () => {
  const { message, task } = read({ timeoutMs: 500, firstTokenTimeoutMs: 200, idleTimeoutMs: 99.5 });
  expect(message.deadlineUnixMs).toBe(1_500);
  expect(task).toMatchObject({ deadlineUnixMs: 1_500n, firstTokenTimeoutMs: 200, idleTimeoutMs: 100 });
});
