import { fromBinary } from '@bufbuild/protobuf';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { KV, KvWatchEntry } from '@nats-io/kv';
import { contain, compileSnapshot, type AnyDocument, type Snapshot } from '@will/core';
import { names, wire } from '@will/contracts';
import type { Bus } from '../api.ts';
import { headHeartbeatMs, headKey, inParallel, registryBucket } from './snapshot-bucket.ts';

/** A watch that was silent for so long, while the bus is there, is opened anew. */
const silentAfterMs = 3 * headHeartbeatMs;
const firstLookMs = 2_000;
const retryMs = 200;
const readsAtOnce = 64;
/** How often this process has it confirmed that its revision is the head. */
const confirmEveryMs = 500;
const confirmWithinMs = 2_000;
const headOfStream = { last_by_subj: `$KV.${names.registryBucket}.${headKey}` } as const;

/** The newest snapshot that a process has read. */
export interface SnapshotView {
  /** The newest snapshot that was read whole; undefined until the registry has published one. */
  readonly current: Snapshot | undefined;
  /**
   * Milliseconds since this process last asked what the head is, where the answer of the stream's leader was what is in
   * force here; infinite before. It stays young without a registry, and grows without the bus.
   */
  ageMs(): number;
  /** Resolves true once the snapshot has reached a revision, false when that took longer or the view was stopped. */
  untilRevision(revision: number, timeoutMs: number): Promise<boolean>;
  /** Called after every switch to another snapshot. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
  stop(): void;
}

/** Listeners of a process that follows the snapshot. */
export interface FollowOptions {
  /** As {@link SnapshotView.onChange}, from the first snapshot on. */
  readonly onChange?: () => void;
  /** Told of documents that cannot be read; the snapshot in force then stays. */
  readonly onError?: (what: string, error: unknown) => void;
  /** A monotonic clock. Default: the process's own. */
  readonly nowMs?: () => number;
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
  readonly #nowMs: () => number;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #confirming: Promise<void> | undefined;
  #manager: JetStreamManager | undefined;
  #wanted: wire.SnapshotHead | undefined;
  #isReading = false;
  #bucket: KV | undefined;
  #watcher: { stop(): void } | undefined;
  #isOpening = false;
  #lastWordMs = 0;
  #isStopped = false;
  #watchdog: NodeJS.Timeout | undefined;
  #confirmTimer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  readonly #failed = (error: unknown): void => this.#bus.report('following the documents', error);

  constructor(bus: Bus, options: FollowOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    if (options.onChange) this.#listeners.add(options.onChange);
  }

  get current(): Snapshot | undefined {
    return this.#current;
  }

  async start(): Promise<void> {
    this.#bucket = await registryBucket(this.#bus);
    const head = await this.#bucket.get(headKey);
    // A watch of an empty bucket never tells that it has shown everything, so what is there is read first.
    if (head?.operation === 'PUT') await within(this.#take(head.value), firstLookMs);
    this.#manager = await jetstreamManager(this.#bus.connection, { checkAPI: false, timeout: confirmWithinMs });
    await this.#confirm();
    await this.#open();
    this.#confirmTimer = setInterval(
      contain(() => this.#confirm(), this.#failed),
      confirmEveryMs,
    );
    this.#confirmTimer.unref();
    this.#watchdog = setInterval(
      contain(() => this.#reopenWhenSilent(), this.#failed),
      headHeartbeatMs,
    );
    this.#watchdog.unref();
    this.#stopListening = this.#bus.onConnectionChange((isConnected) => {
      if (!isConnected) return;
      void this.#open();
      void this.#confirm();
    });
  }

  ageMs(): number {
    return Math.max(0, this.#nowMs() - this.#confirmedAtMs);
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
      const timer = setTimeout(contain(finish, this.#failed), timeoutMs);
      this.#listeners.add(listener);
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#watchdog);
    clearInterval(this.#confirmTimer);
    this.#stopListening?.();
    this.#watcher?.stop();
    this.#changed();
    this.#listeners.clear();
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
        if (entry.operation === 'PUT') void this.#take(entry.value);
      }
    } catch (error) {
      if (!this.#isStopped && this.#bus.isConnected) this.#options.onError?.('following the registry', error);
    }
  }

  #reopenWhenSilent(): void {
    if (this.#bus.isConnected && performance.now() - this.#lastWordMs > silentAfterMs) void this.#open();
  }

  /**
   * Has it confirmed that what is in force here is the head. The stream's leader is asked, never a replica that may be
   * behind it. What cannot be confirmed grows old.
   */
  #confirm(): Promise<void> {
    if (!this.#bus.isConnected || this.#isStopped) return Promise.resolve();
    this.#confirming ??= this.#askLeader().finally(() => {
      this.#confirming = undefined;
    });
    return this.#confirming;
  }

  async #askLeader(): Promise<void> {
    const askedAtMs = this.#nowMs();
    const stored = await this.#manager?.streams
      .getMessage(`KV_${names.registryBucket}`, headOfStream)
      .catch(() => undefined);
    const head = stored && this.#readHead(stored.data);
    if (!head) return;
    if (this.#isInForce(head)) this.#confirmedAtMs = askedAtMs;
    else void this.#bring(head);
  }

  #readHead(value: Uint8Array): wire.SnapshotHead | undefined {
    try {
      return fromBinary(wire.SnapshotHeadSchema, value);
    } catch (error) {
      this.#options.onError?.('reading the head of the registry', error);
      return undefined;
    }
  }

  async #take(value: Uint8Array): Promise<void> {
    const head = this.#readHead(value);
    if (head) await this.#bring(head);
  }

  /** Puts in force what a head names, unless that is so already, or is older, or does not compile. */
  async #bring(head: wire.SnapshotHead): Promise<void> {
    if (this.#isOlder(head) || this.#isInForce(head) || head.manifestKey === this.#refusedKey) return;
    this.#wanted = head;
    await this.#readWanted();
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
  async #readWanted(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#wanted && !this.#isInForce(this.#wanted) && !this.#isStopped) {
        const head = this.#wanted;
        const documents = await this.#read(head);
        if (documents) this.#switchTo(head, documents);
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
  #switchTo(head: wire.SnapshotHead, documents: Map<string, AnyDocument>): void {
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
    void this.#confirm();
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

/** Resolves once the work is done, or the time is up. Rejects as the work does. */
async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, timeoutMs);
  await Promise.race([work, enough.promise]);
  clearTimeout(timer);
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
