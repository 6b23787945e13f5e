import type { AcceptedTask } from './intake.ts';

/** Follows how tasks go, for those who operate this. Never throws. */
export interface Watch {
  task(task: AcceptedTask): TaskWatch;
}

export interface TaskWatch {
  /** Does the task's work as part of its trace. */
  run<T>(work: () => T): T;
  decided(decisionId: string, revision: number): void;
  /** A call is about to be sent. */
  attempt(model: string, number: number, attemptId: string): AttemptWatch;
  /** `end`: `Success`, or how it ended otherwise, from a closed set. */
  ended(end: string): void;
}

export interface AttemptWatch {
  run<T>(work: () => T): T;
  /** `end`: the status, or `busy`, `nobody`. */
  ended(end: string): void;
}

const attempt: AttemptWatch = { run: (work) => work(), ended: () => {} };
const task: TaskWatch = { run: (work) => work(), decided: () => {}, attempt: () => attempt, ended: () => {} };

/** Nobody looks. */
export const unwatched: Watch = { task: () => task };
