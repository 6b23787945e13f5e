import { contained } from '@will/runtime';
import type { Priority } from '@will/core';

/** Waiting ended: a slot may be free, time is up, or too many wait already. */
export type SlotAnswer = 'try' | 'timeout' | 'full';

/** The client of a task, and its urgency: what the order of waiting goes by. */
export interface QueueClaim {
  readonly priority: Priority;
  readonly client: string;
}

/** A wait for a slot: by whom, for how long, and whether it has been queued before. */
export interface Wait extends QueueClaim {
  readonly timeoutMs: number;
  /** The caller's: takes it out of the queue. */
  readonly signal: AbortSignal;
  /** Its turn came in vain: it goes before those of its client who come for the first time. Default: no. */
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

/** What is expected is not certain: the one that is to wait for more than this share of its time is thought to wait in vain. */
const maxWaitShare = 0.8;
/** A pace that was seen for less than this share of that time may be a moment's: of a busy machine, or of pods that change. */
const minSeenShare = 0.2;
const [shortestRetryMs, defaultRetryMs, maxRetryMs] = [250, 1_000, 30_000] as const;
const maxQueues = 1_000;

/**
 * Tasks that wait for a free slot of a model: one bounded queue per model, by priority, then whose client has the fewest
 * calls under way there. A worker that has slots again lets as many go; besides, one is let go at each poll, since that
 * word can be lost.
 */
export class SlotQueues {
  readonly #queues = new Map<string, ModelQueue>();
  readonly #capacity: number;

  constructor(capacity = 2_000) {
    this.#capacity = capacity;
  }

  /** How many wait, by model. */
  *waitingByModel(): Iterable<readonly [model: string, waiting: number]> {
    for (const [model, queue] of this.#queues) if (queue.size > 0) yield [model, queue.size];
  }

  /** Whether one who comes newly may try at once: nobody waits who would have the turn before it. */
  mayTryFirst(model: string, claim: QueueClaim): boolean {
    return this.#queues.get(model)?.isFirst(claim) ?? true;
  }

  /**
   * Resolves 'try' when it is this task's turn; 'full' at once where, by how fast calls were taken lately, its turn would
   * come too late for it.
   */
  wait(model: string, { priority, client, timeoutMs, signal, isAgain = false }: Wait): Promise<SlotAnswer> {
    const queue = this.#queueOf(model);
    const { promise, resolve } = Promise.withResolvers<SlotAnswer>();
    const waiter: Waiter = { client, rank: ranks.indexOf(priority), isAgain, resolve };
    const isLate = !isAgain && queue.expectedWaitMs(waiter, minSeenShare * timeoutMs) > maxWaitShare * timeoutMs;
    if (isLate || queue.size >= this.#capacity) return Promise.resolve('full');
    queue.add(waiter);
    const timer = setTimeout(
      contained(() => queue.finish(waiter, 'timeout')),
      timeoutMs,
    );
    const abort = (): void => queue.finish(waiter, 'timeout');
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      this.#reservedIfIdle(model, queue);
    });
  }

  /**
   * The same for one who comes newly while others wait: it does not overtake them. A slot may be free all the same: where
   * no task was released for a moment, the next one tries in its place.
   */
  comeInTurn(model: string, wait: Wait): Promise<SlotAnswer> {
    const answer = this.wait(model, wait);
    this.#queues.get(model)?.releaseIfIdle();
    return answer;
  }

  /** When to retry, where the queue of a model is full or its wait was in vain: as long as the queue takes now. */
  retryAfterMs(model: string): number {
    const expected = this.#queues.get(model)?.wholeWaitMs ?? defaultRetryMs;
    return Math.round(Math.min(maxRetryMs, Math.max(shortestRetryMs, expected)));
  }

  /** A call of a client goes to a model: until what this returns is called, once or more often, it is under way. */
  hold(model: string, client: string): () => void {
    const queue = this.#queueOf(model);
    queue.held.add(client);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      queue.held.remove(client);
      this.#reservedIfIdle(model, queue);
    };
  }

  /** Slots became free: lets as many waiting tasks try; those that are kept for others only where not refused as such lately. */
  free(model: string, slots: number, kept = 0): void {
    const queue = this.#queues.get(model);
    queue?.release(slots);
    queue?.releaseUnlessReserved(kept);
  }

  /** What is free is kept for other clients: what comes free one by one is not tried for this one for a moment. */
  kept(model: string, client: string): void {
    this.#queues.get(model)?.kept(client);
  }

  /**
   * A call was taken: so fast do slots come, as far as this router gets them. Where one was free another may be, of which
   * no word comes: a worker that never was full tells of none.
   */
  took(model: string, claim: QueueClaim): void {
    const queue = this.#queues.get(model);
    queue?.took(claim);
    queue?.releaseUnlessReserved(1);
  }

  /** A call was answered, after so long. */
  answered(model: string, durationMs: number): void {
    this.#queues.get(model)?.answered(durationMs);
  }

  /** What a call of a model takes in the mean, where others waited for it lately; else 0. */
  defaultCallMs(model: string): number {
    return this.#queues.get(model)?.callMs ?? 0;
  }

  /** Lets one waiting task per model try. */
  poll(): void {
    for (const queue of this.#queues.values()) queue.release(1);
  }

  #queueOf(model: string): ModelQueue {
    const queue = this.#queues.get(model) ?? new ModelQueue();
    this.#queues.set(model, queue);
    return queue;
  }

  /** An idle queue remembers how fast it went; only so many of them are kept. */
  #reservedIfIdle(model: string, queue: ModelQueue): void {
    if (!queue.isIdle || this.#queues.get(model) !== queue) return;
    this.#queues.delete(model);
    this.#queues.set(model, queue);
    for (const [oldest, { isIdle }] of this.#queues) {
      if (this.#queues.size <= maxQueues || !isIdle) return;
      this.#queues.delete(oldest);
    }
  }
}

/** Freed slots are told at once; after so long without one it is looked whether that word was lost. */
const idleAfterMs = 25;
/** So long is a client passed over that was told that what is free is kept for others. */
const reservedForMs = 25;
/** One in so many freed slots goes to the one that waits at the lowest priority, so that nobody waits for ever. */
const turnOfTheLowest = 12;

/** Calls under way, by client. */
class Holders {
  readonly #calls = new Map<string, number>();

  get size(): number {
    return this.#calls.size;
  }

  of(client: string): number {
    return this.#calls.get(client) ?? 0;
  }

  add(client: string): void {
    this.#calls.set(client, this.of(client) + 1);
  }

  remove(client: string): void {
    const left = this.of(client) - 1;
    if (left > 0) this.#calls.set(client, left);
    else this.#calls.delete(client);
  }
}

/** Tasks of one client and priority, first come first served: those that had their turn in vain, then the others. */
class ClientQueue {
  readonly pace = new Pace();
  readonly #again = new Set<Waiter>();
  readonly #fresh = new Set<Waiter>();

  get size(): number {
    return this.#again.size + this.#fresh.size;
  }

  get first(): Waiter | undefined {
    const [first] = this.#again.size > 0 ? this.#again : this.#fresh;
    return first;
  }

  add(waiter: Waiter): void {
    (waiter.isAgain ? this.#again : this.#fresh).add(waiter);
  }

  remove(waiter: Waiter): boolean {
    return this.#again.delete(waiter) || this.#fresh.delete(waiter);
  }
}

class ModelQueue {
  size = 0;
  callMs: number | undefined;
  readonly held = new Holders();
  /** By priority, then a ring of clients: the one that was let go comes last. */
  readonly #byRank: readonly Map<string, ClientQueue>[] = ranks.map(() => new Map());
  readonly #pace = new Pace();
  readonly #reservedUntilMs = new Map<string, number>();
  #released = 0;
  #releasedAtMs = -Infinity;

  get isIdle(): boolean {
    return this.size === 0 && this.held.size === 0;
  }

  /** How long a queue of this length takes, by how fast calls were taken lately; undefined: none was. */
  get wholeWaitMs(): number | undefined {
    return this.#pace.msPerOne === undefined ? undefined : this.#pace.msPerOne * (this.size + 1);
  }

  /**
   * Expected wait of a task queued now: by the pace of its client's queue, else of all, taking turns. 0 where neither was
   * seen for so long.
   */
  expectedWaitMs({ rank, client }: Waiter, minSeenMs: number): number {
    if (this.size === 0 || this.#pace.seenMs < minSeenMs) return 0;
    const clientQueue = this.#byRank[rank]?.get(client);
    const own = (clientQueue?.size ?? 0) + 1;
    const { msPerOne, seenMs = 0 } = clientQueue?.pace ?? {};
    if (msPerOne !== undefined && seenMs >= minSeenMs) return own * msPerOne;
    let ahead = 0;
    for (const [other, clientQueues] of this.#byRank.entries()) {
      if (other > rank) break;
      for (const { size } of clientQueues.values()) ahead += other === rank ? Math.min(own, size) : size;
    }
    return ahead * (this.#pace.msPerOne ?? 0);
  }

  isFirst({ priority, client }: QueueClaim): boolean {
    if (this.size === 0) return true;
    const held = this.held.of(client);
    const rank = ranks.indexOf(priority);
    for (const [other, clientQueues] of this.#byRank.entries()) {
      if (other > rank) return true;
      if (other < rank && clientQueues.size > 0) return false;
      for (const waiting of clientQueues.keys()) if (this.held.of(waiting) <= held) return false;
    }
    return true;
  }

  add(waiter: Waiter): void {
    const clientQueues = this.#clientQueuesOf(waiter.rank);
    const clientQueue = clientQueues.get(waiter.client) ?? new ClientQueue();
    clientQueues.set(waiter.client, clientQueue);
    clientQueue.add(waiter);
    this.size += 1;
  }

  answered(durationMs: number): void {
    this.callMs = faded(this.callMs, durationMs);
  }

  took({ priority, client }: QueueClaim): void {
    if (this.size === 0) return;
    const nowMs = performance.now();
    this.#pace.tick(nowMs);
    this.#clientQueuesOf(ranks.indexOf(priority)).get(client)?.pace.tick(nowMs);
  }

  kept(client: string): void {
    this.#reservedUntilMs.set(client, performance.now() + reservedForMs);
  }

  release(count: number): void {
    this.#release(count, () => true);
  }

  releaseUnlessReserved(count: number): void {
    const nowMs = performance.now();
    for (const [client, untilMs] of this.#reservedUntilMs) if (untilMs <= nowMs) this.#reservedUntilMs.delete(client);
    this.#release(count, (client) => !this.#reservedUntilMs.has(client));
  }

  /** Lets one go where nobody was for a while. */
  releaseIfIdle(): void {
    if (performance.now() - this.#releasedAtMs >= idleAfterMs) this.release(1);
  }

  /** Ends a wait once, and its place in the queue with it. */
  finish(waiter: Waiter, answer: SlotAnswer): void {
    const clientQueues = this.#clientQueuesOf(waiter.rank);
    const clientQueue = clientQueues.get(waiter.client);
    if (!clientQueue?.remove(waiter)) return;
    if (clientQueue.size === 0) clientQueues.delete(waiter.client);
    this.size -= 1;
    if (this.size === 0) this.#pace.pause();
    waiter.resolve(answer);
  }

  #release(count: number, mayTake: (client: string) => boolean): void {
    if (this.size === 0) return;
    // The one that is let go has its call under way only in a moment.
    const gone = new Holders();
    for (let left = Math.min(count, this.size); left > 0; left -= 1) {
      const waiter = this.#next(mayTake, gone);
      if (!waiter) return;
      gone.add(waiter.client);
      this.#releasedAtMs = performance.now();
      this.finish(waiter, 'try');
    }
  }

  #clientQueuesOf(rank: number): Map<string, ClientQueue> {
    return this.#byRank[rank] as Map<string, ClientQueue>;
  }

  /** The client among those that may that has its turn. */
  #next(mayTake: (client: string) => boolean, gone: Holders): Waiter | undefined {
    this.#released += 1;
    const isLowestTurn = this.#released % turnOfTheLowest === 0;
    for (const clientQueues of isLowestTurn ? this.#byRank.toReversed() : this.#byRank) {
      let fewest = Infinity;
      let chosen: string | undefined;
      for (const client of clientQueues.keys()) {
        const held = this.held.of(client) + gone.of(client);
        if (held >= fewest || !mayTake(client)) continue;
        [fewest, chosen] = [held, client];
      }
      if (chosen === undefined) continue;
      const clientQueue = clientQueues.get(chosen) as ClientQueue;
      // The client goes to the end of the ring.
      clientQueues.delete(chosen);
      clientQueues.set(chosen, clientQueue);
      return clientQueue.first;
    }
    return undefined;
  }
}

/** A mean in which newer values count more. */
const faded = (mean: number | undefined, value: number): number =>
  mean === undefined ? value : 0.9 * mean + 0.1 * value;

/** So far back counts how fast slots came: older ones fade with this time constant. */
const paceMemoryMs = 30_000;
/** Fewer say nothing of how fast it goes. */
const minTaken = 3;
/** An interval is a standstill if it is longer than this, and than so many times the mean. */
const standstill = { minMs: 2_000, timesTheMean: 20 } as const;

/**
 * How fast slots come: the time in which tasks waited by the number that went, both fading alike. One standstill does
 * not count: after a moment in which nothing moved, of the machine or of a service, the queue moves as fast as before.
 * Where the next interval is as long, it became slow, and that counts.
 */
class Pace {
  #lastMs: number | undefined;
  #waitedMs = 0;
  #taken = 0;
  #stoodStill = false;

  /** The time in which tasks waited, as far as it is remembered. */
  get seenMs(): number {
    return this.#waitedMs;
  }

  /** Undefined: too few went lately. */
  get msPerOne(): number | undefined {
    return this.#taken < minTaken ? undefined : this.#waitedMs / this.#taken;
  }

  /** Nobody waits: the time until somebody does again says nothing of how fast it goes. */
  pause(): void {
    this.#lastMs = undefined;
  }

  tick(nowMs: number): void {
    if (this.#lastMs !== undefined) this.#went(nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  #went(intervalMs: number): void {
    const stoodStillBefore = this.#stoodStill;
    this.#stoodStill = this.#isStandstill(intervalMs);
    if (this.#stoodStill && !stoodStillBefore) return;
    const kept = Math.exp(-intervalMs / paceMemoryMs);
    this.#waitedMs = this.#waitedMs * kept + paceMemoryMs * (1 - kept);
    this.#taken = this.#taken * kept + 1;
  }

  #isStandstill(intervalMs: number): boolean {
    const meanMs = this.#taken === 0 ? 0 : this.#waitedMs / this.#taken;
    return intervalMs > Math.max(standstill.minMs, standstill.timesTheMean * meanMs);
  }
}
