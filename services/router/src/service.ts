import { create } from '@bufbuild/protobuf';
import type { Snapshot } from '@will/core';
import { wire } from '@will/contracts';
import { InvalidTaskError, readTask } from './intake.ts';
import type { Caller } from './ports.ts';
import { TaskRun, type RunDeps } from './task-run.ts';

export interface RouterDeps extends RunDeps {
  readonly snapshot: () => Snapshot | undefined;
  readonly maxTasks: number;
}

/** The router's one use case: get a task done. Holds the tasks in flight. */
export class Router {
  readonly #deps: RouterDeps;
  readonly #running = new Map<string, { run: TaskRun; over: Promise<void> }>();
  #isDraining = false;

  constructor(deps: RouterDeps) {
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Takes a task; every end, also a refusal, goes to the caller as a frame. */
  take(task: wire.Task, client: string, caller: Caller): void {
    const { snapshot, maxTasks, nowMs } = this.#deps;
    const documents = snapshot();
    if (!documents || this.#isDraining)
      return refuse(task, caller, wire.FailureCode.UNAVAILABLE, 'the router is not ready', 250);
    if (this.#running.size >= maxTasks)
      return refuse(task, caller, wire.FailureCode.OVERLOADED, `${maxTasks} tasks are in flight already`, 1_000);
    try {
      const type = documents.taskTypes.get(task.type);
      const read = readTask(task, client, documents.tokenEdges, nowMs(), type);
      this.#start(new TaskRun(this.#deps, read, caller));
    } catch (error) {
      if (!(error instanceof InvalidTaskError)) throw error;
      const code = error.code === 'too_large' ? wire.FailureCode.TOO_LARGE : wire.FailureCode.INVALID_TASK;
      refuse(task, caller, code, error.message, 0);
    }
  }

  cancel(taskId: string): void {
    this.#running.get(taskId)?.run.cancel();
  }

  /** Resolves when all tasks in flight are over, or the time is up. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    const timer = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
    const overs = [...this.#running.values()].map(({ over }) => over);
    await Promise.race([Promise.all(overs), timer]);
  }

  #start(run: TaskRun): void {
    const { taskId } = run.task;
    const over = run.run().finally(() => {
      // A repeated task id replaces its predecessor here; only its own entry is taken away.
      if (this.#running.get(taskId)?.run === run) this.#running.delete(taskId);
    });
    this.#running.set(taskId, { run, over });
  }
}

/** Answers a task that was not taken. */
export function refuse(
  task: wire.Task,
  caller: Caller,
  code: wire.FailureCode,
  message: string,
  retryAfterMs: number,
): void {
  const failure = create(wire.FailureSchema, { code, message, retryable: retryAfterMs > 0, retryAfterMs });
  caller.send(create(wire.FrameSchema, { taskId: task.taskId, kind: { case: 'failure', value: failure } }));
}
