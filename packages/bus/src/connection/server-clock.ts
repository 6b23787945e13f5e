import { contain } from '@will/core';
import { jetstreamManager } from '@nats-io/jetstream';
import { names } from '@will/contracts';
import type { Bus } from '../api.ts';
import { ClockEstimate } from './clock-estimate.ts';

/** The clock of the bus: UTC milliseconds, the same for all processes within the bounds that each of them states. */
export interface ServerClock {
  /** By the bus clock; by this machine's own clock while the bus clock is not known. */
  nowMs(): number;
  /** How far `nowMs` may be off, in milliseconds; undefined: the bus clock is not known well enough to rely on it. */
  boundMs(): number | undefined;
  /** Resolves true once there is a bound, false when that took longer. */
  untilBound(timeoutMs: number): Promise<boolean>;
  stop(): void;
}

const sampleEveryMs = 10_000;
/** As often while there is no bound. */
const retryEveryMs = 50;
/** A start does not wait longer for its first bound: it comes later, and until then nothing is taken. */
const firstBoundWithinMs = 2_000;
const answerWithinMs = 2_000;

/**
 * Follows the clock of the server that leads the events stream: what must begin and end for all processes at the same
 * instant goes by it. Between samples the process's monotonic clock counts on. After a reconnect, a change of the
 * leader, or a jump of this machine's clocks the estimate begins anew. Resolves with the first bound, or after 2 s.
 * @throws {Error} the events stream does not answer.
 */
export async function followServerClock(bus: Bus): Promise<ServerClock> {
  const clock = new BusClock(bus, await jetstreamManager(bus.connection));
  await clock.start();
  return clock;
}

class BusClock implements ServerClock {
  readonly #bus: Bus;
  readonly #manager: Awaited<ReturnType<typeof jetstreamManager>>;
  readonly #estimate = new ClockEstimate();
  readonly #waiting = new Set<() => void>();
  #leader: string | undefined;
  #isSampling = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #stopListening = (): void => {};

  readonly #failed = (error: unknown): void => this.#bus.report('the clock of the bus', error);

  constructor(bus: Bus, manager: Awaited<ReturnType<typeof jetstreamManager>>) {
    this.#bus = bus;
    this.#manager = manager;
  }

  async start(): Promise<void> {
    await this.#sample();
    this.#stopListening = this.#bus.onConnectionChange((isConnected) => {
      if (!isConnected) return;
      this.#estimate.forget();
      this.#sampleSoon(0);
    });
    this.#sampleSoon(this.boundMs() === undefined ? retryEveryMs : sampleEveryMs);
    await this.untilBound(firstBoundWithinMs);
  }

  /** A property, since clocks are handed on as functions. */
  readonly nowMs = (): number => this.#read()?.nowMs ?? Date.now();

  boundMs(): number | undefined {
    return this.#read()?.boundMs;
  }

  untilBound(timeoutMs: number): Promise<boolean> {
    if (this.boundMs() !== undefined) return Promise.resolve(true);
    this.#sampleSoon(0);
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(finish);
        resolve(this.boundMs() !== undefined);
      };
      const timer = setTimeout(contain(finish, this.#failed), timeoutMs);
      this.#waiting.add(finish);
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#stopListening();
    for (const finish of this.#waiting) finish();
  }

  #read(): ReturnType<ClockEstimate['read']> {
    return this.#estimate.read(performance.now(), Date.now());
  }

  #sampleSoon(inMs: number): void {
    if (this.#isStopped || this.#isSampling) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      contain(() => this.#sampleAgain(), this.#failed),
      inMs,
    );
    this.#timer.unref();
  }

  async #sampleAgain(): Promise<void> {
    this.#isSampling = true;
    try {
      if (this.#bus.isConnected) await this.#sample();
    } catch {
      // The next one tries again; the bound of the last one grows meanwhile.
    } finally {
      this.#isSampling = false;
      this.#sampleSoon(this.boundMs() === undefined ? retryEveryMs : sampleEveryMs);
    }
  }

  async #sample(): Promise<void> {
    const askedMs = performance.now();
    const answer = await answered(this.#manager.streams.info(names.eventsStream));
    const answeredMs = performance.now();
    const { ts, cluster } = answer as { readonly ts?: string; readonly cluster?: { readonly leader?: string } };
    if (this.#leader !== cluster?.leader) this.#estimate.forget();
    this.#leader = cluster?.leader;
    this.#estimate.take({ askedMs, answeredMs, systemMs: Date.now(), serverMs: Date.parse(ts ?? '') });
    if (this.boundMs() !== undefined) for (const finish of this.#waiting) finish();
  }
}

/** @throws {Error} no answer in time: a lost one must not end the sampling. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${answerWithinMs} ms`)), answerWithinMs);
  answer.catch(() => {});
  return await Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}
