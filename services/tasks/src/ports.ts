import type { Priority, Snapshot } from '@will/core';
import type { wire } from '@will/contracts';

/** A message of the queue, in this process's hands until it is acknowledged, or lost with the process. */
export interface QueuedTask {
  readonly reference: wire.TaskReference;
  /** How often it was given out, from 1. */
  readonly deliveries: number;
  /** Says that it is still worked on: it is not given to somebody else meanwhile. */
  working(): void;
  done(): Promise<void>;
  /** Gives it back for others to take at once. */
  giveBack(): void;
}

/** The stream of tasks that are to run. All throw {BusError} while NATS is not connected. */
export interface TaskQueue {
  /** Puts a task into the queue. @param id the same within two minutes: not put there again. */
  add(reference: wire.TaskReference, priority: Priority, type: string, id: string): Promise<void>;
  /** Puts it there at a later instant; of one task one schedule stands. */
  addAt(reference: wire.TaskReference, priority: Priority, type: string, atMs: number): Promise<void>;
  /** The next of a priority; undefined: none came for a while. */
  next(priority: Priority): Promise<QueuedTask | undefined>;
  /** When the oldest message that nobody was given yet was put there; Infinity: there is none. */
  queuedSinceMs(priority: Priority): Promise<number>;
  /** Publishes the one result of a task; once more does nothing. */
  publishResult(task: wire.DurableTask): Promise<void>;
  /** Takes back the published end of a task that is to be run anew. */
  withdrawResult(client: string, taskId: string): Promise<void>;
  /** Removes what stands on the bus of a client's tasks: results, places in the queue, and schedules. */
  erase(client: string): Promise<void>;
  /** Called when a task of any process ended. Returns how to stop. */
  onResult(listener: (client: string, taskId: string) => void): () => void;
}

/** Options of a task's run: for how long at most, and until when at all. */
export interface TaskRunOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whether this process still is who runs it. Asked where the run was held up on its way. */
  readonly isStillWanted: () => Promise<boolean>;
  /** W3C traceparent of the submit; '': none. */
  readonly traceparent: string;
}

/** Does a task now, by way of the router. @throws {TaskError} */
export type RunTask = (client: string, task: wire.Task, options: TaskRunOptions) => Promise<wire.End>;

export interface TasksSnapshots {
  readonly current: Snapshot | undefined;
}
