/** Does works that belong together one after the other, in the order they were asked; the rest at the same time. */
export class InTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(key: string, body: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(body, body);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }

  /** Resolves once everything that was asked has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
