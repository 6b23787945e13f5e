/** So many rounds of all slots after one was refused there may be some who wait, and whose word was lost. */
const roundsTold = 4;
/** What a client held so long ago counts only a third of what it holds now. */
const forgetMs = 2_000;
/** A client that holds nothing, and held less than this in the mean, is not counted among those who share. */
const leastMean = 0.05;
/** Slots are kept from a client that holds so many equal shares. */
const fairShares = 1.5;
/** How much of the time the others may find no kept slot. */
const shortfall = 0.02;

/** A claim on a slot: the client of the call, and its urgency. */
export interface SlotClaim {
  readonly client: string;
  /** Of high priority: it may have any slot. */
  readonly isUrgent: boolean;
}

/** 'full': no slot is free. 'kept': what is free is kept for clients that hold less. */
export type Taken = 'taken' | 'full' | 'kept';

/** Free slots, by who may have them. */
export interface FreeSlotCounts {
  readonly toAll: number;
  /** For clients that do not hold more than others. */
  readonly kept: number;
}

/**
 * A model's slots in this process. Full is told at once; free is told when one was refused lately. A client that holds more
 * than its share leaves a few slots free, so that the others need not wait until one of its calls ends.
 */
export class Slots {
  readonly capacity: number;
  readonly #onFull: () => void;
  readonly #onFreeAgain: () => void;
  readonly #nowMs: () => number;
  readonly #clients = new Map<string, Held>();
  readonly #all: Held;
  /** The most that is kept for swings; a model of few slots keeps none. */
  readonly #maxKept: number;
  #toTell = 0;
  #sweptAtMs: number;

  constructor(capacity: number, onFull: () => void, onFreeAgain: () => void, nowMs = () => performance.now()) {
    this.capacity = capacity;
    this.#onFull = onFull;
    this.#onFreeAgain = onFreeAgain;
    this.#nowMs = nowMs;
    this.#sweptAtMs = nowMs();
    this.#all = new Held(this.#sweptAtMs);
    this.#maxKept = Math.max(0, Math.floor(Math.sqrt(capacity)) - 1);
  }

  get taken(): number {
    return this.#all.now;
  }

  get free(): number {
    return this.capacity - this.taken;
  }

  /** What is free, as those who wait may have it. */
  get offer(): FreeSlotCounts {
    const nowMs = this.#nowMs();
    let kept = 0;
    for (const held of this.#clients.values()) kept = Math.max(kept, this.#reservedFrom(held, nowMs));
    kept = Math.min(kept, this.free);
    return { toAll: this.free - kept, kept };
  }

  /** Takes a slot if one is free for this client. */
  take({ client, isUrgent }: SlotClaim): Taken {
    const nowMs = this.#nowMs();
    if (this.free === 0) return this.#refused('full');
    const held = this.#heldBy(client, nowMs);
    if (!isUrgent && this.free <= this.#reservedFrom(held, nowMs)) return this.#refused('kept');
    held.change(1, nowMs);
    this.#all.change(1, nowMs);
    if (this.free === 0) {
      this.#toTell = roundsTold * this.capacity;
      this.#onFull();
    }
    return 'taken';
  }

  give({ client }: SlotClaim): void {
    const nowMs = this.#nowMs();
    this.#heldBy(client, nowMs).change(-1, nowMs);
    this.#all.change(-1, nowMs);
    if (this.#toTell === 0) return;
    this.#toTell -= 1;
    this.#onFreeAgain();
  }

  #refused(why: 'full' | 'kept'): Taken {
    this.#toTell = roundsTold * this.capacity;
    return why;
  }

  /**
   * From a client of more than its share so many slots are kept: what the others usually hold and do not just now, at least
   * as many as their swings ask for. Each slot that is freed adds to r kept ones, each call of the others takes one: who use
   * the share ρ of all slots find none of them free for about ρ^r of the time.
   */
  #reservedFrom(held: Held, nowMs: number): number {
    const share = (fairShares * this.capacity) / this.#clients.size;
    const mean = held.meanAt(nowMs);
    // Beyond what a draw of the same mean explains it need not be waited for until the mean has followed.
    if (mean < share && held.now < share + 3 * Math.sqrt(share)) return 0;
    const others = this.#all.meanAt(nowMs) - mean;
    if (others <= 0) return 0;
    const load = others / this.capacity;
    const forSwings = load >= 1 ? this.#maxKept : Math.floor(Math.log(shortfall) / Math.log(load));
    const absent = Math.floor(others - (this.taken - held.now));
    return Math.max(Math.min(this.#maxKept, forSwings), this.#maxKept === 0 ? 0 : absent);
  }

  #heldBy(client: string, nowMs: number): Held {
    this.#sweep(nowMs);
    const held = this.#clients.get(client) ?? new Held(nowMs);
    this.#clients.set(client, held);
    return held;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < forgetMs / 10) return;
    this.#sweptAtMs = nowMs;
    for (const [client, held] of this.#clients)
      if (held.now === 0 && held.meanAt(nowMs) < leastMean) this.#clients.delete(client);
  }
}

/** How many slots are held, now and in the mean of the last time, in which newer times count more. */
class Held {
  now = 0;
  #mean = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  meanAt(nowMs: number): number {
    return this.now + (this.#mean - this.now) * Math.exp((this.#atMs - nowMs) / forgetMs);
  }

  change(by: number, nowMs: number): void {
    this.#mean = this.meanAt(nowMs);
    this.#atMs = nowMs;
    this.now += by;
  }
}
