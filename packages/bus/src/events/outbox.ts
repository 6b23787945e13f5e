import { contain } from '@will/core';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { EventBatchWriter, sizes, subjects, type wire } from '@will/contracts';
import type { Bus } from '../api.ts';

/** Owner and bounds of an outbox. */
export interface OutboxOptions {
  /** Who writes: the service's name. */
  readonly service: string;
  /** What is written: the last token of the subject. */
  readonly kind: string;
  /** How long an event may wait for company. Default 50 ms. */
  readonly batchMs?: number;
  /** How many events are kept while the bus or the stream is away. Default 100 000; the oldest are dropped and counted. */
  readonly capacity?: number;
  readonly onError?: (what: string, error: unknown) => void;
}

/** A batch of so many bytes or events is complete; in an outbox of little capacity, a hundredth of that. */
const completeBytes = 64 * 1024;
const completeEvents = 500;
const leastBatches = 100;

interface Batch {
  readonly data: Uint8Array;
  readonly events: number;
}

/**
 * Events on their way to the stream: encoded into batches as they are added, published with an acknowledgement, and kept
 * until it came. Adding never blocks and never throws, so that logging cannot hold up a call.
 */
export class Outbox {
  readonly #bus: Bus;
  readonly #jetstream: JetStreamClient;
  readonly #options: Required<OutboxOptions>;
  /** What is being added to. */
  readonly #writer: EventBatchWriter;
  /** Complete, the oldest first. */
  readonly #batches: Batch[] = [];
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #dropped = 0;
  #isClosing = false;

  constructor(bus: Bus, options: OutboxOptions) {
    this.#bus = bus;
    this.#jetstream = jetstream(bus.connection, { timeout: 2_000 });
    this.#options = { batchMs: 50, capacity: 100_000, onError: () => {}, ...options };
    this.#writer = new EventBatchWriter(bus.processId);
  }

  /** Events that were given up because too many waited. Not zero is an alarm. */
  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    return this.#waiting;
  }

  add(event: wire.Event): void {
    const { capacity, batchMs, onError } = this.#options;
    // A ranked set can be nearly as large as a message: it begins one.
    if (event.kind.case === 'rankedSet') this.#complete();
    try {
      this.#writer.add(event);
    } catch (error) {
      onError('an event cannot be written', error);
      return this.#countDropped(1);
    }
    this.#waiting += 1;
    const enough = Math.min(completeEvents, capacity / leastBatches);
    if (this.#writer.bytes >= completeBytes || this.#writer.events >= enough) this.#complete();
    if (this.#waiting > capacity) this.#dropOldest();
    this.#arm(batchMs);
  }

  /** Sends what waits. Tries for `timeoutMs`; returns how many events could not be sent. */
  async close(timeoutMs = 3_000): Promise<number> {
    this.#isClosing = true;
    const deadlineMs = performance.now() + timeoutMs;
    while ((this.#waiting > 0 || this.#sending) && performance.now() < deadlineMs) {
      clearTimeout(this.#timer);
      await (this.#sending ?? this.#send());
    }
    clearTimeout(this.#timer);
    return this.#waiting;
  }

  #complete(): void {
    if (this.#writer.events === 0) return;
    const events = this.#writer.events;
    const data = this.#writer.take();
    if (data.length <= sizes.messageBytes) return void this.#batches.push({ data, events });
    this.#options.onError('an event is too large for a message', new Error(`${data.length} bytes`));
    this.#forget(events);
  }

  #dropOldest(): void {
    if (this.#batches.length === 0) this.#complete();
    this.#forget(this.#batches.shift()?.events ?? 0);
  }

  #forget(events: number): void {
    this.#waiting -= events;
    this.#countDropped(events);
  }

  /** Told at the first, the tenth, the hundredth…: telling must not cost what the events cost. */
  #countDropped(events: number): void {
    const before = this.#dropped;
    this.#dropped += events;
    if (Math.floor(Math.log10(this.#dropped)) > Math.floor(Math.log10(before)))
      this.#options.onError(`${this.#dropped} events were dropped`, new Error('the stream did not take them'));
  }

  #arm(delayMs: number): void {
    if (this.#timer || this.#sending || this.#isClosing) return;
    const send = (): Promise<void> => {
      this.#timer = undefined;
      return this.#send();
    };
    this.#timer = setTimeout(
      contain(send, (error) => this.#options.onError('events wait for the stream', error)),
      delayMs,
    );
  }

  async #send(): Promise<void> {
    this.#sending = this.#sendAll();
    await this.#sending;
    this.#sending = undefined;
    if (this.#waiting > 0) this.#arm(250);
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#next(); batch; batch = this.#next()) {
      try {
        await this.#publish(batch.data);
      } catch (error) {
        // Not confirmed: it goes out again. A batch that was stored twice is harmless, records are unique on their ids.
        this.#batches.unshift(batch);
        this.#options.onError(`${batch.events} events wait for the stream`, error);
        if (this.#isClosing) await new Promise((resolve) => setTimeout(resolve, 100));
        return;
      }
      this.#waiting -= batch.events;
    }
  }

  /** The oldest batch. What is not complete goes too: by now it has waited. */
  #next(): Batch | undefined {
    if (this.#batches.length === 0) this.#complete();
    return this.#batches.shift();
  }

  async #publish(data: Uint8Array): Promise<void> {
    if (!this.#bus.isConnected) throw new Error('not connected to NATS');
    const { service, kind } = this.#options;
    await this.#jetstream.publish(subjects.event(service, kind), data, { retries: 0 } as object);
  }
}
