import { toBinary } from '@bufbuild/protobuf';
import { create, wire } from '@will/contracts';
import type { StoredTask, TaskStore } from '@will/store';
import { onTestFinished } from 'vitest';
import { durableTask, outcomeBytes } from '../durable-task.ts';
import { Runner, type RunnerDeps } from '../runner.ts';
import { FakeQueue } from './fake-queue.ts';
import { storedIn, useTaskStore } from './task-store.ts';

/** Where the clock of a runner stands at first. */
export const startMs = Date.UTC(2026, 0, 5);
export const hourMs = 3_600_000;

/** A runner of a test, with what it is given and what it does. */
export interface Running {
  readonly runner: Runner;
  readonly queue: FakeQueue;
  readonly clock: { ms: number; monotonicMs: number };
  readonly ran: Parameters<RunnerDeps['run']>[];
  readonly errors: string[];
}

type Given = Partial<Omit<RunnerDeps, 'queue'>> & { readonly queue?: FakeQueue };

/** Tasks of anna in the store of a test file, and runners for them. */
export interface RunnerTests {
  store(): TaskStore;
  /** Stores a task. @returns its id. */
  submitted(over?: { readonly deadlineMs?: number }): Promise<string>;
  /** A runner under way, until the test is over. */
  running(given?: Given): Running;
  stored(taskId: string): Promise<StoredTask>;
  /** The task as callers see it. */
  told(taskId: string): Promise<wire.DurableTask>;
  /** What another process does when it picks the task up and brings it to an end. */
  endElsewhere(taskId: string): Promise<void>;
}

export function useRunner(): RunnerTests {
  const store = useTaskStore();
  let made = 0;
  const stored = (taskId: string): Promise<StoredTask> => storedIn(store(), 'anna', taskId);
  return {
    store,
    stored,
    told: async (taskId) => durableTask(await stored(taskId), startMs - hourMs),
    async submitted({ deadlineMs = startMs + hourMs } = {}) {
      const taskId = `task-${(made += 1)}`;
      await store().insert(taskOfAnna(taskId, deadlineMs));
      return taskId;
    },
    running: (given = {}) => startRunner(store(), given),
    async endElsewhere(taskId) {
      const claim = await store().claim('anna', taskId);
      if (claim.kind !== 'claimed') throw new Error(claim.kind);
      const failure = create(wire.FailureSchema, { code: wire.FailureCode.CANCELLED, message: 'elsewhere' });
      const { fence } = claim.task;
      const result = outcomeBytes({ failure });
      await store().finish({ client: 'anna', taskId, fence, state: 'cancelled', result, atMs: startMs });
    },
  };
}

function taskOfAnna(taskId: string, deadlineMs: number): Parameters<TaskStore['insert']>[0] {
  const task = create(wire.TaskSchema, { taskId, type: 'text_gen' });
  const request = create(wire.SubmitRequestSchema, { task, traceparent: 'the trace of the submit' });
  return {
    client: 'anna',
    taskId,
    idempotencyKey: taskId,
    bodyHash: taskId,
    type: 'text_gen',
    project: '',
    priority: 'normal',
    createdAtMs: startMs,
    deadlineMs,
    body: toBinary(wire.SubmitRequestSchema, request),
  };
}

function startRunner(store: TaskStore, { queue = new FakeQueue(), ...given }: Given): Running {
  const clock = { ms: startMs, monotonicMs: 1_000 };
  const ran: Running['ran'] = [];
  const errors: string[] = [];
  const runner = new Runner({
    store,
    queue,
    nowMs: () => clock.ms,
    monotonicMs: () => clock.monotonicMs,
    draw: () => 0,
    atOnce: 4,
    onError: (what, error) => void errors.push(`${what}: ${(error as Error).message}`),
    ...given,
    async run(...asked) {
      ran.push(asked);
      return (await given.run?.(...asked)) ?? create(wire.EndSchema, { model: 'm' });
    },
  });
  onTestFinished(async () => {
    const stopped = runner.stop(0);
    queue.close();
    await stopped;
  });
  runner.start();
  return { runner, queue, clock, ran, errors };
}
