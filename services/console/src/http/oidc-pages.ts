import type { IncomingMessage, ServerResponse } from 'node:http';
import { AdminError } from '../api/errors.ts';
import { cookieOf, stateCookieOf, stateIn } from '../sessions/cookie.ts';
import type { SessionGuard } from '../sessions/guard.ts';
import type { OidcSignIn } from '../sessions/oidc.ts';

export interface OidcPagesOptions {
  readonly guard: SessionGuard;
  readonly signIn: OidcSignIn;
  readonly sessionMs: number;
  readonly isSecure: (request: IncomingMessage) => boolean;
}

/**
 * The two addresses of a sign-in by an OpenID provider. They stand outside the API, since a provider's page leads to the
 * second: what admits it is the state that this browser alone keeps.
 */
export class OidcPages {
  readonly #options: OidcPagesOptions;

  constructor(options: OidcPagesOptions) {
    this.#options = options;
  }

  /** @throws {AdminError} */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET') throw new AdminError('method_not_allowed', `method ${request.method} must be GET`);
    if (path === '/oidc/begin') return this.#begin(request, response);
    if (path === '/oidc/callback') return this.#callback(request, response);
    throw new AdminError('not_found', 'a sign-in has /oidc/begin and /oidc/callback');
  }

  async #begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { signIn, isSecure } = this.#options;
    const { url, state } = await signIn.begin();
    redirect(response, url.href, stateCookieOf(state, isSecure(request)));
  }

  async #callback(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { guard, signIn, sessionMs, isSecure } = this.#options;
    const { url = '' } = request;
    const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    const viewer = await signIn.finish(query, stateIn(request.headersDistinct['cookie']));
    const token = guard.beginAs(viewer);
    const cookies = [cookieOf(token, sessionMs, isSecure(request)), stateCookieOf('', isSecure(request))];
    redirect(response, '/', cookies);
  }
}

function redirect(response: ServerResponse, location: string, cookies: string | readonly string[]): void {
  response.writeHead(303, { location, 'set-cookie': cookies as string | string[], 'cache-control': 'no-store' });
  response.end();
}
