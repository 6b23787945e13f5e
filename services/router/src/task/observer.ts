import type { AcceptedTask } from './intake.ts';

/** Observes tasks for traces and metrics. Never throws. */
export interface TasksObserver {
  task(task: AcceptedTask): TaskObserver;
}

export interface TaskObserver {
  /** Does the task's work as part of its trace. */
  run<T>(work: () => T): T;
  decided(decisionId: string, revision: number): void;
  /** A call is about to be sent. */
  attempt(model: string, number: number, attemptId: string): AttemptObserver;
  /** An attempt has content: of several only the first time counts. */
  firstContent(): void;
  /** `end`: `Success`, or how it ended otherwise, from a closed set. */
  ended(end: string): void;
}

export interface AttemptObserver {
  run<T>(work: () => T): T;
  /** `end`: the status, or `busy`, `nobody`. */
  ended(end: string): void;
}

const attempt: AttemptObserver = { run: (work) => work(), ended: () => {} };
const task: TaskObserver = {
  run: (work) => work(),
  decided: () => {},
  attempt: () => attempt,
  firstContent: () => {},
  ended: () => {},
};

/** No observer. */
export const noopObserver: TasksObserver = { task: () => task };
