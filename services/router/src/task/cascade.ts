import type { Candidate, RankedSet } from '@will/core';
import { wire } from '@will/contracts';
import type { AttemptEnd } from './attempt-end.ts';
import type { Attempts } from './attempts.ts';
import type { Availability } from './availability.ts';
import { keepSession } from './choose.ts';
import type { Evidence } from './evidence.ts';
import { codeOf } from './failures.ts';
import { HedgedAttempts } from './hedge.ts';
import type { TaskOutcome } from './task-outcome.ts';
import { SlotWaits } from './slot-waits.ts';
import type { TaskContext } from './task-context.ts';

/**
 * So long is a call sent to the same model again while its workers are silent and another model may do the task: longer
 * than a process, or a server, stands still that is alive. The last one is waited for until the deadline.
 */
const timeoutMs = { others: 5_000, last: Number.POSITIVE_INFINITY } as const;

/** How often a call that did not arrive, or met the provider's limit, is sent again where nothing else is left. */
const maxRedeliveries = 3;
/**
 * How often a worker may say that it could not start a call in time, half a second each: a machine that is overloaded for
 * longer than a few of those is not waited for until the deadline, and the caller is told of each.
 */
const maxLateStarts = 100;

/** 'done': the task is over. 'next': this model is out. 'full', 'undelivered': it could do it, later. */
type ModelEnd = 'done' | 'next' | 'full' | 'undelivered';

/** Tries the candidates of a decision in order, until one has content or none is left. */
export class Cascade {
  readonly #context: TaskContext;
  readonly #evidence: Evidence;
  readonly #availability: Availability;
  readonly #attempts: Attempts;
  readonly #outcome: TaskOutcome;
  readonly #hedged: HedgedAttempts;
  readonly #waits: SlotWaits;
  /** Models of which nobody was in the group when the task last asked. */
  #absent: readonly string[] = [];

  constructor(
    context: TaskContext,
    evidence: Evidence,
    availability: Availability,
    attempts: Attempts,
    outcome: TaskOutcome,
  ) {
    this.#context = context;
    this.#evidence = evidence;
    this.#availability = availability;
    this.#attempts = attempts;
    this.#outcome = outcome;
    this.#hedged = new HedgedAttempts(context, attempts, evidence, availability);
    this.#waits = new SlotWaits(context, availability);
  }

  /**
   * Each candidate in order, waiting a moment where it is full; then whichever is left and free first. Yields what was
   * full to the end, where the task is not over.
   */
  async tryAll({ candidates, waitMs }: RankedSet): Promise<string[]> {
    const { order, skipped } = this.#context.selection;
    const full: string[] = [];
    const undelivered: string[] = [];
    const reasons = skipped.length === 0 ? noReasons : new Map(skipped.map(({ model, reason }) => [model, reason]));
    for (const model of inTurn(candidates, order, reasons)) {
      if (this.#evidence.hasFailed(model) || this.#evidence.skipTooSmall(model)) continue;
      const last = order.findLast((other) => !this.#evidence.isTooSmall(other));
      const reason = reasons.get(model);
      if (reason !== undefined) {
        this.#evidence.skip(model, reason);
        if (this.#availability.cooldownMs(model) > 0 || this.#availability.isAwaited(model)) full.push(model);
        continue;
      }
      const firstTokenTimeout = model === last && full.length === 0 ? timeoutMs.last : timeoutMs.others;
      const end = await this.#tryModel(model, waitMs, firstTokenTimeout, model !== last);
      if (end === 'done') return full;
      if (end === 'full') full.push(model);
      if (end === 'undelivered') undelivered.push(model);
    }
    if (!(await this.#tryFull(full, undelivered))) await this.#tryUndelivered(undelivered, waitMs);
    return full;
  }

  /** Waits for slots of full models until the deadline. True: the task is over. Leaves in `full` what never was free. */
  async #tryFull(full: string[], undelivered: string[]): Promise<boolean> {
    while (this.#evidence.fitting(full).length > 0) {
      const free = await this.#waits.firstFree(full);
      if (free === undefined) return this.#context.isDecided;
      for (const model of this.#backAhead(full, free)) {
        const end = await this.#tryModel(model, 0, timeoutMs.last);
        if (end === 'done') return true;
        if (end === 'full') continue;
        full.splice(full.indexOf(model), 1);
        if (end === 'undelivered') undelivered.push(model);
      }
    }
    return false;
  }

  /** A model that is free, after those before it that nobody took calls of: with its workers theirs may be back as well. */
  #backAhead(full: readonly string[], free: string): readonly string[] {
    const ahead = full.slice(0, full.indexOf(free));
    return [...ahead.filter((model) => this.#absent.includes(model)), free];
  }

  /** Asks models once more that no worker answered for. */
  async #tryUndelivered(undelivered: string[], waitMs: number): Promise<void> {
    for (let sent = 0; sent < maxRedeliveries && undelivered.length > 0; sent += 1) {
      const model = undelivered.shift() as string;
      if (this.#evidence.skipTooSmall(model)) continue;
      const end = await this.#tryModel(model, waitMs, timeoutMs.last);
      if (end === 'done') return;
      if (end === 'undelivered') undelivered.push(model);
    }
  }

  async #tryModel(model: string, waitMs: number, firstTokenTimeout: number, anotherFollows = false): Promise<ModelEnd> {
    const { slots, workers, nowMs } = this.#context.deps;
    const untilMs = nowMs() + waitMs;
    const mayTry = waitMs === 0 || slots.mayTryFirst(model, this.#context.claim);
    if (!mayTry && (await this.#waits.inTurn(model, waitMs)) !== 'try')
      return this.#context.isDecided ? 'done' : 'full';
    while (!this.#context.isDecided) {
      const end = await this.#hedged.make(model, firstTokenTimeout, timeoutMs.others, anotherFollows);
      if (this.#context.isDecided || end.kind === 'abandoned') return 'done';
      this.#note(model, end.kind === 'nobody');
      if (end.kind === 'busy') this.#availability.paused(model, end);
      if (end.kind !== 'busy' && end.kind !== 'nobody') return this.settle(end, anotherFollows);
      if (end.kind === 'nobody' && !workers.isServed(model)) {
        if (this.#availability.isAwaited(model)) return 'full';
        this.#evidence.skip(model, this.#availability.whyUnserved(model));
        return 'next';
      }
      const leftMs = untilMs - nowMs();
      if (leftMs <= this.#availability.cooldownMs(model) || (await this.#waits.forSlot(model, leftMs)) !== 'try')
        return 'full';
    }
    return 'done';
  }

  #note(model: string, isAbsent: boolean): void {
    if (this.#absent.includes(model) === isAbsent) return;
    this.#absent = isAbsent ? [...this.#absent, model] : this.#absent.filter((other) => other !== model);
  }

  /** Draws the task's consequence of an attempt that a worker had. */
  settle(end: Exclude<AttemptEnd, { kind: 'busy' | 'nobody' | 'abandoned' }>, anotherFollows: boolean): ModelEnd {
    const { summary } = end;
    this.#evidence.add(summary);
    if (end.kind === 'answered') {
      keepSession(this.#context, summary.model, this.#attempts.workerOf(summary));
      this.#context.deps.slots.answered(summary.model, summary.durationMs);
      this.#outcome.answered(summary.status);
      return 'done';
    }
    if (end.kind === 'lost' || end.kind === 'lost_with_content') this.#attempts.lost(summary);
    if (end.kind === 'lost_with_content') {
      const message = `the worker died in the middle of the answer of ${summary.model}`;
      this.#outcome.fail({ code: wire.FailureCode.WORKER_LOST, message, isRetryable: true });
      return 'done';
    }
    if (end.kind === 'failed' && !end.isRetryable) {
      const message = `${summary.model}: ${summary.reason}`;
      this.#outcome.fail({ code: codeOf(summary), message, retryAfterMs: end.retryAfterMs });
      return 'done';
    }
    // Its worker stood still until it was too late to start: nothing was sent, and it takes the call once it keeps up again.
    if (end.kind === 'failed' && summary.status === 'Busy')
      return this.#evidence.lateStarts(summary.model) <= maxLateStarts ? 'full' : 'next';
    // What the provider did not take, since its limit was reached, may be sent again after the cooldown.
    if (summary.status === 'RateLimited' && this.#evidence.limitsMet(summary.model) <= maxRedeliveries) return 'full';
    // It gave way to others since it was silent for long. Where they cannot do it, it is asked once more and waited for.
    if (summary.status === 'Stalled' && anotherFollows) return 'undelivered';
    return end.kind === 'undelivered' ? 'undelivered' : 'next';
  }
}

const noReasons: ReadonlyMap<string, string> = new Map();

/** Models as they are tried, those that are passed over at their places, so that the whole way is told. */
function inTurn(
  candidates: readonly Candidate[],
  order: readonly string[],
  passedOver: ReadonlyMap<string, unknown>,
): readonly string[] {
  if (passedOver.size === 0 && order.length === candidates.length) return order;
  const next = order.values();
  return candidates.map(({ model }) => (passedOver.has(model) ? model : (next.next().value ?? model)));
}
