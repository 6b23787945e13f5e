import type { CounterName } from '@will/bus';
import { blockSize, type Limit, type Period } from '@will/core';
import type { Ledger } from './ports.ts';

export interface AllowanceDeps {
  readonly ledger: Ledger;
  /** Who holds what this process takes. */
  readonly holder: string;
  readonly nowMs: () => number;
  /** How many processes share the limit. */
  readonly processes: () => number;
}

interface Waiter {
  readonly need: bigint;
  readonly resolve: (isGranted: boolean) => void;
}

const recallEveryMs = 250;
/** How long others get to give back what they do not need: some round trips, and once more for those who were busy. */
const giveBackWithinMs = [20, 60];
/** A total that was seen is believed for so long before a refusal. */
const freshMs = 100;

/**
 * The amount that this process has in hand of one limit in one period. It takes blocks from the counter that all
 * processes share: what an addition brings above the limit is given back at once, so that all grants together never
 * pass it.
 */
export class Allowance {
  readonly counter: CounterName;
  readonly period: Period;
  /** When something was last taken. */
  usedAtMs: number;
  readonly #deps: AllowanceDeps;
  #limit: Limit;
  #inHand = 0n;
  #known: { readonly total: bigint; readonly atMs: number } | undefined;
  /** When others were last asked and it was not enough. */
  #inVainAtMs = Number.NEGATIVE_INFINITY;
  #waiters: Waiter[] = [];
  #refilling: Promise<void> | undefined;

  constructor(deps: AllowanceDeps, limit: Limit, period: Period, counter: CounterName) {
    this.#deps = deps;
    this.#limit = limit;
    this.period = period;
    this.counter = counter;
    this.usedAtMs = deps.nowMs();
  }

  get holder(): string {
    return this.#deps.holder;
  }

  get limit(): Limit {
    return this.#limit;
  }

  /** The document may have changed: what was taken under a higher limit goes back. */
  follow(limit: Limit): void {
    const isLower = limit.most < this.#limit.most;
    this.#limit = limit;
    if (isLower) this.giveBack();
  }

  /** Takes what is in hand; false: it is not enough, see {@link take}. */
  takeAtOnce(need: bigint): boolean {
    if (this.#waiters.length > 0 || need > this.#inHand) return false;
    this.#grant(need);
    return true;
  }

  /** Resolves true with `need` taken, false where the limit does not allow it now. @throws {BusError} the ledger is away. */
  async take(need: bigint): Promise<boolean> {
    if (this.takeAtOnce(need)) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiters.push({ need, resolve });
    this.#refilling ??= this.#refill();
    // A ledger that is away refuses everybody who waits, and says so to each.
    await this.#refilling;
    return promise;
  }

  /** Takes back what a call did not use; below zero: what it used beyond its reserve. */
  give(amount: bigint): void {
    this.#inHand += amount;
    if (this.#inHand >= 0n) return;
    this.#deps.ledger.addSurely(this.counter, -this.#inHand, this.#deps.holder);
    this.#inHand = 0n;
  }

  /** Somebody else has nothing left: what nobody waits for here goes back. */
  answerRecall(): void {
    if (this.#waiters.length === 0) this.giveBack();
  }

  /** Gives back all that is in hand, for others to take. */
  giveBack(id?: string): void {
    const amount = this.#inHand;
    if (amount === 0n) return;
    this.#inHand = 0n;
    this.#known = undefined;
    this.#deps.ledger.addSurely(this.counter, -amount, this.#deps.holder, id);
  }

  #grant(need: bigint): void {
    this.#inHand -= need;
    this.usedAtMs = this.#deps.nowMs();
  }

  async #refill(): Promise<void> {
    try {
      while (this.#waiters.length > 0) {
        this.#serve();
        const first = this.#waiters[0];
        if (first && !(await this.#fetch(first.need - this.#inHand))) this.#refuseFirst();
      }
    } catch (error) {
      for (const waiter of this.#waiters.splice(0)) waiter.resolve(false);
      throw error;
    } finally {
      // In the same breath as the look that nobody waits: who comes next starts anew.
      this.#refilling = undefined;
    }
  }

  #serve(): void {
    while (this.#waiters[0] && this.#waiters[0].need <= this.#inHand) {
      const { need, resolve } = this.#waiters.shift() as Waiter;
      this.#grant(need);
      resolve(true);
    }
  }

  #refuseFirst(): void {
    this.#waiters.shift()?.resolve(false);
  }

  /** Adds a block with at least `missing` to what is in hand; false: so much is not left. */
  async #fetch(missing: bigint): Promise<boolean> {
    const { ledger, holder, processes } = this.#deps;
    // Looked at first and added to second: else a small asker beside large ones is refused though something is left.
    let remaining = this.#limit.most - (await this.#total(missing));
    if (remaining < missing) {
      remaining = await this.#afterRecall(missing);
      if (remaining < missing) return false;
    }
    const wanted = this.#waiters.reduce((sum, { need }) => sum + need, -this.#inHand);
    const block = blockSize(remaining, processes(), wanted > missing ? wanted : missing);
    const total = await ledger.add(this.counter, block, holder);
    this.#see(total);
    const over = total - this.#limit.most;
    const excess = over <= 0n ? 0n : over < block ? over : block;
    if (excess > 0n) ledger.addSurely(this.counter, -excess, holder);
    this.#inHand += block - excess;
    // Where the last known total was old nothing may have been granted: the next look goes by the new one.
    return true;
  }

  /** What is left when the others gave back what they do not need; where that was not enough they are left alone for a while. */
  async #afterRecall(missing: bigint): Promise<bigint> {
    if (this.#deps.nowMs() - this.#inVainAtMs < recallEveryMs) return 0n;
    let remaining = 0n;
    for (const waitMs of giveBackWithinMs) {
      await this.#deps.ledger.recall(this.counter, waitMs);
      this.#known = undefined;
      remaining = this.#limit.most - (await this.#total(missing));
      if (remaining >= missing) return remaining;
    }
    this.#inVainAtMs = this.#deps.nowMs();
    return remaining;
  }

  async #total(missing: bigint): Promise<bigint> {
    const known = this.#known;
    const isEnough = known && this.#limit.most - known.total >= missing;
    if (known && (isEnough || this.#deps.nowMs() - known.atMs < freshMs)) return known.total;
    return this.#see(await this.#deps.ledger.total(this.#limit, this.period, this.counter));
  }

  #see(total: bigint): bigint {
    this.#known = { total, atMs: this.#deps.nowMs() };
    return total;
  }
}
