import { create } from '@bufbuild/protobuf';
import { outcomeOf, type FineOutcome } from '@will/core';
import { wire } from '@will/contracts';
import type { CallSignal, Calls, Dispatch } from './ports.ts';

/**
 * How an attempt ended, as far as the router has a say. 'answered': the caller has its end from the worker.
 * 'owned': the worker owns the stream, and died. The others left the caller without content.
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
  | { readonly kind: 'undelivered'; readonly summary: wire.AttemptSummary }
  | {
      readonly kind: 'busy';
      readonly reason: string;
      readonly untilUnixMs: number;
      readonly isKept: boolean;
      readonly isLimit: boolean;
    }
  | { readonly kind: 'nobody' }
  /** The task was over first. */
  | { readonly kind: 'abandoned' };

export interface AttemptListener {
  /** The worker has it: from here the attempt is one that must be recorded. */
  accepted(attempt: Attempt): void;
  /** A later attempt has content while earlier ones may still live. */
  asksGo(attempt: Attempt): void;
}

/** How long a worker's first word may take that nobody waits for any more. */
const lateWordMs = 5_000;
const wordsOfOneWhoHasIt: ReadonlySet<string> = new Set(['waits', 'accepted', 'asksGo']);

/** One call of one model for a task, as the router follows it: sent → accepted → (content) → ended. */
export class Attempt {
  readonly id: string;
  readonly number: number;
  readonly model: string;
  readonly startedAtMs: number;
  readonly ended: Promise<AttemptEnd>;
  /** '' until a worker spoke. */
  workerId = '';
  /** The most it can come to, as its worker reckons; what it is charged at when nobody sees its end. */
  reserve: { readonly usage: wire.Usage | undefined; readonly costNanoUsd: bigint | undefined } = {
    usage: undefined,
    costNanoUsd: undefined,
  };
  hasContent = false;
  isEnded = false;
  /** Given up without a word from any worker: one may still turn up with content. */
  isUnheard = false;
  readonly #resolve: (end: AttemptEnd) => void;
  readonly #listener: AttemptListener;
  readonly #nowMs: () => number;
  readonly #calls: Calls;
  readonly #client: string;
  #deliveryTimer: NodeJS.Timeout;
  #patienceMs: number;
  readonly #call: { close(): void };
  #stopWatching = (): void => {};

  /**
   * Sends the call. A worker answers at once, and be it that it waits: silence for `patienceMs` means that the call did
   * not arrive.
   * @throws {BusError} the bus is away.
   */
  constructor(calls: Calls, dispatch: Dispatch, listener: AttemptListener, nowMs: () => number, patienceMs: number) {
    const { attemptId, attempt, model, facts } = dispatch.request;
    this.id = attemptId;
    this.number = attempt;
    this.model = model;
    this.#client = facts?.client ?? '';
    this.#calls = calls;
    this.#listener = listener;
    this.#nowMs = nowMs;
    this.#patienceMs = patienceMs;
    this.startedAtMs = nowMs();
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#call = calls.send(dispatch, (signal) => this.#receive(signal));
    this.#deliveryTimer = setTimeout(() => this.#undelivered(), patienceMs);
  }

  command(command: wire.CallCommand): void {
    if (this.workerId !== '') this.#calls.command(this.workerId, this.id, command);
  }

  /** Stops following. A worker that has it and has not said so yet hears, once it does, that nobody wants it any more. */
  abandon(): void {
    this.isEnded = true;
    clearTimeout(this.#deliveryTimer);
    this.#stopWatching();
    if (this.workerId === '') setTimeout(() => this.#call.close(), lateWordMs).unref();
    else this.#call.close();
    // Else whoever waits for its end would be in flight for ever.
    this.#resolve({ kind: 'abandoned' });
  }

  #receive(signal: CallSignal): void {
    if (this.isEnded) return this.#lateWord(signal);
    clearTimeout(this.#deliveryTimer);
    if (signal.kind === 'nobody') return this.#end({ kind: 'nobody' });
    const { event } = signal;
    switch (event.kind.case) {
      case 'waits':
        return this.#waits(event.workerId, event.kind.value);
      case 'accepted':
        return this.#accepted(event.kind.value);
      case 'busy':
        return this.#end({
          kind: 'busy',
          reason: event.kind.value.reason,
          untilUnixMs: Number(event.kind.value.untilUnixMs),
          isKept: event.kind.value.isKept,
          isLimit: event.kind.value.isLimit,
        });
      case 'refused': {
        const { rule, detail, retryable } = event.kind.value;
        return this.#end({
          kind: 'failed',
          summary: this.summary('Policy', `${rule}: ${detail}`),
          isRetryable: retryable,
          retryAfterMs: 0,
        });
      }
      case 'asksGo':
        return this.#listener.asksGo(this);
      case 'hasContent':
        this.hasContent = true;
        return;
      case 'ended':
        return this.#workerEnded(event.kind.value);
      case undefined:
        // A newer worker's word that this router does not know.
        return;
    }
  }

  /** It arrived: its worker may be told that it is not wanted any more. */
  #waits(workerId: string, { withinMs }: wire.CallWaits): void {
    this.workerId = workerId;
    this.#patienceMs = withinMs;
    this.#deliveryTimer = setTimeout(() => this.#undelivered(), withinMs);
    this.#stopWatching = this.#calls.watch(workerId, () => this.#undelivered());
  }

  #accepted({ workerId, reserve, reserveCostNanoUsd }: wire.CallAccepted): void {
    this.workerId = workerId;
    this.reserve = { usage: reserve, costNanoUsd: reserveCostNanoUsd };
    this.#stopWatching();
    const work = { client: this.#client, id: this.id };
    this.#stopWatching = this.#calls.watch(workerId, () => this.#lost(), work);
    this.#listener.accepted(this);
  }

  #workerEnded(ended: wire.CallEnded): void {
    const summary = ended.attempt ?? this.summary('outcome_unknown', 'the worker gave no summary');
    if (ended.hadContent) this.#end({ kind: 'answered', summary });
    else this.#end({ kind: 'failed', summary, isRetryable: ended.retryable, retryAfterMs: ended.retryAfterMs });
  }

  #lost(): void {
    const summary = this.summary('WorkerLost', `worker ${this.workerId} missed three signs of life`);
    this.#end({ kind: this.hasContent ? 'lost_with_content' : 'lost', summary });
  }

  #undelivered(): void {
    this.isUnheard = true;
    this.#end(
      { kind: 'undelivered', summary: this.summary('WorkerLost', `no worker answered within ${this.#patienceMs} ms`) },
      true,
    );
  }

  /** A worker that has a call which was given up must not send content. */
  #lateWord(signal: CallSignal): void {
    if (signal.kind !== 'event' || !wordsOfOneWhoHasIt.has(signal.event.kind.case ?? '')) return;
    this.workerId = signal.event.workerId;
    this.command(wire.CallCommand.REVOKE);
  }

  #end(end: AttemptEnd, keepListening = false): void {
    this.isEnded = true;
    clearTimeout(this.#deliveryTimer);
    this.#stopWatching();
    if (!keepListening) this.#call.close();
    this.#resolve(end);
  }

  summary(fine: FineOutcome, reason: string): wire.AttemptSummary {
    return create(wire.AttemptSummarySchema, {
      number: this.number,
      attemptId: this.id,
      model: this.model,
      outcome: outcomeOf(fine),
      fine,
      reason,
      durationMs: Math.max(0, Math.round(this.#nowMs() - this.startedAtMs)),
    });
  }
}
