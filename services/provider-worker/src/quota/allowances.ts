import { contained } from '@will/runtime';
import type { CounterName } from '@will/bus';
import { type Amounts, counterKey, endOfHold, type Limit, limitInWords, type Period, periodAt } from '@will/core';
import { Allowance } from './allowance.ts';
import { type Ledger, LedgerError, type Lease } from './ports.ts';

export interface AllowancesDeps {
  readonly ledger: Ledger;
  readonly lease: Lease;
  /** One clock for all processes: the bus server's. */
  readonly nowMs: () => number;
  readonly processes: () => number;
}

/** The reason why a call may not start, and until when that will not change by itself. */
export interface LimitReached {
  readonly reason: string;
  readonly untilMs: number;
  /** A limit per day or month: a budget, whose period ends then. */
  readonly isBudget?: boolean;
}

/** The amounts that a call took of every limit it counts against. */
export interface Hold {
  /** Says what it came to; the rest is free again. */
  settle(spent: Amounts): void;
  /** The call was not made. */
  release(): void;
}

/** In the last moments of a period nothing is taken any more: the call would start in the next one. */
const lastMomentMs = 100;
/** What lies unused for so long goes back for others. */
const idleMs = 2_000;
const unreachableRetryMs = 500;
const nothing: Hold = { settle() {}, release() {} };
const zero: Amounts = { requests: 0n, tokens: 0n, nano_usd: 0n };

interface Part {
  readonly allowance: Allowance;
  readonly amount: bigint;
}

/** All limits of this process's calls: what is in hand of each, and who holds it. */
export class Allowances {
  readonly #deps: AllowancesDeps;
  readonly #byKey = new Map<string, Allowance>();
  /** Of earlier names of this process: what they held may have been taken from them. */
  readonly #ended = new WeakSet<Allowance>();
  /** The last one of each kind and zone: most questions are about the same one. */
  readonly #periods = new Map<string, Period>();
  #holder: string | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(deps: AllowancesDeps) {
    this.#deps = deps;
    this.#timer = setInterval(
      contained(() => this.#tidy()),
      idleMs / 2,
    );
    this.#timer.unref();
  }

  /** Takes the reserve from every limit, or from none. At once where it is in hand, without any word to the bus. */
  take(limits: readonly Limit[], reserve: Amounts): Hold | LimitReached | Promise<Hold | LimitReached> {
    if (limits.length === 0) return nothing;
    const holder = this.#deps.lease.holder();
    const nowMs = this.#deps.nowMs();
    if (holder === undefined)
      return { reason: 'this worker could not confirm to others that it lives', untilMs: nowMs + unreachableRetryMs };
    if (holder !== this.#holder) this.#begin(holder);
    const parts: Part[] = [];
    for (const limit of limits) {
      const amount = reserve[limit.metric];
      if (amount === undefined)
        return { reason: `${limitInWords(limit)} cannot hold for a model whose price is unknown`, untilMs: Infinity };
      if (amount > limit.most)
        return { reason: `the call may take more than ${limitInWords(limit)} allows at all`, untilMs: Infinity };
      const period = this.#periodOf(limit, nowMs);
      if (period.endMs - nowMs < lastMomentMs)
        return { reason: `the period of ${limitInWords(limit)} is about to end`, untilMs: period.endMs };
      parts.push({ allowance: this.#allowance(limit, period, holder), amount });
    }
    return this.#takeAtOnce(parts) ?? this.#takeInTurn(parts);
  }

  /** Another process has nothing left of a counter. */
  answerRecall(key: string): void {
    const allowance = this.#byKey.get(key);
    if (allowance && this.#isHeld(key, allowance)) allowance.answerRecall();
  }

  /** What is in hand goes back. Calls in flight have ended before. */
  close(): void {
    clearInterval(this.#timer);
    for (const allowance of this.#byKey.values()) this.#end(allowance);
    this.#byKey.clear();
  }

  #takeAtOnce(parts: readonly Part[]): Hold | undefined {
    const taken: Part[] = [];
    for (const part of parts) {
      if (!part.allowance.takeAtOnce(part.amount)) {
        giveAll(taken);
        return undefined;
      }
      taken.push(part);
    }
    return this.#holdOf(taken);
  }

  async #takeInTurn(parts: readonly Part[]): Promise<Hold | LimitReached> {
    const taken: Part[] = [];
    for (const part of parts) {
      const { limit, period } = part.allowance;
      try {
        if (await part.allowance.take(part.amount)) {
          taken.push(part);
          continue;
        }
        giveAll(taken);
        return {
          reason: `${limitInWords(limit)} is reached`,
          untilMs: period.endMs,
          isBudget: limit.period !== 'minute',
        };
      } catch (error) {
        giveAll(taken);
        const why = error instanceof LedgerError ? error.message : 'what is left of it is not known now';
        return { reason: `${limitInWords(limit)}: ${why}`, untilMs: this.#deps.nowMs() + unreachableRetryMs };
      }
    }
    return this.#takenTooLate(parts) ?? this.#holdOf(taken);
  }

  /** While it was taken the name under which it is held may have been lost, or the period have ended: it is not to be used. */
  #takenTooLate(parts: readonly Part[]): LimitReached | undefined {
    const holder = this.#deps.lease.holder();
    const nowMs = this.#deps.nowMs();
    const late = parts.find(({ allowance }) => allowance.holder !== holder || allowance.period.endMs <= nowMs);
    if (!late) return undefined;
    giveAll(parts);
    const { limit } = late.allowance;
    return { reason: `${limitInWords(limit)} was answered too late`, untilMs: nowMs + unreachableRetryMs };
  }

  #holdOf(parts: readonly Part[]): Hold {
    let isOpen = true;
    const close = (spent: Amounts): void => {
      if (!isOpen) return;
      isOpen = false;
      for (const { allowance, amount } of parts) {
        const isLost = this.#ended.has(allowance) || allowance.holder !== this.#deps.lease.holder();
        if (!isLost) allowance.give(amount - (spent[allowance.limit.metric] ?? amount));
        // What a lost name held was reckoned up without this call's end: a word has it looked at once more when this process ends.
        else this.#deps.ledger.addSurely(allowance.counter, 0n, allowance.holder);
      }
    };
    return { settle: close, release: () => close(zero) };
  }

  #periodOf({ period: kind, zone }: Limit, nowMs: number): Period {
    const key = `${kind} ${zone}`;
    const known = this.#periods.get(key);
    if (known && known.startMs <= nowMs && nowMs < known.endMs) return known;
    const found = periodAt(kind, zone, nowMs);
    this.#periods.set(key, found);
    return found;
  }

  #allowance(limit: Limit, period: Period, holder: string): Allowance {
    const key = counterKey(limit, period);
    const found = this.#byKey.get(key);
    if (found) {
      if (found.limit !== limit) found.follow(limit);
      return found;
    }
    const counter: CounterName = { kind: limit.period === 'minute' ? 'rate' : 'ledger', key };
    const made = new Allowance({ ...this.#deps, holder }, limit, period, counter);
    this.#byKey.set(key, made);
    return made;
  }

  /** This process goes by another name now: nobody is to believe what it held by the old one. */
  #begin(holder: string): void {
    this.#holder = holder;
    for (const allowance of this.#byKey.values()) this.#end(allowance);
    this.#byKey.clear();
  }

  #end(allowance: Allowance): void {
    allowance.giveBack(endOfHold(allowance.holder, allowance.counter.key, 0));
    this.#ended.add(allowance);
  }

  /** False, and ended: it is held by a name that this process has lost, and others may have given it back. */
  #isHeld(key: string, allowance: Allowance): boolean {
    if (allowance.holder === this.#deps.lease.holder()) return true;
    this.#end(allowance);
    this.#byKey.delete(key);
    return false;
  }

  #tidy(): void {
    const nowMs = this.#deps.nowMs();
    for (const [key, allowance] of this.#byKey) {
      if (!this.#isHeld(key, allowance)) continue;
      // Not connected to NATS, the worker keeps it: once the lease is lost, only the end of the hold is still made.
      if (this.#deps.ledger.isReachable && nowMs - allowance.usedAtMs >= idleMs) allowance.giveBack();
      // A while after the end, so that calls that ran into the next period settle where they reserved.
      if (nowMs > allowance.period.endMs + 10 * 60_000) this.#byKey.delete(key);
    }
  }
}

function giveAll(parts: readonly Part[]): void {
  for (const { allowance, amount } of parts) allowance.give(amount);
}
