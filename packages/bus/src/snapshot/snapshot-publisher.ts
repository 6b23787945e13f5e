import { contain } from '@will/core';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { AnyDocument } from '@will/core';
import { create, names, wire } from '@will/contracts';
import type { Bus } from '../api.ts';
import { BusError } from '../api.ts';
import { contentKey, headHeartbeatMs, headKey, inParallel, registryBucket } from './snapshot-bucket.ts';

const wrongLastSequence = 10_071;
const writesAtOnce = 64;
/** Readers may still be on the way through the manifest before the newest. */
const keptManifests = 2;

/** A document as it is published. */
export interface PublishedDocument {
  readonly document: AnyDocument;
  /** Revision at which its content came in. */
  readonly revision: number;
  readonly author: string;
  readonly updatedAtMs: number;
}

/** Writes the published copy of the documents. There is one writer; a second one is found out and refused. */
export interface SnapshotPublisher {
  /**
   * Makes a revision the one that holds: first its documents and manifest, then the head. Repeating it is safe.
   * @throws {BusError} 'disconnected' (also when the bus does not confirm), 'unsuitable' when another registry writes.
   */
  publish(revision: number, documents: readonly PublishedDocument[]): Promise<void>;
  /** Stops the heartbeat. */
  stop(): Promise<void>;
}

/** Identity of the publishing store. */
export interface PublisherOptions {
  /** Id of the store whose documents these are. */
  readonly incarnation: string;
  readonly nowMs?: () => number;
  /** Told when a heartbeat failed; the next one tries again. */
  readonly onError?: (what: string, error: unknown) => void;
}

/**
 * Opens the bucket for writing.
 * @throws {BusError} 'unsuitable' when the registry of another store is alive on this bus.
 */
export async function openSnapshotPublisher(bus: Bus, options: PublisherOptions): Promise<SnapshotPublisher> {
  const publisher = new BucketPublisher(bus, options);
  await publisher.open();
  return publisher;
}

class BucketPublisher implements SnapshotPublisher {
  readonly #bus: Bus;
  readonly #incarnation: string;
  readonly #nowMs: () => number;
  readonly #onError: (what: string, error: unknown) => void;
  #bucket: KV | undefined;
  /** Sequence of the head this publisher wrote or found last; 0: there is none. */
  #headSequence = 0;
  /** Keys that are known to be in the bucket. */
  #written = new Set<string>();
  /** Keys of the newest manifests, newest first. */
  #kept: ReadonlySet<string>[] = [];
  #published:
    | {
        revision: number;
        documents: readonly PublishedDocument[];
        manifestKey: string;
      }
    | undefined;
  /** One writing at a time: a heartbeat must not come between the steps of a publication. */
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isBeating = false;

  constructor(bus: Bus, options: PublisherOptions) {
    this.#bus = bus;
    this.#incarnation = options.incarnation;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#onError = options.onError ?? (() => {});
  }

  async open(): Promise<void> {
    await this.#adopt();
    await this.#refuseSecondRegistry();
    this.#timer = setInterval(
      contain(
        () => this.#heartbeat(),
        (error) => this.#onError('the heartbeat of the documents', error),
      ),
      headHeartbeatMs,
    );
  }

  publish(revision: number, documents: readonly PublishedDocument[]): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#write(revision, documents).catch(async (error: unknown) => {
          if (error instanceof BusError) throw error;
          // The bucket may be gone with its server's disk; a second try makes it again.
          await this.#adopt();
          await this.#write(revision, documents);
        });
      } catch (cause) {
        this.#bucket = undefined;
        if (cause instanceof BusError) throw cause;
        throw new BusError('disconnected', `publishing revision ${revision} was not confirmed`, { cause });
      }
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#turn.catch(() => {});
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => {}).then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #write(revision: number, documents: readonly PublishedDocument[]): Promise<void> {
    const prepared = documents.map(withKey);
    const manifest = toBinary(
      wire.ManifestSchema,
      create(wire.ManifestSchema, {
        entries: prepared.map(({ entry }) => entry),
      }),
    );
    const manifestKey = contentKey('manifest', manifest);
    const contents = new Map(prepared.map(({ entry, content }) => [entry.key, content]));
    contents.set(manifestKey, manifest);
    for (let attempt = 1; ; attempt += 1) {
      await this.#putMissing(contents);
      if (await this.#putHead(revision, manifestKey)) break;
      if (attempt === 3) throw new BusError('disconnected', `the head of revision ${revision} was not accepted`);
    }
    this.#published = { revision, documents, manifestKey };
    await this.#forgetAllBut(new Set(contents.keys()));
  }

  async #putMissing(contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const bucket = this.#bucket ?? (await this.#adopt());
    const missing = [...contents].filter(([key]) => !this.#written.has(key));
    await inParallel(missing, writesAtOnce, async ([key, content]) => {
      await bucket.put(key, content);
      this.#written.add(key);
    });
  }

  /** False: the bucket was not as thought; it was looked at anew, and what is missing has to be written again. */
  async #putHead(revision: number, manifestKey: string): Promise<boolean> {
    const head = create(wire.SnapshotHeadSchema, {
      revision: BigInt(revision),
      incarnation: this.#incarnation,
      manifestKey,
      writtenUnixMs: BigInt(this.#nowMs()),
    });
    const bucket = this.#bucket ?? (await this.#adopt());
    try {
      this.#headSequence = await bucket.put(headKey, toBinary(wire.SnapshotHeadSchema, head), {
        previousSeq: this.#headSequence,
      });
      return true;
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== wrongLastSequence) throw error;
      await this.#adopt();
      return false;
    }
  }

  /**
   * Takes over what is in the bucket: an earlier life of this registry left it, or a write whose answer got lost.
   * @throws {BusError} 'unsuitable': the head was written by the registry of another store, while this one was running.
   */
  async #adopt(): Promise<KV> {
    const bucket = await registryBucket(this.#bus);
    const entry = await bucket.get(headKey);
    this.#headSequence = entry?.revision ?? 0;
    if (entry?.operation === 'PUT' && this.#published && readHead(entry.value)?.incarnation !== this.#incarnation)
      throw new BusError('unsuitable', 'the registry of another store publishes to this bus; stop one of the two');
    const keys = new Set<string>();
    for await (const key of await bucket.keys(['doc.*', 'manifest.*'])) keys.add(key);
    this.#written = keys;
    this.#bucket = bucket;
    return bucket;
  }

  /** A head of another store that still moves has a living registry behind it. */
  async #refuseSecondRegistry(): Promise<void> {
    const before = await this.#bucket?.get(headKey);
    if (!before || before.operation !== 'PUT' || readHead(before.value)?.incarnation === this.#incarnation) return;
    if (this.#nowMs() - before.created.getTime() > 10 * headHeartbeatMs) return;
    await new Promise((resolve) => setTimeout(resolve, 2.5 * headHeartbeatMs));
    const after = await this.#bucket?.get(headKey);
    if (after && after.revision !== before.revision)
      throw new BusError(
        'unsuitable',
        'the registry of another store is alive on this bus; stop it, or use its data folder',
      );
  }

  async #heartbeat(): Promise<void> {
    if (!this.#published || this.#isBeating || !this.#bus.isConnected) return;
    this.#isBeating = true;
    try {
      await this.#inTurn(() => this.#rewriteHead());
    } catch (error) {
      // Whatever was lost with the bus, a look at the bucket tells what has to be written again.
      this.#bucket = undefined;
      if (this.#bus.isConnected) this.#onError('publishing the heartbeat of the registry', error);
    } finally {
      this.#isBeating = false;
    }
  }

  async #rewriteHead(): Promise<void> {
    if (!this.#published) return;
    if (!this.#bucket) await this.#adopt();
    const { revision, documents, manifestKey } = this.#published;
    const isThere = this.#written.has(manifestKey) && this.#headSequence > 0;
    if (isThere && (await this.#putHead(revision, manifestKey))) return;
    // The bucket was lost and made again: everything goes back into it.
    await this.#write(revision, documents);
  }

  /** Removes what neither this nor the manifest before it names. Failing costs space only. */
  async #forgetAllBut(keys: ReadonlySet<string>): Promise<void> {
    this.#kept = [keys, ...this.#kept.filter((kept) => kept.symmetricDifference(keys).size > 0)].slice(
      0,
      keptManifests,
    );
    const forgotten = [...this.#written].filter((key) => !this.#kept.some((kept) => kept.has(key)));
    if (forgotten.length === 0) return;
    try {
      const manager = await jetstreamManager(this.#bus.connection);
      await inParallel(forgotten, writesAtOnce, async (key) => {
        // A purge of the stream leaves no marker behind, unlike one of the bucket.
        await manager.streams.purge(`KV_${names.registryBucket}`, {
          filter: `$KV.${names.registryBucket}.${key}`,
        });
        this.#written.delete(key);
      });
    } catch (error) {
      this.#onError('removing old keys of the registry', error);
    }
  }
}

function withKey({ document, revision, author, updatedAtMs }: PublishedDocument): {
  entry: wire.ManifestEntry;
  content: Uint8Array;
} {
  const { kind, body } = document;
  const message = create(wire.DocumentSchema, {
    kind,
    slug: body.slug,
    name: body.name,
    revision: BigInt(revision),
    json: new TextEncoder().encode(JSON.stringify(body)),
    author,
    updatedUnixMs: BigInt(updatedAtMs),
  });
  const content = toBinary(wire.DocumentSchema, message);
  return {
    entry: create(wire.ManifestEntrySchema, {
      kind,
      slug: body.slug,
      key: contentKey('doc', content),
    }),
    content,
  };
}

function readHead(bytes: Uint8Array): wire.SnapshotHead | undefined {
  try {
    return fromBinary(wire.SnapshotHeadSchema, bytes);
  } catch {
    return undefined;
  }
}
