import { contained } from '@will/runtime';
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type Consumer,
  type ConsumerConfig,
  type ConsumerMessages,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { ensureStreams, type Bus } from '@will/bus';
import { names } from '@will/contracts';
import type { LogEvent } from '@will/store';
import type { Delivery, StreamProgress } from '../ports.ts';
import { eventsFromWire, MalformedEvent } from './events-from-wire.ts';

/** Messages that are out and not yet stored, over all connections: the server holds back what is more. */
const slots = 128;
/** A killed process's messages are redelivered after this. A batch is stored in a hundredth of it. */
const ackWaitMs = 5_000;

/** Name of the durable consumer that all processes of telemetry share. */
export const eventConsumer = 'telemetry';

const durable: Partial<ConsumerConfig> & { durable_name: string } = {
  durable_name: eventConsumer,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: ackWaitMs * 1e6,
  max_ack_pending: slots,
  // A store that is full for an hour must not cost a record.
  max_deliver: -1,
};

export interface EventStreamOptions {
  /** Told once per kind. */
  readonly onMalformed: (error: MalformedEvent) => void;
  readonly onError: (what: string, error: unknown) => void;
  readonly nowMs: () => number;
}

/** Reads the stream of events from where the last process left off. */
export class EventStream implements StreamProgress {
  /** How many messages and events could not be read, by kind. Not zero is an alarm. */
  readonly malformed = new Map<string, number>();
  /** Batches that nobody has stored yet, when it was last examined. */
  pending = 0;
  readonly #bus: Bus;
  readonly #options: EventStreamOptions;
  #onDelivery: (delivery: Delivery) => void = () => {};
  #manager: JetStreamManager | undefined;
  #consumer: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** When the newest message that is stored came into the stream. */
  #doneUntilMs: number | undefined;

  constructor(bus: Bus, options: EventStreamOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  /** Gives out what is there and what comes. Makes the stream and its durable consumer where they are missing. */
  async start(onDelivery: (delivery: Delivery) => void): Promise<void> {
    this.#onDelivery = onDelivery;
    await this.#consume();
  }

  async #consume(): Promise<void> {
    await ensureStreams(this.#bus);
    this.#manager = await jetstreamManager(this.#bus.connection);
    await ensureConsumer(this.#manager);
    this.#consumer = await jetstream(this.#bus.connection).consumers.get(names.eventsStream, durable.durable_name);
    // What the client holds ahead is bounded by the slots, since the server counts what is not acknowledged.
    this.#messages = await this.#consumer.consume({
      max_messages: slots,
      abort_on_missing_resource: true,
      callback: (message) => this.#take(message),
    });
    void this.#messages.closed().then((reason) => this.#ended(reason));
  }

  async readUntilMs(): Promise<number | undefined> {
    const askedAtMs = this.#options.nowMs();
    const state = await this.#consumer?.info();
    if (state) this.pending = state.num_pending + state.num_ack_pending;
    const hasAll = state?.num_pending === 0 && state.num_ack_pending === 0;
    if (!state || hasAll) return hasAll ? askedAtMs : this.#doneUntilMs;
    const firstOpenMs = await this.#cameAtMs(state.ack_floor.stream_seq + 1);
    return firstOpenMs === undefined ? this.#doneUntilMs : Math.max(firstOpenMs, this.#doneUntilMs ?? 0);
  }

  /** When a message came into the stream: all before it came earlier. Undefined: it is not there any more. */
  async #cameAtMs(seq: number): Promise<number | undefined> {
    const message = await this.#manager?.streams.getMessage(names.eventsStream, { seq }).catch(() => undefined);
    return message ? Math.floor(message.time.getTime()) : undefined;
  }

  /** Takes nothing new. What was taken may still be done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    await this.#messages?.close();
  }

  /** Somebody removed the stream or the consumer: both are made again. */
  #ended(reason: unknown): void {
    if (this.#isStopped) return;
    this.#options.onError('the stream of events is gone', reason ?? new Error('its consumer was removed'));
    this.#restartSoon();
  }

  #restartSoon(): void {
    this.#retry = setTimeout(
      contained(() => {
        this.#consume().catch((error: unknown) => {
          this.#options.onError('the stream of events cannot be read', error);
          if (!this.#isStopped) this.#restartSoon();
        });
      }),
      1_000,
    );
  }

  #take(message: JsMsg): void {
    if (this.#isStopped) return;
    this.#onDelivery({
      bytes: message.data.length,
      read: () => this.#read(message),
      done: () => this.#done(message),
    });
  }

  #read(message: JsMsg): readonly LogEvent[] {
    try {
      return eventsFromWire(message.data, (error) => this.#count(error));
    } catch (error) {
      // It would be redelivered for ever; the reason is kept in the server's advisory.
      message.term(error instanceof MalformedEvent ? error.kind : 'unreadable');
      this.#count(error instanceof MalformedEvent ? error : new MalformedEvent('unreadable', String(error)));
      return [];
    }
  }

  #done(message: JsMsg): void {
    this.#doneUntilMs = Math.max(this.#doneUntilMs ?? 0, Math.floor(message.info.timestampNanos / 1e6));
    message.ack();
  }

  #count(error: MalformedEvent): void {
    const seen = this.malformed.get(error.kind) ?? 0;
    this.malformed.set(error.kind, seen + 1);
    if (seen === 0) this.#options.onMalformed(error);
  }
}

/** Where an older release made it with other settings, it takes these. */
async function ensureConsumer(manager: JetStreamManager): Promise<void> {
  try {
    await manager.consumers.add(names.eventsStream, durable);
  } catch {
    await manager.consumers.update(names.eventsStream, durable.durable_name, durable);
  }
}
