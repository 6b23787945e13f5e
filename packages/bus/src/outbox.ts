import { create } from '@bufbuild/protobuf';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { sizes, subjects, toBinary, wire } from '@will/contracts';
import type { Bus } from './api.ts';

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

/**
 * Events on their way to the stream: collected into batches, published with an acknowledgement, and kept until it
 * came. Adding never blocks and never throws, so that logging cannot hold up a call.
 */
export class Outbox {
  readonly #bus: Bus;
  readonly #jetstream: JetStreamClient;
  readonly #options: Required<OutboxOptions>;
  #events: wire.Event[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #dropped = 0;
  #isClosing = false;

  constructor(bus: Bus, options: OutboxOptions) {
    this.#bus = bus;
    this.#jetstream = jetstream(bus.connection, { timeout: 2_000 });
    this.#options = { batchMs: 50, capacity: 100_000, onError: () => {}, ...options };
  }

  /** Events that were given up because too many waited. Not zero is an alarm. */
  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    return this.#events.length;
  }

  add(event: wire.Event): void {
    if (this.#events.length >= this.#options.capacity) {
      this.#events.shift();
      this.#countDropped();
    }
    this.#events.push(event);
    this.#arm(this.#options.batchMs);
  }

  /** Sends what waits. Tries for `timeoutMs`; returns how many events could not be sent. */
  async close(timeoutMs = 3_000): Promise<number> {
    this.#isClosing = true;
    const deadlineMs = performance.now() + timeoutMs;
    while ((this.#events.length > 0 || this.#sending) && performance.now() < deadlineMs) {
      clearTimeout(this.#timer);
      await (this.#sending ?? this.#send());
    }
    clearTimeout(this.#timer);
    return this.#events.length;
  }

  /** Told at the first, the tenth, the hundredth…: the word itself must not become a flood. */
  #countDropped(): void {
    this.#dropped += 1;
    if (Number.isInteger(Math.log10(this.#dropped)))
      this.#options.onError(`${this.#dropped} events were dropped`, new Error('the stream did not take them'));
  }

  #arm(delayMs: number): void {
    if (this.#timer || this.#sending || this.#isClosing) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, delayMs);
  }

  async #send(): Promise<void> {
    this.#sending = this.#sendAll();
    await this.#sending;
    this.#sending = undefined;
    if (this.#events.length > 0) this.#arm(250);
  }

  async #sendAll(): Promise<void> {
    while (this.#events.length > 0) {
      const batch = this.#nextBatch();
      const data = this.#encode(batch);
      if (!data) continue;
      try {
        await this.#publish(data);
      } catch (error) {
        // Not confirmed: it goes out again. A batch that was stored twice is harmless, records are unique on their ids.
        this.#events = batch.concat(this.#events);
        this.#options.onError(`${batch.length} events wait for the stream`, error);
        if (this.#isClosing) await new Promise((resolve) => setTimeout(resolve, 100));
        return;
      }
    }
  }

  async #publish(data: Uint8Array): Promise<void> {
    if (!this.#bus.isConnected) throw new Error('not connected to NATS');
    const { service, kind } = this.#options;
    await this.#jetstream.publish(subjects.event(service, kind), data, { retries: 0 } as object);
  }

  /** Undefined: some of it cannot be written. That is dropped, and the rest goes with the next batch. */
  #encode(events: readonly wire.Event[]): Uint8Array | undefined {
    try {
      return encoded(this.#bus.processId, events);
    } catch (error) {
      this.#options.onError('an event cannot be written', error);
      const sound = events.filter((event) => canBeWritten(event));
      for (let lost = events.length - sound.length; lost > 0; lost -= 1) this.#countDropped();
      this.#events = sound.concat(this.#events);
      return undefined;
    }
  }

  /** As many as fit one message; decisions can be large, records are about 300 bytes. */
  #nextBatch(): wire.Event[] {
    const batch = this.#events.splice(0, 500);
    while (batch.length > 1 && sizeOf(batch) > sizes.messageBytes / 2) {
      this.#events = batch.splice(Math.ceil(batch.length / 2)).concat(this.#events);
    }
    return batch;
  }
}

const encoded = (source: string, events: readonly wire.Event[]): Uint8Array =>
  toBinary(wire.EventBatchSchema, create(wire.EventBatchSchema, { source, events: [...events] }));

function canBeWritten(event: wire.Event): boolean {
  try {
    encoded('', [event]);
    return true;
  } catch {
    return false;
  }
}

const sizeOf = (events: readonly wire.Event[]): number =>
  events.reduce(
    (sum, event) => sum + (event.kind.case === 'rankedSet' ? 200 * (event.kind.value.exclusions.length + 5) : 600),
    0,
  );
