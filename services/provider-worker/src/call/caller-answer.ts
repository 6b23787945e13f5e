import { create, wire } from '@will/contracts';
import { soundDelta, type ContentDelta } from '@will/providers';
import { contained } from '@will/runtime';
import type { IncomingCall } from '../ports.ts';
import type { CallDeps } from './call-deps.ts';
import { CallerStream } from './caller-stream.ts';
import { piecesOf } from './pieces.ts';

/** A word to the router, or its answer, may be lost with a connection: it is asked so often, and so many times. */
const askToCommitEveryMs = 1_000;
const maxCommitRequests = 30;
/** More is cut off later anyway. */
const maxKeptChars = 300_000;

/** Everything that the model says to its caller. */
export const wordsOf = ({ text = '', refusal = '' }: ContentDelta): string => text + refusal;

/** The call that an answer belongs to, as the answer needs it. */
export interface AnsweredCall {
  readonly signal: AbortSignal;
  /** The caller wants no more of it. */
  cancel(): void;
  /** Nobody will let the answer go. */
  revoke(): void;
}

/** The answer on its way to the caller: held until the router commits the attempt, then streamed. */
export class CallerAnswer {
  readonly stream: CallerStream;
  /** By `performance.now()`; undefined: none came so far. */
  firstContentAtMs: number | undefined;
  /** Some of it went to the caller: no other attempt can answer any more. */
  hasContent = false;
  outputChars = 0;
  /** Thrown where content was given on. */
  unsound: Error | undefined;
  /** Kept only where the client switches it on. */
  said: { readonly input: Uint8Array; output: string } | undefined;
  readonly #deps: CallDeps;
  readonly #call: IncomingCall;
  readonly #owner: AnsweredCall;
  #mayCommit: boolean;
  #whenCommitted: PromiseWithResolvers<boolean> | undefined;
  /** Content that waits for the commit. */
  readonly #held: ContentDelta[] = [];
  #isClosed = false;

  constructor(deps: CallDeps, call: IncomingCall, owner: AnsweredCall) {
    const { taskId, attempt, mayCommit } = call.request;
    this.#deps = deps;
    this.#call = call;
    this.#owner = owner;
    this.#mayCommit = mayCommit;
    this.stream = new CallerStream((frame) => call.toCaller(frame), taskId, attempt);
  }

  /**
   * Takes a piece of the provider's answer. One that cannot be given on ends the call: it must not throw into whatever the
   * provider does besides.
   */
  take(delta: ContentDelta): void {
    this.#takeTo(delta, this.#content);
  }

  /** What takes the pieces of an answer that is to be whole, and leaves them in `pieces`. */
  gatherInto(pieces: ContentDelta[]): (delta: ContentDelta) => void {
    const keep = (piece: ContentDelta): void => {
      this.#noteContent();
      pieces.push(piece);
    };
    return (delta) => this.#takeTo(delta, keep);
  }

  send(delta: ContentDelta): void {
    if (this.hasContent) return this.stream.add(delta);
    this.hasContent = true;
    const { model, workerId } = this.#deps;
    const { decisionId } = this.#call.request;
    this.stream.start(create(wire.StartedSchema, { workerId, model: model.slug, modelName: model.name, decisionId }));
    this.stream.add(delta);
    this.#call.toRouter({ case: 'hasContent', value: create(wire.CallHasContentSchema) });
  }

  /** No other attempt may answer any more: content flows. */
  commit(): void {
    this.#mayCommit = true;
    this.#whenCommitted?.resolve(true);
    for (const delta of this.#held.splice(0)) this.send(delta);
  }

  /** True once content may flow, false when it must not; a promise where the router has to be asked. */
  readyToCommit(): boolean | Promise<boolean> {
    if (this.#mayCommit) return true;
    if (this.#owner.signal.aborted) return false;
    this.#whenCommitted ??= this.#askUntilTold();
    return this.#whenCommitted.promise;
  }

  /** What the provider says from now on is dropped. */
  close(): void {
    this.#isClosed = true;
  }

  #takeTo(delta: ContentDelta, take: (sound: ContentDelta) => void): void {
    if (this.#isClosed || this.unsound !== undefined) return;
    try {
      // What fits no single message goes on in pieces.
      for (const piece of piecesOf(soundDelta(delta))) take(piece);
    } catch (error) {
      this.unsound = error instanceof Error ? error : new Error(String(error));
      this.#owner.cancel();
    }
  }

  readonly #content = (delta: ContentDelta): void => {
    const words = wordsOf(delta);
    this.outputChars += words.length;
    if (this.said && this.said.output.length < maxKeptChars) this.said.output += words;
    this.#noteContent();
    if (this.#mayCommit) return this.send(delta);
    this.#held.push(delta);
    void this.readyToCommit();
  };

  #noteContent(): void {
    this.#deps.onChunk();
    if (this.firstContentAtMs !== undefined) return;
    this.firstContentAtMs = performance.now();
    this.#deps.onFirstContent();
  }

  #askUntilTold(): PromiseWithResolvers<boolean> {
    const told = Promise.withResolvers<boolean>();
    let asks = 0;
    const ask = (): void => {
      asks += 1;
      // The one that sent the call is gone, and nobody waits for its answer.
      if (asks > maxCommitRequests) return this.#owner.revoke();
      this.#call.toRouter({ case: 'readyToCommit', value: create(wire.CallReadyToCommitSchema) });
    };
    this.#owner.signal.addEventListener('abort', () => told.resolve(false), { once: true });
    ask();
    const asking = setInterval(contained(ask), askToCommitEveryMs);
    void told.promise.then(() => clearInterval(asking));
    return told;
  }
}
