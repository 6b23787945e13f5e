import { Kvm } from '@nats-io/kv';
import { contain, type SessionState } from '@will/core';
import { fromBinary, names, toBinary, wire } from '@will/contracts';
import type { Bus } from '../api.ts';

/** Conversations as routers know them. Never waits: a change is known here at once, and to others a moment later. */
export interface SessionsView {
  of(session: string): SessionState | undefined;
  keep(session: string, state: SessionState): void;
  stop(): Promise<void>;
}

/** Conversations that one process remembers; those that were quiet longest are forgotten first. */
const maxSessions = 50_000;
/** Longer than any prefix is kept by a vendor. */
const forgottenAfterMs = 3_600_000;
const maxBucketBytes = 256 * 1024 ** 2;
/** What happens within a conversation is told to others at once; more of the same within this time, at its end. */
const toldEveryMs = 100;

/** Follows the bucket of conversations, which holds no content; resolves once it is watched. */
export async function openSessions(bus: Bus): Promise<SessionsView> {
  const bucket = await new Kvm(bus.connection).create(names.sessionBucket, {
    history: 1,
    ttl: forgottenAfterMs,
    max_bytes: maxBucketBytes,
  });
  const known = new Map<string, SessionState>();
  const remember = (session: string, state: SessionState): void => {
    known.delete(session);
    known.set(session, state);
    if (known.size <= maxSessions) return;
    const oldest = known.keys().next().value;
    if (oldest !== undefined) known.delete(oldest);
  };
  const watch = await bucket.watch();
  void (async () => {
    for await (const { key, value, operation } of watch) {
      const state = operation === 'PUT' ? read(value) : undefined;
      if (state && !isOlder(state, known.get(key))) remember(key, state);
    }
  })().catch(() => {});
  const publish = (session: string, state: SessionState): void => {
    if (bus.isConnected) bus.publish(`$KV.${names.sessionBucket}.${session}`, written(state));
  };
  // Those that were told within the present stretch, and whether more came since.
  const told = new Map<string, boolean>();
  let timer: NodeJS.Timeout | undefined;
  const endStretch = (): void => {
    timer = undefined;
    for (const [session, hasMore] of told) {
      const state = known.get(session);
      if (hasMore && state) publish(session, state);
    }
    told.clear();
  };
  return {
    of: (session) => known.get(session),
    keep(session, state) {
      const isNews = !told.has(session) || holderIn(known.get(session)) !== holderIn(state);
      remember(session, state);
      told.set(session, !isNews);
      if (isNews) publish(session, state);
      timer ??= setTimeout(
        contain(endStretch, () => told.clear()),
        toldEveryMs,
      ).unref();
    },
    async stop() {
      clearTimeout(timer);
      endStretch();
      watch.stop();
      await Promise.resolve();
    },
  };
}

/** The model that holds a conversation, at its worker. */
const holderIn = (state: SessionState | undefined): string => `${state?.lastModel} ${state?.prefixes[0]?.workerId}`;

/** What this process wrote itself comes back to it, maybe after it wrote again. */
const isOlder = (state: SessionState, known: SessionState | undefined): boolean =>
  known !== undefined && state.calls <= known.calls;

const written = ({ lastModel, calls, prefixes }: SessionState): Uint8Array =>
  toBinary(wire.SessionStateSchema, {
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

/** Ignores undecodable entries: they must never crash a process. */
function read(value: Uint8Array): SessionState | undefined {
  try {
    const { lastModel, calls, prefixes } = fromBinary(wire.SessionStateSchema, value);
    if (lastModel === '') return undefined;
    return {
      lastModel,
      calls,
      prefixes: prefixes.map(({ model, tokens, usedUnixMs, workerId }) => ({
        model,
        tokens,
        usedAtMs: Number(usedUnixMs),
        ...(workerId !== '' && { workerId }),
      })),
    };
  } catch {
    return undefined;
  }
}
