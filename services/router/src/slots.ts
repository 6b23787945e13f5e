import type { Priority } from '@will/core';

/** Waiting ended: a slot may be free, time is up, or too many wait already. */
export type SlotAnswer = 'try' | 'timeout' | 'full';

interface Waiter {
  readonly client: string;
  /** Place of its priority among `ranks`. */
  readonly rank: number;
  readonly resolve: (answer: SlotAnswer) => void;
}

const ranks: readonly Priority[] = ['high', 'normal', 'background'];

const [shortestRetryMs, usualRetryMs, longestRetryMs] = [250, 1_000, 30_000] as const;
const mostQueues = 1_000;

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
    const waiter: Waiter = { client, rank: ranks.indexOf(priority), resolve };
    queue.add(waiter);
    const timer = setTimeout(() => queue.finish(waiter, 'timeout'), timeoutMs);
    const abort = (): void => queue.finish(waiter, 'timeout');
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      // Another queue of this model may stand there by now.
      if (queue.size === 0 && this.#queues.get(model) === queue) this.#keptEmpty(model, queue);
    });
  }

  /** When to come again, where the queue of a model is full or its wait was in vain: as long as the queue takes now. */
  retryAfterMs(model: string): number {
    const expected = this.#queues.get(model)?.expectedWaitMs ?? usualRetryMs;
    return Math.round(Math.min(longestRetryMs, Math.max(shortestRetryMs, expected)));
  }

  /** An empty queue remembers how fast it went; only so many of them are kept. */
  #keptEmpty(model: string, queue: ModelQueue): void {
    this.#queues.delete(model);
    this.#queues.set(model, queue);
    for (const [oldest, { size }] of this.#queues) {
      if (this.#queues.size <= mostQueues || size > 0) return;
      this.#queues.delete(oldest);
    }
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

/** One in so many freed slots goes to whoever waits at the lowest priority, so that nobody waits for ever. */
const turnOfTheLowest = 12;

/** By priority, then a ring of clients, then first come first served. */
class ModelQueue {
  size = 0;
  readonly #byRank = ranks.map(() => new Map<string, Set<Waiter>>());
  readonly #pace = new Pace();
  #released = 0;

  /** How long whoever comes last now will wait, by how fast slots were freed lately; undefined: none was. */
  get expectedWaitMs(): number | undefined {
    return this.#pace.msPerOne === undefined ? undefined : this.#pace.msPerOne * (this.size + 1);
  }

  add(waiter: Waiter): void {
    const line = this.#clientsOf(waiter).get(waiter.client);
    if (line) line.add(waiter);
    else this.#clientsOf(waiter).set(waiter.client, new Set([waiter]));
    this.size += 1;
  }

  release(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      const waiter = this.#next();
      if (!waiter) return;
      this.#pace.tick(performance.now());
      this.finish(waiter, 'try');
    }
  }

  /** Ends a wait once, and its place in line with it. */
  finish(waiter: Waiter, answer: SlotAnswer): void {
    const clients = this.#clientsOf(waiter);
    const line = clients.get(waiter.client);
    if (!line?.delete(waiter)) return;
    if (line.size === 0) clients.delete(waiter.client);
    this.size -= 1;
    if (this.size === 0) this.#pace.pause();
    waiter.resolve(answer);
  }

  #clientsOf({ rank }: Waiter): Map<string, Set<Waiter>> {
    return this.#byRank[rank] as Map<string, Set<Waiter>>;
  }

  #next(): Waiter | undefined {
    this.#released += 1;
    const isLowestTurn = this.#released % turnOfTheLowest === 0;
    for (const clients of isLowestTurn ? this.#byRank.toReversed() : this.#byRank) {
      const [first] = clients;
      if (!first) continue;
      const [client, line] = first;
      // The client goes to the end of the ring.
      clients.delete(client);
      clients.set(client, line);
      return line.values().next().value;
    }
    return undefined;
  }
}

/** How fast something happens: a mean of the last intervals, where newer ones count more. */
class Pace {
  #lastMs: number | undefined;
  #msPerOne: number | undefined;

  get msPerOne(): number | undefined {
    return this.#msPerOne;
  }

  /** Nobody waits: the time until somebody does again says nothing of how fast it goes. */
  pause(): void {
    this.#lastMs = undefined;
  }

  tick(nowMs: number): void {
    if (this.#lastMs !== undefined) {
      const interval = nowMs - this.#lastMs;
      this.#msPerOne = this.#msPerOne === undefined ? interval : 0.9 * this.#msPerOne + 0.1 * interval;
    }
    this.#lastMs = nowMs;
  }
}
