import { type CancelSignal, TaskError } from '@will/client';
import { TransientSet } from '@will/core';
import { contained } from '@will/runtime';
import { GuardError } from '../auth/keys/guard.ts';
import { identity } from '../auth/keys/identity.ts';

/** The time that answers which end because the server stops have to reach their callers. */
export const lastWordsMs = 250;
/** What an abort says when it was the server that waits no longer. */
const serverStops = Symbol('the server stops');

/** Ends work: an `AbortController`, or what does as much of its work. */
interface Ending<S> {
  readonly signal: S & { readonly reason: unknown };
  abort(reason?: unknown): void;
}

/**
 * Tells a task that its caller left, as an `AbortController` would, without that one's map of events: each request has
 * one, and nearly none aborts. As there, a listener that fails keeps no other from hearing.
 */
export class Leaving implements CancelSignal, Ending<CancelSignal> {
  aborted = false;
  reason: unknown;
  #listeners: readonly (() => void)[] = [];

  get signal(): this {
    return this;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = [...this.#listeners, listener];
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) contained(listener)();
  }
}

/** Work that somebody waits for. */
interface Waited {
  readonly task: Ending<unknown>;
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
  run<T, S>(left: Ending<S>, task: (signal: S) => Promise<T>): Promise<T> {
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
function begun<T, S>(task: (signal: S) => Promise<T>, signal: S): Promise<T> {
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
