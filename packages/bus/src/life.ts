import type { Subscription } from '@nats-io/nats-core';
import { subjects } from '@will/contracts';
import type { Bus } from './api.ts';

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

interface Watched {
  lastBeatMs: number;
  lastWantedMs: number;
  readonly subscription: Subscription;
  readonly onLost: Set<() => void>;
}

/** Watches other processes' signs of life: only those that something depends on right now. */
export class LifeWatch {
  readonly #bus: Bus;
  readonly #nowMs: () => number;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #lastTickMs: number;

  constructor(bus: Bus, nowMs: () => number = () => performance.now()) {
    this.#bus = bus;
    this.#nowMs = nowMs;
    this.#lastTickMs = nowMs();
    this.#timer = setInterval(() => this.#tick(), beatMs / 5);
    this.#timer.unref();
  }

  /** Calls `onLost` once when the process missed three beats. Returns how to stop watching. */
  watch(processId: string, onLost: () => void): () => void {
    const watched = this.#watched.get(processId) ?? this.#subscribe(processId);
    watched.lastWantedMs = this.#nowMs();
    watched.onLost.add(onLost);
    return () => watched.onLost.delete(onLost);
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
      onLost: new Set(),
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
  }

  #judge(processId: string, watched: Watched, nowMs: number): void {
    if (watched.onLost.size > 0) watched.lastWantedMs = nowMs;
    const isLost = nowMs - watched.lastBeatMs > lostAfterMs;
    const isForgotten = nowMs - watched.lastWantedMs > lingerMs;
    if (!isLost && !isForgotten) return;
    this.#watched.delete(processId);
    watched.subscription.unsubscribe();
    if (isLost) for (const onLost of watched.onLost) onLost();
  }
}
