import type { Loss } from '@will/bus';
import { startWindowMs } from '@will/core';
import { create, wire } from '@will/contracts';
import { AssignedWorker } from './assigned-worker.ts';
import { type AttemptEnd, busyEnd, lostEnd, refusedEnd, summaryOf, workersEnd } from './attempt-end.ts';
import type { BusClock, CallSignal, Calls } from '../ports.ts';
import { Deliveries, type AttemptPlan, type DeliveriesListener, type CallDelivery } from './deliveries.ts';

/** The task that an attempt belongs to. */
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
  /** The worker that has it, or may have it, is away and not missed yet, and no other worker could do the task. */
  isIrreplaceable(attempt: Attempt): boolean;
}

/** Content that its worker tells of has gone to the caller. */
const showsContent = (signal: CallSignal): boolean =>
  signal.kind === 'event' &&
  (signal.event.kind.case === 'hasContent' ||
    (signal.event.kind.case === 'ended' && signal.event.kind.value.hadContent));

const wordsOfOneWhoHasIt: ReadonlySet<string> = new Set(['waits', 'accepted', 'readyToCommit', 'confirmStart']);

interface Reserve {
  readonly usage: wire.Usage | undefined;
  readonly costNanoUsd: bigint | undefined;
}
const noReserve: Reserve = { usage: undefined, costNanoUsd: undefined };

/** One call of one model for a task, as the router follows it: sent → accepted → (content) → ended. */
export class Attempt implements DeliveriesListener {
  readonly model: string;
  readonly startedAtMs: number;
  /** Another one after an attempt was opened again. */
  ended: Promise<AttemptEnd>;
  id = '';
  number = 0;
  /** The worker that has it, or may have it. */
  readonly worker: AssignedWorker;
  /** The most it can come to, as its worker reckons; what it is charged at when nobody sees its end. */
  reserve = noReserve;
  hasContent = false;
  isEnded = false;
  /** It ended, and of some delivery no worker said a word: one may still turn up with content. */
  isUnheard = false;
  #resolve: (end: AttemptEnd) => void;
  readonly #listener: AttemptListener;
  readonly #clock: BusClock;
  readonly #calls: Calls;
  readonly #deliveries: Deliveries;

  /** Sends the call. @throws {BusError} NATS is not connected. */
  constructor(calls: Calls, plan: AttemptPlan, listener: AttemptListener, clock: BusClock) {
    this.model = plan.model;
    this.#calls = calls;
    this.#listener = listener;
    this.#clock = clock;
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#deliveries = new Deliveries(calls, plan, clock, this);
    this.worker = new AssignedWorker(calls, plan.client, this.#deliveries, this);
    this.startedAtMs = this.#deliveries.startedAtMs;
    this.#deliveries.send();
  }

  /** Milliseconds since it was sent. */
  get ageMs(): number {
    return this.#deliveries.ageMs;
  }

  get isWaiting(): boolean {
    return !this.isEnded && this.worker.delivery === undefined;
  }

  get isIrreplaceable(): boolean {
    return this.#listener.isIrreplaceable(this);
  }

  /** Ids of deliveries that a worker took which then counted as dead: it may still have them. */
  get lostIds(): readonly string[] {
    return this.#deliveries.lostIds;
  }

  /** Stops following. A worker that has it and has not said so yet hears, once it does, that nobody wants it any more. */
  abandon(): void {
    // Else the one that waits for its end would be in flight for ever.
    this.#end({ kind: 'abandoned' });
  }

  sent({ id, number }: CallDelivery): void {
    this.id = id;
    this.number = number;
  }

  found(delivery: CallDelivery, workerId: string): void {
    this.#hasIt(delivery, workerId);
  }

  /** Silence tells nothing while this process, or the server, stood still: then a word may be on its way. */
  async silent(): Promise<void> {
    const waited = this.worker.delivery;
    const isInTouch = await this.#calls.isInTouch();
    if (this.isEnded || this.worker.delivery !== waited || this.worker.isAccepted) return;
    if (!isInTouch) return this.#deliveries.awaitWord(startWindowMs / 2);
    this.worker.giveUp();
  }

  undelivered(): void {
    const reason = `no worker took it within ${Math.round(this.ageMs)} ms`;
    this.#end({ kind: 'undelivered', summary: summaryOf(this, 'Busy', reason) });
  }

  received(delivery: CallDelivery, signal: CallSignal): void {
    const isContent = showsContent(signal);
    if (this.isEnded && isContent && this.#reopens(delivery)) return this.received(delivery, signal);
    // The caller reads this delivery already, while another one that has no content yet was taken for the call.
    if (!this.isEnded && !this.hasContent && this.worker.delivery !== delivery && isContent) {
      this.worker.command(wire.CallCommand.REVOKE);
      this.worker.release();
    }
    if (delivery.isLost && this.#isBack(delivery, signal)) return;
    const { delivery: assigned } = this.worker;
    if (this.isEnded || (assigned && assigned !== delivery)) return revokeLate(this.#calls, delivery, signal);
    if (signal.kind === 'event') return this.#event(delivery, signal.event);
    delivery.isSettled = true;
    if (!this.#deliveries.mayComeBack(delivery)) this.#end({ kind: 'nobody' });
  }

  #event(delivery: CallDelivery, { workerId, kind }: wire.CallEvent): void {
    switch (kind.case) {
      case 'expired': {
        delivery.isSettled = true;
        const wasChosen = this.worker.delivery !== undefined;
        if (wasChosen) this.worker.release();
        return this.#deliveries.expired(delivery, wasChosen);
      }
      case 'confirmStart':
        return this.#confirmStart(delivery, workerId);
      case 'waits':
        // It arrived: its worker may be told that it is not wanted any more.
        if (!this.worker.isAccepted) this.worker.assign(delivery, workerId, kind.value.withinMs);
        return;
      case 'accepted':
        return this.#accepted(delivery, kind.value);
      case 'busy':
        delivery.isSettled = true;
        return this.#end(busyEnd(kind.value));
      case 'refused':
        delivery.isSettled = true;
        return this.#end(refusedEnd(kind.value, this));
      case 'readyToCommit':
        this.#hasIt(delivery, workerId);
        return this.#listener.readyToCommit(this);
      case 'hasContent':
        this.#hasIt(delivery, workerId);
        return this.#hasContent();
      case 'ended':
        this.#hasIt(delivery, workerId);
        return this.#end(workersEnd(kind.value, this));
      case undefined:
        // A newer worker's word that this router does not know.
        return;
    }
  }

  /** A delivery whose acceptance was lost answers, after another one of the attempt had ended it. */
  #reopens(delivery: CallDelivery): boolean {
    if ((delivery === this.worker.delivery && !delivery.isLost) || delivery.isSettled) return false;
    if (!this.#listener.mayReopen(this)) return false;
    delivery.isLost = false;
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.isEnded = false;
    this.worker.release();
    this.#listener.reopened(this);
    this.#hasContent();
    return true;
  }

  /** The worker was only away. Its call goes on beside what was sent since: the first content is the answer. */
  #isBack(delivery: CallDelivery, signal: CallSignal): boolean {
    const word = signal.kind === 'event' ? signal.event.kind.case : undefined;
    if (word === 'ended') {
      delivery.isLost = false;
      delivery.isSettled = true;
    }
    return word === 'ended' || (word === 'accepted' && this.#listener.mayReopen(this));
  }

  /** Said once, however often it comes. */
  #hasContent(): void {
    if (this.hasContent) return;
    this.hasContent = true;
    this.#listener.hasContent(this);
  }

  /** It may have come late. It is wanted, as no other delivery is on its way to a provider. */
  #confirmStart(delivery: CallDelivery, workerId: string): void {
    const { nowMs, boundMs } = this.#clock;
    if (boundMs() === undefined) return;
    // One that was accepted and held up since is watched already.
    if (!this.worker.isAccepted) this.worker.assign(delivery, workerId, startWindowMs);
    const startUntilUnixMs = Math.floor(nowMs() + startWindowMs);
    this.#calls.command(workerId, delivery.id, wire.CallCommand.START, startUntilUnixMs);
  }

  #accepted(delivery: CallDelivery, { workerId, reserve, reserveCostNanoUsd }: wire.CallAccepted): void {
    // It says so once more where another delivery of the attempt came to it.
    if (this.worker.isAccepted) return;
    this.worker.accept(delivery, workerId, (loss) => this.#lost(delivery, loss));
    this.reserve = { usage: reserve, costNanoUsd: reserveCostNanoUsd };
    this.#listener.accepted(this);
  }

  /** The acceptance may have been lost with this router's connection. What its worker says after it shows it as well. */
  #hasIt(delivery: CallDelivery, workerId: string): void {
    if (!this.worker.isAccepted) this.#accepted(delivery, create(wire.CallAcceptedSchema, { workerId }));
  }

  /** A worker that is away, and that nobody could replace, tells what it has once it is back. */
  #lost(delivery: CallDelivery, loss: Loss): void {
    const mayComeBack = loss === 'dead' && !this.hasContent;
    if (mayComeBack && this.isIrreplaceable) return this.worker.watch((again) => this.#lost(delivery, again));
    delivery.isLost = mayComeBack;
    this.#end(lostEnd(this));
  }

  #end(end: AttemptEnd): void {
    this.isEnded = true;
    this.worker.stopWatching();
    this.isUnheard = this.#deliveries.close(() => this.worker.delivery);
    this.#resolve(end);
  }
}

/** A worker that has a delivery which does not count must not call a provider, and not send content. */
function revokeLate(calls: Calls, delivery: CallDelivery, signal: CallSignal): void {
  if (signal.kind !== 'event' || !wordsOfOneWhoHasIt.has(signal.event.kind.case ?? '')) return;
  calls.command(signal.event.workerId, delivery.id, wire.CallCommand.REVOKE);
}
