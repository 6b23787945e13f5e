import { fromBinary } from '@bufbuild/protobuf';
import type { KV, KvEntry, KvWatchEntry } from '@nats-io/kv';
import { compileSnapshot, type AnyDocument, type Snapshot } from '@will/core';
import { wire } from '@will/contracts';
import type { Bus } from './api.ts';
import { headBeatMs, headKey, inParallel, registryBucket } from './snapshot-bucket.ts';

/** A watch that was silent for so long, while the bus is there, is opened anew. */
const silentAfterMs = 3 * headBeatMs;
const firstLookMs = 2_000;
const retryMs = 200;
const readsAtOnce = 64;

export interface SnapshotView {
  /** The newest snapshot that was read whole; undefined until the registry has published one. */
  readonly current: Snapshot | undefined;
  /** Milliseconds since the registry last said that this is what holds; infinite before it did. `nowMs` as `Date.now()`. */
  ageMs(nowMs: number): number;
  /** Resolves true once the snapshot has reached a revision, false when that took longer or the view was stopped. */
  untilRevision(revision: number, timeoutMs: number): Promise<boolean>;
  /** Called after every switch to another snapshot. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
  stop(): void;
}

export interface FollowOptions {
  /** As {@link SnapshotView.onChange}, from the first snapshot on. */
  readonly onChange?: () => void;
  /** Told of documents that cannot be read; the snapshot in force then stays. */
  readonly onError?: (what: string, error: unknown) => void;
}

/**
 * Follows the published documents. Resolves with the present snapshot, or without one where nothing is published yet.
 * Survives the loss of the connection and of the bucket.
 * @throws {Error} JetStream does not answer.
 */
export async function followSnapshot(bus: Bus, options: FollowOptions = {}): Promise<SnapshotView> {
  const reader = new SnapshotReader(bus, options);
  await reader.start();
  return reader;
}

class SnapshotReader implements SnapshotView {
  readonly #bus: Bus;
  readonly #options: FollowOptions;
  readonly #listeners = new Set<() => void>();
  #current: Snapshot | undefined;
  #incarnation = '';
  #manifestKey = '';
  /** Manifest whose documents do not compile here: it is not read again with every heartbeat. */
  #refusedKey = '';
  /** Documents by key: what did not change between two revisions is not read again. */
  #documents = new Map<string, AnyDocument>();
  #beatAtMs = Number.NEGATIVE_INFINITY;
  #wanted: wire.SnapshotHead | undefined;
  #isReading = false;
  #bucket: KV | undefined;
  #watcher: { stop(): void } | undefined;
  #isOpening = false;
  #lastWordMs = 0;
  #isStopped = false;
  #watchdog: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  constructor(bus: Bus, options: FollowOptions) {
    this.#bus = bus;
    this.#options = options;
    if (options.onChange) this.#listeners.add(options.onChange);
  }

  get current(): Snapshot | undefined {
    return this.#current;
  }

  async start(): Promise<void> {
    this.#bucket = await registryBucket(this.#bus);
    const head = await this.#bucket.get(headKey);
    // A watch of an empty bucket never tells that it has shown everything, so what is there is read first.
    if (head?.operation === 'PUT') await this.#firstLook(head);
    await this.#open();
    this.#watchdog = setInterval(() => this.#reopenWhenSilent(), headBeatMs);
    this.#watchdog.unref();
    this.#stopListening = this.#bus.onConnectionChange((isConnected) => {
      if (isConnected) void this.#open();
    });
  }

  ageMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#beatAtMs);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  untilRevision(revision: number, timeoutMs: number): Promise<boolean> {
    const isReached = (): boolean => (this.#current?.revision ?? -1) >= revision;
    if (isReached()) return Promise.resolve(true);
    if (this.#isStopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(isReached());
      };
      const listener = (): void => {
        if (isReached() || this.#isStopped) finish();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#listeners.add(listener);
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#watchdog);
    this.#stopListening?.();
    this.#watcher?.stop();
    this.#changed();
    this.#listeners.clear();
  }

  async #firstLook(entry: KvEntry): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, firstLookMs);
    });
    await Promise.race([this.#take(entry, false), enough]);
    clearTimeout(timer);
  }

  async #open(): Promise<void> {
    if (this.#isOpening || this.#isStopped) return;
    this.#isOpening = true;
    this.#watcher?.stop();
    this.#lastWordMs = performance.now();
    try {
      // The bucket may be another one than before: its stream was lost and made again.
      this.#bucket = await registryBucket(this.#bus);
      const watcher = await this.#bucket.watch({ key: headKey });
      this.#watcher = watcher;
      if (this.#isStopped) watcher.stop();
      void this.#follow(watcher);
    } catch (error) {
      // The watchdog opens it again.
      if (this.#bus.isConnected) this.#options.onError?.('following the registry', error);
    } finally {
      this.#isOpening = false;
    }
  }

  async #follow(watcher: AsyncIterable<KvWatchEntry>): Promise<void> {
    try {
      for await (const entry of watcher) {
        this.#lastWordMs = performance.now();
        if (entry.operation === 'PUT') void this.#take(entry, entry.isUpdate);
      }
    } catch (error) {
      if (!this.#isStopped && this.#bus.isConnected) this.#options.onError?.('following the registry', error);
    }
  }

  #reopenWhenSilent(): void {
    if (this.#bus.isConnected && performance.now() - this.#lastWordMs > silentAfterMs) void this.#open();
  }

  async #take(entry: KvEntry, isFresh: boolean): Promise<void> {
    let head: wire.SnapshotHead;
    try {
      head = fromBinary(wire.SnapshotHeadSchema, entry.value);
    } catch (error) {
      this.#options.onError?.('reading the head of the registry', error);
      return;
    }
    if (this.#isOlder(head) || head.manifestKey === this.#refusedKey) return;
    // What was there before this process looked may have been written by a registry that is long gone.
    const beatAtMs = isFresh ? Date.now() : Math.min(Date.now(), Number(head.writtenUnixMs));
    if (this.#isInForce(head)) {
      this.#beatAtMs = Math.max(this.#beatAtMs, beatAtMs);
      return;
    }
    this.#wanted = head;
    await this.#readWanted(beatAtMs);
  }

  #isInForce(head: wire.SnapshotHead): boolean {
    return (
      this.#manifestKey === head.manifestKey &&
      this.#current?.revision === Number(head.revision) &&
      this.#incarnation === head.incarnation
    );
  }

  #isOlder(head: wire.SnapshotHead): boolean {
    return head.incarnation === this.#incarnation && Number(head.revision) < (this.#current?.revision ?? 0);
  }

  /** Reads until what is in force is what was last wanted; a newer head that comes meanwhile replaces the older one. */
  async #readWanted(beatAtMs: number): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#wanted && !this.#isInForce(this.#wanted) && !this.#isStopped) {
        const head = this.#wanted;
        const documents = await this.#read(head);
        if (documents) this.#switchTo(head, documents, beatAtMs);
        else await new Promise((resolve) => setTimeout(resolve, retryMs));
        if (documents && this.#wanted === head) this.#wanted = undefined;
      }
    } finally {
      this.#isReading = false;
    }
  }

  /** All documents a head names; undefined when one of them cannot be read (yet, or no more). */
  async #read(head: wire.SnapshotHead): Promise<Map<string, AnyDocument> | undefined> {
    try {
      const bucket = this.#bucket;
      const manifestEntry = await bucket?.get(head.manifestKey);
      if (!bucket || manifestEntry?.operation !== 'PUT') return undefined;
      const { entries } = fromBinary(wire.ManifestSchema, manifestEntry.value);
      const found = new Map<string, AnyDocument>();
      await inParallel(entries, readsAtOnce, async ({ key }) => {
        const document = this.#documents.get(key) ?? (await readDocument(bucket, key));
        if (document) found.set(key, document);
      });
      if (found.size !== entries.length) return undefined;
      // In the order of the manifest, whatever order they were read in.
      return new Map(entries.map(({ key }) => [key, found.get(key) as AnyDocument]));
    } catch (error) {
      if (this.#bus.isConnected) this.#options.onError?.(`reading revision ${head.revision} of the registry`, error);
      return undefined;
    }
  }

  /** Puts documents in force. Those that do not compile stay out, and the snapshot in force grows old: fail closed. */
  #switchTo(head: wire.SnapshotHead, documents: Map<string, AnyDocument>, beatAtMs: number): void {
    try {
      this.#current = compiled(head, documents);
    } catch (error) {
      this.#refusedKey = head.manifestKey;
      this.#options.onError?.(`revision ${head.revision} of the registry cannot be used`, error);
      return;
    }
    this.#documents = documents;
    this.#incarnation = head.incarnation;
    this.#manifestKey = head.manifestKey;
    this.#beatAtMs = beatAtMs;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#options.onError?.('telling of a new snapshot', error);
      }
    }
  }
}

function compiled(head: wire.SnapshotHead, documents: ReadonlyMap<string, AnyDocument>): Snapshot {
  const result = compileSnapshot(Number(head.revision), [...documents.values()]);
  if ('snapshot' in result) return result.snapshot;
  const first = result.problems[0];
  throw new Error(`${first?.kind} ${first?.slug}: ${first?.message}`);
}

async function readDocument(bucket: KV, key: string): Promise<AnyDocument | undefined> {
  const entry = await bucket.get(key);
  if (entry?.operation !== 'PUT') return undefined;
  const { kind, json } = fromBinary(wire.DocumentSchema, entry.value);
  return {
    kind,
    body: JSON.parse(new TextDecoder().decode(json)),
  } as AnyDocument;
}
