/** A caller that is there answers sooner. */
const answerWithinMs = 1_000;

/**
 * Tasks that this router took after it stood still. Their callers may have given them to another router meanwhile, or
 * wait no more: each is asked first, and a task of which nobody says that it is wanted is not run.
 */
export class LateTasks {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Resolves true once its caller says that it waits for the task, false when that took longer than a second. */
  async isWanted(client: string, taskId: string): Promise<boolean> {
    const key = keyOf(client, taskId);
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const say = (): void => resolve(true);
    waiting.add(say);
    const timer = setTimeout(() => resolve(false), answerWithinMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(say);
      if (waiting.size === 0) this.#waiting.delete(key);
    }
  }

  /**
   * The caller waits for the task: for the newest that came of it. One who sent it again listens no more to what is
   * said of the one before, which would be run for nobody, and paid.
   */
  wanted(client: string, taskId: string): void {
    const waiting = this.#waiting.get(keyOf(client, taskId));
    const newest = [...(waiting ?? [])].at(-1);
    if (newest === undefined) return;
    waiting?.delete(newest);
    newest();
  }
}

const keyOf = (client: string, taskId: string): string => `${client} ${taskId}`;
