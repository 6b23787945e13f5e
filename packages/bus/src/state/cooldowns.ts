import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { jetstream, JetStreamApiError } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import type { Cooldown } from '@will/core';
import { create, names, wire } from '@will/contracts';
import type { Bus } from '../api.ts';
import { tellAll } from '../connection/tell-all.ts';

/** Models that are cooling down, as every process sees them. One entry per model; what this process writes it sees at once. */
export interface Cooldowns {
  /** The cooldown in force, also past its end as long as no trial call has succeeded; undefined: the circuit is closed. */
  cooldownOf(model: string): Cooldown | undefined;
  /** Ends of all cooldowns in force. */
  readonly untilMs: ReadonlyMap<string, number>;
  /** Starts a cooldown. Of two the later end stands. Resolves when it is committed. */
  coolDown(model: string, cooldown: Cooldown): Promise<void>;
  /** A health check found the model healthy again: a cooldown whose length was a guess ends now, and a trial call may start. */
  endEarly(model: string): Promise<void>;
  /**
   * After the end of a cooldown: tries to acquire the trial call. True for at most one
   * process until `recover`, another `coolDown`, or the end of the lease.
   */
  acquireTrial(model: string, leaseMs: number): Promise<boolean>;
  /** Releases the trial call without a result. */
  releaseTrial(model: string): Promise<void>;
  /** The trial call succeeded: closes the circuit. */
  recover(model: string): Promise<void>;
  /** Called with the model after every change. Returns how to stop. */
  onChange(listener: (model: string) => void): () => void;
  stop(): void;
}

/** The bucket of cooldowns: entries by model, each change with a revision of its own. */
export interface CooldownBucket {
  /** Tells every entry and every later change, with no value where one is gone. Resolves when the present state is told. */
  follow(hear: (model: string, value: Uint8Array | undefined, revision: number) => void): Promise<() => void>;
  /** Yields the new revision. @throws {OvertakenError} it was changed since `lastRevision`. */
  write(model: string, value: Uint8Array, ttlSeconds: number, lastRevision: number): Promise<number>;
  read(model: string): Promise<{ readonly value: Uint8Array | undefined; readonly revision: number } | undefined>;
  /** @throws {OvertakenError} */
  purge(model: string, lastRevision: number): Promise<void>;
}

/** Somebody else wrote first. */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}

interface Entry {
  readonly word: wire.Cooldown;
  readonly revision: number;
}

/** The server removes a cooldown without a trial call so long after its end. */
const forgottenAfterMs = 300_000;
const maxTries = 16;
/** Shows that the watch has told everything; a watch of an empty bucket never says so. */
const sentinel = 'all-told';
const wrongLastSequence = 10071;

/** Follows the bucket of cooldowns; resolves when the present state is known. */
export async function openCooldowns(bus: Bus, nowMs: () => number): Promise<Cooldowns> {
  const bucket = await new Kvm(bus.connection).create(names.cooldownBucket, { history: 1, markerTTL: 1_000 });
  return cooldownsOf(new BusBucket(bus, bucket), bus.processId, nowMs);
}

/** The same over any bucket. */
export async function cooldownsOf(bucket: CooldownBucket, processId: string, nowMs: () => number): Promise<Cooldowns> {
  const cooldowns = new BucketCooldowns(bucket, processId, nowMs);
  await cooldowns.start();
  return cooldowns;
}

class BusBucket implements CooldownBucket {
  readonly #bus: Bus;
  readonly #bucket: KV;

  constructor(bus: Bus, bucket: KV) {
    this.#bus = bus;
    this.#bucket = bucket;
  }

  async follow(hear: Parameters<CooldownBucket['follow']>[0]): Promise<() => void> {
    const last = await this.#bucket.put(sentinel, new Uint8Array());
    const watcher = await this.#bucket.watch();
    const { promise: allTold, resolve } = Promise.withResolvers<void>();
    void (async () => {
      for await (const { key, value, revision, operation } of watcher) {
        if (key !== sentinel)
          tellAll(this.#bus, 'telling of a cooldown', [hear], key, operation === 'PUT' ? value : undefined, revision);
        if (revision >= last) resolve();
      }
    })();
    await allTold;
    return () => watcher.stop();
  }

  /** With a lifetime of its own, which the bucket's put does not offer. */
  async write(model: string, value: Uint8Array, ttlSeconds: number, lastRevision: number): Promise<number> {
    const { seq } = await jetstream(this.#bus.connection)
      .publish(`$KV.${names.cooldownBucket}.${model}`, value, {
        ttl: `${ttlSeconds}s`,
        expect: { lastSubjectSequence: lastRevision },
      })
      .catch(toldIfOvertaken);
    return seq;
  }

  async read(model: string): ReturnType<CooldownBucket['read']> {
    const entry = await this.#bucket.get(model);
    return entry ? { value: entry.operation === 'PUT' ? entry.value : undefined, revision: entry.revision } : undefined;
  }

  async purge(model: string, lastRevision: number): Promise<void> {
    await this.#bucket.purge(model, { previousSeq: lastRevision }).catch(toldIfOvertaken);
  }
}

class BucketCooldowns implements Cooldowns {
  readonly untilMs = new Map<string, number>();
  readonly #bucket: CooldownBucket;
  readonly #processId: string;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #seen = new Map<string, number>();
  readonly #listeners = new Set<(model: string) => void>();
  #stopFollowing = (): void => {};

  constructor(bucket: CooldownBucket, processId: string, nowMs: () => number) {
    this.#bucket = bucket;
    this.#processId = processId;
    this.#nowMs = nowMs;
  }

  async start(): Promise<void> {
    this.#stopFollowing = await this.#bucket.follow((model, value, revision) => this.#take(model, value, revision));
  }

  cooldownOf(model: string): Cooldown | undefined {
    const word = this.#entries.get(model)?.word;
    return (
      word && {
        untilMs: Number(word.untilUnixMs),
        reason: word.reason,
        timesOpened: word.timesOpened,
        ...(word.isGuess && { isGuess: true }),
      }
    );
  }

  async coolDown(model: string, { untilMs, reason, timesOpened, isGuess = false }: Cooldown): Promise<void> {
    await this.#change(model, (present) => {
      const until = BigInt(Math.ceil(untilMs));
      const holdsTrial = present !== undefined && present.trialHolder === this.#processId;
      if (present && !holdsTrial && present.untilUnixMs >= until) return undefined;
      return create(wire.CooldownSchema, { untilUnixMs: until, reason, timesOpened, isGuess });
    });
  }

  async endEarly(model: string): Promise<void> {
    await this.#change(model, (present) => {
      const now = BigInt(Math.floor(this.#nowMs()));
      return present?.isGuess && present.untilUnixMs > now ? { ...present, untilUnixMs: now } : undefined;
    });
  }

  async acquireTrial(model: string, leaseMs: number): Promise<boolean> {
    let isMine = false;
    await this.#change(model, (present) => {
      const now = this.#nowMs();
      isMine = present !== undefined && Number(present.untilUnixMs) <= now && Number(present.trialUntilUnixMs) <= now;
      if (!present || !isMine) return undefined;
      return { ...present, trialHolder: this.#processId, trialUntilUnixMs: BigInt(Math.ceil(now + leaseMs)) };
    });
    return isMine;
  }

  async releaseTrial(model: string): Promise<void> {
    await this.#change(model, (present) =>
      present?.trialHolder === this.#processId ? { ...present, trialHolder: '', trialUntilUnixMs: 0n } : undefined,
    );
  }

  async recover(model: string): Promise<void> {
    const entry = this.#entries.get(model);
    if (!entry || entry.word.trialHolder !== this.#processId) return;
    await this.#bucket.purge(model, entry.revision).catch(unlessOvertaken);
    this.#take(model, undefined, entry.revision + 1);
  }

  onChange(listener: (model: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#stopFollowing();
  }

  /** Compare-and-set until it holds. `next` yields undefined where nothing is to be written. */
  async #change(model: string, next: (present: wire.Cooldown | undefined) => wire.Cooldown | undefined): Promise<void> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const word = next(this.#entries.get(model)?.word);
      if (!word) return;
      try {
        const revision = await this.#write(model, word, this.#seen.get(model) ?? 0);
        return this.#take(model, toBinary(wire.CooldownSchema, word), revision);
      } catch (error) {
        unlessOvertaken(error);
        await this.#look(model);
      }
    }
  }

  #write(model: string, word: wire.Cooldown, lastRevision: number): Promise<number> {
    const untilMs = Math.max(Number(word.untilUnixMs), Number(word.trialUntilUnixMs));
    const ttlSeconds = Math.ceil((untilMs - this.#nowMs() + forgottenAfterMs) / 1_000);
    return this.#bucket.write(model, toBinary(wire.CooldownSchema, word), Math.max(1, ttlSeconds), lastRevision);
  }

  async #look(model: string): Promise<void> {
    const entry = await this.#bucket.read(model);
    if (entry) this.#take(model, entry.value, entry.revision);
    else this.#seen.delete(model);
  }

  /** `value` undefined, or not to be read: the entry is gone. What is older than what was seen is not taken. */
  #take(model: string, value: Uint8Array | undefined, revision: number): void {
    if (revision <= (this.#seen.get(model) ?? 0)) return;
    this.#seen.set(model, revision);
    const word = value && readable(value);
    if (word) {
      this.#entries.set(model, { word, revision });
      this.untilMs.set(model, Number(word.untilUnixMs));
    } else {
      this.#entries.delete(model);
      this.untilMs.delete(model);
    }
    for (const listener of this.#listeners) listener(model);
  }
}

/** Ignores undecodable entries: they must neither start a cooldown nor crash a process. */
function readable(value: Uint8Array): wire.Cooldown | undefined {
  try {
    return fromBinary(wire.CooldownSchema, value);
  } catch {
    return undefined;
  }
}

function toldIfOvertaken(error: unknown): never {
  if (error instanceof JetStreamApiError && error.code === wrongLastSequence)
    throw new OvertakenError('somebody else wrote first', { cause: error });
  throw error;
}

/** Somebody else wrote first: what they wrote is looked at. */
function unlessOvertaken(error: unknown): void {
  if (!(error instanceof OvertakenError)) throw error;
}
