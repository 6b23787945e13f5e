import { failureOf, type CallStatus, type ProviderFailure, type Usage } from '@will/core';
import { create, wire } from '@will/contracts';
import { abortedBy, abortReasons, type ProviderOutcome } from '@will/providers';
import { contained } from '@will/runtime';
import type { IncomingCall, LastWord } from '../ports.ts';
import type { CallDeps } from './call-deps.ts';
import { failedBefore, forbidden, providerBug, tooLate, unusable } from './call-failures.ts';
import { CallInput } from './call-input.ts';
import { CallReport } from './call-report.ts';
import { CallerAnswer, wordsOf } from './caller-answer.ts';
import { deltaToWire } from './caller-stream.ts';
import type { Commanded } from './pending-call.ts';
import { piecesOf } from './pieces.ts';
import { ProviderRun } from './provider-run.ts';

/** One attempt: the provider's answer becomes frames to the caller, words to the router, and one record. */
export class WorkerCall implements Commanded {
  readonly client: string;
  readonly taskId: string;
  readonly attemptId: string;
  readonly #deps: CallDeps;
  readonly #call: IncomingCall;
  readonly #abort = new AbortController();
  readonly signal: AbortSignal = this.#abort.signal;
  readonly #input: CallInput;
  readonly #answer: CallerAnswer;
  readonly #report: CallReport;
  /** What the router was told of its end. */
  #end: LastWord | undefined;

  constructor(deps: CallDeps, call: IncomingCall) {
    const { taskId, attemptId, facts } = call.request;
    this.client = facts?.client ?? '';
    this.taskId = taskId;
    this.attemptId = attemptId;
    this.#deps = deps;
    this.#call = call;
    this.#answer = new CallerAnswer(deps, call, this);
    this.#input = new CallInput(deps, call, this.signal, (input) => {
      if (deps.keepContent) this.#answer.said = { input, output: '' };
    });
    this.#report = new CallReport(deps, call.request, this.#input, this.#answer);
  }

  /** Accepts, calls, and resolves when everything is said and recorded. Never rejects. */
  async run(): Promise<void> {
    const { calls, nowMs, onOutcome, onError } = this.#deps;
    this.sayAgain();
    calls.add(this);
    const leftMs = Number(this.#call.request.deadlineUnixMs) - nowMs();
    const timer = setTimeout(
      contained(() => this.#stop(abortReasons.deadline)),
      Math.max(0, leftMs),
    );
    try {
      let outcome: ProviderOutcome;
      try {
        outcome = await this.#askProvider(leftMs);
      } catch (error) {
        // A provider that throws has a bug; the task must not pay for it with silence.
        onError('a provider', error);
        outcome = failedBefore(providerBug);
      }
      onOutcome(outcome);
      this.#keepContent(outcome);
      const ready = outcome.ok && this.#answer.readyToCommit();
      if (!outcome.ok) this.#fail(outcome.failure, outcome.usage);
      else if (typeof ready === 'boolean' ? ready : await ready) this.#succeed(outcome);
      else this.#fail(failureOf(abortedBy(this.signal)), outcome.usage);
    } catch (error) {
      // Whatever it was, it fails this call and no other; the one that waits for it is told.
      onError('a call', error);
      if (this.#end === undefined) this.#fail(providerBug, undefined);
    } finally {
      clearTimeout(timer);
      calls.remove(this);
      calls.ended(this, this.#end);
    }
  }

  /** Tells the router that it is accepted. */
  sayAgain(): void {
    const value = create(wire.CallAcceptedSchema, { workerId: this.#deps.workerId, ...this.#report.reserve() });
    this.#call.toRouter({ case: 'accepted', value });
  }

  /** The caller wants no more of it. */
  cancel(): void {
    this.#stop(abortReasons.cancelled);
  }

  start(untilMs: number): void {
    this.#deps.window.renew(untilMs);
  }

  /** Another attempt is to answer. What the caller already reads goes on. */
  revoke(): void {
    if (!this.#answer.hasContent) this.#stop(abortReasons.revoked);
  }

  commit(): void {
    this.#answer.commit();
  }

  #stop(reason: keyof typeof abortReasons): void {
    this.#deps.window.withdraw();
    this.#abort.abort(reason);
  }

  #askProvider(leftMs: number): ProviderOutcome | Promise<ProviderOutcome> {
    const { hooks, window } = this.#deps;
    const { request } = this.#call;
    const provider = new ProviderRun(this.#deps, this.#call, this.#input, this.#answer, this.signal, leftMs);
    if (request.payload !== undefined || hooks.length > 0 || window.state !== 'open') return this.#prepare(provider);
    // Where nothing has to be waited for nothing is: what was authorized cannot have changed when the provider is called.
    const input = this.#input.asSeen(request.input);
    return typeof input === 'string' ? failedBefore(unusable(input, this.signal)) : provider.ask(input);
  }

  async #prepare(provider: ProviderRun): Promise<ProviderOutcome> {
    const { authorizeAgain, window } = this.#deps;
    const { signal } = this;
    const prepared = await this.#input.prepared();
    if (!prepared.ok) return failedBefore(prepared.failure);
    this.#input.dataClass = prepared.dataClass;
    // The instant until which it may start belongs to the provider's call, not to what is prepared for it.
    if (!(await window.opens())) return failedBefore(signal.aborted ? failureOf(abortedBy(signal)) : tooLate);
    // The documents may have changed meanwhile, and the data may count as more than before.
    const refused = authorizeAgain(prepared.dataClass);
    return refused ? failedBefore(forbidden(refused, prepared.dataClass)) : provider.ask(prepared.input);
  }

  #keepContent(outcome: ProviderOutcome): void {
    const { said } = this.#answer;
    const whole = outcome.ok && outcome.output ? wordsOf(outcome.output) : '';
    if (said) this.#deps.keepContent?.(said.input, said.output + whole);
  }

  #succeed(outcome: Extract<ProviderOutcome, { ok: true }>): void {
    const pieces = outcome.output ? piecesOf(outcome.output) : [];
    // What fits no single message goes as a stream, also to a caller that asked for none: it puts it together.
    if (pieces.length > 1) for (const piece of pieces) this.#answer.send(piece);
    const output = pieces.length === 1 && outcome.output ? deltaToWire(outcome.output) : undefined;
    this.#answer.outputChars += outcome.output ? wordsOf(outcome.output).length : 0;
    const summary = this.#report.summary('Success', '');
    const record = this.#report.record(summary, outcome.usage, outcome.finish, outcome.servedVersion);
    const { model, modelName, decisionId, usage, costNanoUsd: cost } = record;
    this.#answer.stream.end(
      create(wire.EndSchema, {
        output,
        finish: outcome.finish,
        usage,
        model,
        modelName,
        decisionId,
        attempts: [...this.#call.request.prior, summary],
        costNanoUsd: cost,
      }),
    );
    this.#ended(summary, true, false, 0);
    this.#deps.record(record);
  }

  #fail(failure: ProviderFailure, usage: Usage | undefined): void {
    const { hasContent, stream } = this.#answer;
    const summary = this.#report.summary(failure.status, failure.message, failure);
    if (hasContent) stream.fail(this.#failureFrame(failure, summary));
    if (failure === tooLate) this.#deps.window.refuse();
    else this.#ended(summary, hasContent, failure.isRetryable, failure.retryAfterMs ?? 0);
    this.#deps.record(this.#report.record(summary, usage));
  }

  #failureFrame(failure: ProviderFailure, summary: wire.AttemptSummary): wire.Failure {
    const { prior, decisionId } = this.#call.request;
    return create(wire.FailureSchema, {
      code: midStreamCodes[failure.status] ?? wire.FailureCode.TRUNCATED,
      message: `the answer of ${this.#deps.model.slug} broke off: ${failure.message}`,
      retryable: failure.isRetryable,
      retryAfterMs: failure.retryAfterMs ?? 0,
      decisionId,
      attempts: [...prior, summary],
    });
  }

  #ended(attempt: wire.AttemptSummary, hadContent: boolean, retryable: boolean, retryAfterMs: number): void {
    this.#answer.close();
    const value = create(wire.CallEndedSchema, { attempt, hadContent, retryable, retryAfterMs });
    this.#end = this.#call.endToRouter({ case: 'ended', value });
  }
}

/** How a stream that had content tells its end; everything else is a stream that was cut. */
const midStreamCodes: Partial<Record<CallStatus, wire.FailureCode>> = {
  Cancelled: wire.FailureCode.CANCELLED,
  Deadline: wire.FailureCode.DEADLINE,
};
