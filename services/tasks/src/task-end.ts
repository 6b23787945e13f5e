import { create, wire } from '@will/contracts';
import type { StoredTask, TaskStore } from '@will/store';
import { durableTask, isTerminal, outcomeBytes } from './durable-task.ts';
import type { TaskQueue } from './ports.ts';

/** Ports by which a task is ended. */
export interface TaskEndDeps {
  readonly store: TaskStore;
  readonly queue: TaskQueue;
  readonly nowMs: () => number;
}

/** The failure of a task whose deadline passed. */
export const expiredFailure = (): wire.Failure =>
  create(wire.FailureSchema, {
    code: wire.FailureCode.DEADLINE,
    message: 'the deadline passed before it could be done',
  });

/** Ends a task that has not ended; the one that runs it is no longer able to. @returns the task as it is then. */
export async function endTask(
  deps: TaskEndDeps,
  task: StoredTask,
  state: 'cancelled' | 'expired',
  failure: wire.Failure,
): Promise<StoredTask> {
  const { store, nowMs } = deps;
  const { client, taskId } = task;
  const claim = await store.claim(client, taskId);
  if (claim.kind === 'unknown') return task;
  if (claim.kind === 'finished') {
    // The one that ended it may have died before it could tell the end.
    await publishEnd(deps, claim.task);
    return claim.task;
  }
  const { fence } = claim.task;
  const ended = await store.finish({
    client,
    taskId,
    fence,
    state,
    result: outcomeBytes({ failure }),
    atMs: nowMs(),
  });
  const now = ended.kind === 'unknown' ? task : ended.task;
  if (isTerminal(now.state)) await publishEnd(deps, now);
  return now;
}

/** Publishes the end of a task that has ended, and notes it; once more does nothing. */
export async function publishEnd(
  { store, queue }: Pick<TaskEndDeps, 'store' | 'queue'>,
  task: StoredTask,
): Promise<void> {
  await queue.publishResult(durableTask(task, Number(task.finishedAtMs ?? 0)));
  await store.published(task.client, task.taskId);
}
