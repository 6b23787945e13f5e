import { contained } from '@will/runtime';
import { classifyHttp, classifyTransport, failureOf, type ProviderFailure, type Usage } from '@will/core';
import type { Egress, EgressListener, EgressRequest } from '../egress/index.ts';
import {
  abortedBy,
  type ContentDelta,
  failed,
  isSuccess,
  type ModelCall,
  type ProviderOutcome,
  spentIn,
} from '../port.ts';
import { type CallSize, chatSize, estimatedUsage, type StatedUsage, usageOf } from '../usage.ts';
import { Answer } from './answer.ts';
import type { Form } from './form.ts';
import { SseReader } from './sse.ts';
import { AnswerError, parseJson, unreadable } from './unreadable.ts';

/** How much of an answer that is no success is looked at. */
const maxErrorBytes = 64 * 1024;
/** An answer that told why it ends may be followed by its usage: so long a silence after it is its end. */
const usageWithinMs = 1_000;

const decoder = new TextDecoder();

/** A request, and how its answer is read. */
export interface ChatRequest {
  readonly request: EgressRequest;
  readonly form: Form;
  /** Who is asked: what is kept of its reasoning is for nobody else. */
  readonly origin: string;
  /** A tool that the vendor was given so that it answers in JSON. */
  readonly jsonTool?: string | undefined;
}

/** One chat, from its dispatch to its one outcome. */
export class ChatCall implements EgressListener {
  readonly outcome: Promise<ProviderOutcome>;
  readonly #call: ModelCall;
  readonly #form: Form;
  readonly #jsonTool: string | undefined;
  readonly #origin: string;
  readonly #onDelta: (delta: ContentDelta) => void;
  readonly #resolve: (outcome: ProviderOutcome) => void;
  readonly #request: { abort(): void };
  readonly #firstContentTimer: NodeJS.Timeout;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#aborted();
  #endTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #sse: SseReader | undefined;
  /** Undefined: nothing of an answer was read yet. */
  #answer: Answer | undefined;
  #isEnding = false;
  #isOver = false;

  constructor(
    egress: Egress,
    { request, form, origin, jsonTool }: ChatRequest,
    call: ModelCall,
    onDelta: (delta: ContentDelta) => void,
    signal: AbortSignal,
  ) {
    this.#call = call;
    this.#form = form;
    this.#jsonTool = jsonTool;
    this.#origin = origin;
    this.#onDelta = onDelta;
    this.#signal = signal;
    const { promise, resolve } = Promise.withResolvers<ProviderOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#firstContentTimer = setTimeout(
      contained(() => this.#fail(failureOf('first_token_timeout'))),
      call.firstContentTimeoutMs,
    );
    signal.addEventListener('abort', this.#onAbort);
    // Headers may come long before the first content: only what comes after that is held to the idle timeout.
    const silentMs = Math.max(call.firstContentTimeoutMs, call.idleTimeoutMs);
    this.#request = egress.send({ ...request, idleTimeoutMs: silentMs, mayLeave: call.mayLeave }, this);
  }

  started(status: number, headers: Readonly<Record<string, string>>): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#bytes += chunk.length;
    this.#idleTimer?.refresh();
    if (isSuccess(this.#status)) this.#answered(chunk);
    else if (this.#bytes <= maxErrorBytes) this.#chunks.push(chunk);
  }

  ended(): void {
    if (this.#isOver) return;
    if (this.#sse) return this.#streamEnded(this.#sse);
    const [first] = this.#chunks;
    const body = decoder.decode(first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks));
    if (isSuccess(this.#status)) this.#read(() => this.#whole(body));
    else this.#fail(classifyHttp({ status: this.#status, headers: this.#headers, body, nowMs: Date.now() }));
  }

  failed(code: string): void {
    if (this.#isOver) return;
    // The answer was whole; what becomes of the connection is the server's own affair.
    if (this.#answer?.hasFinish) return this.#succeed(this.#answer);
    if (code === 'ETOOLARGE') return this.#fail(failureOf('bad_response', { detail: 'answer too large' }));
    this.#fail(
      this.#answer && this.#answer.chars > 0 && !code.includes('TIMEOUT')
        ? failureOf('truncated')
        : classifyTransport(code),
    );
  }

  /** What it is shows in its first byte: what servers say of its type is often not so. */
  #answered(chunk: Buffer): void {
    if (!this.#sse && this.#chunks.length === 0) {
      const first = firstByteOf(chunk);
      if (first === undefined) return;
      if (eventStarts.has(first)) this.#sse = new SseReader((data) => this.#event(data));
    }
    if (this.#sse) this.#streamed(this.#sse, chunk);
    else this.#chunks.push(chunk);
  }

  #whole(body: string): void {
    this.#answer = new Answer(undefined, this.#origin, this.#jsonTool);
    this.#form.whole(parseJson(body), body, this.#answer);
    this.#succeed(this.#answer);
  }

  #streamed(sse: SseReader, chunk: Buffer): void {
    this.#read(() => sse.push(chunk));
    const answer = this.#answer;
    if (this.#isOver || !answer) return;
    answer.flush();
    // The end of the answer is its marker; what a server does with the connection afterwards is its own affair.
    if (answer.isEnded) return this.#succeed(answer);
    if (!answer.hasFinish) return;
    clearTimeout(this.#endTimer);
    this.#endTimer = setTimeout(
      contained(() => this.#fallenSilent(answer)),
      usageWithinMs,
    );
  }

  #streamEnded(sse: SseReader): void {
    this.#isEnding = true;
    this.#read(() => sse.end());
    if (this.#isOver) return;
    const answer = this.#answer;
    if (answer?.isEnded || answer?.hasFinish) this.#succeed(answer);
    else this.#fail(failureOf('truncated'));
  }

  #fallenSilent(answer: Answer): void {
    this.#succeed(answer);
    this.#request.abort();
  }

  #event(data: string): void {
    if (data.trim() === '[DONE]') {
      if (!this.#answer) throw unreadable();
      this.#answer.isEnded = true;
      return;
    }
    const event = parseJson(data);
    // Half an event at the very end is an answer that broke off, not one that cannot be read.
    if (event === undefined && this.#isEnding) return;
    this.#answer ??= new Answer(
      this.#call.stream ? (delta) => this.#emit(delta) : undefined,
      this.#origin,
      this.#jsonTool,
    );
    this.#form.event(event, data, this.#answer);
    if (this.#answer.chars > 0) this.#heard();
  }

  #heard(): void {
    if (this.#idleTimer || this.#isOver) return;
    clearTimeout(this.#firstContentTimer);
    this.#idleTimer = setTimeout(
      contained(() => this.#fail(failureOf('stalled'))),
      this.#call.idleTimeoutMs,
    );
  }

  /** Reads some of the answer. Whatever goes wrong with that is this answer's failure and nobody else's. */
  #read(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#fail(
        error instanceof AnswerError ? error.failure : failureOf('bad_response', { httpStatus: this.#status }),
      );
    }
  }

  #emit(delta: ContentDelta): void {
    if (!this.#isOver) this.#onDelta(delta);
  }

  #succeed(answer: Answer): void {
    this.#read(() => this.#close(answer));
  }

  #close(answer: Answer): void {
    answer.close();
    // Neither content nor a reason why there is none.
    if (answer.chars === 0 && !answer.hasFinish) throw unreadable();
    const finish = answer.finishReason;
    const usage = usageOf(answer.usage, this.#size());
    if (answer.chars === 0 && finish === 'content_filter')
      return this.#end(failed(failureOf('content_filter', { httpStatus: this.#status }), usage));
    const { servedVersion } = answer;
    this.#end({
      ok: true,
      finish,
      usage,
      output: answer.output(),
      ...(servedVersion !== undefined && { servedVersion }),
      ...spentIn(this.#headers),
    });
  }

  #size(): CallSize {
    const { input, maxOutputTokens } = this.#call;
    return chatSize(input, maxOutputTokens, { bytes: this.#bytes, chars: this.#answer?.chars ?? 0 });
  }

  #aborted(): void {
    // The provider reads the input and goes on for a while, and bills that, also when nobody waits for it any more.
    this.#end(failed(failureOf(abortedBy(this.#signal)), this.#usage() ?? estimatedUsage(this.#size())));
  }

  #fail(failure: ProviderFailure): void {
    this.#end(failed(failure, this.#usage()));
  }

  /** Tokens that were made are paid for, also when the answer failed. Undefined: none are known of. */
  #usage(): Usage | undefined {
    const answer = this.#answer;
    if (!answer || (!answer.usage && answer.chars === 0)) return undefined;
    return usageOf(answer.hasFinish ? answer.usage : soFar(answer.usage), this.#size());
  }

  #end(outcome: ProviderOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#firstContentTimer);
    clearTimeout(this.#endTimer);
    clearTimeout(this.#idleTimer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (!outcome.ok) this.#request?.abort();
    this.#resolve(outcome);
  }
}

/** What is stated before the end counts the input; the output is still to come. */
const soFar = (usage: StatedUsage | undefined): StatedUsage | undefined =>
  usage && { ...usage, output: [], reasoning: undefined, audioOutput: undefined, imageOutput: undefined };

/** JSON begins with a bracket; lines of events do not. Blanks and a byte order mark may stand before both. */
const firstByteOf = (bytes: Buffer): number | undefined =>
  bytes.find((byte) => byte > 0x20 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf);

/** Of `data`, `event`, `id`, `retry`, and of a comment. */
const eventStarts: ReadonlySet<number> = new Set(Buffer.from('deir:'));
