import { contained } from '@will/runtime';
import { create } from '@bufbuild/protobuf';
import { outcomeOf, startWindowMs, type CallStatus } from '@will/core';
import { newId, wire } from '@will/contracts';
import type { BusClock, CallSignal, Calls, Dispatch } from '../ports.ts';

/**
 * How an attempt ended, as far as the router has a say. 'answered': the caller has its end from the worker.
 * 'lost_with_content': the worker owned the stream, and died. The others left the caller without content.
 */
export type AttemptEnd =
  | { readonly kind: 'answered'; readonly summary: wire.AttemptSummary }
  | { readonly kind: 'lost_with_content'; readonly summary: wire.AttemptSummary }
  | {
      readonly kind: 'failed';
      readonly summary: wire.AttemptSummary;
      readonly isRetryable: boolean;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'lost'; readonly summary: wire.AttemptSummary }
  /** No worker took it in time, however often it was sent. */
  | { readonly kind: 'undelivered'; readonly summary: wire.AttemptSummary }
  | {
      readonly kind: 'busy';
      readonly reason: string;
      readonly untilUnixMs: number;
      readonly isReserved: boolean;
      readonly isLimit: boolean;
      readonly isBudget: boolean;
    }
  | { readonly kind: 'nobody' }
  /** The task was over first. */
  | { readonly kind: 'abandoned' };

export interface AttemptListener {
  /** The worker has it: from here the attempt is one that must be recorded. */
  accepted(attempt: Attempt): void;
  /** Its content goes to the caller from now on. */
  hasContent(attempt: Attempt): void;
  /** A later attempt has content while earlier ones may still live. */
  readyToCommit(attempt: Attempt): void;
  /** The attempt ended, and now a delivery of it that no worker had spoken of has content: does the caller take it? */
  mayReopen(attempt: Attempt): boolean;
  /** It is open again: that delivery is the call, and its end is to come. */
  reopened(attempt: Attempt): void;
}

/** What sets one delivery of an attempt apart from the next. */
export interface DeliveryStamp {
  readonly attemptId: string;
  /** Attempts sent before of which nobody knows what became of them. */
  readonly earlierIds: readonly string[];
  /** UTC milliseconds by the bus clock. */
  readonly startUntilUnixMs: number;
}

export interface AttemptPlan {
  readonly model: string;
  readonly client: string;
  /** Of its first delivery. */
  readonly firstId: string;
  /** How long the same model is tried again where no worker takes it. */
  readonly timeoutMs: number;
  /** Makes one delivery of the attempt, with an id of its own. */
  dispatch(stamp: DeliveryStamp): Dispatch;
}

interface Delivery {
  readonly id: string;
  readonly number: number;
  /** Its worker said that nothing was or will be sent to a provider. */
  isSettled: boolean;
  close(): void;
}

/** Content that its worker tells of has gone to the caller. */
const showsContent = (signal: CallSignal): boolean =>
  signal.kind === 'event' &&
  (signal.event.kind.case === 'hasContent' ||
    (signal.event.kind.case === 'ended' && signal.event.kind.value.hadContent));

/** How long a worker's first word may take that nobody waits for any more. */
const lateWordMs = 5_000;
const wordsOfOneWhoHasIt: ReadonlySet<string> = new Set(['waits', 'accepted', 'readyToCommit', 'confirmStart']);
/** A worker that said that a call came late is sent it again at once, and then less and less often. */
const retryPauseMs = 10;
const maxRetryPauseMs = 200;
/** A worker that lost its connection, and has the call, is back and says so within this. */
const comesBackWithinMs = 2_000;
/** Until the bus clock is known nothing is sent; it is asked for so often meanwhile. */
const clockWithinMs = 250;

/**
 * One call of one model for a task, as the router follows it: sent → accepted → (content) → ended. While no worker takes
 * it, it is sent again: each delivery expires by itself, so that at most one of them starts a call.
 */
export class Attempt {
  readonly model: string;
  readonly startedAtMs: number;
  /** Another one after an attempt was opened again. */
  ended: Promise<AttemptEnd>;
  id = '';
  number = 0;
  /** '' until a worker spoke. */
  workerId = '';
  /** The most it can come to, as its worker reckons; what it is charged at when nobody sees its end. */
  reserve: { readonly usage: wire.Usage | undefined; readonly costNanoUsd: bigint | undefined } = {
    usage: undefined,
    costNanoUsd: undefined,
  };
  hasContent = false;
  isEnded = false;
  /** It ended, and of some delivery no worker said a word: one may still turn up with content. */
  isUnheard = false;
  #resolve: (end: AttemptEnd) => void;
  readonly #listener: AttemptListener;
  readonly #clock: BusClock;
  readonly #calls: Calls;
  readonly #plan: AttemptPlan;
  readonly #deliveries: Delivery[] = [];
  /** The delivery that a worker has. */
  #chosen: Delivery | undefined;
  #isAccepted = false;
  #expiries = 0;
  #nobodySinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopWatching = (): void => {};

  /** Sends the call. @throws {BusError} NATS is not connected. */
  constructor(calls: Calls, plan: AttemptPlan, listener: AttemptListener, clock: BusClock) {
    this.model = plan.model;
    this.#calls = calls;
    this.#plan = plan;
    this.#listener = listener;
    this.#clock = clock;
    this.startedAtMs = clock.systemMs();
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#deliver();
  }

  /** Milliseconds since it was sent. */
  get ageMs(): number {
    return this.#clock.systemMs() - this.startedAtMs;
  }

  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  command(command: wire.CallCommand): void {
    if (this.workerId !== '') this.#calls.command(this.workerId, this.id, command);
  }

  /** Stops following. A worker that has it and has not said so yet hears, once it does, that nobody wants it any more. */
  abandon(): void {
    // Else the one that waits for its end would be in flight for ever.
    this.#end({ kind: 'abandoned' });
  }

  #deliver(): void {
    const { nowMs, boundMs } = this.#clock;
    if (boundMs() === undefined) return void this.#deliverWhenTimed();
    const earlierIds = this.#deliveries.filter(({ isSettled }) => !isSettled).map(({ id }) => id);
    const startUntilUnixMs = Math.floor(nowMs() + startWindowMs);
    const attemptId = this.#deliveries.length === 0 ? this.#plan.firstId : newId();
    const dispatch = this.#plan.dispatch({ attemptId, earlierIds, startUntilUnixMs });
    this.id = attemptId;
    this.number = dispatch.request.attempt;
    const delivery: Delivery = { id: attemptId, number: this.number, isSettled: false, close: () => {} };
    this.#deliveries.push(delivery);
    delivery.close = this.#calls.send(dispatch, (signal) => this.#receive(delivery, signal)).close;
    this.#await(startWindowMs);
  }

  async #deliverWhenTimed(): Promise<void> {
    while (!this.isEnded && this.#isPatient() && !(await this.#clock.untilBound(clockWithinMs)));
    this.#deliverAgain();
  }

  /** Sends it once more, or gives it up. */
  #deliverAgain(): void {
    if (this.isEnded || this.#chosen) return;
    if (!this.#isPatient()) return this.#undelivered();
    try {
      this.#deliver();
    } catch {
      // NATS is not connected: it comes back, or the task ends by its deadline.
      this.#await(startWindowMs);
    }
  }

  #isPatient(): boolean {
    return this.#clock.systemMs() - this.startedAtMs < this.#plan.timeoutMs;
  }

  #await(withinMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      contained(
        () => this.#silent(),
        () => this.#await(startWindowMs),
      ),
      withinMs,
    );
  }

  /** Silence tells nothing while this process, or the server, stood still: then a word may be on its way. */
  async #silent(): Promise<void> {
    const waited = this.#chosen;
    const isInTouch = await this.#calls.isInTouch();
    if (this.isEnded || this.#chosen !== waited || this.#isAccepted) return;
    if (!isInTouch) return this.#await(startWindowMs / 2);
    this.#letGo();
    this.#deliverAgain();
  }

  /** The one that had it is no longer counted on. */
  #letGo(): void {
    this.#stopWatching();
    this.#chosen = undefined;
    this.#isAccepted = false;
    this.workerId = '';
  }

  #receive(delivery: Delivery, signal: CallSignal): void {
    if (this.isEnded && showsContent(signal) && this.#reopens(delivery)) return this.#receive(delivery, signal);
    if (this.#isReadBeside(delivery, signal)) this.#giveWay();
    if (this.isEnded || (this.#chosen && this.#chosen !== delivery)) return this.#lateWord(delivery, signal);
    if (signal.kind === 'nobody') return this.#nobody(delivery);
    const { event } = signal;
    switch (event.kind.case) {
      case 'expired':
        return this.#expired(delivery);
      case 'confirmStart':
        return this.#confirmStart(delivery, event.workerId);
      case 'waits':
        return this.#waits(delivery, event.workerId, event.kind.value);
      case 'accepted':
        return this.#accepted(delivery, event.kind.value);
      case 'busy':
        delivery.isSettled = true;
        return this.#end({
          kind: 'busy',
          reason: event.kind.value.reason,
          untilUnixMs: Number(event.kind.value.untilUnixMs),
          isReserved: event.kind.value.isReserved,
          isLimit: event.kind.value.isLimit,
          isBudget: event.kind.value.isBudget,
        });
      case 'refused': {
        delivery.isSettled = true;
        const { rule, detail, retryable } = event.kind.value;
        return this.#end({
          kind: 'failed',
          summary: { ...this.summary('Policy', `${rule}: ${detail}`), cause: rule },
          isRetryable: retryable,
          retryAfterMs: 0,
        });
      }
      case 'readyToCommit':
        this.#hasIt(delivery, event.workerId);
        return this.#listener.readyToCommit(this);
      case 'hasContent':
        this.#hasIt(delivery, event.workerId);
        return this.#hasContent();
      case 'ended':
        this.#hasIt(delivery, event.workerId);
        return this.#workerEnded(event.kind.value);
      case undefined:
        // A newer worker's word that this router does not know.
        return;
    }
  }

  /** A delivery whose acceptance was lost answers, after another one of the attempt had ended it. */
  #reopens(delivery: Delivery): boolean {
    if (delivery === this.#chosen || delivery.isSettled || !this.#listener.mayReopen(this)) return false;
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.isEnded = false;
    this.#letGo();
    this.#listener.reopened(this);
    this.#hasContent();
    return true;
  }

  /** Said once, however often it comes. */
  #hasContent(): void {
    if (this.hasContent) return;
    this.hasContent = true;
    this.#listener.hasContent(this);
  }

  /** Each delivery comes to one worker: from here on what is said of others does not count. */
  #choose(delivery: Delivery, workerId: string): void {
    clearTimeout(this.#timer);
    this.#stopWatching();
    this.#chosen = delivery;
    this.id = delivery.id;
    this.number = delivery.number;
    this.workerId = workerId;
  }

  #watchFor({ id }: Delivery, onLost: () => void): void {
    this.#stopWatching();
    this.#stopWatching = this.#calls.watch(this.workerId, onLost, { client: this.#plan.client, id });
  }

  /**
   * No worker is in the group. Of an earlier delivery it may be that one has it, and lost its connection before its word
   * came: it says so once it is back.
   */
  #nobody(delivery: Delivery): void {
    delivery.isSettled = true;
    const nowMs = this.#clock.systemMs();
    this.#nobodySinceMs ??= nowMs;
    const mayComeBack = this.#deliveries.some(({ isSettled }) => !isSettled);
    if (!mayComeBack || nowMs - this.#nobodySinceMs >= comesBackWithinMs) return this.#end({ kind: 'nobody' });
    if (delivery === this.#deliveries.at(-1)) this.#await(startWindowMs / 2);
  }

  /** Nothing was sent to a provider. The newest delivery alone is followed by another one. */
  #expired(delivery: Delivery): void {
    delivery.isSettled = true;
    if (this.#chosen) this.#letGo();
    else if (delivery !== this.#deliveries.at(-1)) return;
    this.#expiries += 1;
    clearTimeout(this.#timer);
    const pauseMs = Math.min(maxRetryPauseMs, retryPauseMs * 2 ** (this.#expiries - 1));
    this.#timer = setTimeout(
      contained(
        () => this.#deliverAgain(),
        () => this.#await(startWindowMs),
      ),
      this.#expiries === 1 ? 0 : pauseMs,
    );
  }

  /** It may have come late. It is wanted, as no other delivery is on its way to a provider. */
  #confirmStart(delivery: Delivery, workerId: string): void {
    const { nowMs, boundMs } = this.#clock;
    if (boundMs() === undefined) return;
    if (this.#chosen === undefined) this.#choose(delivery, workerId);
    this.#watchFor(delivery, () => this.#lostBeforeAccepted());
    this.#await(startWindowMs);
    const startUntilUnixMs = Math.floor(nowMs() + startWindowMs);
    this.#calls.command(workerId, delivery.id, wire.CallCommand.START, startUntilUnixMs);
  }

  /** It arrived: its worker may be told that it is not wanted any more. */
  #waits(delivery: Delivery, workerId: string, { withinMs }: wire.CallWaits): void {
    if (this.#isAccepted) return;
    this.#choose(delivery, workerId);
    this.#await(withinMs);
    this.#watchFor(delivery, () => this.#lostBeforeAccepted());
  }

  #accepted(delivery: Delivery, { workerId, reserve, reserveCostNanoUsd }: wire.CallAccepted): void {
    // It says so once more where another delivery of the attempt came to it.
    if (this.#isAccepted) return;
    this.#choose(delivery, workerId);
    this.#isAccepted = true;
    this.reserve = { usage: reserve, costNanoUsd: reserveCostNanoUsd };
    this.#watchFor(delivery, () => this.#lost());
    this.#listener.accepted(this);
  }

  /** The caller reads a delivery already, while another one that has no content yet was taken for the call. */
  #isReadBeside(delivery: Delivery, signal: CallSignal): boolean {
    return !this.isEnded && !this.hasContent && this.#chosen !== delivery && showsContent(signal);
  }

  #giveWay(): void {
    this.command(wire.CallCommand.REVOKE);
    this.#letGo();
  }

  /** The acceptance may have been lost with this router's connection. What its worker says after it shows it as well. */
  #hasIt(delivery: Delivery, workerId: string): void {
    if (!this.#isAccepted) this.#accepted(delivery, create(wire.CallAcceptedSchema, { workerId }));
  }

  #workerEnded(ended: wire.CallEnded): void {
    const summary = ended.attempt ?? this.summary('Unknown', 'the worker gave no summary');
    if (ended.hadContent) this.#end({ kind: 'answered', summary });
    else this.#end({ kind: 'failed', summary, isRetryable: ended.retryable, retryAfterMs: ended.retryAfterMs });
  }

  #lostBeforeAccepted(): void {
    this.#letGo();
    this.#deliverAgain();
  }

  #lost(): void {
    const summary = this.summary('WorkerLost', `worker ${this.workerId} died, or lost the call`);
    this.#end({ kind: this.hasContent ? 'lost_with_content' : 'lost', summary });
  }

  #undelivered(): void {
    const waitedMs = Math.round(this.#clock.systemMs() - this.startedAtMs);
    this.#end({ kind: 'undelivered', summary: this.summary('Busy', `no worker took it within ${waitedMs} ms`) });
  }

  /** A worker that has a delivery which does not count must not call a provider, and not send content. */
  #lateWord(delivery: Delivery, signal: CallSignal): void {
    if (signal.kind !== 'event' || !wordsOfOneWhoHasIt.has(signal.event.kind.case ?? '')) return;
    this.#calls.command(signal.event.workerId, delivery.id, wire.CallCommand.REVOKE);
  }

  #end(end: AttemptEnd): void {
    this.isEnded = true;
    clearTimeout(this.#timer);
    this.#stopWatching();
    const unheard = this.#deliveries.filter((delivery) => delivery !== this.#chosen && !delivery.isSettled);
    this.isUnheard = unheard.length > 0;
    const close = (deliveries: readonly Delivery[]): void => {
      for (const delivery of deliveries) delivery.close();
    };
    close(this.#deliveries.filter((delivery) => !unheard.includes(delivery)));
    const closeUnheard = (): void => close(unheard.filter((delivery) => delivery !== this.#chosen));
    if (this.isUnheard) setTimeout(contained(closeUnheard), lateWordMs).unref();
    this.#resolve(end);
  }

  summary(status: CallStatus, reason: string): wire.AttemptSummary {
    return create(wire.AttemptSummarySchema, {
      number: this.number,
      attemptId: this.id,
      model: this.model,
      outcome: outcomeOf(status),
      status,
      reason,
      durationMs: Math.max(0, Math.round(this.#clock.systemMs() - this.startedAtMs)),
    });
  }
}
