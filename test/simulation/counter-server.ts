import { type Added, BusError, type CounterKind, type CounterName, type Counters, type Increment } from '@will/bus';
import { newId } from '@will/contracts';
import { processOfHolder } from '@will/core';
import type { Network } from './network.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

const ackTimeoutMs = 2_000;
const maxTries = 3;
const duplicateWindowMs: Record<CounterKind, number> = { ledger: 3_600_000, rate: 120_000 };

interface Follower {
  readonly kind: CounterKind;
  readonly actor: Actor;
  next: number;
  isBusy: boolean;
  readonly hear: (increment: Increment) => void;
}

/** The counter streams as the server has them, and the client of each actor: same retries, same ids, same duplicates. */
export class CounterServer {
  readonly totals = new Map<string, bigint>();
  /** What the increments of each process come to, by counter. */
  readonly held = new Map<string, Map<string, bigint>>();
  /** Called after every addition. */
  onAdded: (key: string) => void = () => {};
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #bornMs: number;
  readonly #log: Record<CounterKind, Increment[]> = { ledger: [], rate: [] };
  readonly #ids = new Map<string, number>();
  readonly #followers = new Set<Follower>();

  constructor(time: VirtualTime, network: Network, bornMs: number) {
    this.#time = time;
    this.#network = network;
    this.#bornMs = bornMs;
  }

  /** What one actor sees of it. */
  clientOf(actor: Actor): Counters {
    return {
      total: ({ key }) => this.#network.ask(() => this.totals.get(key), ackTimeoutMs),
      add: (counter, amount, holder, id = newId(), mayRepeat = () => true) =>
        this.#add(actor, counter, amount, holder, id, mayRepeat),
      bornMs: () => this.#bornMs,
      follow: async (kind, hear) => {
        const follower: Follower = { kind, actor, next: 0, isBusy: false, hear };
        this.#followers.add(follower);
        this.#feed(follower);
        return async () => void this.#followers.delete(follower);
      },
      compact: async () => {},
    };
  }

  async #add(
    actor: Actor,
    counter: CounterName,
    amount: bigint,
    holder: string,
    id: string,
    mayRepeat: () => boolean,
  ): Promise<Added> {
    for (let tries = 1; ; tries += 1) {
      if (!this.#network.isConnected(actor)) throw new BusError('disconnected', 'NATS is not connected');
      try {
        return await this.#network.ask(() => this.#take(counter, amount, holder, id), ackTimeoutMs);
      } catch (error) {
        if (tries === maxTries || !mayRepeat())
          throw new BusError('timeout', `adding to ${counter.key}`, { cause: error });
      }
    }
  }

  #take({ kind, key }: CounterName, amount: bigint, holder: string, id: string): Added {
    const atMs = this.#time.nowMs;
    if (atMs - (this.#ids.get(`${kind} ${id}`) ?? -Infinity) < duplicateWindowMs[kind]) return 'repeated';
    this.#ids.set(`${kind} ${id}`, atMs);
    const total = (this.totals.get(key) ?? 0n) + amount;
    this.totals.set(key, total);
    const held = this.held.get(processOfHolder(holder)) ?? new Map<string, bigint>();
    this.held.set(processOfHolder(holder), held.set(key, (held.get(key) ?? 0n) + amount));
    this.#log[kind].push({ kind, key, amount, total, holder, id, atMs });
    this.#time.note(`${key}: ${amount < 0n ? amount : `+${amount}`} by ${holder || 'nobody'} → ${total}`);
    for (const follower of this.#followers) this.#feed(follower);
    this.onAdded(key);
    return { total };
  }

  /** In their order and none left out, a while later. */
  #feed(follower: Follower): void {
    if (follower.isBusy || !this.#followers.has(follower)) return;
    const next = this.#log[follower.kind][follower.next];
    if (!next) return;
    follower.isBusy = true;
    this.#time.after(
      this.#time.between(0.1, 20),
      () => {
        follower.isBusy = false;
        follower.next += 1;
        follower.hear(next);
        this.#feed(follower);
      },
      follower.actor,
    );
  }
}
