import {
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  type StreamConfig,
} from '@nats-io/jetstream';
import { contain, type SessionState } from '@will/core';
import { fromBinary, names, patterns, subjects, toBinary, wire } from '@will/contracts';
import type { Bus } from '../api.ts';

/** Conversations as routers know them. Never waits: a change is known here at once, and to others a moment later. */
export interface SessionsView {
  of(session: string): SessionState | undefined;
  keep(session: string, state: SessionState): void;
  stop(): Promise<void>;
}

/** Conversations that one process remembers; those that were quiet longest are forgotten first. */
const maxSessions = 50_000;
/** The first change is told at once, and with it all until then; those of the next moment together, at its end. */
const toldEveryMs = 20;
/** Changes in one message, which stays far below the bound of the bus. */
const maxChanges = 500;

/** Routers that start later read the past here: for longer than any prefix is kept by a vendor. */
const stream: Partial<StreamConfig> & { name: string } = {
  name: names.sessionsStream,
  subjects: [patterns.sessions],
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  max_age: 3_600 * 1e9,
  max_bytes: 64 * 1024 ** 2,
};
/** What may lie between the moment that a connection was lost and that at which it is known. */
const missedForMs = 60_000;

/** Follows what other routers tell; what was told before comes in the background. */
export async function openSessions(bus: Bus): Promise<SessionsView> {
  await ensureStream(bus);
  const sessions = new Sessions(bus);
  const own = subjects.sessions(bus.processId);
  const heard = bus.listen(patterns.sessions, ({ subject, data }) => {
    if (subject !== own) sessions.hear(data);
  });
  const stopListening = bus.onConnectionChange((isConnected) => {
    if (!isConnected) return;
    sessions.tell();
    void readPast(bus, Date.now() - missedForMs, sessions);
  });
  void readPast(bus, 0, sessions);
  return {
    of: (session) => sessions.of(session),
    keep: (session, state) => sessions.keep(session, state),
    async stop() {
      stopListening();
      heard.unsubscribe();
      sessions.stop();
      await Promise.resolve();
    },
  };
}

async function ensureStream(bus: Bus): Promise<void> {
  const { streams } = await jetstreamManager(bus.connection);
  await streams.info(stream.name).catch(() => streams.add(stream));
}

/** Reads what was told since an instant, to its end. What cannot be had is as good as forgotten. */
async function readPast(bus: Bus, sinceMs: number, sessions: Sessions): Promise<void> {
  try {
    const consumer = await jetstream(bus.connection).consumers.get(stream.name, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(sinceMs).toISOString(),
    });
    const { num_pending: waiting } = await consumer.info();
    if (waiting > 0)
      for await (const { data, info } of await consumer.consume()) {
        sessions.hear(data);
        if (info.pending === 0) break;
      }
    await consumer.delete();
  } catch (error) {
    if (bus.isConnected) bus.report('reading the past of conversations', error);
  }
}

class Sessions {
  readonly #bus: Bus;
  /** Those of which something was kept last stand last. */
  readonly #known = new Map<string, SessionState>();
  readonly #untold = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  of(session: string): SessionState | undefined {
    return this.#known.get(session);
  }

  keep(session: string, state: SessionState): void {
    const before = this.#known.get(session);
    this.#remember(session, state);
    this.#untold.add(session);
    const isMoved = before !== undefined && holderIn(before) !== holderIn(state);
    if (isMoved || !this.#timer || this.#untold.size >= maxChanges) this.tell();
  }

  /** What another router told. What cannot be read is left out: it must never crash a process. */
  hear(data: Uint8Array): void {
    for (const { session, state } of changesIn(data)) {
      const known = this.#known.get(session);
      if (state && (!known || state.calls > known.calls)) this.#remember(session, stateFromWire(state));
    }
  }

  /** All that was not told yet; it waits for the bus where that is away. */
  tell(): void {
    if (this.#untold.size === 0 || !this.#bus.isConnected) return;
    const changes = [...this.#untold].slice(0, maxChanges);
    for (const session of changes) this.#untold.delete(session);
    this.#bus.publish(subjects.sessions(this.#bus.processId), this.#written(changes));
    this.#timer ??= setTimeout(
      contain(
        () => this.#endMoment(),
        () => this.#untold.clear(),
      ),
      toldEveryMs,
    ).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    while (this.#untold.size > 0 && this.#bus.isConnected) this.tell();
    clearTimeout(this.#timer);
  }

  #endMoment(): void {
    this.#timer = undefined;
    this.tell();
  }

  #remember(session: string, state: SessionState): void {
    this.#known.delete(session);
    this.#known.set(session, state);
    if (this.#known.size <= maxSessions) return;
    const oldest = this.#known.keys().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #written(sessions: readonly string[]): Uint8Array {
    const changes = sessions.flatMap((session) => {
      const state = this.#known.get(session);
      return state ? [{ $typeName: 'will.v1.SessionChange' as const, session, state: stateToWire(state) }] : [];
    });
    return toBinary(wire.SessionChangesSchema, { $typeName: 'will.v1.SessionChanges', changes });
  }
}

/** The model that holds a conversation, at its worker. */
const holderIn = ({ lastModel, prefixes: [newest] }: SessionState): string => `${lastModel} ${newest?.workerId}`;

function changesIn(data: Uint8Array): readonly wire.SessionChange[] {
  try {
    return fromBinary(wire.SessionChangesSchema, data).changes;
  } catch {
    return [];
  }
}

const stateToWire = ({ lastModel, calls, prefixes }: SessionState): wire.SessionState => ({
  $typeName: 'will.v1.SessionState',
  lastModel,
  calls,
  prefixes: prefixes.map(({ model, tokens, usedAtMs, workerId = '' }) => ({
    $typeName: 'will.v1.HeldPrefix' as const,
    model,
    tokens,
    usedUnixMs: BigInt(usedAtMs),
    workerId,
  })),
});

const stateFromWire = ({ lastModel, calls, prefixes }: wire.SessionState): SessionState => ({
  lastModel,
  calls,
  prefixes: prefixes.map(({ model, tokens, usedUnixMs, workerId }) => ({
    model,
    tokens,
    usedAtMs: Number(usedUnixMs),
    ...(workerId !== '' && { workerId }),
  })),
});
