import {
  classifyHttp,
  classifyTransport,
  failureOf,
  reasonInBody,
  type FinishReason,
  type ProviderFailure,
  type Usage,
} from '@will/core';
import type { Egress, EgressListener, EgressRequest } from '../egress/index.ts';
import {
  abortedBy,
  type ContentDelta,
  estimatedUsage,
  failed,
  type ModelCall,
  type ProviderOutcome,
  spentIn,
} from '../port.ts';
import { SseReader } from './sse.ts';
import { deltaOf, finishOf, usageOf, type WireAnswer } from './wire.ts';

/** How much of an answer that is no success is looked at. */
const longestErrorBytes = 64 * 1024;

/** One chat completion, from its dispatch to its one outcome. */
export class ChatCall implements EgressListener {
  readonly outcome: Promise<ProviderOutcome>;
  readonly #call: ModelCall;
  readonly #onDelta: (delta: ContentDelta) => void;
  readonly #resolve: (outcome: ProviderOutcome) => void;
  readonly #request: { abort(): void };
  readonly #firstContentTimer: NodeJS.Timeout;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#aborted();
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #sse: SseReader | undefined;
  /** Content of the pieces of one read, which leave together. */
  #text = '';
  #reasoning = '';
  #chars = 0;
  #finish: FinishReason | undefined;
  #usage: Usage | undefined;
  #sawMarker = false;
  #isEnding = false;
  #isOver = false;

  constructor(
    egress: Egress,
    request: EgressRequest,
    call: ModelCall,
    onDelta: (delta: ContentDelta) => void,
    signal: AbortSignal,
  ) {
    this.#call = call;
    this.#onDelta = onDelta;
    this.#signal = signal;
    const { promise, resolve } = Promise.withResolvers<ProviderOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#firstContentTimer = setTimeout(
      () => this.#fail(failureOf('first_token_timeout')),
      call.firstContentTimeoutMs,
    );
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#request = egress.send(request, this);
  }

  started(status: number, headers: Readonly<Record<string, string>>): void {
    this.#status = status;
    this.#headers = headers;
    const isStream = status === 200 && (headers['content-type'] ?? '').includes('text/event-stream');
    if (isStream) this.#sse = new SseReader((data) => this.#event(data));
  }

  data(chunk: Buffer): void {
    if (this.#isOver) return;
    if (!this.#sse) return this.#collect(chunk);
    try {
      this.#sse.push(chunk);
    } catch {
      return this.#fail(failureOf('bad_response'));
    }
    this.#flush();
    // The end of the answer is its marker; what a server does with the connection afterwards is its own affair.
    if (this.#sawMarker) this.#finished();
  }

  ended(): void {
    if (this.#isOver) return;
    if (this.#sse) {
      this.#isEnding = true;
      this.#sse.end();
      return this.#finished();
    }
    const body = Buffer.concat(this.#chunks).toString();
    if (this.#status === 200) this.#whole(body);
    else this.#fail(classifyHttp({ status: this.#status, headers: this.#headers, body, nowMs: Date.now() }));
  }

  failed(code: string): void {
    if (code === 'ETOOLARGE') return this.#fail(failureOf('bad_response', { detail: 'answer too large' }));
    this.#fail(
      this.#sse && this.#chars > 0 && !code.includes('TIMEOUT') ? failureOf('truncated') : classifyTransport(code),
    );
  }

  #collect(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#status === 200 || this.#bytes <= longestErrorBytes) this.#chunks.push(chunk);
  }

  #whole(body: string): void {
    const answer = parse(body);
    const choice = answer?.choices?.[0];
    if (!choice?.message) return this.#fail(answer?.error ? errorIn(body) : failureOf('bad_response', { status: 200 }));
    const output = deltaOf(choice.message);
    const finish = finishOf(choice.finish_reason ?? 'stop');
    if (!output && finish === 'content_filter') return this.#fail(failureOf('content_filter', { status: 200 }));
    this.#chars = charsOf(output ?? {});
    const usage = answer?.usage ? usageOf(answer.usage) : estimatedUsage(this.#call.input.length, this.#chars);
    this.#end({ ok: true, finish, usage, output: output ?? {}, ...spentIn(this.#headers) });
  }

  #event(data: string): void {
    if (this.#isOver) return;
    if (data === '[DONE]') {
      this.#sawMarker = true;
      return;
    }
    const answer = parse(data);
    // Half an event at the very end is an answer that broke off, not one that cannot be read.
    if (!answer) return this.#fail(failureOf(this.#isEnding ? 'truncated' : 'bad_response'));
    if (answer.error) return this.#fail(errorIn(data));
    if (answer.usage) this.#usage = usageOf(answer.usage);
    const choice = answer.choices?.[0];
    if (choice?.delta) this.#piece(deltaOf(choice.delta));
    if (choice?.finish_reason) this.#finish = finishOf(choice.finish_reason);
  }

  #piece(delta: ContentDelta | undefined): void {
    if (!delta) return;
    this.#text += delta.text ?? '';
    this.#reasoning += delta.reasoning ?? '';
    if (delta.toolCalls === undefined) return;
    this.#flush();
    this.#emit({ toolCalls: delta.toolCalls });
  }

  #flush(): void {
    if (this.#isOver || (this.#text === '' && this.#reasoning === '')) return;
    const delta = {
      ...(this.#text !== '' && { text: this.#text }),
      ...(this.#reasoning !== '' && { reasoning: this.#reasoning }),
    };
    this.#text = '';
    this.#reasoning = '';
    this.#emit(delta);
  }

  #emit(delta: ContentDelta): void {
    clearTimeout(this.#firstContentTimer);
    this.#chars += charsOf(delta);
    this.#onDelta(delta);
  }

  /** A stream is whole only with its terminal marker and a finish reason. */
  #finished(): void {
    if (this.#isOver) return;
    this.#flush();
    if (!this.#sawMarker || this.#finish === undefined) return this.#fail(failureOf('truncated'));
    if (this.#chars === 0 && this.#finish === 'content_filter')
      return this.#fail(failureOf('content_filter', { status: 200 }));
    const usage = this.#usage ?? estimatedUsage(this.#call.input.length, this.#chars);
    const output = this.#chars === 0 ? {} : undefined;
    this.#end({ ok: true, finish: this.#finish, usage, output, ...spentIn(this.#headers) });
  }

  #aborted(): void {
    // The provider reads the input and goes on for a while, and bills that, also when nobody waits for it any more.
    this.#usage ??= estimatedUsage(this.#call.input.length, this.#chars);
    this.#fail(failureOf(abortedBy(this.#signal)));
  }

  #fail(failure: ProviderFailure): void {
    // Tokens that were made are paid for, also when nobody waits for them any more.
    const usage = this.#usage ?? (this.#chars > 0 ? estimatedUsage(this.#call.input.length, this.#chars) : undefined);
    this.#end(failed(failure, usage));
  }

  #end(outcome: ProviderOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#firstContentTimer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (!outcome.ok) this.#request?.abort();
    this.#resolve(outcome);
  }
}

const charsOf = ({ text, reasoning, toolCalls }: ContentDelta): number =>
  (text?.length ?? 0) + (reasoning?.length ?? 0) + (toolCalls?.length ?? 0);

function parse(json: string): WireAnswer | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as WireAnswer) : undefined;
  } catch {
    return undefined;
  }
}

const errorIn = (body: string): ProviderFailure => failureOf(reasonInBody(body) ?? 'server_error', { status: 200 });
