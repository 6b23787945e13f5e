import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { sizes } from '@will/contracts';
import { HttpError, invalid } from './errors.ts';

/** What a body may weigh: the same as a task's input on the bus. */
export const maxBodyBytes = sizes.inputBytes;

const tooLarge = (): HttpError => new HttpError(413, 'too_large', `the body exceeds ${maxBodyBytes} bytes`);

/** The whole JSON body as bytes, not parsed. @throws {HttpError} 400, 413, 415 */
export async function readJsonBody(request: IncomingMessage): Promise<Buffer> {
  return readBody(request, 'application/json');
}

/** The whole body of one content type as bytes, not parsed. @throws {HttpError} 400, 413, 415 */
export async function readBody(
  request: IncomingMessage,
  contentType: 'application/json' | 'multipart/form-data',
): Promise<Buffer> {
  checkHeaders(request, contentType);
  const body = await readBytes(request);
  const isJson = contentType === 'application/json';
  if (body.length === 0) throw invalid(`the body is empty; ${isJson ? 'a JSON object' : contentType} was expected`);
  if (isJson && !isUtf8(body)) throw invalid('the body is not valid UTF-8');
  return body;
}

function checkHeaders({ headers }: IncomingMessage, wanted: string): void {
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
  if (Number(headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) return void chunks.push(chunk);
      // The rest is read and dropped, not left lying: else the connection is reset before the caller has its answer.
      chunks.length = 0;
      reject(tooLarge());
    });
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes)));
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(invalid('the body ended early'));
    });
  });
}
