import type { CallStatus } from '@will/core';
import { create, newId, wire } from '@will/contracts';
import type { DecidedSet, Dispatch } from '../ports.ts';
import { type AttemptEnd, summaryOf } from './attempt-end.ts';
import { Attempt, type AttemptListener } from './attempt.ts';
import { areOver, callRequest, type AttemptPlace } from './call-request.ts';
import { holderOf } from './choose.ts';
import type { DeliveryStamp } from './deliveries.ts';
import type { Evidence } from './evidence.ts';
import { isIrreplaceable } from './irreplaceable.ts';
import type { AttemptObserver } from './observer.ts';
import type { TaskContext } from './task-context.ts';

/** The attempts of one task: numbers them, lets one of them speak to the caller, and lets all of them go at its end. */
export class Attempts implements AttemptListener {
  readonly #context: TaskContext;
  readonly #evidence: Evidence;
  readonly #onReopened: (attempt: Attempt) => void;
  #attempts: readonly Attempt[] = [];
  /** What ends its being counted where it has a call under way. */
  #holds: readonly (() => void)[] = [];
  #lastNumber = 0;

  /** @param onReopened an attempt that had ended answers after all; the task ends with it. */
  constructor(context: TaskContext, evidence: Evidence, onReopened: (attempt: Attempt) => void) {
    this.#context = context;
    this.#evidence = evidence;
    this.#onReopened = onReopened;
  }

  /** The attempt that was made last. */
  get newest(): Attempt | undefined {
    return this.#attempts.at(-1);
  }

  /** The worker of one of them owns the answer, and has not ended it. */
  get hasOwner(): boolean {
    return this.#attempts.some((attempt) => attempt.hasContent && !attempt.isEnded);
  }

  /** Makes one attempt. Resolves with its end; never rejects. @throws {BusError} NATS is not connected. */
  make(model: string, timeoutMs: number, anotherFollows: boolean): Promise<AttemptEnd> {
    const { deps, task } = this.#context;
    const firstId = newId();
    const place: AttemptPlace = { model, earlier: this.#attempts, anotherFollows };
    const observer = this.#context.observer.attempt(model, this.#evidence.summaries.length + 1, firstId);
    const { dataClass } = (this.#context.decided as DecidedSet).set;
    const holder = holderOf(this.#context, model);
    const dispatch = (stamp: DeliveryStamp): Dispatch => {
      const request = this.#request(place, stamp);
      // Sent again, it is for any worker.
      return { request, dataClass, workerId: stamp.earlierIds.length === 0 ? holder : undefined };
    };
    const servedBy = (): ReadonlySet<string> => deps.workers.serving(model);
    const plan = { model, client: task.client, timeoutMs, firstId, dispatch, servedBy };
    const attempt = observer.run(() => new Attempt(deps.calls, plan, this, deps.clock));
    // A list that grows by a push gets room for many, and most tasks have one attempt.
    this.#attempts = this.#attempts.concat(attempt);
    const leave = deps.slots.hold(model, task.facts.client);
    this.#holds = this.#holds.concat(leave);
    return attempt.ended.then((end) => this.#ended(attempt, end, leave, observer));
  }

  #ended(attempt: Attempt, end: AttemptEnd, leave: () => void, observer: AttemptObserver): AttemptEnd {
    // The end of the task has let go of it already.
    if (end.kind === 'abandoned') return end;
    leave();
    this.#holds = this.#holds.filter((other) => other !== leave);
    observer.ended('summary' in end ? end.summary.status : end.kind);
    const hasNothingUnderWay = (end.kind === 'busy' || end.kind === 'nobody') && !attempt.isUnheard;
    if (hasNothingUnderWay) this.#attempts = this.#attempts.filter((other) => other !== attempt);
    return end;
  }

  accepted(attempt: Attempt): void {
    const { deps, claim, records } = this.#context;
    deps.slots.took(attempt.model, claim);
    records.intent(attempt);
  }

  hasContent(attempt: Attempt): void {
    const { observer, deps } = this.#context;
    observer.firstContent();
    // Its worker owns the answer from here on, and has told the caller so.
    this.#context.acceptance?.stop();
    deps.hedging?.times.heard(attempt.model, attempt.ageMs);
    for (const other of this.#attempts) if (other !== attempt) cancel(other);
  }

  /** Lets a later attempt speak once every earlier one has ended; the caller is told which one counts. */
  readyToCommit(attempt: Attempt): void {
    const earlier = this.#attempts.filter((other) => other.number < attempt.number && !other.isEnded);
    for (const other of earlier) other.worker.command(wire.CallCommand.REVOKE);
    void Promise.all(earlier.map((other) => other.ended)).then(() => {
      if (this.#context.isDecided) return;
      this.#context.toCaller({ case: 'counts', value: create(wire.CountsSchema, { attempt: attempt.number }) });
      attempt.worker.command(wire.CallCommand.COMMIT);
    });
  }

  mayReopen(attempt: Attempt): boolean {
    const others = this.#attempts.filter((other) => other !== attempt);
    return !this.#context.isDecided && !others.some(({ hasContent }) => hasContent);
  }

  reopened(attempt: Attempt): void {
    this.#onReopened(attempt);
  }

  isIrreplaceable(attempt: Attempt): boolean {
    return isIrreplaceable(this.#context, this.#evidence, attempt);
  }

  /** Records the attempt whose end nobody saw. */
  lost(summary: wire.AttemptSummary): void {
    const attempt = this.#attempts.find(({ id }) => id === summary.attemptId);
    if (attempt) this.#context.records.lost(attempt, summary);
  }

  /** The worker that had an attempt; '': none spoke. */
  workerOf({ attemptId }: wire.AttemptSummary): string {
    return this.#attempts.find(({ id }) => id === attemptId)?.worker.id ?? '';
  }

  cancelAll(): void {
    for (const attempt of this.#attempts) cancel(attempt);
  }

  /** Cancels all that are under way, and tells how they ended. */
  endEarly(status: CallStatus, message: string): void {
    for (const attempt of this.#attempts) {
      if (attempt.isEnded) continue;
      cancel(attempt);
      this.#evidence.add(summaryOf(attempt, status, message));
    }
  }

  /** Stops following: the task is over. */
  abandonAll(): void {
    for (const attempt of this.#attempts) if (!attempt.isEnded) attempt.abandon();
    for (const leave of this.#holds) leave();
  }

  #request(place: AttemptPlace, stamp: DeliveryStamp): wire.CallRequest {
    const number = this.#nextNumber(stamp.earlierIds.length === 0 && areOver(place.earlier));
    return callRequest(this.#context, this.#evidence, place, stamp, number);
  }

  /** Above that of every call whose end nobody has seen: its frames must not be taken for those of this one. */
  #nextNumber(isAlone: boolean): number {
    this.#lastNumber = Math.max(this.#evidence.summaries.length + 1, isAlone ? 0 : this.#lastNumber + 1);
    return this.#lastNumber;
  }
}

function cancel(attempt: Attempt): void {
  if (!attempt.isEnded) attempt.worker.command(wire.CallCommand.CANCEL);
}
