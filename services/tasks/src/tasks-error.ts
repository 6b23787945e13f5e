import { quote } from '@will/core';
import { wire } from '@will/contracts';

/** A request that cannot be done; the message names the value and what was allowed. */
export class TasksError extends Error {
  override readonly name = 'TasksError';
  readonly code: wire.FailureCode;
  constructor(code: wire.FailureCode, message: string) {
    super(message);
    this.code = code;
  }
  /** The same request may be answered a moment later. */
  get isRetryable(): boolean {
    return this.code === wire.FailureCode.UNAVAILABLE;
  }
}

/** The error of a request that is wrong by itself. */
export const invalid = (message: string): TasksError => new TasksError(wire.FailureCode.INVALID_TASK, message);

/** No such task is the client's. */
export const unknownTask = (client: string, taskId: string): TasksError =>
  new TasksError(wire.FailureCode.UNKNOWN_TASK, `task ${quote(taskId)} is not known of client ${client}`);
