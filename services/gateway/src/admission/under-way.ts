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
  /** Rejects the wait at once, whether or not the work heeds its signal. */
  readonly reject: (error: GuardError) => void;
}

/** The work that a server waits for: it ends in words, not by a broken connection, when the server stops or its key is revoked. */
export class UnderWay {
  readonly #tasks = new TransientSet<Waited>();

  /**
   * Runs work that `left` aborts.
   * @throws {TaskError} 'unavailable' where the server did not wait for its end
   * @throws {GuardError} 'unauthenticated' where its key ended before
   */
  async run<T>(left: AbortController, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { promise: keyEnded, reject } = Promise.withResolvers<never>();
    const leave = this.#tasks.add({ task: left, keyId: identity()?.keyId, reject });
    try {
      return await Promise.race([task(left.signal), keyEnded]);
    } catch (thrown) {
      throw left.signal.reason === serverStops ? notWaitedFor(thrown) : thrown;
    } finally {
      leave();
    }
  }

  /** Cancels what is done in the name of keys that no longer hold. @returns how much that was */
  endKeys(holds: (keyId: string) => boolean): number {
    let ended = 0;
    for (const { task, keyId, reject } of this.#tasks) {
      if (keyId === undefined || holds(keyId)) continue;
      reject(new GuardError('unauthenticated', 'the key is no longer valid: it was revoked, or it expired'));
      task.abort();
      ended += 1;
    }
    return ended;
  }

  endAll(): void {
    for (const { task } of this.#tasks) task.abort(serverStops);
  }
}

function notWaitedFor(cause: unknown): TaskError {
  const { taskId = '', decisionId = '' } = cause instanceof TaskError ? cause : {};
  const message = 'the gateway stops, and waits no longer for this answer';
  return new TaskError('unavailable', message, { taskId, decisionId, isRetryable: true, cause });
}
