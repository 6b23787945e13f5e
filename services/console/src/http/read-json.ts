import type { IncomingMessage } from 'node:http';
import { AdminError } from '../api/errors.ts';

/** As much as one apply takes, with its JSON around it. */
const maxBytes = 2 * 1024 * 1024;

/** The JSON body of a request. @throws {AdminError} 'invalid_request', 'too_large' */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const contentType = request.headers['content-type'] ?? '';
  // Also what keeps a form of another page from posting here.
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json')
    throw new AdminError(
      'invalid_request',
      `content-type ${JSON.stringify(contentType.slice(0, 80))} must be application/json`,
    );
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      bytes += (chunk as Buffer).length;
      if (bytes <= maxBytes) chunks.push(chunk as Buffer);
    }
  } catch {
    throw new AdminError('invalid_request', 'the body ended early');
  }
  if (bytes > maxBytes) throw new AdminError('too_large', `the body of ${bytes} bytes exceeds ${maxBytes}`);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new AdminError('invalid_request', 'the body is not valid JSON');
  }
}
