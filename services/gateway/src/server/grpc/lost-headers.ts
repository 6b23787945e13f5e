import type { Http2Server, IncomingHttpHeaders } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { keyHeaders } from '../../auth/keys/guard.ts';

/**
 * Has the guard see every key of a call. Of a header that may stand there once, as `authorization` may, node keeps the
 * first line and drops the others without a word; here they are joined again, as node joins all other headers.
 * The library has no hook before that, so its own servers are listened to.
 */
export function keepDoubledKeys(server: Server): void {
  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  for (const http2 of http2Servers.keys())
    http2.prependListener('stream', (_stream, headers, _flags, rawHeaders) => joinKeys(headers, rawHeaders));
}

function joinKeys(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  for (const name of keyHeaders) {
    const lines = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
    if (lines.length > 1) headers[name] = lines.join(', ');
  }
}

/**
 * Has blanks around a header's value reach us, to be called before the server listens. By itself HTTP/2 drops such a
 * header without a word, and a client that is named with a blank behind it would be served as nobody.
 */
export function keepBlankHeaders(server: Server): void {
  const { commonServerOptions } = server as unknown as {
    readonly commonServerOptions: { strictFieldWhitespaceValidation?: boolean };
  };
  commonServerOptions.strictFieldWhitespaceValidation = false;
}
