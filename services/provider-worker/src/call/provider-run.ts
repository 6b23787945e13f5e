import { defaultIdleMs, failureOf, silenceOf, type FirstTokenTimeout } from '@will/core';
import { abortedBy, soundOutcome, type ContentDelta, type ModelCall, type ProviderOutcome } from '@will/providers';
import type { IncomingCall } from '../ports.ts';
import type { CallDeps } from './call-deps.ts';
import { failedBefore, forbidden, hurried, tooLate } from './call-failures.ts';
import type { CallInput } from './call-input.ts';
import type { CallerAnswer } from './caller-answer.ts';
import { gathered } from './whole-as-stream.ts';

type OnDelta = (delta: ContentDelta) => void;

/** One request to the provider: streamed or whole, with the timeouts that show its silence. */
export class ProviderRun {
  readonly #deps: CallDeps;
  readonly #call: IncomingCall;
  readonly #input: CallInput;
  readonly #answer: CallerAnswer;
  readonly #signal: AbortSignal;
  readonly #leftMs: number;

  /** @param leftMs until the task's deadline. */
  constructor(
    deps: CallDeps,
    call: IncomingCall,
    input: CallInput,
    answer: CallerAnswer,
    signal: AbortSignal,
    leftMs: number,
  ) {
    this.#deps = deps;
    this.#call = call;
    this.#input = input;
    this.#answer = answer;
    this.#signal = signal;
    this.#leftMs = leftMs;
  }

  /** Asks for the answer and gives it on. @throws what was thrown where content was given on. */
  async ask(input: Uint8Array): Promise<ProviderOutcome> {
    const { maxOutputTokens } = this.#deps;
    const take: OnDelta = (delta) => this.#answer.take(delta);
    const throughHooks = this.#input.answerHooks(input);
    const outcome = throughHooks
      ? await throughHooks((onDelta) => this.#whole(input, onDelta))
      : await (this.#call.request.stream ? this.#run(input, true, take) : this.#whole(input, take));
    // Content that could not be given on broke the call off; that, and not the abort, is why it ended.
    if (this.#answer.unsound !== undefined) throw this.#answer.unsound;
    return soundOutcome(outcome, { input, maxOutputTokens });
  }

  /** An answer that is to be whole, asked for as a stream where that may be: so its silence is seen. */
  async #whole(input: Uint8Array, onDelta: OnDelta): Promise<ProviderOutcome> {
    const { model, wholeAsStream, nowMs } = this.#deps;
    const startedMs = nowMs();
    const asStream = wholeAsStream.may(model, { inputKind: this.#input.kind, input });
    const pieces: ContentDelta[] = [];
    const outcome = await this.#run(input, asStream, asStream ? this.#answer.gatherInto(pieces) : onDelta);
    wholeAsStream.learn(outcome, asStream, nowMs() - startedMs);
    return gathered(outcome, pieces);
  }

  async #run(input: Uint8Array, stream: boolean, onDelta: OnDelta): Promise<ProviderOutcome> {
    const { connection, maxOutputTokens, model, wholeAsStream } = this.#deps;
    const { kind, attachment } = this.#input;
    const { facts, session } = this.#call.request;
    const showsSilence = stream || wholeAsStream.showsSilence(model, { inputKind: kind, input });
    const { timeoutMs, isHurried } = this.#silence(showsSilence);
    const mayLeave = this.#deps.window.leaving();
    let isTooLate = false;
    const call: { -readonly [K in keyof ModelCall]: ModelCall[K] } = {
      inputKind: kind,
      input,
      stream,
      maxOutputTokens,
      firstContentTimeoutMs: Math.max(1, Math.floor(timeoutMs)),
      idleTimeoutMs: this.#call.request.idleTimeoutMs || defaultIdleMs,
      client: facts?.client ?? '',
      mayLeave: () => {
        isTooLate = !mayLeave();
        return !isTooLate;
      },
    };
    if (attachment) call.attachment = attachment;
    if (session !== '') call.session = session;
    const outcome = await connection.run(call, onDelta, this.#signal, this.#input.takeRead(input));
    if (isTooLate) return (await this.#whyNotAfterAll()) ?? this.#run(input, stream, onDelta);
    return isHurried && isSilence(outcome) ? { ...outcome, failure: hurried } : outcome;
  }

  /** Nothing left: it may leave after all where its router still wants it, and the rules in force by then allow it. */
  async #whyNotAfterAll(): Promise<ProviderOutcome | undefined> {
    const { window, authorizeAgain } = this.#deps;
    if (!(await window.opens()))
      return failedBefore(this.#signal.aborted ? failureOf(abortedBy(this.#signal)) : tooLate);
    const { dataClass } = this.#input;
    const refused = authorizeAgain(dataClass);
    return refused && failedBefore(forbidden(refused, dataClass));
  }

  #silence(isStreamed: boolean): FirstTokenTimeout {
    const { anotherFollows, firstContentTimeoutMs, isHurried, firstTokenTimeoutMs } = this.#call.request;
    return silenceOf({
      callMethod: this.#deps.model.callMethod,
      isStreamed,
      anotherFollows,
      leftMs: this.#leftMs,
      firstTokenTimeout: { timeoutMs: firstContentTimeoutMs, isHurried },
      firstTokenMs: firstTokenTimeoutMs,
    });
  }
}

const isSilence = (outcome: ProviderOutcome): outcome is Extract<ProviderOutcome, { ok: false }> =>
  !outcome.ok && outcome.failure.reason === 'first_token_timeout';
