import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sizes } from '@will/contracts';
import type { Admission } from '../../admission/admission.ts';
import { HttpError, invalid, tooMany } from './errors.ts';

/** The size of a body that is held whole: above the size of a message it goes through the payload bucket. */
export const maxBodyBytes = sizes.bodyBytes;

const tooLarge = (): HttpError => new HttpError(413, 'too_large', `the body exceeds ${maxBodyBytes} bytes`);

/** Bounds of a body. */
export interface BodyOptions {
  /** How many bodies above the size of a message may be held at once; one more is answered 429. */
  readonly largeBodies: Admission;
}

/** The whole JSON body as bytes, not parsed. @throws {HttpError} 400, 413, 415, 429 */
export function readJsonBody(
  request: IncomingMessage,
  response: ServerResponse,
  { largeBodies }: BodyOptions,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    checkContentType(request, 'application/json');
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
    const take = (body: Buffer): void => {
      if (body.length === 0) reject(invalid('the body is empty; a JSON object was expected'));
      else if (!isUtf8(body)) reject(invalid('the body is not valid UTF-8'));
      else resolve(body);
    };
    readBytes(request, response, largeBodies, take, reject);
  });
}

/** @throws {HttpError} 415 */
export function checkContentType({ headers }: IncomingMessage, wanted: string): void {
  const contentType = headers['content-type'] ?? '';
  const named = contentType.split(';', 1)[0]?.trim().toLowerCase();
  // Also what keeps a web page of another origin from posting here without asking first.
  if (named !== wanted)
    throw new HttpError(
      415,
      'unsupported_media_type',
      `content-type ${JSON.stringify(contentType.slice(0, 80))} must be ${wanted}`,
    );
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new HttpError(
      415,
      'unsupported_encoding',
      `content-encoding ${JSON.stringify(encoding.slice(0, 80))} must be identity: bodies are not unpacked`,
    );
}

function readBytes(
  request: IncomingMessage,
  response: ServerResponse,
  largeBodies: Admission,
  take: (body: Buffer) => void,
  reject: (error: HttpError) => void,
): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let isLarge = false;
  let isRefused = false;
  // The rest is read and dropped, not left lying: else the connection is reset before the caller has its answer.
  const refuse = (error: HttpError): void => {
    isRefused = true;
    chunks = [];
    reject(error);
  };
  request.on('data', (chunk: Buffer) => {
    if (isRefused) return;
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return refuse(tooLarge());
    if (bytes > sizes.inputBytes && !isLarge) {
      if (!admitLarge(response, largeBodies)) return refuse(tooManyLarge(largeBodies));
      isLarge = true;
    }
    // Most bodies come in one.
    if (chunks.length === 0) chunks = [chunk];
    else chunks.push(chunk);
  });
  request.on('end', () => {
    if (!isRefused) take(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes));
  });
  // A caller that leaves within its body is no failure of ours: nobody listens for one.
  request.on('close', () => {
    if (!request.readableEnded) reject(invalid('the body ended early'));
  });
}

/** Whether there is room for one more; until its answer is sent, it takes it. */
function admitLarge(response: ServerResponse, largeBodies: Admission): boolean {
  if (!largeBodies.enter()) return false;
  response.once('close', () => largeBodies.leave());
  return true;
}

const tooManyLarge = (largeBodies: Admission): HttpError =>
  tooMany(
    `${largeBodies.most} bodies above ${sizes.inputBytes} bytes are held here already`,
    largeBodies.retryAfterMs(),
  );
