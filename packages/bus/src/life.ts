import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Subscription } from '@nats-io/nats-core';
import { patterns, subjects, wire } from '@will/contracts';
import type { Bus } from './api.ts';
import { tellAll } from './tell-all.ts';

/** How often a process says that it lives. */
export const beatMs = 250;
/** Three beats missed, and a little for the way. */
const lostAfterMs = 3 * beatMs + 25;
/** A subscription outlives its last watcher by this, so that busy callers do not subscribe for every task. */
const lingerMs = 10_000;

/** Says every 250 ms that this process lives. Returns how to stop. */
export function beat(bus: Bus): () => void {
  const subject = subjects.alive(bus.processId);
  const empty = new Uint8Array(1);
  const timer = setInterval(() => {
    if (bus.isConnected) bus.publish(subject, empty);
  }, beatMs);
  bus.publish(subject, empty);
  return () => clearInterval(timer);
}

/** Work that lasts is asked after this often: what was said of it may have been lost with a connection of its owner. */
const usualAskEveryMs = 2_500;
/** Of two words of an owner that it does not have the work, the first may have met it on its way. */
const goneAfterAnswers = 2;

/** A task of a client, or an attempt of one, that another process has. */
export interface Work {
  readonly client: string;
  readonly id: string;
}

/** Answers those who ask whether work is still under way here. */
export function answerStill(bus: Bus, isHere: (work: Work) => boolean): { stop(): void } {
  const asked = bus.listen(patterns.stills(bus.processId), ({ subject, data, reply }) => {
    const client = subject.slice(subject.lastIndexOf('.') + 1);
    const gone = fromBinary(wire.StillRequestSchema, data).ids.filter((id) => !isHere({ client, id }));
    if (bus.isConnected && reply !== '')
      bus.publish(reply, toBinary(wire.StillResponseSchema, create(wire.StillResponseSchema, { gone })));
  });
  return { stop: () => asked.unsubscribe() };
}

interface Watcher {
  readonly onLost: () => void;
  readonly work: Work | undefined;
  readonly sinceMs: number;
  goneAnswers: number;
}

interface Watched {
  lastBeatMs: number;
  lastWantedMs: number;
  readonly subscription: Subscription;
  readonly watchers: Set<Watcher>;
}

/** Watches other processes' signs of life: only those that something depends on right now. */
export class LifeWatch {
  readonly #bus: Bus;
  readonly #nowMs: () => number;
  readonly #askEveryMs: number;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #lastTickMs: number;
  #lastAskMs: number;

  constructor(bus: Bus, nowMs: () => number = () => performance.now(), askEveryMs = usualAskEveryMs) {
    this.#bus = bus;
    this.#askEveryMs = askEveryMs;
    this.#nowMs = nowMs;
    this.#lastTickMs = nowMs();
    this.#lastAskMs = nowMs();
    this.#timer = setInterval(() => this.#tick(), beatMs / 5);
    this.#timer.unref();
  }

  /**
   * Calls `onLost` once when the process missed three beats, or says that it does not have the work, which then ended
   * without our hearing of it. Returns how to stop watching.
   */
  watch(processId: string, onLost: () => void, work?: Work): () => void {
    const watched = this.#watched.get(processId) ?? this.#subscribe(processId);
    const sinceMs = this.#nowMs();
    watched.lastWantedMs = sinceMs;
    const watcher: Watcher = { onLost, work, sinceMs, goneAnswers: 0 };
    watched.watchers.add(watcher);
    return () => watched.watchers.delete(watcher);
  }

  /** Any other word from the process is a sign of life too. */
  heard(processId: string): void {
    const watched = this.#watched.get(processId);
    if (watched) watched.lastBeatMs = this.#nowMs();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const watched of this.#watched.values()) watched.subscription.unsubscribe();
    this.#watched.clear();
  }

  #subscribe(processId: string): Watched {
    const nowMs = this.#nowMs();
    const watched: Watched = {
      lastBeatMs: nowMs,
      lastWantedMs: nowMs,
      subscription: this.#bus.listen(subjects.alive(processId), () => {
        watched.lastBeatMs = this.#nowMs();
      }),
      watchers: new Set(),
    };
    this.#watched.set(processId, watched);
    return watched;
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    const ownStallMs = nowMs - this.#lastTickMs - beatMs / 5;
    this.#lastTickMs = nowMs;
    // Beats that came while this process itself stood still, or the bus was away, are not read yet: that is not death.
    if (ownStallMs > beatMs / 2 || !this.#bus.isConnected) {
      for (const watched of this.#watched.values()) watched.lastBeatMs = Math.max(watched.lastBeatMs, nowMs - beatMs);
      return;
    }
    for (const [processId, watched] of this.#watched) this.#judge(processId, watched, nowMs);
    if (nowMs - this.#lastAskMs < this.#askEveryMs) return;
    this.#lastAskMs = nowMs;
    for (const [processId, { watchers }] of this.#watched) this.#askAfter(processId, watchers, nowMs);
  }

  #askAfter(processId: string, watchers: ReadonlySet<Watcher>, nowMs: number): void {
    const lasting = [...watchers].filter(({ work, sinceMs }) => work && nowMs - sinceMs >= this.#askEveryMs);
    // An owner that does not answer is judged by its beats.
    for (const [client, asked] of Map.groupBy(lasting, ({ work }) => (work as Work).client))
      void this.#ask(processId, client, asked).catch(() => {});
  }

  async #ask(processId: string, client: string, watchers: readonly Watcher[]): Promise<void> {
    const ids = watchers.map(({ work }) => (work as Work).id);
    const request = toBinary(wire.StillRequestSchema, create(wire.StillRequestSchema, { ids }));
    const answer = await this.#bus.request(subjects.still(processId, client), request, this.#askEveryMs);
    const gone = new Set(fromBinary(wire.StillResponseSchema, answer).gone);
    const watched = this.#watched.get(processId);
    for (const watcher of watchers) {
      watcher.goneAnswers = gone.has((watcher.work as Work).id) ? watcher.goneAnswers + 1 : 0;
      if (watcher.goneAnswers >= goneAfterAnswers && watched?.watchers.delete(watcher))
        tellAll(this.#bus, 'telling of lost work', [watcher.onLost]);
    }
  }

  #judge(processId: string, watched: Watched, nowMs: number): void {
    if (watched.watchers.size > 0) watched.lastWantedMs = nowMs;
    const isLost = nowMs - watched.lastBeatMs > lostAfterMs;
    const isForgotten = nowMs - watched.lastWantedMs > lingerMs;
    if (!isLost && !isForgotten) return;
    this.#watched.delete(processId);
    watched.subscription.unsubscribe();
    if (isLost)
      tellAll(
        this.#bus,
        'telling of a lost process',
        [...watched.watchers].map(({ onLost }) => onLost),
      );
  }
}
