import { expect, test } from 'vitest';
import type { AcceptedTask } from '../task/intake.ts';
import { observedTasks } from './observed-tasks.ts';

test.each([true, false])(
  'a model that takes no call of a task is wanted once (figures are told: %s)',
  (isMeasuring) => {
    const wanted: string[] = [];
    const observing = { isMeasuring, isTracing: false, count: () => {}, time: () => {} };
    const demand = { unmet: (model: string) => wanted.push(model) };
    const observer = observedTasks({ observing, demand, nowMs: Date.now, isKnownType: () => true });
    const facts = { taskType: 'text_gen', client: 'acme', priority: 'normal' } as AcceptedTask['facts'];
    const task = observer.task({ taskId: 'task-1', facts } as AcceptedTask);
    for (const [model, end] of [
      ['full', 'busy'],
      ['full', 'busy'],
      ['absent', 'nobody'],
      ['well', 'Success'],
    ] as const)
      task.attempt(model, 1, `attempt-${model}`).ended(end);
    expect(wanted).toEqual(['full', 'absent']);
  },
);
