import { contained } from '@will/runtime';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyRole } from '@will/contracts';
import type { z } from 'zod';
import { AdminError } from '../api/errors.ts';
import { withSlugs } from '../api/names.ts';
import { openApiDocument } from '../api/openapi.ts';
import { roles, Streamed } from '../api/route.ts';
import { toApi } from '../api/shown.ts';
import { adminRoutes, routesAt } from '../api/table.ts';
import type { ConsoleBackends } from '../backends.ts';
import { cookieOf } from '../sessions/cookie.ts';
import type { SessionGuard } from '../sessions/guard.ts';
import type { Viewer } from '../viewer.ts';
import { readJson } from './read-json.ts';

export interface ApiOptions {
  readonly guard: SessionGuard;
  readonly backends: ConsoleBackends;
  readonly sessionMs: number;
  /** Whether the sign-in page offers an OpenID provider. */
  readonly hasOidc?: boolean;
  /** Whether viewers come by TLS, so that a cookie may be for TLS alone. */
  readonly isSecure: (request: IncomingMessage) => boolean;
  /** A change was made, for the audit log. */
  readonly onChange: (viewer: Viewer, what: string) => void;
}

const sessionPath = '/admin/v1/session';
const openApiPath = '/admin/v1/openapi.json';
/** How soon a stream ends whose key was revoked or expired. */
const recheckMs = 1_000;
/** A viewer that reads slower than this much waits is sent away; it reconnects by itself. */
const maxUnreadBytes = 1024 * 1024;

/** Dispatches requests of the admin API: finds the route, lets the viewer in, checks what was asked, sends the answer. */
export class Api {
  readonly #options: ApiOptions;
  readonly #openApi = openApiDocument(adminRoutes);
  readonly #streams = new Set<AbortController>();

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** @throws {AdminError} */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === sessionPath) return this.#session(request, response);
    const found = routesAt(path);
    if (found.length === 0 && path !== openApiPath)
      throw new AdminError('not_found', `path ${JSON.stringify(path.slice(0, 80))} is none of ${openApiPath}`);
    if (path === openApiPath) {
      this.#enter(`GET ${path}`, roles.everyone, request);
      return sendJson(response, this.#openApi);
    }
    const asked = found.find(({ route }) => route.method === request.method);
    if (!asked) {
      const allowed = found.map(({ route }) => route.method).join(', ');
      response.setHeader('allow', allowed);
      throw new AdminError('method_not_allowed', `method ${request.method} must be ${allowed}`);
    }
    const { route, parameters } = asked;
    const what = `${route.method} ${route.path}`;
    const viewer = this.#enter(what, route.access, request);
    const { backends } = this.#options;
    const query = withSlugs(checked(route.query, queryOf(request), 'query'), backends.snapshot, viewer);
    const body = route.body ? checked(route.body, await readJson(request), 'body') : undefined;
    const answer = await route.answer({ query, body, parameters, viewer } as never, backends);
    if (route.isNoted) this.#options.onChange(viewer, what);
    if (answer instanceof Streamed) await this.#stream(answer, viewer, response);
    else sendJson(response, toApi(answer));
  }

  /** Ends every stream, so that the server can stop. */
  endStreams(): void {
    for (const stream of this.#streams) stream.abort();
  }

  #enter(what: string, access: readonly KeyRole[], request: IncomingMessage): Viewer {
    return this.#options.guard.enter(what, access, request.headersDistinct);
  }

  /** Who looks; a key for a session; the end of a session. */
  async #session(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { guard, sessionMs, isSecure, hasOidc = false } = this.#options;
    const what = `${request.method} ${sessionPath}`;
    if (request.method === 'GET') {
      const viewer = this.#viewerOf(what, request);
      return sendJson(
        response,
        viewer ? shownViewer(viewer, guard) : { role: null, are_keys_required: true, has_oidc: hasOidc },
      );
    }
    if (request.method === 'DELETE') {
      guard.end(request.headersDistinct);
      response.setHeader('set-cookie', cookieOf('', 0, isSecure(request)));
      return sendJson(response, {});
    }
    if (request.method !== 'POST') throw new AdminError('method_not_allowed', 'method must be GET, POST, DELETE');
    const { key } = ((await readJson(request)) ?? {}) as { readonly key?: unknown };
    if (typeof key !== 'string') throw new AdminError('invalid_request', 'key must be a text', { param: 'key' });
    const { token, viewer } = guard.begin(key.trim(), what);
    response.setHeader('set-cookie', cookieOf(token, sessionMs, isSecure(request)));
    sendJson(response, shownViewer(viewer, guard));
  }

  /** Undefined: nobody has signed in, which a page may ask without an error. @throws {AdminError} a key that is shown is wrong */
  #viewerOf(what: string, request: IncomingMessage): Viewer | undefined {
    try {
      return this.#enter(what, roles.everyone, request);
    } catch (error) {
      const isSignedOut = error instanceof AdminError && error.code === 'unauthenticated';
      if (isSignedOut && request.headers.authorization === undefined) return undefined;
      throw error;
    }
  }

  async #stream({ contentType, send }: Streamed, viewer: Viewer, response: ServerResponse): Promise<void> {
    const ending = new AbortController();
    this.#streams.add(ending);
    response.once('close', () => ending.abort());
    const rechecking = setInterval(
      contained(() => {
        if (!this.#options.guard.isStillIn(viewer)) ending.abort();
      }),
      recheckMs,
    );
    response.writeHead(200, { 'content-type': `${contentType}; charset=utf-8`, 'cache-control': 'no-store' });
    const write = (text: string): Promise<void> => {
      if (response.destroyed || ending.signal.aborted) return Promise.resolve();
      if (response.writableLength > maxUnreadBytes) ending.abort();
      return new Promise((resolve) => response.write(text, () => resolve()));
    };
    try {
      await send(write, ending.signal);
      response.end();
    } finally {
      clearInterval(rechecking);
      this.#streams.delete(ending);
    }
  }
}

const shownViewer = ({ role, client, projects, keyId }: Viewer, { areKeysRequired }: SessionGuard): unknown =>
  toApi({ role, client, projects, keyId, areKeysRequired });

/** Of two values of one name the request is refused, since readers would differ on which one counts. */
function queryOf({ url = '/' }: IncomingMessage): Readonly<Record<string, string>> {
  const start = url.indexOf('?');
  const pairs = [...new URLSearchParams(start === -1 ? '' : url.slice(start + 1))].filter(([, value]) => value !== '');
  const names = pairs.map(([name]) => name);
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  if (doubled !== undefined)
    throw new AdminError('invalid_request', `${doubled.slice(0, 40)} is given more than once`, { param: doubled });
  return Object.fromEntries(pairs);
}

/** @throws {AdminError} names the first field that is wrong, also one that nobody knows */
function checked(schema: z.ZodType | undefined, value: unknown, place: string): object {
  if (!schema) {
    const [unknown] = Object.keys((value ?? {}) as object);
    if (unknown !== undefined)
      throw new AdminError('invalid_request', `${place}: ${unknown.slice(0, 40)} is not known here`, {
        param: unknown,
      });
    return {};
  }
  const strict = 'strict' in schema ? (schema as z.ZodObject).strict() : schema;
  const parsed = strict.safeParse(value);
  if (parsed.success) return parsed.data as object;
  const [issue] = parsed.error.issues;
  const param = issue?.path.join('.') ?? '';
  throw new AdminError(
    'invalid_request',
    `${place}${param === '' ? '' : `.${param}`}: ${issue?.message ?? 'is wrong'}`,
    {
      ...(param !== '' && { param }),
    },
  );
}

function sendJson(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  response.end(body);
}
