import { TaskError, type TaskRequest } from '@will/client';
import { expect, test } from 'vitest';
import { RejectionCache } from './rejection-cache.ts';

const task: TaskRequest = { type: 'narrow', input: 'Hello', timeoutMs: 1_000 };
const full = new TaskError('overloaded', 'all slots of narrow are taken', {
  taskId: 't',
  isRetryable: true,
  retryAfterMs: 800,
});

function world() {
  const clock = { nowMs: 5_000 };
  const rejections = new RejectionCache(() => clock.nowMs);
  const refuse = (times: number, of: TaskRequest = task, client = 'noisy'): void => {
    for (let n = 0; n < times; n += 1) rejections.failed(of, client, full);
  };
  return { clock, rejections, refuse };
}

test('after five refusals of one kind within a tenth of a second the next ones are answered here, as the router would', () => {
  const { rejections, refuse } = world();
  refuse(4);
  expect(rejections.refusal(task, 'noisy')).toBeUndefined();
  refuse(1);
  expect(rejections.refusal(task, 'noisy')).toMatchObject({
    status: 429,
    code: 'overloaded',
    message: 'all slots of narrow are taken; 5 tasks like it were refused just now',
    headers: ['retry-after', '1', 'retry-after-ms', '800'],
  });
});

test('the router is asked again a tenth of a second later, and what it refuses then counts anew', () => {
  const { clock, rejections, refuse } = world();
  refuse(5);
  clock.nowMs += 99;
  expect(rejections.refusal(task, 'noisy')).toBeDefined();
  clock.nowMs += 1;
  expect(rejections.refusal(task, 'noisy')).toBeUndefined();
  refuse(4);
  expect(rejections.refusal(task, 'noisy')).toBeUndefined();
  refuse(1);
  expect(rejections.refusal(task, 'noisy')).toBeDefined();
});

test('refusals that come slowly are no rejections', () => {
  const { clock, rejections, refuse } = world();
  for (let n = 0; n < 50; n += 1) {
    refuse(1);
    clock.nowMs += 30;
    expect(rejections.refusal(task, 'noisy')).toBeUndefined();
  }
});

test.each([
  ['of another client', task, 'quiet'],
  ['of another type', { ...task, type: 'wide' }, 'noisy'],
  ['for another model', { ...task, model: 'wide' }, 'noisy'],
  ['that is more urgent', { ...task, priority: 'high' as const }, 'noisy'],
  ['of another size', { ...task, input: 'x'.repeat(1_000) }, 'noisy'],
  ['that can wait for longer', { ...task, timeoutMs: 2_000 }, 'noisy'],
])('a task %s is asked for all the same', (_, other: TaskRequest, client) => {
  const { rejections, refuse } = world();
  refuse(5);
  expect(rejections.refusal(other, client)).toBeUndefined();
});

test('tasks with a short timeout are answered here for a tenth of it, so that their queue does not run dry', () => {
  const { clock, rejections, refuse } = world();
  const hasty = { ...task, timeoutMs: 200 };
  refuse(5, hasty);
  clock.nowMs += 19;
  expect(rejections.refusal(hasty, 'noisy')).toBeDefined();
  clock.nowMs += 1;
  expect(rejections.refusal(hasty, 'noisy')).toBeUndefined();
});

test('other failures are no refusals', () => {
  const { rejections } = world();
  for (let n = 0; n < 9; n += 1) {
    rejections.failed(task, 'noisy', new TaskError('all_failed', 'every attempt failed', { taskId: 't' }));
    rejections.failed(task, 'noisy', new Error('something else'));
  }
  expect(rejections.refusal(task, 'noisy')).toBeUndefined();
});

test('of however many kinds there are no more than a thousand are remembered', () => {
  const { rejections, refuse } = world();
  for (let n = 0; n < 3_000; n += 1) refuse(5, { ...task, type: `kind-${n}` });
  const answered = Array.from({ length: 3_000 }, (_, n) => rejections.refusal({ ...task, type: `kind-${n}` }, 'noisy'));
  expect(answered.filter(Boolean).length).toBeLessThanOrEqual(1_000);
  expect(answered.at(-1)).toBeDefined();
});
