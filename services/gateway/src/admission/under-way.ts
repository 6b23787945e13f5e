import { TaskError } from '@will/client';
import { TransientSet } from '@will/core';
import { GuardError } from '../auth/keys/guard.ts';
import { identity } from '../auth/keys/identity.ts';

/** The time that answers which end because the server stops have to reach their callers. */
export const lastWordsMs = 250;
/** What an abort says when it was the server that waits no longer. */
const serverStops = Symbol('the server stops');

/** Work that somebody waits for. */
interface Waited {
  readonly task: AbortController;
  /** The key in whose name it is done; undefined: there was none. */
  readonly keyId: string | undefined;
  /** Ends the wait at once, whether or not the work heeds its signal. */
  readonly fail: (error: GuardError) => void;
}

/** The work that a server waits for: it ends in words, not by a broken connection, when the server stops or its key is revoked. */
export class UnderWay {
  readonly #tasks = new TransientSet<Waited>();

  /**
   * Runs work that `left` aborts.
   * @throws {TaskError} 'unavailable' where the server did not wait for its end
   * @throws {GuardError} 'unauthenticated' where its key ended before
   */
  run<T>(left: AbortController, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (thrown: unknown): void => {
        leave();
        reject(left.signal.reason === serverStops ? notWaitedFor(thrown) : (thrown as Error));
      };
      const leave = this.#tasks.add({ task: left, keyId: identity()?.keyId, fail });
      begun(task, left.signal).then((result) => {
        leave();
        resolve(result);
      }, fail);
    });
  }

  /** Cancels what is done in the name of keys that no longer hold. @returns how much that was */
  endKeys(holds: (keyId: string) => boolean): number {
    let ended = 0;
    for (const { task, keyId, fail } of this.#tasks) {
      if (keyId === undefined || holds(keyId)) continue;
      fail(new GuardError('unauthenticated', 'the key is no longer valid: it was revoked, or it expired'));
      task.abort();
      ended += 1;
    }
    return ended;
  }

  endAll(): void {
    for (const { task } of this.#tasks) task.abort(serverStops);
  }
}

/** Work that fails before it begins fails like any other. */
function begun<T>(task: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return task(signal);
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

function notWaitedFor(cause: unknown): TaskError {
  const { taskId = '', decisionId = '' } = cause instanceof TaskError ? cause : {};
  const message = 'the gateway stops, and waits no longer for this answer';
  return new TaskError('unavailable', message, { taskId, decisionId, isRetryable: true, cause });
}
