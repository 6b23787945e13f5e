import { type AttemptIntent, type CallRecord, replaces, unknownOutcome } from '@will/core';
import type { CallFilter } from '@will/store';
import type { VirtualTime } from './virtual-time.ts';

const batchMs = 100;
const graceMs = 2_000;

/** The log of calls and the stream that leads to it: what was told is read a while later, in any order. */
export class CallBook {
  readonly records = new Map<string, CallRecord>();
  readonly #intents = new Map<string, AttemptIntent>();
  readonly #unread = new Set<{ readonly toldAtMs: number }>();
  readonly #time: VirtualTime;
  readonly #laziestMs: number;

  constructor(time: VirtualTime) {
    this.#time = time;
    this.#laziestMs = time.random.pick([50, 500, 3_000]);
  }

  /** By the router, as it sends the call: it is known though the worker dies. */
  intend(record: CallRecord, deadlineMs: number): void {
    this.#tell(() => void this.#intents.set(record.attemptId, { record, deadlineMs }));
  }

  /** By a worker: told with its next batch, lost where it dies before. */
  add(record: CallRecord): void {
    this.#time.after(this.#time.random.next() * batchMs, () => this.#tell(() => this.#write(record)));
  }

  /** Writes what nobody told the end of. */
  closeOverdue(): void {
    for (const intent of this.#open())
      if (intent.deadlineMs + graceMs < this.#time.nowMs) this.#write(unknownOutcome(intent));
  }

  /** As the keeper of the ledger reads it. */
  get log() {
    return {
      calls: async (filter: CallFilter, limit: number): Promise<readonly CallRecord[]> => {
        await this.#time.pause(this.#time.between(0.1, 30));
        return this.ofModel(filter)
          .toSorted((a, b) => b.startedAtMs - a.startedAtMs)
          .slice(0, limit);
      },
      openIntents: async (): Promise<readonly AttemptIntent[]> => {
        await this.#time.pause(this.#time.between(0.1, 30));
        return this.#open();
      },
    };
  }

  get progress() {
    return {
      readUntilMs: async (): Promise<number | undefined> => {
        await this.#time.pause(this.#time.between(0.1, 30));
        return Math.min(this.#time.nowMs, ...[...this.#unread].map(({ toldAtMs }) => toldAtMs));
      },
    };
  }

  ofModel({ model, fromMs = -Infinity, toMs = Infinity }: CallFilter): CallRecord[] {
    return [...this.records.values()].filter(
      (one) => one.model === model && one.startedAtMs >= fromMs && one.startedAtMs < toMs,
    );
  }

  #open(): AttemptIntent[] {
    return [...this.#intents.values()].filter(({ record }) => !this.records.has(record.attemptId));
  }

  #write(record: CallRecord): void {
    const present = this.records.get(record.attemptId);
    if (!present || replaces(record, present)) this.records.set(record.attemptId, record);
  }

  #tell(read: () => void): void {
    const told = { toldAtMs: this.#time.nowMs };
    this.#unread.add(told);
    this.#time.surelyAfter(this.#time.between(1, this.#laziestMs), () => {
      this.#unread.delete(told);
      read();
    });
  }
}
