import type { Readable } from 'node:stream';
import { PayloadError } from '@will/bus';
import { payloadFailure } from '@will/client';
import type { wire } from '@will/contracts';
import { collectYoung } from '@will/runtime';
import { invalid } from '../../../server/http/errors.ts';
import type { CallerPayloads, StatedCaller } from '../../../ports.ts';

/** A file that a task's input is made of: small and held, or in the payload bucket. */
export type TakenFile =
  | { readonly kind: 'held'; readonly content: Buffer }
  | { readonly kind: 'put'; readonly payload: wire.PayloadRef };

/** With base64 and the other fields around it, it still fits a message. */
const maxHeldBytes = 512 * 1024;

/** How much passes before the buffers that it came in are let go of. */
const collectEveryBytes = 4 * 1024 * 1024;

/** The place of a file within a form. */
export interface FilePlace {
  readonly payloads: CallerPayloads;
  readonly caller: StatedCaller;
  readonly taskId: string;
  /** The field of the input that the file becomes. */
  readonly field: string;
}

/** Takes a file as it comes: what is small is held, the rest goes piece by piece into the bucket. @throws {HttpError} */
export async function takeFile(stream: Readable, { payloads, caller, taskId, field }: FilePlace): Promise<TakenFile> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  let bytes = 0;
  while (bytes <= maxHeldBytes) {
    const chunk = await chunks.next();
    if (chunk.done) return held(Buffer.concat(first));
    first.push(chunk.value);
    bytes += chunk.value.length;
  }
  try {
    const content = ReadableStream.from(afterFirst(first, chunks));
    return { kind: 'put', payload: await payloads.put(caller, content, field) };
  } catch (cause) {
    throw cause instanceof PayloadError ? payloadFailure(cause, taskId, cause) : cause;
  }
}

function held(content: Buffer): TakenFile {
  if (content.length === 0) throw invalid('file is missing', 'file');
  return { kind: 'held', content };
}

async function* afterFirst(first: Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array> {
  yield* first.splice(0);
  let sinceCollected = 0;
  for (let chunk = await rest.next(); !chunk.done; chunk = await rest.next()) {
    yield chunk.value;
    sinceCollected += chunk.value.length;
    if (sinceCollected < collectEveryBytes) continue;
    sinceCollected = 0;
    collectYoung();
  }
}
