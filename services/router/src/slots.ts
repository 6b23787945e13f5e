import type { Priority } from '@will/core';

/** Waiting ended: a slot may be free, time is up, or too many wait already. */
export type SlotAnswer = 'try' | 'timeout' | 'full';

/** Who waits for a slot, for how long, and whether it has been in line before. */
export interface Wait {
  readonly priority: Priority;
  readonly client: string;
  readonly timeoutMs: number;
  /** The caller's: takes it out of the line. */
  readonly signal: AbortSignal;
  /** Its turn came in vain: it goes before those who come for the first time. Default: no. */
  readonly isAgain?: boolean;
}

interface Waiter {
  readonly client: string;
  /** Place of its priority among `ranks`. */
  readonly rank: number;
  readonly isAgain: boolean;
  readonly resolve: (answer: SlotAnswer) => void;
}

const ranks: readonly Priority[] = ['high', 'normal', 'background'];

/** What is expected is not certain: whoever is to wait for more than this share of its time is thought to wait in vain. */
const longestWaitShare = 0.8;
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

  /**
   * Resolves 'try' when it is this task's turn; 'full' at once where, by how fast calls were taken lately, its turn would
   * come too late for it.
   */
  wait(model: string, { priority, client, timeoutMs, signal, isAgain = false }: Wait): Promise<SlotAnswer> {
    const queue = this.#queues.get(model) ?? new ModelQueue();
    this.#queues.set(model, queue);
    const { promise, resolve } = Promise.withResolvers<SlotAnswer>();
    const waiter: Waiter = { client, rank: ranks.indexOf(priority), isAgain, resolve };
    const isLate = !isAgain && queue.expectedWaitMs(waiter) > longestWaitShare * timeoutMs;
    if (isLate || queue.size >= this.#capacity) return Promise.resolve('full');
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

  /**
   * The same for one who comes newly while others wait: it does not overtake them. A slot may be free all the same: where
   * nobody was let go for a moment, whoever's turn it is tries in its place.
   */
  comeInTurn(model: string, wait: Wait): Promise<SlotAnswer> {
    const answer = this.wait(model, wait);
    this.#queues.get(model)?.releaseIfIdle();
    return answer;
  }

  /** When to come again, where the queue of a model is full or its wait was in vain: as long as the queue takes now. */
  retryAfterMs(model: string): number {
    const expected = this.#queues.get(model)?.wholeWaitMs ?? usualRetryMs;
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

  /**
   * A call was taken: so fast do slots come, as far as this router gets them. Where one was free another may be, of which
   * no word comes: a worker that never was full tells of none.
   */
  took(model: string): void {
    const queue = this.#queues.get(model);
    queue?.took();
    queue?.release(1);
  }

  /** A call was answered, after so long. */
  answered(model: string, durationMs: number): void {
    this.#queues.get(model)?.answered(durationMs);
  }

  /** What a call of a model takes in the mean, where others waited for it lately; else 0. */
  usualCallMs(model: string): number {
    return this.#queues.get(model)?.callMs ?? 0;
  }

  /** Lets one waiting task per model try. */
  poll(): void {
    for (const queue of this.#queues.values()) queue.release(1);
  }
}

/** Freed slots are told at once; after so long without one it is looked whether that word was lost. */
const idleAfterMs = 25;
/** One in so many freed slots goes to whoever waits at the lowest priority, so that nobody waits for ever. */
const turnOfTheLowest = 12;

/** Tasks of one priority: those whose turn came in vain, in their order; then a ring of clients, each first come first served. */
interface Rank {
  readonly again: Set<Waiter>;
  readonly clients: Map<string, Set<Waiter>>;
}

class ModelQueue {
  size = 0;
  callMs: number | undefined;
  readonly #byRank: readonly Rank[] = ranks.map(() => ({ again: new Set(), clients: new Map() }));
  readonly #pace = new Pace();
  #released = 0;
  #releasedAtMs = -Infinity;

  /** How long a queue of this length takes, by how fast calls were taken lately; undefined: none was. */
  get wholeWaitMs(): number | undefined {
    return this.#pace.msPerOne === undefined ? undefined : this.#pace.msPerOne * (this.size + 1);
  }

  /** How long one that comes now will wait: for higher priorities, and for as many of each client as there are of its own. */
  expectedWaitMs({ rank, client }: Waiter): number {
    const { msPerOne } = this.#pace;
    if (msPerOne === undefined || this.size === 0) return 0;
    const own = (this.#byRank[rank]?.clients.get(client)?.size ?? 0) + 1;
    let ahead = 0;
    for (const [other, { again, clients }] of this.#byRank.entries()) {
      if (other > rank) break;
      ahead += again.size;
      for (const line of clients.values()) ahead += other === rank ? Math.min(own, line.size) : line.size;
    }
    return ahead * msPerOne;
  }

  add(waiter: Waiter): void {
    const { again, clients } = this.#rankOf(waiter);
    this.size += 1;
    if (waiter.isAgain) return void again.add(waiter);
    const line = clients.get(waiter.client);
    if (line) line.add(waiter);
    else clients.set(waiter.client, new Set([waiter]));
  }

  answered(durationMs: number): void {
    this.callMs = faded(this.callMs, durationMs);
  }

  took(): void {
    if (this.size > 0) this.#pace.tick(performance.now());
  }

  release(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      const waiter = this.#next();
      if (!waiter) return;
      this.#releasedAtMs = performance.now();
      this.finish(waiter, 'try');
    }
  }

  /** Lets one go where nobody was for a while. */
  releaseIfIdle(): void {
    if (performance.now() - this.#releasedAtMs >= idleAfterMs) this.release(1);
  }

  /** Ends a wait once, and its place in line with it. */
  finish(waiter: Waiter, answer: SlotAnswer): void {
    if (!this.#remove(waiter)) return;
    this.size -= 1;
    if (this.size === 0) this.#pace.pause();
    waiter.resolve(answer);
  }

  #remove(waiter: Waiter): boolean {
    const { again, clients } = this.#rankOf(waiter);
    if (again.delete(waiter)) return true;
    const line = clients.get(waiter.client);
    if (!line?.delete(waiter)) return false;
    if (line.size === 0) clients.delete(waiter.client);
    return true;
  }

  #rankOf({ rank }: Waiter): Rank {
    return this.#byRank[rank] as Rank;
  }

  #next(): Waiter | undefined {
    this.#released += 1;
    const isLowestTurn = this.#released % turnOfTheLowest === 0;
    for (const { again, clients } of isLowestTurn ? this.#byRank.toReversed() : this.#byRank) {
      const [oldest] = again;
      if (oldest) return oldest;
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

/** A mean in which newer values count more. */
const faded = (mean: number | undefined, value: number): number =>
  mean === undefined ? value : 0.9 * mean + 0.1 * value;

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
      this.#msPerOne = faded(this.#msPerOne, nowMs - this.#lastMs);
    }
    this.#lastMs = nowMs;
  }
}
