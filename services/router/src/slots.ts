import type { Priority } from '@will/core';

/** Waiting ended: a slot may be free, time is up, or too many wait already. */
export type SlotAnswer = 'try' | 'timeout' | 'full';

interface Waiter {
  readonly client: string;
  readonly resolve: (answer: SlotAnswer) => void;
  isDone: boolean;
}

const ranks: readonly Priority[] = ['high', 'normal', 'background'];

/**
 * Tasks that wait for a free slot of a model: one bounded queue per model, by priority, round robin by client. A worker
 * that has slots again lets as many go; besides, one is let go at each poll, since that word can be lost.
 */
export class SlotQueues {
  readonly #queues = new Map<string, ModelQueue>();
  readonly #capacity: number;

  constructor(capacity = 2_000) {
    this.#capacity = capacity;
  }

  /** How many wait for a model. */
  waiting(model: string): number {
    return this.#queues.get(model)?.size ?? 0;
  }

  /** How many wait, by model. */
  *waitingByModel(): Iterable<readonly [model: string, waiting: number]> {
    for (const [model, queue] of this.#queues) if (queue.size > 0) yield [model, queue.size];
  }

  /** Resolves 'try' when it is this task's turn. The caller's `signal` takes it out of the queue. */
  wait(model: string, priority: Priority, client: string, timeoutMs: number, signal: AbortSignal): Promise<SlotAnswer> {
    const queue = this.#queues.get(model) ?? new ModelQueue();
    this.#queues.set(model, queue);
    if (queue.size >= this.#capacity) return Promise.resolve('full');
    const { promise, resolve } = Promise.withResolvers<SlotAnswer>();
    const waiter: Waiter = { client, resolve, isDone: false };
    queue.add(waiter, priority);
    const timer = setTimeout(() => queue.finish(waiter, 'timeout'), timeoutMs);
    const abort = (): void => queue.finish(waiter, 'timeout');
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      if (queue.size === 0) this.#queues.delete(model);
    });
  }

  /** Slots became free: lets as many waiting tasks try. */
  free(model: string, slots: number): void {
    this.#queues.get(model)?.release(slots);
  }

  /** Lets one waiting task per model try. */
  poll(): void {
    for (const queue of this.#queues.values()) queue.release(1);
  }
}

/** By priority, then a ring of clients, then first come first served. */
class ModelQueue {
  size = 0;
  readonly #byRank = ranks.map(() => new Map<string, Waiter[]>());

  add(waiter: Waiter, priority: Priority): void {
    const clients = this.#byRank[ranks.indexOf(priority)] as Map<string, Waiter[]>;
    const line = clients.get(waiter.client);
    if (line) line.push(waiter);
    else clients.set(waiter.client, [waiter]);
    this.size += 1;
  }

  release(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      const waiter = this.#next();
      if (!waiter) return;
      this.finish(waiter, 'try');
    }
  }

  /** Ends a wait once; its place in line is skipped when its turn comes. */
  finish(waiter: Waiter, answer: SlotAnswer): void {
    if (waiter.isDone) return;
    waiter.isDone = true;
    this.size -= 1;
    waiter.resolve(answer);
  }

  #next(): Waiter | undefined {
    for (const clients of this.#byRank) {
      for (const [client, line] of clients) {
        // The client goes to the end of the ring, or out of it.
        clients.delete(client);
        let waiter = line.shift();
        while (waiter?.isDone) waiter = line.shift();
        if (line.length > 0) clients.set(client, line);
        if (waiter) return waiter;
      }
    }
    return undefined;
  }
}
