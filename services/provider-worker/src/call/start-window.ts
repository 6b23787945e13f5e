import { contained } from '@will/runtime';
import { startStateOf, type StartState } from '@will/core';
import { create, wire } from '@will/contracts';
import type { IncomingCall, StartClock } from '../ports.ts';

/** A question to the router, or its answer, may be lost: it is asked so often, and so many times. */
const askEveryMs = 500;
const maxQuestions = 6;
/** A process that stood still for less was only busy. */
const maxStandstillMs = 50;

/**
 * Until when a call may start at its provider. The instant belongs to the start, so it is looked at again right before
 * it. A call that came late, or took long to prepare, starts only after its router said that it is still wanted.
 */
export class StartWindow {
  readonly #clock: StartClock;
  readonly #call: IncomingCall;
  #untilMs: number;
  /** What stood still before the router's last answer says nothing of what came after it. */
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #isWithdrawn = false;
  #answered: PromiseWithResolvers<void> | undefined;

  constructor(clock: StartClock, call: IncomingCall) {
    this.#clock = clock;
    this.#call = call;
    this.#untilMs = Number(call.request.startUntilUnixMs);
  }

  get state(): StartState {
    if (this.#isWithdrawn) return 'over';
    return startStateOf({
      startUntilMs: this.#untilMs,
      nowMs: this.#clock.nowMs(),
      boundMs: this.#clock.boundMs(),
      stoodStillMs: this.#clock.stoodStillMs(this.#renewedAtMs),
    });
  }

  /** Resolves true when the call may start: asks its router where that is in doubt. False: it must not. Never rejects. */
  async opens(): Promise<boolean> {
    for (let questions = 0; questions < maxQuestions && !this.#isWithdrawn; questions += 1) {
      if (this.state === 'open') return true;
      if (this.#clock.boundMs() === undefined) return false;
      await this.#ask();
      if (this.#renewedAtMs > Number.NEGATIVE_INFINITY && this.state !== 'over') return true;
    }
    return false;
  }

  /**
   * Whether its request may leave, to be asked when a connection is there: not where this process stood still since now until
   * its time was over. A request that once left does not ask again.
   */
  leaving(): () => boolean {
    const sinceMs = this.#clock.monotonicMs();
    let hasLeft = false;
    return () => {
      hasLeft ||=
        !this.#isWithdrawn &&
        (this.#clock.nowMs() < this.#untilMs || this.#clock.stoodStillMs(sinceMs) < maxStandstillMs);
      return hasLeft;
    };
  }

  /** The router's word that it is still wanted. */
  renew(untilMs: number): void {
    this.#untilMs = untilMs;
    this.#renewedAtMs = this.#clock.monotonicMs();
    this.#answered?.resolve();
  }

  /** The router's word, or the caller's, that it is not. */
  withdraw(): void {
    this.#isWithdrawn = true;
    this.#answered?.resolve();
  }

  /** Tells the router that the call came too late, so that it sends it again. */
  refuse(): void {
    const reason =
      this.#clock.boundMs() === undefined ? 'its worker does not know the time of the bus' : 'it came late';
    this.#call.toRouter({ case: 'expired', value: create(wire.CallExpiredSchema, { reason }) });
  }

  async #ask(): Promise<void> {
    this.#answered = Promise.withResolvers();
    this.#call.toRouter({ case: 'confirmStart', value: create(wire.CallConfirmStartSchema) });
    const timer = setTimeout(contained(this.#answered.resolve), askEveryMs);
    await this.#answered.promise;
    clearTimeout(timer);
  }
}
