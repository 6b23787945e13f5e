import { contained } from '@will/runtime';
import { startWindowMs } from '@will/core';
import { newId } from '@will/contracts';
import type { BusClock, CallSignal, Calls, Dispatch } from '../ports.ts';

/** The marks that set one delivery of an attempt apart from the next. */
export interface DeliveryStamp {
  readonly attemptId: string;
  /** Attempts sent before of which nobody knows what became of them. */
  readonly earlierIds: readonly string[];
  /** UTC milliseconds by the bus clock. */
  readonly startUntilUnixMs: number;
}

/** One call of one model, however often it is sent. */
export interface AttemptPlan {
  readonly model: string;
  readonly client: string;
  /** Of its first delivery. */
  readonly firstId: string;
  /** How long the same model is tried again where no worker takes it. */
  readonly timeoutMs: number;
  /** Makes one delivery of the attempt, with an id of its own. */
  dispatch(stamp: DeliveryStamp): Dispatch;
  /** Workers that may have one of its deliveries. */
  servedBy(): ReadonlySet<string>;
}

/** One message of an attempt on its way to a worker. */
export interface CallDelivery {
  readonly id: string;
  readonly number: number;
  /** The connection that it was sent on. */
  readonly connection: number;
  /** Its worker said that nothing was or will be sent to a provider. */
  isSettled: boolean;
  /** Its worker took it, and then counted as dead: it may still have it. */
  isLost: boolean;
  close(): void;
}

/** The attempt that the deliveries belong to. */
export interface DeliveriesListener {
  /** No worker has it, and it has not ended. */
  readonly isWaiting: boolean;
  /** The worker that may have it is away and not missed yet, and no other worker could do the task. */
  readonly isIrreplaceable: boolean;
  sent(delivery: CallDelivery): void;
  received(delivery: CallDelivery, signal: CallSignal): void;
  /** A worker has it, and its word was lost with a connection. */
  found(delivery: CallDelivery, workerId: string): void;
  /** No word came in time. */
  silent(): Promise<void>;
  /** No worker took it in time, however often it was sent. */
  undelivered(): void;
}

/** How long a worker's first word may take that nobody waits for any more. */
const lateWordMs = 5_000;
/** A worker that counted as dead, and was only away, may still answer for so long. */
const lostWordMs = 30_000;
/** A worker that said that a call came late is sent it again at once, and then less and less often. */
const retryPauseMs = 10;
const maxRetryPauseMs = 200;
/** A worker that lost its connection, and has the call, is back and says so within this. */
const comesBackWithinMs = 2_000;
/** Until the bus clock is known nothing is sent; it is asked for so often meanwhile. */
const clockWithinMs = 250;

const none: readonly string[] = [];
const notSent = (): void => {};

/** Sends a call while no worker takes it. Each delivery expires by itself, so that at most one of them starts a call. */
export class Deliveries {
  readonly startedAtMs: number;
  readonly #calls: Calls;
  readonly #plan: AttemptPlan;
  readonly #clock: BusClock;
  readonly #listener: DeliveriesListener;
  #sent: readonly CallDelivery[] = [];
  #expiries = 0;
  #nobodySinceMs: number | undefined;
  /** Since when a worker that may have it does not answer. */
  #strayedSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(calls: Calls, plan: AttemptPlan, clock: BusClock, listener: DeliveriesListener) {
    this.#calls = calls;
    this.#plan = plan;
    this.#clock = clock;
    this.#listener = listener;
    this.startedAtMs = clock.systemMs();
  }

  /** Milliseconds since the first one was sent. */
  get ageMs(): number {
    return this.#clock.systemMs() - this.startedAtMs;
  }

  /** Ids of those that a worker took which then counted as dead. */
  get lostIds(): readonly string[] {
    return this.#sent.filter(({ isLost }) => isLost).map(({ id }) => id);
  }

  /** Sends one. @throws {BusError} NATS is not connected. */
  send(): void {
    const { nowMs, boundMs } = this.#clock;
    if (boundMs() === undefined) return void this.#sendWhenTimed();
    const isFirst = this.#sent.length === 0;
    const earlierIds = isFirst ? none : this.#sent.filter(({ isSettled }) => !isSettled).map(({ id }) => id);
    const startUntilUnixMs = Math.floor(nowMs() + startWindowMs);
    const attemptId = isFirst ? this.#plan.firstId : newId();
    const dispatch = this.#plan.dispatch({ attemptId, earlierIds, startUntilUnixMs });
    const delivery: CallDelivery = {
      id: attemptId,
      number: dispatch.request.attempt,
      connection: this.#calls.connection,
      isSettled: false,
      isLost: false,
      close: notSent,
    };
    this.#sent = this.#sent.concat(delivery);
    this.#listener.sent(delivery);
    delivery.close = this.#calls.send(dispatch, (signal) => this.#listener.received(delivery, signal)).close;
    this.awaitWord(startWindowMs);
  }

  /** Sends it once more, or gives it up; where a connection was lost since, only after nobody turns out to have it. */
  sendAgain(): void {
    if (!this.#listener.isWaiting) return;
    if (!this.#isInTime()) return this.#listener.undelivered();
    const astray = this.#sent.filter(
      ({ isSettled, connection }) => !isSettled && connection !== this.#calls.connection,
    );
    if (astray.length > 0) return void this.#lookFor(astray);
    this.#sendNow();
  }

  /** Of a delivery of an earlier connection it may be that a worker has it, and its word was lost. Never rejects. */
  async #lookFor(astray: readonly CallDelivery[]): Promise<void> {
    const ids = astray.map(({ id }) => id);
    const holder = await this.#calls.whoHas(this.#plan.servedBy(), this.#plan.client, ids);
    if (!this.#listener.isWaiting) return;
    if (holder === 'unknown') {
      this.#strayedSinceMs ??= this.#clock.systemMs();
      const isBack = this.#clock.systemMs() - this.#strayedSinceMs >= comesBackWithinMs;
      return isBack ? this.#sendNow() : this.awaitWord(startWindowMs / 2);
    }
    const found = astray.find(({ id }) => holder !== 'nobody' && id === holder.id);
    if (found && holder !== 'nobody') this.#listener.found(found, holder.processId);
    else this.#sendNow();
  }

  #sendNow(): void {
    try {
      this.send();
    } catch {
      // NATS is not connected: it comes back, or the task ends by its deadline.
      this.awaitWord(startWindowMs);
    }
  }

  /** Counts silence from now on. */
  awaitWord(withinMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      contained(
        () => this.#listener.silent(),
        () => this.awaitWord(startWindowMs),
      ),
      withinMs,
    );
  }

  /** A worker has it. */
  stopWaiting(): void {
    clearTimeout(this.#timer);
  }

  /** Nothing was sent to a provider. The newest delivery alone is followed by another one. */
  expired(delivery: CallDelivery, wasChosen: boolean): void {
    if (!wasChosen && delivery !== this.#sent.at(-1)) return;
    this.#expiries += 1;
    clearTimeout(this.#timer);
    const pauseMs = Math.min(maxRetryPauseMs, retryPauseMs * 2 ** (this.#expiries - 1));
    this.#timer = setTimeout(
      contained(
        () => this.sendAgain(),
        () => this.awaitWord(startWindowMs),
      ),
      this.#expiries === 1 ? 0 : pauseMs,
    );
  }

  /**
   * No worker is in the group. Of an earlier delivery it may be that one has it, and lost its connection before its word
   * came: it says so once it is back.
   * @returns whether one may.
   */
  mayComeBack(delivery: CallDelivery): boolean {
    const nowMs = this.#clock.systemMs();
    this.#nobodySinceMs ??= nowMs;
    const isUnsettled = this.#sent.some(({ isSettled }) => !isSettled);
    const isLate = nowMs - this.#nobodySinceMs >= comesBackWithinMs;
    if (!isUnsettled || (isLate && !this.#listener.isIrreplaceable)) return false;
    if (delivery === this.#sent.at(-1)) this.awaitWord(startWindowMs / 2);
    return true;
  }

  /**
   * Stops listening, to deliveries of which no worker said a word a while later: one may still turn up with content.
   * @param chosen yields the delivery that a worker has, then and now.
   * @returns whether there are such.
   */
  close(chosen: () => CallDelivery | undefined): boolean {
    clearTimeout(this.#timer);
    const isUnheard = (delivery: CallDelivery): boolean =>
      delivery.isLost || (delivery !== chosen() && !delivery.isSettled);
    const unheard = this.#sent.filter(isUnheard);
    for (const delivery of this.#sent) if (!unheard.includes(delivery)) delivery.close();
    if (unheard.length === 0) return false;
    const closeUnheard = (): void => {
      for (const delivery of unheard) if (delivery.isLost || delivery !== chosen()) delivery.close();
    };
    const waitMs = this.lostIds.length > 0 ? lostWordMs : lateWordMs;
    setTimeout(contained(closeUnheard), waitMs).unref();
    return true;
  }

  async #sendWhenTimed(): Promise<void> {
    while (this.#listener.isWaiting && this.#isInTime() && !(await this.#clock.untilBound(clockWithinMs)));
    this.sendAgain();
  }

  #isInTime(): boolean {
    return this.ageMs < this.#plan.timeoutMs;
  }
}
