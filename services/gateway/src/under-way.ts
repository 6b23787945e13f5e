import { TaskError } from '@will/client';

/** What answers that are ended because the door stops have to reach their callers. */
export const lastWordsMs = 250;
/** What an abort says when it was the door that waits no longer. */
const doorStops = Symbol('the door stops');

/** The tasks that a door waits for, so that one that stops can end what is left in words rather than by a broken connection. */
export class UnderWay {
  readonly #tasks = new Set<AbortController>();

  /** Runs a task that `left` aborts. @throws {TaskError} 'unavailable' where the door did not wait for its end */
  async run<T>(left: AbortController, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#tasks.add(left);
    try {
      return await task(left.signal);
    } catch (thrown) {
      throw left.signal.reason === doorStops ? notWaitedFor(thrown) : thrown;
    } finally {
      this.#tasks.delete(left);
    }
  }

  endAll(): void {
    for (const task of this.#tasks) task.abort(doorStops);
  }
}

function notWaitedFor(cause: unknown): TaskError {
  const { taskId = '', decisionId = '' } = cause instanceof TaskError ? cause : {};
  const message = 'the gateway stops, and waits no longer for this answer';
  return new TaskError('unavailable', message, { taskId, decisionId, isRetryable: true, cause });
}
