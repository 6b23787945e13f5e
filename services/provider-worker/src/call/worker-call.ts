import { contained } from '@will/runtime';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type FirstTokenTimeout,
  costNanoUsd,
  isCostEstimated,
  defaultIdleMs,
  failureOf,
  fieldsKind,
  outcomeOf,
  priceAt,
  reserveOf,
  silenceOf,
  type DataClass,
  type Facts,
  type CallStatus,
  type Model,
  type ProviderFailure,
  type StyleOrder,
  type TaskTypeDocument,
  type Usage,
} from '@will/core';
import type { CallHook, HookedCall } from '@will/extension';
import { dataClassToWire, recordPriceToWire, wire } from '@will/contracts';
import {
  abortedBy,
  abortReasons,
  type ContentDelta,
  type ModelConnection,
  type ProviderOutcome,
  soundDelta,
  soundOutcome,
} from '@will/providers';
import { CallerStream, deltaToWire } from './caller-stream.ts';
import type { Commanded } from './pending-call.ts';
import { piecesOf } from './pieces.ts';
import { chatInput } from './fields-input.ts';
import { askAfter, askBefore, brokenHook, type Prepared } from './hooked-call.ts';
import { outputBound, type Refusal } from './authorize.ts';
import { styledInput } from './styled-input.ts';
import { wrongUrlIn } from './content-urls.ts';
import { gathered, type WholeAsStream } from './whole-as-stream.ts';
import { type WholeInput, wholeInput } from './whole-input.ts';
import type { IncomingCall, PayloadSource } from '../ports.ts';
import type { StartWindow } from './start-window.ts';

export interface CallDeps {
  /** What is done to the messages for this model; undefined: they go as they came. */
  readonly style: StyleOrder | undefined;
  readonly window: StartWindow;
  readonly workerId: string;
  /** Output tokens it may make; undefined: no limit that we know of. */
  readonly maxOutputTokens: number | undefined;
  readonly model: Model;
  readonly connection: ModelConnection;
  readonly wholeAsStream: WholeAsStream;
  readonly payloads: PayloadSource;
  readonly hooks: readonly CallHook[];
  readonly facts: Facts | undefined;
  /** The rules once more, for data that counts so. */
  readonly authorizeAgain: (dataClass: DataClass) => Refusal | undefined;
  readonly onError: (what: string, error: unknown) => void;
  /** What documents say of the task's type. */
  readonly taskType: TaskTypeDocument | undefined;
  readonly nowMs: () => number;
  readonly record: (record: wire.CallRecord) => void;
  /** Told what was said, where the client's document switches that on; undefined: nobody listens. */
  readonly keepContent: ((input: Uint8Array, output: string) => void) | undefined;
  /** Told of its first content, where that comes before its end. */
  readonly onFirstContent: () => void;
  /** What became of the call at the provider, told before anybody else hears of it. */
  readonly onOutcome: (outcome: ProviderOutcome) => void;
}

/** A word to the router, or its answer, may be lost with a connection: it is asked so often, and so many times. */
const askToCommitEveryMs = 1_000;
const maxCommitRequests = 30;
/** More is cut off later anyway. */
const maxKeptChars = 300_000;

/** Everything that the model says to its caller. */
const wordsOf = ({ text = '', refusal = '' }: ContentDelta): string => text + refusal;

/** One attempt: the provider's answer becomes frames to the caller, words to the router, and one record. */
export class WorkerCall implements Commanded {
  readonly client: string;
  readonly taskId: string;
  readonly attemptId: string;
  readonly #deps: CallDeps;
  readonly #call: IncomingCall;
  readonly #abort = new AbortController();
  readonly #stream: CallerStream;
  readonly #startedAtMs: number;
  #style = '';
  #attachment: WholeInput['attachment'];
  /** Hooks may raise it. */
  #dataClass: DataClass;
  #firstContentAtMs: number | undefined;
  #mayCommit: boolean;
  #whenCommitted: PromiseWithResolvers<boolean> | undefined;
  /** Content that waits for the commit. */
  #held: ContentDelta[] = [];
  #hasContent = false;
  /** The router was told of its end. */
  #isEnded = false;
  /** What was thrown where content was given on. */
  #unsound: Error | undefined;
  /** Kept only where the client switches it on. */
  #said: { readonly input: Uint8Array; output: string } | undefined;
  #outputChars = 0;
  #end: wire.CallEvent['kind'] | undefined;

  constructor(deps: CallDeps, call: IncomingCall) {
    const { taskId, attemptId, attempt, mayCommit, facts } = call.request;
    this.client = facts?.client ?? '';
    this.taskId = taskId;
    this.attemptId = attemptId;
    this.#deps = deps;
    this.#call = call;
    this.#mayCommit = mayCommit;
    this.#startedAtMs = deps.nowMs();
    this.#dataClass = call.dataClass;
    this.#abort.signal.addEventListener('abort', () => deps.window.withdraw(), { once: true });
    this.#stream = new CallerStream((frame) => call.toCaller(frame), taskId, attempt);
  }

  /** Accepts, calls, and resolves when everything is said and recorded. Never rejects. */
  async run(): Promise<void> {
    const { request } = this.#call;
    this.sayAgain();
    const leftMs = Number(request.deadlineUnixMs) - this.#deps.nowMs();
    const timer = setTimeout(
      contained(() => this.#abort.abort(abortReasons.deadline)),
      Math.max(0, leftMs),
    );
    try {
      const outcome = await this.#callProvider(leftMs);
      this.#deps.onOutcome(outcome);
      const whole = outcome.ok && outcome.output ? wordsOf(outcome.output) : '';
      if (this.#said) this.#deps.keepContent?.(this.#said.input, this.#said.output + whole);
      await this.#finish(outcome);
    } catch (error) {
      // Whatever it was, it fails this call and no other; the one that waits for it is told.
      this.#deps.onError('a call', error);
      if (!this.#isEnded) this.#fail(providerBug, undefined);
    } finally {
      clearTimeout(timer);
    }
  }

  /** How its end is told once more. It holds nothing of the call but its last word. */
  sayEndAgain(): () => void {
    const { toRouter } = this.#call;
    const end = this.#end;
    return () => end && toRouter(end);
  }

  /** Tells the router that it is accepted. */
  sayAgain(): void {
    const value = create(wire.CallAcceptedSchema, { workerId: this.#deps.workerId, ...this.#reserve() });
    this.#call.toRouter({ case: 'accepted', value });
  }

  /** The caller wants no more of it. */
  cancel(): void {
    this.#abort.abort(abortReasons.cancelled);
  }

  start(untilMs: number): void {
    this.#deps.window.renew(untilMs);
  }

  /** Another attempt is to answer. What the caller already reads goes on. */
  revoke(): void {
    if (!this.#hasContent) this.#abort.abort(abortReasons.revoked);
  }

  commit(): void {
    this.#mayCommit = true;
    this.#whenCommitted?.resolve(true);
    for (const delta of this.#held.splice(0)) this.#send(delta);
  }

  async #callProvider(leftMs: number): Promise<ProviderOutcome> {
    const { hooks, authorizeAgain, onError } = this.#deps;
    const { request } = this.#call;
    try {
      // Where nothing has to be waited for nothing is: what was authorized cannot have changed when the provider is called.
      if (request.payload === undefined && hooks.length === 0 && this.#deps.window.state === 'open') {
        const input = this.#asSeen(request.input);
        return typeof input === 'string' ? failedBefore(input, this.#abort.signal) : await this.#ask(input, leftMs);
      }
      const prepared = await this.#prepared();
      if (!prepared.ok) return { ok: false, usage: undefined, failure: prepared.failure };
      this.#dataClass = prepared.dataClass;
      // The instant until which it may start belongs to the provider's call, not to what is prepared for it.
      if (!(await this.#deps.window.opens())) return notStarted(this.#abort.signal);
      // The documents may have changed meanwhile, and the data may count as more than before.
      const refused = authorizeAgain(prepared.dataClass);
      if (refused) return { ok: false, usage: undefined, failure: forbidden(refused, prepared.dataClass) };
      return await this.#ask(prepared.input, leftMs);
    } catch (error) {
      // A provider that throws has a bug; the task must not pay for it with silence.
      onError('a provider', error);
      return { ok: false, usage: undefined, failure: providerBug };
    }
  }

  async #ask(input: Uint8Array, leftMs: number): Promise<ProviderOutcome> {
    const { maxOutputTokens } = this.#deps;
    const outcome = await this.#heldBack(input, (stream, onDelta) =>
      stream ? this.#run(input, leftMs, true, onDelta) : this.#whole(input, leftMs, onDelta),
    );
    // Content that could not be given on broke the call off; that, and not the abort, is why it ended.
    if (this.#unsound !== undefined) throw this.#unsound;
    return soundOutcome(outcome, { input, maxOutputTokens });
  }

  /** An answer that is to be whole, asked for as a stream where that may be: so its silence is seen. */
  async #whole(input: Uint8Array, leftMs: number, onDelta: (delta: ContentDelta) => void): Promise<ProviderOutcome> {
    const { model, wholeAsStream, nowMs } = this.#deps;
    const startedMs = nowMs();
    const asStream = wholeAsStream.may(model, { inputKind: this.#inputKind, input });
    const pieces: ContentDelta[] = [];
    const keep = (delta: ContentDelta): void => {
      this.#heard();
      pieces.push(delta);
    };
    const outcome = await this.#run(input, leftMs, asStream, asStream ? (delta) => this.#hear(delta, keep) : onDelta);
    wholeAsStream.learn(outcome, asStream, nowMs() - startedMs);
    return gathered(outcome, pieces);
  }

  async #run(
    input: Uint8Array,
    leftMs: number,
    stream: boolean,
    onDelta: (delta: ContentDelta) => void,
  ): Promise<ProviderOutcome> {
    const { connection, maxOutputTokens, model, wholeAsStream } = this.#deps;
    const showsSilence = stream || wholeAsStream.showsSilence(model, { inputKind: this.#inputKind, input });
    const { timeoutMs, isHurried } = this.#silence(leftMs, showsSilence);
    const outcome = await connection.run(
      {
        inputKind: this.#inputKind,
        input,
        ...(this.#attachment && { attachment: this.#attachment }),
        stream,
        maxOutputTokens,
        firstContentTimeoutMs: Math.max(1, Math.floor(timeoutMs)),
        idleTimeoutMs: this.#call.request.idleTimeoutMs || defaultIdleMs,
      },
      onDelta,
      this.#abort.signal,
    );
    return isHurried && isSilence(outcome) ? { ...outcome, failure: hurried } : outcome;
  }

  #silence(leftMs: number, isStreamed: boolean): FirstTokenTimeout {
    const { anotherFollows, firstContentTimeoutMs, isHurried, firstTokenTimeoutMs } = this.#call.request;
    return silenceOf({
      callMethod: this.#deps.model.callMethod,
      isStreamed,
      anotherFollows,
      leftMs,
      firstTokenTimeout: { timeoutMs: firstContentTimeoutMs, isHurried },
      firstTokenMs: firstTokenTimeoutMs,
    });
  }

  /** Fields reach a provider as the chat that their type makes of them. */
  get #inputKind(): string {
    const { inputKind } = this.#call.request;
    return inputKind === fieldsKind ? 'chat' : inputKind;
  }

  /** What it is charged at when nobody sees its end. */
  #reserve(): MessageInitShape<typeof wire.CallAcceptedSchema> {
    const { model } = this.#deps;
    const { inputTokens, facts } = this.#call.request;
    const maxOutputTokens = this.#deps.maxOutputTokens ?? outputBound(model, inputTokens);
    if (maxOutputTokens === undefined || this.#call.request.inputKind !== 'chat') return {};
    const cost = reserveOf(inputTokens, maxOutputTokens, priceAt(model, this.#startedAtMs), facts).nano_usd;
    return {
      reserve: { inputTokens, outputTokens: maxOutputTokens, estimated: true },
      ...(cost !== undefined && { reserveCostNanoUsd: cost }),
    };
  }

  /** Fetches what lies beside the bus, and asks the hooks. */
  async #prepared(): Promise<Prepared> {
    const { hooks, payloads, connection, onError } = this.#deps;
    const { signal } = this.#abort;
    const takesAttachments = connection.takesAttachments ?? false;
    const whole = await wholeInput(this.#call.request, payloads, signal, takesAttachments);
    const input = typeof whole === 'string' ? whole : this.#asSeen(whole.input);
    if (typeof input === 'string') return { ok: false, failure: unusable(input, signal) };
    if (typeof whole !== 'string') this.#attachment = whole.attachment;
    const call = this.#hookedCall(input);
    if (!call) return { ok: true, input, dataClass: this.#dataClass };
    const asked = await this.#unlessAborted(askBefore(hooks, call)).catch((error: unknown): Prepared => {
      if (!signal.aborted) onError('a hook before a call', error);
      return { ok: false, failure: brokenHook };
    });
    return signal.aborted ? { ok: false, failure: failureOf(abortedBy(signal)) } : asked;
  }

  /** With hooks that look at answers, nothing leaves before they have seen it whole. */
  async #heldBack(
    input: Uint8Array,
    run: (stream: boolean, onDelta: (delta: ContentDelta) => void) => Promise<ProviderOutcome>,
  ): Promise<ProviderOutcome> {
    const { hooks, onError } = this.#deps;
    const call = this.#hookedCall(input);
    if (!call || !hooks.some(({ after }) => after))
      return await run(this.#call.request.stream, (delta) => this.#hear(delta));
    const pieces: ContentDelta[] = [];
    const outcome = await run(false, (delta) => pieces.push(delta));
    const whole = gathered(outcome, pieces);
    return await this.#unlessAborted(askAfter(hooks, call, whole)).catch((error: unknown): ProviderOutcome => {
      if (this.#abort.signal.aborted)
        return { ok: false, usage: outcome.usage, failure: failureOf(abortedBy(this.#abort.signal)) };
      onError('a hook after a call', error);
      return { ok: false, usage: outcome.usage, failure: brokenHook };
    });
  }

  #hookedCall(input: Uint8Array): HookedCall | undefined {
    const { facts, model } = this.#deps;
    const { signal } = this.#abort;
    return facts && { facts, model, inputKind: this.#inputKind, input, dataClass: this.#dataClass, signal };
  }

  /** Rejects as soon as the call is aborted: a hook that hangs holds nothing up. */
  #unlessAborted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#abort;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** As this model is to see it; words instead: why it cannot be. */
  #asSeen(whole: Uint8Array): Uint8Array | string {
    const { inputKind } = this.#call.request;
    const wrong = inputKind === 'chat' ? wrongUrlIn(whole) : undefined;
    if (wrong !== undefined) return wrong;
    if (inputKind !== fieldsKind) return this.#styled(whole, inputKind);
    const chat = chatInput(whole, this.#deps.taskType);
    return typeof chat === 'string' ? chat : this.#styled(chat, 'chat');
  }

  #styled(input: Uint8Array, inputKind: string): Uint8Array {
    const styled = styledInput({ input, inputKind }, this.#deps.style);
    this.#style = styled.inWords;
    if (this.#deps.keepContent) this.#said = { input: styled.input, output: '' };
    return styled.input;
  }

  /** Content that cannot be given on ends this call: it must not throw into whatever the provider does besides. */
  #hear(delta: ContentDelta, take = (sound: ContentDelta): void => this.#content(sound)): void {
    if (this.#isEnded || this.#unsound !== undefined) return;
    try {
      // What fits no single message goes on in pieces.
      for (const piece of piecesOf(soundDelta(delta))) take(piece);
    } catch (error) {
      this.#unsound = error instanceof Error ? error : new Error(String(error));
      this.cancel();
    }
  }

  #content(delta: ContentDelta): void {
    const words = wordsOf(delta);
    this.#outputChars += words.length;
    if (this.#said && this.#said.output.length < maxKeptChars) this.#said.output += words;
    this.#heard();
    if (this.#mayCommit) return this.#send(delta);
    this.#held.push(delta);
    void this.#askToCommit();
  }

  #heard(): void {
    if (this.#firstContentAtMs !== undefined) return;
    this.#firstContentAtMs = this.#deps.nowMs();
    this.#deps.onFirstContent();
  }

  #send(delta: ContentDelta): void {
    if (!this.#hasContent) {
      this.#hasContent = true;
      const { model, workerId } = this.#deps;
      const { decisionId } = this.#call.request;
      this.#stream.start(
        create(wire.StartedSchema, { workerId, model: model.slug, modelName: model.name, decisionId }),
      );
      this.#stream.add(delta);
      return this.#call.toRouter({ case: 'hasContent', value: create(wire.CallHasContentSchema) });
    }
    this.#stream.add(delta);
  }

  /** Resolves true once content may flow, false when it must not. */
  #askToCommit(): Promise<boolean> {
    if (this.#mayCommit) return Promise.resolve(true);
    if (this.#abort.signal.aborted) return Promise.resolve(false);
    this.#whenCommitted ??= this.#askUntilTold();
    return this.#whenCommitted.promise;
  }

  #askUntilTold(): PromiseWithResolvers<boolean> {
    const told = Promise.withResolvers<boolean>();
    let asks = 0;
    const ask = (): void => {
      asks += 1;
      // The one that sent the call is gone, and nobody waits for its answer.
      if (asks > maxCommitRequests) return this.revoke();
      this.#call.toRouter({ case: 'readyToCommit', value: create(wire.CallReadyToCommitSchema) });
    };
    this.#abort.signal.addEventListener('abort', () => told.resolve(false), { once: true });
    ask();
    const asking = setInterval(contained(ask), askToCommitEveryMs);
    void told.promise.then(() => clearInterval(asking));
    return told;
  }

  async #finish(outcome: ProviderOutcome): Promise<void> {
    if (outcome.ok) await this.#succeed(outcome);
    else this.#fail(outcome.failure, outcome.usage);
  }

  async #succeed(outcome: Extract<ProviderOutcome, { ok: true }>): Promise<void> {
    if (!(await this.#askToCommit())) return this.#fail(failureOf(abortedBy(this.#abort.signal)), outcome.usage);
    const pieces = outcome.output ? piecesOf(outcome.output) : [];
    // What fits no single message goes as a stream, also to a caller that asked for none: it puts it together.
    if (pieces.length > 1) for (const piece of pieces) this.#send(piece);
    const output = pieces.length === 1 && outcome.output ? deltaToWire(outcome.output) : undefined;
    this.#outputChars += outcome.output ? wordsOf(outcome.output).length : 0;
    const summary = this.#summary('Success', '');
    const record = this.#record(summary, outcome.usage, outcome.finish);
    const { model, modelName, decisionId, usage, costNanoUsd: cost } = record;
    this.#stream.end(
      create(wire.EndSchema, {
        ...(output && { output }),
        finish: outcome.finish,
        ...(usage && { usage }),
        model,
        modelName,
        decisionId,
        attempts: [...this.#call.request.prior, summary],
        ...(cost !== undefined && { costNanoUsd: cost }),
      }),
    );
    this.#ended(summary, true, false, 0);
    this.#deps.record(record);
  }

  #fail(failure: ProviderFailure, usage: Usage | undefined): void {
    const summary = this.#summary(failure.status, failure.message, failure);
    const retryAfterMs = failure.retryAfterMs ?? 0;
    if (this.#hasContent) this.#stream.fail(this.#failureFrame(failure, summary));
    if (failure === tooLate) this.#deps.window.refuse();
    else this.#ended(summary, this.#hasContent, failure.isRetryable, retryAfterMs);
    this.#deps.record(this.#record(summary, usage));
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
    this.#isEnded = true;
    const value = create(wire.CallEndedSchema, { attempt, hadContent, retryable, retryAfterMs });
    this.#end = { case: 'ended', value };
    this.#call.toRouter(this.#end);
  }

  /** An answer in one piece has its first content with its end. */
  #firstContent({ status, durationMs }: wire.AttemptSummary): { readonly firstContentMs?: number } {
    if (this.#firstContentAtMs === undefined) return status === 'Success' ? { firstContentMs: durationMs } : {};
    return { firstContentMs: Math.round(this.#firstContentAtMs - this.#startedAtMs) };
  }

  #durationMs(): number {
    return Math.max(0, Math.round(this.#deps.nowMs() - this.#startedAtMs));
  }

  #summary(status: CallStatus, reason: string, failure?: ProviderFailure): wire.AttemptSummary {
    const { attempt, attemptId } = this.#call.request;
    return create(wire.AttemptSummarySchema, {
      number: attempt,
      attemptId,
      model: this.#deps.model.slug,
      outcome: outcomeOf(status),
      status,
      reason,
      durationMs: this.#durationMs(),
      style: this.#style,
      // Rules have their own words.
      cause: status === 'Policy' ? '' : (failure?.reason ?? ''),
      httpStatus: failure?.httpStatus ?? 0,
      vendorCode: failure?.vendorCode ?? '',
      param: failure?.param ?? '',
    });
  }

  #record(summary: wire.AttemptSummary, usage: Usage | undefined, finish = ''): wire.CallRecord {
    const { request } = this.#call;
    const { model, workerId } = this.#deps;
    const { facts } = request;
    // What it began at is what it costs, also when another hour's price came meanwhile.
    const price = priceAt(model, this.#startedAtMs);
    const cost = usage && costNanoUsd(usage, price);
    return {
      $typeName: 'will.v1.CallRecord',
      attemptId: request.attemptId,
      taskId: request.taskId,
      decisionId: request.decisionId,
      attempt: request.attempt,
      revision: request.revision,
      client: facts?.client ?? '',
      project: facts?.project ?? '',
      reflex: facts?.reflex ?? '',
      taskType: facts?.taskType ?? '',
      priority: facts?.priority ?? wire.Priority.NORMAL,
      dataClass: dataClassToWire(this.#dataClass),
      model: model.slug,
      modelName: model.name,
      modelVersion: model.version ?? '',
      provider: model.provider,
      workerId,
      startedUnixMs: BigInt(Math.round(this.#startedAtMs)),
      durationMs: summary.durationMs,
      ...this.#firstContent(summary),
      outcome: summary.outcome,
      status: summary.status,
      reason: summary.reason,
      httpStatus: summary.httpStatus,
      vendorCode: summary.vendorCode,
      finish,
      ...(usage && { usage: usageToWire(usage) }),
      outputChars: this.#outputChars,
      ...(cost !== undefined && { costNanoUsd: cost }),
      isCostEstimated: isCostEstimated(usage, price),
      ...recordPriceToWire(price),
      streamed: request.stream,
      writtenBy: 'worker',
    };
  }
}

const usageToWire = (usage: Usage): wire.Usage => create(wire.UsageSchema, { ...usage });

/** Another model may well be allowed to see it. */
const forbidden = ({ rule, detail, isRetryable }: Refusal, dataClass: DataClass): ProviderFailure => ({
  ...failureOf('bad_request'),
  status: 'Policy',
  message: `${rule}: ${detail} (the data counts as ${dataClass})`.slice(0, 300),
  isRetryable,
});

/** No other model could do more with such an input. */
const unusable = (detail: string, signal: AbortSignal): ProviderFailure =>
  signal.aborted
    ? failureOf(abortedBy(signal))
    : { ...failureOf('bad_request'), message: `the input cannot be used: ${detail}`, isRetryable: false };

const failedBefore = (detail: string, signal: AbortSignal): ProviderOutcome => ({
  ok: false,
  usage: undefined,
  failure: unusable(detail, signal),
});

const isSilence = (outcome: ProviderOutcome): outcome is Extract<ProviderOutcome, { ok: false }> =>
  !outcome.ok && outcome.failure.reason === 'first_token_timeout';

/** It says nothing of the model: another caller may give it more time. */
const hurried: ProviderFailure = {
  ...failureOf('first_token_timeout'),
  status: 'Deadline',
  message: 'no content within its share of the time that the caller gives',
};

/** Nothing was sent to the provider, and nothing is its fault: the router sends the call again. */
const tooLate: ProviderFailure = {
  ...failureOf('deadline'),
  status: 'Busy',
  message: 'it was not started: its time to start had passed before it was ready',
  isRetryable: true,
};

const notStarted = (signal: AbortSignal): ProviderOutcome => ({
  ok: false,
  usage: undefined,
  failure: signal.aborted ? failureOf(abortedBy(signal)) : tooLate,
});
const providerBug: ProviderFailure = {
  ...failureOf('crashed'),
  message: 'the provider failed in a way that it should not',
};

/** How a stream that had content tells its end; everything else is a stream that was cut. */
const midStreamCodes: Partial<Record<CallStatus, wire.FailureCode>> = {
  Cancelled: wire.FailureCode.CANCELLED,
  Deadline: wire.FailureCode.DEADLINE,
};
