import { contained } from '@will/runtime';
import type { CallRecord } from '@will/core';
import type { CallLog, LogEvent } from '@will/store';
import type { Delivery } from './ports.ts';

/** Some 4,000 events. */
const maxBytes = 512 * 1024;
const maxDeliveries = 64;
const maxWaitMs = 250;

/**
 * Deliveries on their way into the log, put together into batches of up to 512 KiB or 250 ms. Each is done only
 * after its batch was committed. Batches overlap: those that wait while the store writes share its next transaction.
 */
export class EventBatches {
  readonly #log: CallLog;
  readonly #onError: (what: string, error: unknown) => void;
  /** Told of the records of a batch before its deliveries are done; where it rejects they are delivered once more. */
  onStored: (records: readonly CallRecord[]) => Promise<void> = async () => {};
  readonly #committing = new Set<Promise<void>>();
  #gathered: Delivery[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: CallLog, onError: (what: string, error: unknown) => void) {
    this.#log = log;
    this.#onError = onError;
  }

  add(delivery: Delivery): void {
    this.#gathered.push(delivery);
    this.#bytes += delivery.bytes;
    if (this.#bytes >= maxBytes || this.#gathered.length >= maxDeliveries) this.#flush();
    else
      this.#timer ??= setTimeout(
        contained(() => this.#flush()),
        maxWaitMs,
      );
  }

  /** Commits what was gathered and waits for everything that is on its way. */
  async drain(): Promise<void> {
    this.#flush();
    await Promise.all(this.#committing);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.length === 0) return;
    const deliveries = this.#gathered;
    this.#gathered = [];
    this.#bytes = 0;
    const commit = this.#commit(deliveries);
    this.#committing.add(commit);
    void commit.finally(() => this.#committing.delete(commit));
  }

  async #commit(deliveries: readonly Delivery[]): Promise<void> {
    try {
      const events = deliveries.flatMap((delivery) => delivery.read());
      await this.#log.ingest(events);
      await this.onStored(recordsIn(events));
    } catch (error) {
      // Not done, so all of it is redelivered; taking an event twice is harmless.
      return this.#onError(`${deliveries.length} deliveries were not stored and will be redelivered`, error);
    }
    for (const delivery of deliveries) delivery.done();
  }
}

const recordsIn = (events: readonly LogEvent[]): readonly CallRecord[] =>
  events.flatMap((event) => (event.kind === 'call' ? [event.record] : []));
