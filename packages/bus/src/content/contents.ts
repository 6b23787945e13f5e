import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type JetStreamClient,
  type JsMsg,
  type StreamConfig,
} from '@nats-io/jetstream';
import { create, names, subjects, wire } from '@will/contracts';
import type { Bus } from '../api.ts';

const minute = 60 * 1e9;

/**
 * What was said in calls waits here for telemetry: in memory, and only until it was taken or ten minutes have passed. It is
 * never on the disk of the bus.
 */
const contents: Partial<StreamConfig> & { name: string } = {
  name: names.contentStream,
  subjects: [subjects.content],
  retention: RetentionPolicy.Workqueue,
  storage: StorageType.Memory,
  discard: DiscardPolicy.Old,
  max_age: 10 * minute,
  max_bytes: 128 * 1024 ** 2,
};

const durable: Partial<ConsumerConfig> & { durable_name: string } = {
  durable_name: 'telemetry',
  ack_policy: AckPolicy.Explicit,
  ack_wait: 10 * 1e9,
  max_ack_pending: 16,
};

/** Characters of the output, bytes of the input: both together fit a message in any language. */
const maxPartBytes = 192 * 1024;
const maxInFlight = 64;

async function ensureContentStream(bus: Bus): Promise<void> {
  const manager = await jetstreamManager(bus.connection);
  try {
    await manager.streams.info(contents.name);
  } catch {
    await manager.streams.add(contents);
  }
}

/** Content of a call, before it is cut to the kept length. */
export interface SaidContent {
  readonly attemptId: string;
  readonly taskId: string;
  readonly client: string;
  readonly inputKind: string;
  readonly input: Uint8Array;
  readonly output: string;
  readonly untilMs: number;
}

/** Sends what was said in calls on its way. Never blocks and never throws: what cannot go at once is dropped and counted. */
export class ContentOutbox {
  readonly #bus: Bus;
  readonly #jetstream: JetStreamClient;
  readonly #onError: (what: string, error: unknown) => void;
  readonly #underWay = new Set<Promise<void>>();
  #ready: Promise<void> | undefined;
  #dropped = 0;

  constructor(bus: Bus, onError: (what: string, error: unknown) => void) {
    this.#bus = bus;
    this.#jetstream = jetstream(bus.connection, { timeout: 2_000 });
    this.#onError = onError;
  }

  get dropped(): number {
    return this.#dropped;
  }

  keep(said: SaidContent): void {
    if (this.#underWay.size >= maxInFlight || !this.#bus.isConnected)
      return this.#drop(new Error('too much is under way, or NATS is not connected'));
    const sending = this.#send(said)
      .catch((error: unknown) => this.#drop(error))
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  async close(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #send(said: SaidContent): Promise<void> {
    // Most installations never keep content, so the stream is made by the first that does.
    this.#ready ??= ensureContentStream(this.#bus);
    await this.#ready.catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    const { untilMs, input, output, ...named } = said;
    const content = create(wire.CallContentSchema, {
      ...named,
      input: input.subarray(0, maxPartBytes),
      output: output.slice(0, maxPartBytes),
      isCut: input.length > maxPartBytes || output.length > maxPartBytes,
      untilUnixMs: BigInt(Math.round(untilMs)),
    });
    await this.#jetstream.publish(subjects.content, toBinary(wire.CallContentSchema, content));
  }

  #drop(error: unknown): void {
    this.#dropped += 1;
    this.#onError(`content was not kept (${this.#dropped} in all)`, error);
  }
}

/** Gives out what was said, each until `keep` resolved. One at a time is enough: it is rare. Returns how to stop. */
export async function readContents(
  bus: Bus,
  keep: (content: wire.CallContent) => Promise<void>,
  onError: (what: string, error: unknown) => void,
): Promise<() => Promise<void>> {
  await ensureContentStream(bus);
  const manager = await jetstreamManager(bus.connection);
  await manager.consumers.add(contents.name, durable);
  const consumer = await jetstream(bus.connection).consumers.get(contents.name, durable.durable_name);
  const working = new Set<Promise<void>>();
  const take = async (message: JsMsg): Promise<void> => {
    try {
      await keep(fromBinary(wire.CallContentSchema, message.data));
      message.ack();
    } catch (error) {
      onError('content could not be kept and will be delivered once more', error);
      message.nak(1_000);
    }
  };
  const messages = await consumer.consume({
    max_messages: 16,
    callback: (message) => {
      const work = take(message).finally(() => working.delete(work));
      working.add(work);
    },
  });
  return async () => {
    await messages.close();
    await Promise.all(working);
  };
}
