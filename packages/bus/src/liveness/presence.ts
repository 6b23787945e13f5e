import { contain } from '@will/core';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { KV, KvWatchEntry } from '@nats-io/kv';
import { create, wire } from '@will/contracts';
import type { Bus } from '../api.ts';
import { processesBucket } from '../events/streams.ts';
import { tellAll } from '../connection/tell-all.ts';

const announceMs = 3_000;
const expiryMs = 10_000;
const silentKeptMs = 3_600_000;

/** A process that announces itself. */
export interface Announcing {
  /** Says it again now, because something changed. */
  update(): void;
  /** Takes the entry away and stops. */
  stop(): Promise<void>;
}

/** A model as a worker announces it. */
export interface ServedModelFacts {
  readonly model: string;
  readonly capacity: number;
  readonly inFlight: number;
  /** '' while it is served. */
  readonly reason: string;
  /** End and reason of its cooldown; absent: it has none. */
  readonly coolingUntilUnixMs?: bigint;
  readonly coolingReason?: string;
}

/** Facts that a process announces of itself. */
export interface PresenceFacts {
  /** Revision this process works with; 0: none yet. */
  readonly revision: number;
  readonly models?: readonly ServedModelFacts[];
  /** Where its metrics and health are asked; '' or absent: nowhere. */
  readonly metricsUrl?: string;
  /** How far the bus clock may be off; undefined or absent: it is not known. */
  readonly clockBoundMs?: number | undefined;
  /** Providers that this process can speak to. Absent: none. */
  readonly providers?: readonly string[];
  /** Silent changes of models, in words. Absent: none. */
  readonly modelChanges?: readonly string[];
}

/**
 * Announces this process every 3 s, and at once when told. Survives the bus and the loss of the bucket. `onConfirmed` is
 * told when (by `performance.now()`) what the server has confirmed was said.
 */
export async function announce(
  bus: Bus,
  service: string,
  facts: () => PresenceFacts,
  onConfirmed: (saidAtMs: number) => void = () => {},
): Promise<Announcing> {
  const startedUnixMs = BigInt(Date.now());
  let bucket: KV | undefined = await processesBucket(bus);
  let isStopped = false;
  let isPending = false;
  const put = async (): Promise<void> => {
    if (isStopped || !bus.isConnected) return;
    try {
      // The bucket lives in the server's memory and is gone after a restart of it.
      bucket ??= await processesBucket(bus);
      const { revision, models, metricsUrl, clockBoundMs, providers = [], modelChanges = [] } = facts();
      const presence = create(wire.PresenceSchema, {
        processId: bus.processId,
        service,
        revision: BigInt(revision),
        startedUnixMs,
        models: [...(models ?? [])],
        providers: [...providers],
        modelChanges: [...modelChanges],
        metricsUrl: metricsUrl ?? '',
        ...(clockBoundMs !== undefined && { clockBoundMs: Math.ceil(clockBoundMs) }),
      });
      const saidAtMs = performance.now();
      await bucket.put(bus.processId, toBinary(wire.PresenceSchema, presence));
      onConfirmed(saidAtMs);
    } catch {
      bucket = undefined;
    }
  };
  const failed = (error: unknown): void => bus.report('announcing this process', error);
  await put();
  const timer = setInterval(contain(put, failed), announceMs);
  const stopListening = bus.onConnectionChange((isConnected) => {
    bucket = undefined;
    if (isConnected) void put();
  });
  return {
    update() {
      if (isPending) return;
      isPending = true;
      setTimeout(
        contain(() => {
          isPending = false;
          return put();
        }, failed),
        20,
      );
    },
    async stop() {
      clearInterval(timer);
      stopListening();
      isStopped = true;
      if (bus.isConnected) await bucket?.delete(bus.processId).catch(() => {});
    },
  };
}

/** Processes as they announce themselves, followed live. */
export interface ProcessesView {
  /** Live processes by id. */
  readonly processes: ReadonlyMap<string, wire.Presence>;
  /** Processes that fell silent without a goodbye within the last hour: each is frozen, cut off or dead. */
  readonly silent: ReadonlyMap<string, SilentProcess>;
  /** Called after every change. Returns how to stop. */
  onChange(listener: () => void): () => void;
  /**
   * Why no live worker serves a model: what the workers say of it; undefined when one does serve it or none says
   * anything of it.
   */
  reasonNotServed(model: string): string | undefined;
  stop(): Promise<void>;
}

/** A process that fell silent without a goodbye. */
export interface SilentProcess {
  readonly presence: wire.Presence;
  /** By `performance.now()`. */
  readonly sinceMs: number;
}

/** Follows which processes live. Resolves when the present state is known. */
export async function watchProcesses(bus: Bus): Promise<ProcessesView> {
  const view = new WatchedProcesses(bus);
  await view.start();
  return view;
}

class WatchedProcesses implements ProcessesView {
  readonly processes = new Map<string, wire.Presence>();
  readonly silent = new Map<string, SilentProcess>();
  readonly #bus: Bus;
  readonly #heardMs = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #watcher: Awaited<ReturnType<KV['watch']>> | undefined;
  #stopListening: (() => void) | undefined;
  #isStopped = false;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  async start(): Promise<void> {
    await this.#watch();
    this.#timer = setInterval(
      contain(
        () => this.#expire(),
        (error) => this.#bus.report('watching processes', error),
      ),
      1_000,
    );
    this.#timer.unref();
    this.#stopListening = this.#bus.onConnectionChange((isConnected) => {
      if (isConnected) void this.#rewatch();
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reasonNotServed(model: string): string | undefined {
    let reason: string | undefined;
    for (const presence of this.processes.values()) {
      for (const served of presence.models) {
        if (served.model !== model) continue;
        if (served.reason === '') return undefined;
        reason ??= served.reason;
      }
    }
    return reason;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#stopListening?.();
    this.#watcher?.stop();
  }

  async #rewatch(): Promise<void> {
    // A new watch repeats what is there; what died meanwhile goes by its age.
    this.#watcher?.stop();
    while (!this.#isStopped && this.#bus.isConnected) {
      try {
        return await this.#watch();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  async #watch(): Promise<void> {
    const bucket = await processesBucket(this.#bus);
    // A watch of an empty bucket never says that it has shown everything, so what is there is counted first.
    const known = (await bucket.status()).values;
    const watcher = await bucket.watch();
    this.#watcher = watcher;
    let seen = 0;
    await new Promise<void>((resolve) => {
      if (known === 0) resolve();
      // Entries may expire between count and watch.
      setTimeout(resolve, 500).unref();
      void (async () => {
        for await (const entry of watcher) {
          this.#take(entry);
          seen += 1;
          if (seen >= known || entry.delta === 0) resolve();
        }
      })();
    });
  }

  #take(entry: KvWatchEntry): void {
    if (entry.operation === 'PUT') {
      try {
        this.processes.set(entry.key, fromBinary(wire.PresenceSchema, entry.value));
        this.silent.delete(entry.key);
        this.#heardMs.set(entry.key, performance.now());
      } catch {
        return;
      }
    } else {
      this.#forget(entry.key);
      this.silent.delete(entry.key);
    }
    this.#changed();
  }

  #expire(): void {
    if (!this.#bus.isConnected) return;
    const nowMs = performance.now();
    const dead = [...this.#heardMs].filter(([, heardMs]) => nowMs - heardMs > expiryMs);
    for (const [processId] of dead) {
      const presence = this.processes.get(processId);
      if (presence) this.silent.set(processId, { presence, sinceMs: nowMs });
      this.#forget(processId);
    }
    for (const [processId, { sinceMs }] of this.silent)
      if (nowMs - sinceMs > silentKeptMs) this.silent.delete(processId);
    if (dead.length > 0) this.#changed();
  }

  #forget(processId: string): void {
    this.processes.delete(processId);
    this.#heardMs.delete(processId);
  }

  #changed(): void {
    tellAll(this.#bus, 'telling of a process', this.#listeners);
  }
}
