import type { CounterName } from '@will/bus';
import type { Limit, Period } from '@will/core';

/** The counters that all processes share. */
export interface Ledger {
  /** False: not connected to NATS. An addition owed now may come after its holder lost the lease, and is then dropped. */
  readonly isReachable: boolean;
  /**
   * The present total. @throws {LedgerError} the counter is not to be trusted yet; {BusError} NATS is not connected.
   */
  total(limit: Limit, period: Period, counter: CounterName): Promise<bigint>;
  /** Adds, and yields the new total. An addition of which it is not known whether it was made is taken back later. @throws {BusError} */
  add(counter: CounterName, amount: bigint, holder: string): Promise<bigint>;
  /** Has the other processes give back what they have in hand and do not need; resolves after so long. */
  recall(counter: CounterName, waitMs: number): Promise<void>;
  /** Adds, now or as soon as the bus lets it, exactly once. With an id: unless somebody did it already. Never throws. */
  addSurely(counter: CounterName, amount: bigint, holder: string, id?: string): void;
}

/** A counter cannot be used now; the message says why. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}

/** The heartbeat that holds depend on. */
export interface Lease {
  /** Under which name this process holds now; undefined: it could not confirm that it lives, and must not start calls. */
  holder(): string | undefined;
}
