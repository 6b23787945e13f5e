import { headers, type MsgHdrs } from '@nats-io/nats-core';
import {
  DeliverPolicy,
  jetstream,
  type JetStreamClient,
  jetstreamManager,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { names, newId, patterns, subjects } from '@will/contracts';
import { BusError, type Bus } from '../api.ts';

/** The stream that a counter lives in: days and months in the ledger, minutes among the rates. */
export type CounterKind = 'ledger' | 'rate';

/** One counter: `key` is what the core's `counterKey` made. */
export interface CounterName {
  readonly kind: CounterKind;
  readonly key: string;
}

/** One increment as it stands in the stream; together they tell who holds what. */
export interface Increment extends CounterName {
  readonly amount: bigint;
  /** The counter's value after it. */
  readonly total: bigint;
  /** Who added it; '' where it is nobody's hold. */
  readonly holder: string;
  /** Of this addition, as given to {@link Counters.add}. */
  readonly id: string;
  readonly atMs: number;
}

/** The result of an addition: the new total, or the word that it had been made before. */
export type Added = { readonly total: bigint } | 'repeated';

/** Counters that all processes add to. */
export interface Counters {
  /** The present value; undefined: it was never added to. */
  total(counter: CounterName): Promise<bigint | undefined>;
  /**
   * Adds at once and exactly once, also when the acknowledgement is lost on the way.
   * @param id of this addition; another with the same id within an hour is not made. Absent: it is made.
   * @param mayRepeat asked before it is sent again, since time has passed then. Absent: it may.
   * @throws {BusError} it is not known whether it was made; 'disconnected' or 'timeout'.
   */
  add(counter: CounterName, amount: bigint, holder: string, id?: string, mayRepeat?: () => boolean): Promise<Added>;
  /** Since when the stream of this kind counts: what happened before is not in it. */
  bornMs(kind: CounterKind): number;
  /** Follows all increments from the first on. Returns how to stop. */
  follow(kind: CounterKind, onIncrement: (increment: Increment) => void): Promise<() => Promise<void>>;
  /** Forgets the increments of a counter but for its value. */
  compact(counter: CounterName): Promise<void>;
}

const second = 1e9;
const day = 24 * 3_600 * second;
const holderHeader = 'Will-Holder';
const incrementHeader = 'Nats-Incr';
const idHeader = 'Nats-Msg-Id';
const ackTimeoutMs = 2_000;
const maxTries = 3;

const shared: Partial<StreamConfig> = {
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  allow_direct: true,
  allow_msg_counter: true,
};
/**
 * Increments are kept, since they are the records of what is held. Rates are on disk as well: a window that forgot what
 * passed in it would let it pass again.
 */
const streams: Record<CounterKind, Partial<StreamConfig> & { name: string }> = {
  ledger: {
    ...shared,
    name: names.ledgerStream,
    subjects: [patterns.counters('ledger')],
    max_age: 400 * day,
    duplicate_window: 3_600 * second,
  },
  rate: {
    ...shared,
    name: names.rateStream,
    subjects: [patterns.counters('rate')],
    max_age: 180 * second,
    duplicate_window: 120 * second,
  },
};

/** Creates the streams of counters where they are not there. @throws {BusError} 'unsuitable': the server cannot count. */
export async function openCounters(bus: Bus): Promise<Counters> {
  const manager = await jetstreamManager(bus.connection);
  const born = new Map<CounterKind, number>();
  for (const kind of ['ledger', 'rate'] as const) born.set(kind, await bornOf(manager, kind));
  return new StreamCounters(bus, manager, born);
}

async function bornOf(manager: JetStreamManager, kind: CounterKind): Promise<number> {
  try {
    const found = await manager.streams.info(streams[kind].name).catch(() => manager.streams.add(streams[kind]));
    return Date.parse(found.created);
  } catch (error) {
    throw new BusError(
      'unsuitable',
      `the stream ${streams[kind].name} that limits are counted in cannot be made: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

class StreamCounters implements Counters {
  readonly #bus: Bus;
  readonly #manager: JetStreamManager;
  readonly #jetstream: JetStreamClient;
  readonly #born: ReadonlyMap<CounterKind, number>;

  constructor(bus: Bus, manager: JetStreamManager, born: ReadonlyMap<CounterKind, number>) {
    this.#bus = bus;
    this.#manager = manager;
    this.#jetstream = jetstream(bus.connection, { timeout: ackTimeoutMs });
    this.#born = born;
  }

  bornMs(kind: CounterKind): number {
    return this.#born.get(kind) as number;
  }

  async total({ kind, key }: CounterName): Promise<bigint | undefined> {
    const last = await this.#manager.direct.getMessage(streams[kind].name, {
      last_by_subj: subjects.counter(kind, key),
    });
    return last === null ? undefined : valueIn(last.data);
  }

  async add(
    { kind, key }: CounterName,
    amount: bigint,
    holder: string,
    id = newId(),
    mayRepeat: () => boolean = () => true,
  ): Promise<Added> {
    const subject = subjects.counter(kind, key);
    for (let tries = 1; ; tries += 1) {
      if (!this.#bus.isConnected) throw new BusError('disconnected', 'NATS is not connected');
      try {
        // Headers are made anew: publishing adds to them.
        const ack = await this.#jetstream.publish(subject, new Uint8Array(), {
          headers: headersOf(amount, holder),
          msgID: id,
        });
        const { val } = ack as { readonly val?: string };
        return val === undefined ? 'repeated' : { total: BigInt(val) };
      } catch (error) {
        // The same id again: what was made already is not made twice.
        if (tries === maxTries || !mayRepeat())
          throw new BusError('timeout', `adding to ${key}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  async follow(kind: CounterKind, onIncrement: (increment: Increment) => void): Promise<() => Promise<void>> {
    const { name } = streams[kind];
    const consumer = await this.#jetstream.consumers.get(name, { deliver_policy: DeliverPolicy.All });
    const messages = await consumer.consume();
    const prefix = subjects.counter(kind, '').length;
    void (async () => {
      for await (const message of messages) {
        onIncrement({
          kind,
          key: message.subject.slice(prefix),
          amount: BigInt(message.headers?.get(incrementHeader) || '0'),
          total: valueIn(message.data),
          holder: message.headers?.get(holderHeader) ?? '',
          id: message.headers?.get(idHeader) ?? '',
          atMs: message.info.timestampNanos / 1e6,
        });
      }
    })();
    return async () => {
      await messages.close();
    };
  }

  async compact({ kind, key }: CounterName): Promise<void> {
    await this.#manager.streams.purge(streams[kind].name, { filter: subjects.counter(kind, key), keep: 1 });
  }
}

function headersOf(amount: bigint, holder: string): MsgHdrs {
  const made = headers();
  made.set(incrementHeader, amount < 0n ? `${amount}` : `+${amount}`);
  if (holder !== '') made.set(holderHeader, holder);
  return made;
}

/** The server keeps a counter's value as `{"val":"…"}`. */
const valueIn = (data: Uint8Array): bigint =>
  BigInt((JSON.parse(new TextDecoder().decode(data)) as { val: string }).val);
