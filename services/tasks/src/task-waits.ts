import type { TaskQueue } from './ports.ts';

/** Callers that wait for the end of a task. */
export class TaskWaits {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #stopListening: () => void;

  constructor(queue: Pick<TaskQueue, 'onResult'>) {
    this.#stopListening = queue.onResult((client, taskId) => {
      for (const wake of this.#waiting.get(`${client} ${taskId}`) ?? []) wake();
    });
  }

  /** A promise that resolves when the task ends or the time is up, and how to stop waiting. */
  nextWord(client: string, taskId: string, waitMs: number): [Promise<void>, () => void] {
    const key = `${client} ${taskId}`;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(resolve));
    const timer = setTimeout(resolve, waitMs);
    const stop = (): void => {
      clearTimeout(timer);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(key);
    };
    return [promise, stop];
  }

  /** Wakes everybody. */
  stop(): void {
    this.#stopListening();
    for (const waiting of this.#waiting.values()) for (const wake of waiting) wake();
  }
}
