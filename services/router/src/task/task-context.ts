import type { Selection } from '@will/core';
import { create, newId, wire } from '@will/contracts';
import type { DecidedSet, TaskCaller } from '../ports.ts';
import type { AcceptedTask } from './intake.ts';
import { noopObserver, type TaskObserver } from './observer.ts';
import type { RunDeps } from './run-deps.ts';
import type { QueueClaim } from './slots.ts';
import { TaskRecords } from './task-records.ts';

const noSelection: Selection = { order: [], skipped: [] };

/** One task under way, as every step of its run sees it: what was decided, and whether it is over. */
export class TaskContext {
  readonly deps: RunDeps;
  readonly task: AcceptedTask;
  readonly caller: TaskCaller;
  readonly observer: TaskObserver;
  readonly records: TaskRecords;
  decisionId = newId();
  /** The ranked set that attempts are made on now. */
  decided: DecidedSet | undefined;
  selection = noSelection;
  /** What tells the caller that the task is here, once it runs. */
  acceptance: { stop(): void } | undefined;
  isOver = false;
  /** The end of an attempt that was opened again: the task ends with it, and no other one is made. */
  reopened: Promise<void> | undefined;
  /** Made only where something waits for a slot. */
  #stop: AbortController | undefined;

  constructor(deps: RunDeps, task: AcceptedTask, caller: TaskCaller) {
    this.deps = deps;
    this.task = task;
    this.caller = caller;
    this.records = new TaskRecords(deps.records, task, deps.nowMs);
    this.observer = (deps.observer ?? noopObserver).task(task);
  }

  /** What is tried besides changes nothing any more: it is over, or an attempt has content that was believed lost. */
  get isDecided(): boolean {
    return this.isOver || this.reopened !== undefined;
  }

  get claim(): QueueClaim {
    return this.task.facts;
  }

  /** Until its deadline. */
  get leftMs(): number {
    return this.task.deadlineUnixMs - this.deps.nowMs();
  }

  /** Aborted once nothing is waited for any more. */
  get stopSignal(): AbortSignal {
    this.#stop ??= new AbortController();
    return this.#stop.signal;
  }

  /** Ends every wait. */
  stopWaits(reason: string): void {
    // With a reason of its own: without one each abort makes an error with a stack.
    this.#stop?.abort(reason);
  }

  toCaller(kind: wire.Frame['kind']): void {
    this.caller.send(create(wire.FrameSchema, { taskId: this.task.taskId, attempt: 0, sequence: 0, kind }));
  }
}
