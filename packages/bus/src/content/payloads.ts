import { createHash } from 'node:crypto';
import { JetStreamApiError, PersistMode, StorageType } from '@nats-io/jetstream';
import { Objm, type ObjectStore } from '@nats-io/obj';
import { create, names, newId, sizes, wire } from '@will/contracts';
import { slugPattern } from '@will/core';
import type { Bus } from '../api.ts';

/** Content could not be put into the bucket, or not be had from it. Branch on `code`. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
  /** `full`: the bucket takes no more for now. `gone`: it is not there. `wrong`: it is not what was named. */
  readonly code: 'too_large' | 'full' | 'gone' | 'wrong' | 'unavailable';
  constructor(code: PayloadError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Content that is too large for a message, on its way beside the bus. */
export interface Payloads {
  /**
   * Puts content into the bucket piece by piece as it comes; nothing is held here but the piece on its way. What was put
   * is gone again when it fails.
   * @throws {PayloadError} 'too_large', 'full', 'unavailable'; what reading the content throws goes on as it is
   */
  put(client: string, content: Uint8Array | ReadableStream<Uint8Array>, field?: string): Promise<wire.PayloadRef>;
  /** The whole content, as long and with the digest that its name says. @throws {PayloadError} 'gone', 'wrong', 'unavailable' */
  get(ref: wire.PayloadRef, signal: AbortSignal): Promise<Uint8Array>;
  /** Nothing happens where it is gone already, or NATS is not connected: then it goes by its age. Never throws. */
  remove(ref: wire.PayloadRef): Promise<void>;
}

const pieceBytes = 128 * 1024;
/** Longer than any task may take; what nobody removed goes then. */
const keptMs = 2 * 3_600_000;
const maxBytes = 1024 ** 3;
/** The server's code for a stream that is full. */
const isFull = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === 10077;

/** The payload bucket. It is made at the first use; one that is there stays as its operator set it. */
export function openPayloads(bus: Bus): Payloads {
  let opened: Promise<ObjectStore> | undefined;
  const bucket = (): Promise<ObjectStore> => {
    opened ??= createBucket(bus).catch((cause: unknown) => {
      opened = undefined;
      throw new PayloadError('unavailable', 'the payload bucket cannot be opened', { cause });
    });
    return opened;
  };
  return {
    async put(client, content, field = '') {
      if (!slugPattern.test(client)) throw new PayloadError('unavailable', 'the client is no slug');
      if (content instanceof Uint8Array && content.length > sizes.payloadBytes) throw tooLarge(content.length);
      const object = `${client}.${newId()}`;
      const store = await bucket();
      const source = new Measured(content instanceof Uint8Array ? piecesOf(content) : content);
      try {
        await store.put({ name: object, options: { max_chunk_size: pieceBytes } }, source.stream);
      } catch (cause) {
        throw source.failure ?? (isFull(cause) ? full(cause) : failed('put', cause));
      }
      return create(wire.PayloadRefSchema, { object, bytes: BigInt(source.bytes), sha256: source.digest(), field });
    },
    async get(ref, signal) {
      const store = await bucket();
      const found = await store.get(ref.object).catch((cause: unknown) => {
        throw failed('had', cause);
      });
      if (!found) throw new PayloadError('gone', 'its payload is not in the bucket any more');
      return await readWhole(found.data, ref, signal);
    },
    async remove({ object }) {
      if (bus.isConnected)
        await bucket()
          .then((store) => store.delete(object))
          .catch(() => {});
    },
  };
}

/** On the disk, and no acknowledgement waits for it: what is lost with the server is lost with the task that it is for. */
async function createBucket(bus: Bus): Promise<ObjectStore> {
  const config = {
    storage: StorageType.File,
    max_bytes: maxBytes,
    ttl: keptMs * 1e6,
    persist_mode: PersistMode.Async,
  };
  return await new Objm(bus.connection).create(names.payloadBucket, config);
}

/** Content on its way into the bucket: counted, digested, and ended with an error where it is too long. */
class Measured {
  readonly stream: ReadableStream<Uint8Array>;
  bytes = 0;
  failure: Error | undefined;
  readonly #hash = createHash('sha256');

  constructor(source: Iterable<Uint8Array> | ReadableStream<Uint8Array>) {
    this.stream = ReadableStream.from(this.#measured(source));
  }

  digest(): Uint8Array {
    return new Uint8Array(this.#hash.digest());
  }

  async *#measured(source: Iterable<Uint8Array> | ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of source) {
        this.bytes += piece.length;
        if (this.bytes > sizes.payloadBytes) throw tooLarge(this.bytes);
        this.#hash.update(piece);
        yield piece;
      }
    } catch (error) {
      this.failure = error as Error;
      throw error;
    }
  }
}

function* piecesOf(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
}

async function readWhole(
  stream: ReadableStream<Uint8Array>,
  { bytes, sha256 }: wire.PayloadRef,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const whole = new Uint8Array(Number(bytes));
  const reader = stream.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  let at = 0;
  // Piece by piece, so that nothing else waits for it.
  const hash = createHash('sha256');
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (at + piece.value.length > whole.length) throw wrong();
      whole.set(piece.value, at);
      hash.update(piece.value);
      at += piece.value.length;
    }
  } catch (cause) {
    stop();
    throw cause instanceof PayloadError ? cause : failed('had', cause);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (at !== whole.length || !hash.digest().equals(sha256)) throw wrong();
  return whole;
}

const tooLarge = (bytes: number): PayloadError =>
  new PayloadError('too_large', `content of ${bytes} bytes or more exceeds the ${sizes.payloadBytes} of one task`);
const full = (cause: unknown): PayloadError =>
  new PayloadError('full', 'the payload bucket is full; what lies there goes with its tasks', { cause });
const wrong = (): PayloadError => new PayloadError('wrong', 'its payload is not what was named');
const failed = (what: 'put' | 'had', cause: unknown): PayloadError =>
  new PayloadError('unavailable', `the payload could not be ${what}`, { cause });
