import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { contained, pathOfTarget, type WebAccess, webRefusal } from '@will/runtime';
import { AdminError, toAdminError } from '../api/errors.ts';
import type { Api } from './api.ts';
import { securityHeaders } from './headers.ts';
import type { OidcPages } from './oidc-pages.ts';
import type { Pages } from './pages.ts';

const limits = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
} as const;

export interface ServerOptions {
  readonly port: number;
  readonly host: string;
  readonly web: WebAccess;
  readonly api: Api;
  readonly pages: Pages;
  /** Undefined: nobody signs in by a provider. */
  readonly oidc?: OidcPages | undefined;
  readonly onError: (what: string, error: unknown) => void;
}

export interface AdminServer {
  readonly port: number;
  /** Takes nothing new, ends streams, waits for other answers at most `drainMs`. */
  stop(drainMs: number): Promise<void>;
}

/** Opens the listener. @throws when the port cannot be had; the message says how to mend it. */
export async function openServer({ port, host, web, api, pages, oidc, onError }: ServerOptions): Promise<AdminServer> {
  const server = createServer(limits, (request, response) => {
    response.setHeaders(new Map(Object.entries(securityHeaders)));
    request.url = pathOfTarget(request.url ?? '/');
    void answer(request, response).catch((error: unknown) => {
      onError(`${request.method} ${pathIn(request).slice(0, 80)}`, error);
      response.destroy();
    });
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      mustBeAllowed(request, host, web);
      const path = pathIn(request);
      if (path === '/admin' || path.startsWith('/admin/')) await api.answer(path, request, response);
      else if (oidc && path.startsWith('/oidc/')) await oidc.answer(path, request, response);
      else pages.answer(path, request, response);
    } catch (thrown) {
      const error = toAdminError(thrown);
      if (error.code === 'internal') onError(`${request.method} ${pathIn(request).slice(0, 80)}`, error.cause);
      sendError(response, error);
    }
  };
  await listen(server, port, host);
  return { port: (server.address() as AddressInfo).port, stop: (drainMs) => stop(server, api, drainMs) };
}

/** A page of our own names this host as its origin; every other page is refused, also one of another port. */
function mustBeAllowed(request: IncomingMessage, host: string, web: WebAccess): void {
  const [own = ''] = request.headersDistinct['host'] ?? [];
  const isOpening = isNavigation(request) && !pathIn(request).startsWith('/admin');
  // A link elsewhere may open the console: it shows nothing before its own page asks.
  const { origin, 'sec-fetch-site': site, ...rest } = request.headersDistinct;
  const headersDistinct = isOpening
    ? rest
    : { ...rest, ...(origin && { origin }), ...(site && { 'sec-fetch-site': site }) };
  const origins = [...web.origins, `http://${own}`, `https://${own}`];
  const refusal = webRefusal({ url: request.url, headersDistinct }, host, { hosts: web.hosts, origins });
  if (refusal) throw new AdminError(refusal.code, refusal.message);
}

const isNavigation = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';

const pathIn = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/';

function sendError(response: ServerResponse, error: AdminError): void {
  if (response.headersSent) return void response.destroy();
  const { code, message, param, status } = error;
  const body = JSON.stringify({ error: { code, message, ...(param !== undefined && { param }) } });
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new Error(
          cause.code === 'EADDRINUSE'
            ? `port ${port} is taken on ${host}; stop what listens there or set WILL_ADMIN_PORT to another, or to off`
            : `cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`,
          { cause },
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
}

async function stop(server: Server, api: Api, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  api.endStreams();
  server.closeIdleConnections();
  const breaking = setTimeout(
    contained(() => server.closeAllConnections()),
    drainMs,
  );
  await closed;
  clearTimeout(breaking);
}
