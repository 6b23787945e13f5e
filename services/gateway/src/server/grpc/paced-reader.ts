import { contained } from '@will/runtime';
import { status, type ServerWritableStream } from '@grpc/grpc-js';
import { readerStallMs } from '@will/core';
import { GrpcError } from './grpc-error.ts';

/** A reader that lets so much of a stream pile up here is given up. */
const maxPendingBytes = 16 * 1024 * 1024;

/** Messages to one reader of a stream, as bytes, and whether it still takes them. */
export class PacedReader {
  readonly #call: ServerWritableStream<object, object>;
  readonly #serialize: (message: object) => Buffer;
  readonly #givenUp = new AbortController();
  #pendingBytes = 0;
  #stallTimer: NodeJS.Timeout | undefined;
  /** Why it was given up. */
  why: GrpcError | undefined;

  constructor(call: ServerWritableStream<object, object>, serialize: (message: object) => Buffer) {
    this.#call = call;
    this.#serialize = serialize;
    call.on('cancelled', () => this.close());
    call.on('finish', () => this.close());
  }

  /** Aborts when the reader is given up. */
  get givenUp(): AbortSignal {
    return this.#givenUp.signal;
  }

  send(message: object): void {
    if (this.why) return;
    const bytes = this.#serialize(message);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > maxPendingBytes)
      return this.#giveUp(`more than ${maxPendingBytes} bytes waited for the reader`);
    this.#stallTimer ??= this.#watchForStall();
    this.#call.write(bytes, () => this.#taken(bytes.length));
  }

  close(): void {
    clearTimeout(this.#stallTimer);
  }

  #taken(bytes: number): void {
    this.#pendingBytes -= bytes;
    clearTimeout(this.#stallTimer);
    this.#stallTimer = this.#pendingBytes > 0 ? this.#watchForStall() : undefined;
  }

  #watchForStall(): NodeJS.Timeout {
    return setTimeout(
      contained(() => this.#giveUp(`the reader took nothing for ${readerStallMs} ms`)),
      readerStallMs,
    ).unref();
  }

  #giveUp(why: string): void {
    this.close();
    this.why = new GrpcError(status.RESOURCE_EXHAUSTED, why);
    this.#givenUp.abort();
  }
}
