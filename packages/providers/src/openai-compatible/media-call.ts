import { classifyHttp, classifyTransport, failureOf, type ProviderFailure } from '@will/core';
import type { Egress, EgressListener } from '../egress/index.ts';
import { abortedBy, failed, isSuccess, type ModelCall, type ProviderOutcome, spentIn } from '../port.ts';
import { mediaSize, usageOf } from '../usage.ts';
import type { MediaAnswer, MediaRequest } from './media-request.ts';

/** One call whose answer is read whole, from its dispatch to its one outcome. */
export class MediaCall implements EgressListener {
  readonly outcome: Promise<ProviderOutcome>;
  readonly #media: MediaRequest;
  readonly #signal: AbortSignal;
  readonly #resolve: (outcome: ProviderOutcome) => void;
  readonly #onAbort = (): void => this.#fail(failureOf(abortedBy(this.#signal)));
  readonly #request: { abort(): void };
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #isOver = false;

  constructor(
    egress: Egress,
    { path, headers }: { readonly path: string; readonly headers: Readonly<Record<string, string>> },
    media: MediaRequest,
    call: ModelCall,
    signal: AbortSignal,
  ) {
    this.#media = media;
    this.#signal = signal;
    const { promise, resolve } = Promise.withResolvers<ProviderOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    signal.addEventListener('abort', this.#onAbort);
    this.#request = egress.send(
      {
        method: 'POST',
        path,
        headers,
        body: media.body,
        headersTimeoutMs: call.firstContentTimeoutMs,
        idleTimeoutMs: call.idleTimeoutMs,
        mayLeave: call.mayLeave,
      },
      this,
    );
  }

  started(status: number, headers: Readonly<Record<string, string>>): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(chunk: Buffer): void {
    if (!this.#isOver) this.#chunks.push(chunk);
  }

  ended(): void {
    if (this.#isOver) return;
    const body = Buffer.concat(this.#chunks);
    if (!isSuccess(this.#status))
      return this.#fail(
        classifyHttp({ status: this.#status, headers: this.#headers, body: body.toString(), nowMs: Date.now() }),
      );
    const answer = this.#read(body);
    if (!answer) return this.#fail(failureOf('bad_response', { httpStatus: this.#status }));
    const { content, images, outputChars = 0 } = answer;
    const size = mediaSize(this.#media, { bytes: body.length, chars: outputChars });
    const usage = { ...usageOf(answer.usage, size), ...(images !== undefined && { images }) };
    this.#end({ ok: true, finish: 'stop', usage, output: content, ...spentIn(this.#headers) });
  }

  /** Whatever an answer makes go wrong is this call's failure and nobody else's. */
  #read(body: Buffer): MediaAnswer | undefined {
    try {
      return this.#media.read(body, (this.#headers['content-type'] ?? '').toLowerCase());
    } catch {
      return undefined;
    }
  }

  failed(code: string): void {
    if (code === 'ETOOLARGE') return this.#fail(failureOf('bad_response', { detail: 'answer too large' }));
    this.#fail(classifyTransport(code));
  }

  #fail(failure: ProviderFailure): void {
    this.#end(failed(failure));
  }

  #end(outcome: ProviderOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (!outcome.ok) this.#request?.abort();
    this.#resolve(outcome);
  }
}
