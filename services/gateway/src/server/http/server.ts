import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  STATUS_CODES,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { noSpan, openSpan } from '@will/observe';
import { contained, noWebAccess, pathOfTarget, type WebAccess, webRefusals } from '@will/runtime';
import { lastWordsMs, type UnderWay } from '../../admission/under-way.ts';
import type { ServerCertificate } from '../tls.ts';
import { accessTo, httpAccess } from '../../auth/keys/access.ts';
import { type Access, type Guard, openGuard } from '../../auth/keys/guard.ts';
import { errorFormOf } from '../../canonical/text/error-form.ts';
import { answerCors } from './cors.ts';
import { errorBody, HttpError, sendError, toHttpError } from './errors.ts';

/** Answers one request. What it throws becomes the answer. */
export type Handler = (request: IncomingMessage, response: ServerResponse, parameter: string) => void | Promise<void>;

/**
 * Path → method → handler. A `*` that is its last segment, or the last but one, is any; `**` at the end is any number of
 * segments. The handler gets them decoded.
 */
export type Routes = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

/** An HTTP server that serves. */
export interface RunningHttpServer {
  readonly port: number;
  /** From now on each answer ends its connection: its caller opens the next one to a server that stays. */
  leave(): void;
  /** Leaves, takes no new connection, waits for what is in flight at most `drainMs`, then ends it and closes every connection. */
  stop(drainMs: number): Promise<void>;
}

const limits = {
  headersTimeout: 10_000,
  /** A recording of 32 MiB comes in time at 3 Mbit/s. */
  requestTimeout: 120_000,
  /** How often the two above are looked at: their real precision. */
  connectionsCheckingInterval: 2_000,
  /** Longer than callers keep a connection, so that they never write into one that is being closed. */
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
} as const;
const maxRequestsPerSocket = 1_000;
const maxHeaders = 100;

/** One request that was answered, for those who count them. */
export interface AnsweredRequest {
  /** Until the answer was sent whole, or the caller left. */
  readonly seconds: number;
  readonly labels: Readonly<Record<string, string | number>>;
}
/** Told of each request that was answered. */
export type OnAnswered = (request: AnsweredRequest) => void;

/** Address and ports of an HTTP server. */
export interface HttpServerOptions {
  /** Who is let in. Default: everybody, with names of this machine only. */
  readonly guard?: Guard;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Further names of this server, and pages that may call it. Default: none. */
  readonly web?: WebAccess;
  /** Shown to callers. Default: the server speaks no TLS. */
  readonly certificate?: ServerCertificate | undefined;
  readonly onAnswered?: OnAnswered | undefined;
  readonly underWay?: UnderWay;
  /** How long this process's event loop stood still until now, in milliseconds. Default: never. */
  readonly stoodStillMs?: () => number;
}

/** Opens the server. @throws when the port cannot be had; the message says how to mend it. */
export async function startHttpServer(
  port: number,
  routes: Routes,
  onError: (what: string, error: unknown) => void,
  {
    guard = openGuard,
    host = '127.0.0.1',
    web = noWebAccess,
    onAnswered,
    underWay,
    certificate,
    stoodStillMs = () => 0,
  }: HttpServerOptions = {},
): Promise<RunningHttpServer> {
  const leaving = { isBegun: false };
  const table = tableOf(routes);
  const refusalOf = webRefusals(host, web);
  const server = serverOf(certificate, (request, response) => {
    response.shouldKeepAlive &&= !leaving.isBegun;
    const startedMs = performance.now();
    const refusal = refusalOf(request);
    request.url = pathOfTarget(request.url ?? '/');
    const found = routeOf(table, pathOf(request.url));
    const route = found?.route ?? 'unknown';
    const method = knownMethods.has(request.method ?? '') ? (request.method as string) : '_OTHER';
    const span = openSpan(
      `${method} ${route}`,
      'server',
      { 'http.request.method': method, 'http.route': route },
      request.headers,
    );
    // Most servers are neither measured nor traced.
    if (onAnswered || span !== noSpan)
      response.on('close', () => {
        const { statusCode } = response;
        span.set({ 'http.response.status_code': statusCode });
        span.end(statusCode >= 500 ? String(statusCode) : response.writableFinished ? undefined : 'caller_left');
        onAnswered?.({
          seconds: (performance.now() - startedMs) / 1_000,
          labels: { 'http.request.method': method, 'http.route': route, 'http.response.status_code': statusCode },
        });
      });
    span.run(() => {
      if (refusal)
        return sendError(
          response,
          new HttpError(refusal.status, refusal.code, refusal.message),
          errorFormOf(pathOf(request.url ?? '')),
        );
      if (answerCors(request, response, web)) return;
      if (stoodStillMs() < longStandstillMs) return answer(table, found, guard, request, response, onError);
      void hasLeft(request).then((isGone) =>
        isGone ? undefined : answer(table, found, guard, request, response, onError),
      );
    });
  });
  server.maxRequestsPerSocket = maxRequestsPerSocket;
  server.maxHeadersCount = maxHeaders;
  server.on('clientError', refuseConnection);
  await listen(server, port, host);
  const leave = (): void => void (leaving.isBegun = true);
  return {
    port: (server.address() as AddressInfo).port,
    leave,
    stop(drainMs) {
      leave();
      return stop(server, drainMs, underWay);
    },
  };
}

/**
 * Whether the caller of a request left while this process stood still: the request is read before the end of its
 * connection, which takes a turn of the event loop more.
 */
async function hasLeft(request: IncomingMessage): Promise<boolean> {
  for (let turn = 0; turn < turnsUntilEnd && !request.destroyed; turn += 1) await nextTurn();
  return request.destroyed;
}
/** Most callers wait longer than that. */
const longStandstillMs = 500;
const turnsUntilEnd = 3;

function answer(
  table: Table,
  found: Found | undefined,
  guard: Guard,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (what: string, error: unknown) => void,
): void {
  const fail = (thrown: unknown): void => {
    const error = toHttpError(thrown);
    const told = `${request.method} ${pathOf(request.url ?? '').slice(0, 80)}`;
    if (error.status === 500) onError(told, error.cause ?? error);
    answerWith(error, request, response, (failure) => onError(told, failure));
  };
  try {
    const { what, access, handler } = servedBy(table, found, request);
    const parameter = decoded(found?.parameter ?? '');
    const answered = guard.isOpen
      ? handler(request, response, parameter)
      : guard.enter(what, access, request.headersDistinct, () => handler(request, response, parameter));
    answered?.catch(fail);
  } catch (thrown) {
    fail(thrown);
  }
}

function serverOf(certificate: ServerCertificate | undefined, listener: RequestListener): Server {
  if (!certificate) return createServer(limits, listener);
  const server = createTlsServer({ ...limits, ...certificate.current }, listener);
  certificate.onChange((context) => server.setSecureContext(context));
  return server;
}

/** One answer that cannot be written ends its own connection and nothing else. */
function answerWith(
  error: HttpError,
  request: IncomingMessage,
  response: ServerResponse,
  onFailure: (failure: unknown) => void,
): void {
  try {
    sendError(response, error, errorFormOf(pathOf(request.url ?? '')));
  } catch (failure) {
    onFailure(failure);
    response.destroy();
  }
}

const pathOf = (url: string): string => {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
};

const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);

/** A handler, and what the guard is told of it. */
interface Served {
  readonly what: string;
  readonly access: Access;
  readonly handler: Handler;
}
type Table = Readonly<Record<string, Readonly<Record<string, Served>>>>;

const tableOf = (routes: Routes): Table =>
  Object.fromEntries(
    Object.entries(routes).map(([route, methods]) => {
      const served = Object.entries(methods).map(([method, handler]): [string, Served] => {
        const what = `${method} ${route}`;
        return [method, { what, access: accessTo(httpAccess, what), handler }];
      });
      return [route, Object.fromEntries(served)];
    }),
  );

/** The key in the table that a path belongs to, and what stands there for its `*`. */
interface Found {
  readonly route: string;
  readonly parameter: string;
}

function routeOf(table: Table, path: string): Found | undefined {
  if (Object.hasOwn(table, path)) return { route: path, parameter: '' };
  const end = path.lastIndexOf('/');
  const last = `${path.slice(0, end)}/*`;
  if (Object.hasOwn(table, last)) return { route: last, parameter: path.slice(end + 1) };
  const start = path.lastIndexOf('/', end - 1);
  const lastButOne = `${path.slice(0, start)}/*${path.slice(end)}`;
  if (Object.hasOwn(table, lastButOne)) return { route: lastButOne, parameter: path.slice(start + 1, end) };
  return routeAbove(table, path);
}

/** A key that ends with `/**` takes whatever stands below it. */
function routeAbove(table: Table, path: string): Found | undefined {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const route = `${path.slice(0, end)}/**`;
    if (Object.hasOwn(table, route) && end + 1 < path.length) return { route, parameter: path.slice(end + 1) };
  }
  return undefined;
}

function servedBy(table: Table, found: Found | undefined, { method = '', url = '/' }: IncomingMessage): Served {
  const methods = found && table[found.route];
  if (!methods) {
    const known = Object.keys(table).join(', ');
    const path = JSON.stringify(pathOf(url).slice(0, 80));
    throw new HttpError(404, 'unknown_route', `path ${path} must be one of ${known}`);
  }
  const asked = method === 'HEAD' && !methods['HEAD'] ? 'GET' : method;
  const served = Object.hasOwn(methods, asked) ? methods[asked] : undefined;
  if (served) return served;
  const allowed = Object.keys(methods).join(', ');
  throw new HttpError(405, 'method_not_allowed', `method ${method} must be ${allowed}`, {
    headers: ['allow', allowed],
  });
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, 'invalid_request', 'the path is not valid percent-encoding');
  }
}

/** What could not be read as HTTP is answered in the same form as everything else, then closed. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new HttpError(431, 'headers_too_large', `the headers exceed ${limits.maxHeaderSize} bytes`)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new HttpError(408, 'request_timeout', `the request did not come within ${limits.requestTimeout} ms`)
        : new HttpError(400, 'bad_http', 'the request is not valid HTTP');
  const body = errorBody(refusal);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(port, host, error)));
    server.listen(port, host, resolve);
  });
}

function listenError(port: number, host: string, cause: NodeJS.ErrnoException): Error {
  if (cause.code === 'EADDRINUSE')
    return new Error(`port ${port} is taken on ${host}; stop what listens there or set WILL_HTTP_PORT to another`, {
      cause,
    });
  if (cause.code === 'EACCES')
    return new Error(`port ${port} may not be opened by this user; set WILL_HTTP_PORT to one above 1023`, { cause });
  return new Error(`cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`, { cause });
}

async function stop(server: Server, drainMs: number, underWay?: UnderWay): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const ending = setTimeout(
    contained(() => underWay?.endAll()),
    drainMs,
  );
  const breaking = setTimeout(
    contained(() => server.closeAllConnections()),
    drainMs + lastWordsMs,
  );
  await closed;
  clearTimeout(ending);
  clearTimeout(breaking);
}
