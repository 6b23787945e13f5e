import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4FinishReason } from '@ai-sdk/provider';
import { failureOf, type ProviderFailure, type Usage } from '@will/core';
import {
  abortedBy,
  type ContentDelta,
  estimatedUsage,
  failed,
  type ModelCall,
  type ProviderOutcome,
  spentIn,
} from '../port.ts';
import { finishOf, outputOf, PartReader, usageOf } from './answer.ts';
import type { EgressFetch } from './egress-fetch.ts';
import { failureFrom, failureWithin } from './failure.ts';

/** One call of a vendor's package, to its one outcome. */
export class SdkCall {
  readonly outcome: Promise<ProviderOutcome>;
  readonly #model: LanguageModelV4;
  readonly #network: EgressFetch;
  readonly #call: ModelCall;
  readonly #onDelta: (delta: ContentDelta) => void;
  readonly #signal: AbortSignal;
  readonly #resolve: (outcome: ProviderOutcome) => void;
  readonly #firstContentTimer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#fail(failureOf(abortedBy(this.#signal)));
  #headers: Readonly<Record<string, string>> | undefined;
  #chars = 0;
  #isOver = false;

  constructor(
    model: LanguageModelV4,
    network: EgressFetch,
    options: LanguageModelV4CallOptions,
    call: ModelCall,
    onDelta: (delta: ContentDelta) => void,
    signal: AbortSignal,
  ) {
    this.#model = model;
    this.#network = network;
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
    const work = call.stream ? this.#streamed(options) : this.#whole(options);
    work.catch((error: unknown) =>
      this.#fail(
        failureFrom({
          error,
          failedCode: network.failedCode,
          status: network.status,
          hasContent: this.#chars > 0,
          nowMs: Date.now(),
        }),
      ),
    );
  }

  async #whole(options: LanguageModelV4CallOptions): Promise<void> {
    const { content, finishReason, usage, response } = await this.#model.doGenerate(options);
    this.#headers = response?.headers;
    const output = outputOf(content);
    this.#chars = charsOf(output);
    this.#finish(finishReason, usageOf(usage), output);
  }

  async #streamed(options: LanguageModelV4CallOptions): Promise<void> {
    const { stream, response } = await this.#model.doStream(options);
    this.#headers = response?.headers;
    if (!response?.headers?.['content-type']?.includes('text/event-stream'))
      return this.#fail(failureOf('bad_response', { status: 200 }));
    const reader = new PartReader();
    for await (const part of stream) {
      if (this.#isOver) return;
      if (part.type === 'error') return this.#fail(this.#told(part.error));
      if (part.type === 'finish')
        return this.#finish(part.finishReason, usageOf(part.usage), this.#chars === 0 ? {} : undefined);
      const delta = reader.deltaOf(part);
      if (delta) this.#emit(delta);
    }
    this.#fail(failureOf('truncated'));
  }

  #emit(delta: ContentDelta): void {
    clearTimeout(this.#firstContentTimer);
    this.#chars += charsOf(delta);
    this.#onDelta(delta);
  }

  /** A stream that the connection broke may be reported as an error within it. */
  #told(error: unknown): ProviderFailure {
    const { failedCode, status } = this.#network;
    if (failedCode === undefined) return failureWithin(error);
    return failureFrom({ error, failedCode, status, hasContent: this.#chars > 0, nowMs: Date.now() });
  }

  #finish(reason: LanguageModelV4FinishReason, counted: Usage | undefined, output: ContentDelta | undefined): void {
    const finish = finishOf(reason);
    if (finish === 'truncated' || finish === 'bad_response') return this.#fail(failureOf(finish, { status: 200 }));
    if (this.#chars === 0 && finish === 'content_filter')
      return this.#end(failed(failureOf('content_filter', { status: 200 }), counted));
    const usage = counted ?? estimatedUsage(this.#call.input.length, this.#chars);
    this.#end({ ok: true, finish, usage, output, ...spentIn(this.#headers) });
  }

  #fail(failure: ProviderFailure): void {
    // Tokens that were made are paid for, also when nobody waits for them any more.
    const usage = this.#chars > 0 ? estimatedUsage(this.#call.input.length, this.#chars) : undefined;
    this.#end(failed(failure, usage));
  }

  #end(outcome: ProviderOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#firstContentTimer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (!outcome.ok) this.#network.abort();
    this.#resolve(outcome);
  }
}

const charsOf = ({ text, reasoning, toolCalls }: ContentDelta): number =>
  (text?.length ?? 0) + (reasoning?.length ?? 0) + (toolCalls?.length ?? 0);
