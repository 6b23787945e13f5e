import { failureOf, fieldsKind, passThroughOf, type DataClass } from '@will/core';
import type { HookedCall } from '@will/extension';
import { abortedBy, parseJson, type ContentDelta, type ProviderOutcome } from '@will/providers';
import type { IncomingCall } from '../ports.ts';
import type { CallDeps } from './call-deps.ts';
import { unusable } from './call-failures.ts';
import { wrongUrlIn } from './content-urls.ts';
import { chatInput } from './fields-input.ts';
import { askAfter, askBefore, brokenHook, type Prepared } from './hooked-call.ts';
import { unheardIn } from './stated-in-chat.ts';
import { styledInput } from './styled-input.ts';
import { gathered } from './whole-as-stream.ts';
import { wholeInput, type WholeInput } from './whole-input.ts';

/** The input of one call as its model is to see it: fetched whole, made a chat, styled, and shown to hooks. */
export class CallInput {
  /** The style that was applied, in words; '': none. */
  style = '';
  attachment: WholeInput['attachment'];
  /** Hooks may raise it. */
  dataClass: DataClass;
  readonly #deps: CallDeps;
  readonly #call: IncomingCall;
  readonly #signal: AbortSignal;
  readonly #onStyled: (input: Uint8Array) => void;
  /** A chat, and what was read of it. */
  #read: { readonly input: Uint8Array; readonly chat: unknown } | undefined;

  /** @param onStyled told of the input that the model sees, before hooks see it. */
  constructor(deps: CallDeps, call: IncomingCall, signal: AbortSignal, onStyled: (input: Uint8Array) => void) {
    this.#deps = deps;
    this.#call = call;
    this.#signal = signal;
    this.#onStyled = onStyled;
    this.dataClass = call.dataClass;
  }

  /** Fields reach a provider as the chat that their type makes of them. */
  get kind(): string {
    const { inputKind } = this.#call.request;
    return inputKind === fieldsKind ? 'chat' : inputKind;
  }

  /** As this model is to see it; words instead: why it cannot be. */
  asSeen(whole: Uint8Array): Uint8Array | string {
    const { inputKind } = this.#call.request;
    const wrong = inputKind === 'chat' ? this.#wrongIn(this.#chatIn(whole)) : undefined;
    if (wrong !== undefined) return wrong;
    if (inputKind !== fieldsKind) return this.#styled(whole, inputKind);
    const chat = chatInput(whole, this.#deps.taskType);
    return typeof chat === 'string' ? chat : this.#styled(chat, 'chat');
  }

  /** What was read of an input before, for the provider; undefined: nothing. Once: it need not lie here while it answers. */
  takeRead(input: Uint8Array): unknown {
    const read = this.#read;
    this.#read = undefined;
    return read?.input === input ? read.chat : undefined;
  }

  /** Fetches what lies beside the bus, and asks the hooks. */
  async prepared(): Promise<Prepared> {
    const { hooks, payloads, connection, onError } = this.#deps;
    const signal = this.#signal;
    const takesAttachments = connection.takesAttachments ?? false;
    const whole = await wholeInput(this.#call.request, payloads, signal, takesAttachments);
    const input = typeof whole === 'string' ? whole : this.asSeen(whole.input);
    if (typeof input === 'string') return { ok: false, failure: unusable(input, signal) };
    if (typeof whole !== 'string') this.attachment = whole.attachment;
    const call = this.#hookedCall(input);
    if (!call) return { ok: true, input, dataClass: this.dataClass };
    const asked = await unlessAborted(askBefore(hooks, call), signal).catch((error: unknown): Prepared => {
      if (!signal.aborted) onError('a hook before a call', error);
      return { ok: false, failure: brokenHook };
    });
    return signal.aborted ? { ok: false, failure: failureOf(abortedBy(signal)) } : asked;
  }

  /** With hooks that look at answers, nothing leaves before they have seen it whole. Absent: there are none. */
  answerHooks(input: Uint8Array): ((run: WholeRun) => Promise<ProviderOutcome>) | undefined {
    const { hooks } = this.#deps;
    const call = this.#hookedCall(input);
    return call && hooks.some(({ after }) => after) ? (run) => this.#heldBack(call, run) : undefined;
  }

  async #heldBack(call: HookedCall, run: WholeRun): Promise<ProviderOutcome> {
    const { hooks, onError } = this.#deps;
    const pieces: ContentDelta[] = [];
    const outcome = await run((delta) => pieces.push(delta));
    const asked = askAfter(hooks, call, gathered(outcome, pieces));
    return await unlessAborted(asked, this.#signal).catch((error: unknown): ProviderOutcome => {
      if (this.#signal.aborted) return { ok: false, usage: outcome.usage, failure: failureOf(abortedBy(this.#signal)) };
      onError('a hook after a call', error);
      return { ok: false, usage: outcome.usage, failure: brokenHook };
    });
  }

  #chatIn(input: Uint8Array): unknown {
    const chat = parseJson(input);
    if (chat === undefined) return readLeniently(input);
    // What a hook is shown it may change.
    if (this.#deps.hooks.length === 0) this.#read = { input, chat };
    return chat;
  }

  #wrongIn(chat: unknown): string | undefined {
    return unheardIn(chat, passThroughOf(this.#deps.model.document)) ?? wrongUrlIn(chat);
  }

  #styled(input: Uint8Array, inputKind: string): Uint8Array {
    const styled = styledInput({ input, inputKind }, this.#deps.style);
    this.style = styled.inWords;
    this.#onStyled(styled.input);
    return styled.input;
  }

  #hookedCall(input: Uint8Array): HookedCall | undefined {
    const { facts, model } = this.#deps;
    return facts && { facts, model, inputKind: this.kind, input, dataClass: this.dataClass, signal: this.#signal };
  }
}

/** Of bytes that are no text, which the provider's package refuses. */
function readLeniently(chat: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(chat.buffer, chat.byteOffset, chat.byteLength).toString());
  } catch {
    // What is no JSON is for the provider's package to refuse.
    return undefined;
  }
}

/** Asks the provider for a whole answer. */
type WholeRun = (onDelta: (delta: ContentDelta) => void) => Promise<ProviderOutcome>;

/** Rejects as soon as the call is aborted: a hook that hangs holds nothing up. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new Error('aborted'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
