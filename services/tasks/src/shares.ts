import type { Priority } from '@will/core';

/** How many of eleven places that become free go to whom, where all wait. */
const weights: Record<Priority, number> = { high: 8, normal: 3, background: 1 };
/** Background work never takes more than half of the places, so that what comes later finds one. */
const maxShare: Record<Priority, number> = { high: 1, normal: 0.75, background: 0.5 };

interface Waiting {
  readonly resolve: () => void;
}

/**
 * Places for tasks that run, shared among priorities by weight. Each priority has one queued at a time; who waits is never
 * left out for ever, and higher priorities find places that lower ones may not take.
 */
export class Shares {
  readonly #places: number;
  readonly #taken: Record<Priority, number> = { high: 0, normal: 0, background: 0 };
  /** What each has had so far, by its weight; the one with the least is next. */
  readonly #passed: Record<Priority, number> = { high: 0, normal: 0, background: 0 };
  /** What the one that got the last place had had before it. */
  #now = 0;
  readonly #queued = new Map<Priority, Waiting>();

  constructor(places: number) {
    this.#places = places;
  }

  get taken(): number {
    return this.#taken.high + this.#taken.normal + this.#taken.background;
  }

  /** Resolves when a place is this priority's. One call at a time for each. */
  take(priority: Priority): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queued.set(priority, { resolve });
    this.#give();
    return promise;
  }

  release(priority: Priority): void {
    this.#taken[priority] -= 1;
    this.#give();
  }

  #give(): void {
    for (;;) {
      const next = this.#next();
      if (next === undefined) return;
      const waiting = this.#queued.get(next);
      this.#queued.delete(next);
      this.#taken[next] += 1;
      // Who comes back after a pause does not make up for what it did not ask for.
      this.#now = Math.max(this.#now, this.#passed[next]);
      this.#passed[next] = this.#now + 1 / weights[next];
      waiting?.resolve();
    }
  }

  #next(): Priority | undefined {
    if (this.taken >= this.#places) return undefined;
    const free = [...this.#queued.keys()].filter((one) => this.#taken[one] < this.#places * maxShare[one]);
    return free.toSorted((a, b) => this.#passed[a] - this.#passed[b])[0];
  }
}
