import { contained } from '@will/runtime';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BusError, type Bus, type CounterName, type Counters } from '@will/bus';
import { holderName } from '@will/core';
import { create, newId, patterns, subjects, wire } from '@will/contracts';
import type { Allowances } from '../quota/allowances.ts';
import { type Ledger, LedgerError, type Lease } from '../quota/ports.ts';

const openTimeoutMs = 2_000;
const retryMs = 1_000;
/** A heartbeat this old may have led others to give away what this process holds. */
const leaseMs = 15_000;

/** An addition that must still be made, or of which it is not known whether it was. */
interface Owed {
  readonly counter: CounterName;
  readonly amount: bigint;
  readonly holder: string;
  readonly id: string;
  /** It was not to be made, but may have been: then it is taken back. */
  readonly isUncertain: boolean;
  /** It ends a hold: made once, by the one that ends it. */
  readonly isEnd: boolean;
}

/** The counters on the bus, with what is owed to them while NATS is not connected. */
export class BusLedger implements Ledger {
  readonly #bus: Bus;
  readonly #counters: Counters;
  readonly #lease: Lease;
  #owed: Owed[] = [];
  readonly #timer: NodeJS.Timeout;
  #paying: Promise<void> | undefined;
  /** This process lost a name that it held something by, and not all of that was reckoned up. */
  #hasLostAName = false;

  constructor(bus: Bus, counters: Counters, lease: Lease) {
    this.#bus = bus;
    this.#counters = counters;
    this.#lease = lease;
    this.#timer = setInterval(
      contained(() => this.#pay()),
      retryMs,
    );
  }

  get isReachable(): boolean {
    return this.#bus.isConnected;
  }

  async total(_limit: unknown, period: Parameters<Ledger['total']>[1], counter: CounterName): Promise<bigint> {
    const total = await this.#counters.total(counter);
    if (total !== undefined) return total;
    const isYounger = this.#counters.bornMs(counter.kind) > period.startMs;
    // A window of a minute that nobody counted in yet is empty, unless its stream was lost in it.
    if (counter.kind === 'rate' && !isYounger) return 0n;
    try {
      await this.#haveOpened(counter, period);
    } catch (error) {
      // The first call of a day does not wait for telemetry: only a limit that was stated within the period has more behind it.
      if (isYounger || !(error instanceof LedgerError)) throw error;
      return 0n;
    }
    return (await this.#counters.total(counter)) ?? 0n;
  }

  async add(counter: CounterName, amount: bigint, holder: string): Promise<bigint> {
    const id = newId();
    try {
      const added = await this.#counters.add(counter, amount, holder, id);
      if (added !== 'repeated') return added.total;
      this.addSurely(counter, -amount, holder);
    } catch (error) {
      this.#owed.push({ counter, amount, holder, id, isUncertain: true, isEnd: false });
      throw error;
    }
    throw new BusError('timeout', 'the word of the new total was lost');
  }

  async recall({ key }: CounterName, waitMs: number): Promise<void> {
    if (!this.#bus.isConnected) return;
    this.#bus.publish(subjects.recall(key), new TextEncoder().encode(this.#bus.processId));
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  addSurely(counter: CounterName, amount: bigint, holder: string, id?: string): void {
    this.#hasLostAName ||= this.#lease.holder() !== holder;
    this.#owed.push({ counter, amount, holder, id: id ?? newId(), isUncertain: false, isEnd: id !== undefined });
    this.#pay();
  }

  /** Tries for a while to pay what is owed; returns how much could not be. */
  async close(timeoutMs = 3_000): Promise<number> {
    clearInterval(this.#timer);
    const deadlineMs = performance.now() + timeoutMs;
    // What is being paid is owed until it is: an addition may be followed by another one.
    while ((this.#owed.length > 0 || this.#paying) && performance.now() < deadlineMs) {
      this.#pay();
      await this.#paying;
      if (this.#owed.length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#owed.length;
  }

  #pay(): void {
    if (this.#owed.length === 0 || !this.#bus.isConnected) return;
    this.#paying ??= this.#payAll().finally(() => {
      this.#paying = undefined;
      // What came meanwhile; what failed waits for the timer.
      if (this.#owed.some((one) => !this.#failed.has(one))) this.#pay();
    });
  }

  readonly #failed = new WeakSet<Owed>();

  async #payAll(): Promise<void> {
    const due = this.#owed.splice(0);
    const left = await Promise.all(due.map((one) => this.#payOne(one)));
    this.#owed.push(...left.filter((one) => one !== undefined));
  }

  async #payOne(owed: Owed): Promise<Owed | undefined> {
    const { counter, amount, holder, id, isUncertain, isEnd } = owed;
    // Others may have given back what a lost name held: not a second time. What is left of it goes back when this process ends.
    const isStillOwed = (): boolean => isEnd || (amount >= 0n && !isUncertain) || this.#lease.holder() === holder;
    if (!isStillOwed()) {
      this.#hasLostAName = true;
      return undefined;
    }
    const then = (next: bigint): Owed => ({
      counter,
      amount: next,
      holder,
      id: newId(),
      isUncertain: false,
      isEnd: false,
    });
    try {
      // The same id as before: made now, or known to be made already.
      await this.#counters.add(counter, amount, holder, id, isStillOwed);
      if (isUncertain) return then(-amount);
      // An end says that nothing is left. Of a lost name something may be, and a word before the end does not tell it: one after
      // it has all looked at once more when this process ends.
      return isEnd && this.#hasLostAName ? then(0n) : undefined;
    } catch {
      this.#failed.add(owed);
      return owed;
    }
  }

  async #haveOpened({ kind, key }: CounterName, { startMs, endMs }: { startMs: number; endMs: number }): Promise<void> {
    const request = create(wire.OpenCounterRequestSchema, {
      kind,
      key,
      startUnixMs: BigInt(startMs),
      endUnixMs: BigInt(endMs),
    });
    let answer: wire.OpenCounterResponse;
    try {
      const data = toBinary(wire.OpenCounterRequestSchema, request);
      answer = fromBinary(
        wire.OpenCounterResponseSchema,
        await this.#bus.request(subjects.telemetry('open'), data, openTimeoutMs),
      );
    } catch (error) {
      throw new LedgerError('no telemetry service answers that knows what was used before', { cause: error });
    }
    if (answer.error !== '') throw new LedgerError(answer.error);
  }
}

/** Gives back what this process does not need whenever another one has nothing left. */
export function answerRecalls(bus: Bus, allowances: Pick<Allowances, 'answerRecall'>): { unsubscribe(): void } {
  const prefix = patterns.recall.length - 1;
  return bus.listen(patterns.recall, ({ subject, data }) => {
    if (new TextDecoder().decode(data) !== bus.processId) allowances.answerRecall(subject.slice(prefix));
  });
}

/** A lease by the heartbeats that the server confirmed. */
export class PresenceLease implements Lease {
  readonly #processId: string;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #epoch = 1;
  #isBroken = false;

  constructor(processId: string) {
    this.#processId = processId;
  }

  /** `saidAtMs` by `performance.now()`. */
  confirm(saidAtMs: number): void {
    this.#look();
    if (this.#isBroken) this.#epoch += 1;
    this.#isBroken = false;
    this.#confirmedAtMs = saidAtMs;
  }

  holder(): string | undefined {
    return this.#look() ? holderName(this.#processId, this.#epoch) : undefined;
  }

  #look(): boolean {
    const isFresh = performance.now() - this.#confirmedAtMs < leaseMs;
    if (!isFresh && this.#confirmedAtMs > 0) this.#isBroken = true;
    return isFresh;
  }
}
