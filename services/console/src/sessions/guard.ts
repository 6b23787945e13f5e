import { endOfKey, type FindKey, identityOf, recognise } from '@will/bus';
import type { KeyRole } from '@will/contracts';
import { AdminError } from '../api/errors.ts';
import { localOwner, type Viewer } from '../viewer.ts';
import { tokenIn } from './cookie.ts';
import type { ConsoleSessions } from './sessions.ts';

/** A refusal, for the audit log. Never a key or token. */
export interface SessionRefused {
  readonly keyId: string;
  readonly what: string;
  readonly why: string;
}

export interface SessionGuardOptions {
  /** False: everybody on this machine is an owner. */
  readonly areKeysRequired: boolean;
  readonly sessions: ConsoleSessions;
  readonly findKey: FindKey;
  /** Whether a document describes the client; undefined while the documents are not known: nobody is let in then. */
  readonly isKnownClient: (client: string) => boolean | undefined;
  readonly nowMs: () => number;
  readonly onRefused: (refused: SessionRefused) => void;
}

type Headers = Readonly<Record<string, readonly string[] | undefined>>;

/** Lets in who shows a key or the cookie of a session, with what its role may do. */
export class SessionGuard {
  readonly #options: SessionGuardOptions;

  constructor(options: SessionGuardOptions) {
    this.#options = options;
  }

  get areKeysRequired(): boolean {
    return this.#options.areKeysRequired;
  }

  /** Who asks, if a role may do `what`. @throws {AdminError} 'unauthenticated', 'forbidden', 'unavailable' */
  enter(what: string, access: readonly KeyRole[], headers: Headers): Viewer {
    if (!this.#options.areKeysRequired) return localOwner;
    const viewer = this.#whoAsks(what, headers);
    if (access.includes(viewer.role)) return viewer;
    this.#options.onRefused({ keyId: viewer.keyId, what, why: `role ${viewer.role}` });
    throw new AdminError('forbidden', `a key of role ${viewer.role} may not do ${what}; ${access.join(', ')} may`);
  }

  /** Whether a viewer that was let in still would be: its key is neither revoked nor expired, or its session goes on. */
  isStillIn({ keyId }: Viewer): boolean {
    if (!this.#options.areKeysRequired || this.#options.sessions.isOpenFor(keyId)) return true;
    const key = this.#options.findKey(keyId);
    return key !== undefined && endOfKey(key, this.#options.nowMs()) === undefined;
  }

  /** Begins a session with a key and returns its token. @throws {AdminError} */
  begin(key: string, what: string): { readonly token: string; readonly viewer: Viewer } {
    const viewer = this.#ofKey(key, what);
    return { token: this.#options.sessions.begin({ keyId: viewer.keyId }), viewer };
  }

  /** Begins a session of somebody whom an OpenID provider named, and returns its token. */
  beginAs(viewer: Viewer): string {
    return this.#options.sessions.begin({ viewer });
  }

  end(headers: Headers): void {
    const token = tokenIn(headers['cookie']);
    if (token !== undefined) this.#options.sessions.end(token);
  }

  #whoAsks(what: string, headers: Headers): Viewer {
    const [authorization, ...others] = headers['authorization'] ?? [];
    if (authorization !== undefined && others.length === 0)
      return this.#ofKey(authorization.replace(/^bearer\s+/i, '').trim(), what);
    const token = tokenIn(headers['cookie']);
    const owner = token === undefined ? undefined : this.#options.sessions.ownerOf(token);
    if (!owner) throw new AdminError('unauthenticated', 'sign in with a key: POST /admin/v1/session');
    return 'viewer' in owner ? owner.viewer : this.#ofSession(owner.keyId, what);
  }

  #ofSession(keyId: string, what: string): Viewer {
    const key = this.#options.findKey(keyId);
    if (!key || endOfKey(key, this.#options.nowMs()))
      throw this.#unauthenticated(what, 'session of a key that no longer holds', keyId);
    const viewer = identityOf(key);
    if (!viewer) throw this.#unauthenticated(what, 'unreadable key', keyId);
    return this.#known(viewer, what);
  }

  #ofKey(text: string, what: string): Viewer {
    const { findKey, nowMs } = this.#options;
    const recognised = recognise(text, findKey, nowMs());
    if ('refusal' in recognised) throw this.#unauthenticated(what, `key ${recognised.refusal}`, recognised.keyId ?? '');
    return this.#known(recognised.identity, what);
  }

  #known(viewer: Viewer, what: string): Viewer {
    const isKnown = this.#options.isKnownClient(viewer.client);
    if (isKnown === undefined) throw new AdminError('unavailable', 'the documents are not known yet');
    if (isKnown) return viewer;
    this.#options.onRefused({ keyId: viewer.keyId, what, why: 'client without a document' });
    throw new AdminError('forbidden', 'the client of this key has no document any more; apply it again');
  }

  #unauthenticated(what: string, why: string, keyId: string): AdminError {
    this.#options.onRefused({ keyId, what, why });
    return new AdminError('unauthenticated', 'the key is not valid');
  }
}
