import { BusError } from '@will/bus';
import type { Actor, VirtualTime } from './virtual-time.ts';

/** How badly the network of a run behaves; chances from 0 to 1. */
export interface Weather {
  readonly drop: number;
  /** A message that takes far longer than usual, at most so long. */
  readonly late: number;
  readonly latestMs: number;
  readonly duplicate: number;
}

/** A connection that is silent for longer is given up; what a dead process sent may lie somewhere for longer. */
const maxMs = 10_000;

export const calm: Weather = { drop: 0, late: 0, latestMs: 0, duplicate: 0 };

/** Calm in a part of the runs, and wild in some. */
export function drawnWeather({ random }: VirtualTime): Weather {
  if (random.chance(0.2)) return calm;
  return {
    drop: random.pick([0, 0.01, 0.05]),
    late: random.pick([0, 0.01, 0.05]),
    latestMs: random.pick([300, 3_000, 45_000]),
    duplicate: random.pick([0, 0.02]),
  };
}

/**
 * Messages between actors and the server of the bus: each takes a drawn while, so that they overtake each other; some are
 * lost, some come twice. What an actor sent is under way also when the actor is dead.
 */
export class Network {
  weather: Weather;
  readonly #time: VirtualTime;
  /** Actors whose connection is away. */
  readonly #away = new Set<Actor>();
  readonly #connectionListeners = new Map<Actor, Set<(isConnected: boolean) => void>>();

  constructor(time: VirtualTime, weather: Weather) {
    this.#time = time;
    this.weather = weather;
  }

  isConnected(actor: Actor): boolean {
    return !this.#away.has(actor);
  }

  cut(actor: Actor): void {
    this.#away.add(actor);
    this.#tell(actor, false);
  }

  mend(actor: Actor): void {
    if (this.#away.delete(actor)) this.#tell(actor, true);
  }

  mendAll(): void {
    for (const actor of this.#away) this.mend(actor);
  }

  onConnectionChange(actor: Actor, listener: (isConnected: boolean) => void): () => void {
    const listeners = this.#connectionListeners.get(actor) ?? new Set();
    this.#connectionListeners.set(actor, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Sends once, to whom it may concern; it may be lost. */
  send(work: () => void, to?: Actor): void {
    const { random } = this.#time;
    if (random.chance(this.weather.drop)) return;
    this.#deliver(work, to);
    if (random.chance(this.weather.duplicate)) this.#deliver(work, to);
  }

  /** Asks a server, which answers in the same breath. @throws {BusError} 'disconnected', 'timeout' */
  async ask<T>(serve: () => T, timeoutMs: number): Promise<T> {
    const asker = this.#time.actor;
    if (!asker) throw new Error('only an actor asks');
    if (!this.isConnected(asker)) throw new BusError('disconnected', 'NATS is not connected');
    return new Promise<T>((resolve, reject) => {
      this.#time.after(timeoutMs, () => reject(new BusError('timeout', `no answer within ${timeoutMs} ms`)), asker);
      this.send(() => {
        let answer: T;
        try {
          answer = serve();
        } catch (error) {
          this.send(() => reject(error), asker);
          return;
        }
        this.send(() => resolve(answer), asker);
      });
    });
  }

  #deliver(work: () => void, to: Actor | undefined): void {
    const delayMs = this.#delayMs();
    if (to) return void this.#time.after(Math.min(delayMs, maxMs), () => this.#arrive(work, to), to);
    const sender = this.#time.actor;
    this.#time.surelyAfter(Math.min(delayMs, maxMs), () => {
      if (sender?.isDead) this.#time.surelyAfter(delayMs - maxMs, work);
      else work();
    });
  }

  #arrive(work: () => void, to: Actor | undefined): void {
    if (to === undefined || this.isConnected(to)) work();
  }

  #delayMs(): number {
    const { random } = this.#time;
    const usual = this.#time.between(0.1, 5);
    return random.chance(this.weather.late) ? this.#time.between(usual, this.weather.latestMs) : usual;
  }

  #tell(actor: Actor, isConnected: boolean): void {
    for (const listener of this.#connectionListeners.get(actor) ?? [])
      this.#time.as(actor, () => listener(isConnected));
  }
}
