import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAllowedOrigin, type WebAccess } from '@will/runtime';

const secondsOfMemory = '600';
const methods = 'GET, HEAD, POST, DELETE';
/** What a page may read of an answer beside its body. */
const exposed = [
  'x-will-task-id',
  'x-will-decision-id',
  'x-will-decision',
  'x-will-model',
  'x-will-ignored',
  'deprecation',
  'sunset',
  'link',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
].join(', ');

/**
 * Lets a page of an origin that the settings name read the answer; says nothing to any other. True: the request was a
 * browser's question whether it may call, and is answered.
 */
export function answerCors(request: IncomingMessage, response: ServerResponse, web: WebAccess): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !isAllowedOrigin(origin, web)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'origin');
  const method = request.headers['access-control-request-method'];
  if (request.method !== 'OPTIONS' || method === undefined) {
    response.setHeader('access-control-expose-headers', exposed);
    return false;
  }
  const headers = request.headers['access-control-request-headers'];
  response.setHeader('access-control-allow-methods', methods);
  // The key decides on the call itself: which headers come with it is of no matter.
  if (headers !== undefined) response.setHeader('access-control-allow-headers', headers);
  response.setHeader('access-control-max-age', secondsOfMemory);
  response.writeHead(204);
  response.end();
  return true;
}
