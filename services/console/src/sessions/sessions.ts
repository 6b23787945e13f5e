import { createHash, randomBytes } from 'node:crypto';
import type { Viewer } from '../viewer.ts';

const maxSessions = 1_000;

/** The owner of a session: a key, which is looked up anew each time, or somebody whom a provider named. */
export type SessionOwner = { readonly keyId: string } | { readonly viewer: Viewer };

interface Session {
  readonly owner: SessionOwner;
  readonly untilMs: number;
}

/** Sessions of browsers, in memory: a restart asks for the keys again. Only digests of their tokens are kept. */
export class ConsoleSessions {
  readonly #sessions = new Map<string, Session>();
  readonly #nowMs: () => number;
  readonly #lastsMs: number;

  constructor(nowMs: () => number, lastsMs: number) {
    this.#nowMs = nowMs;
    this.#lastsMs = lastsMs;
  }

  /** Begins a session and returns its token. The oldest session ends where there are too many. */
  begin(owner: SessionOwner): string {
    const token = randomBytes(32).toString('base64url');
    if (this.#sessions.size >= maxSessions) this.#sessions.delete(this.#sessions.keys().next().value ?? '');
    this.#sessions.set(digestOf(token), { owner, untilMs: this.#nowMs() + this.#lastsMs });
    return token;
  }

  /** Undefined: there is no such session, or it has ended. */
  ownerOf(token: string): SessionOwner | undefined {
    const digest = digestOf(token);
    const session = this.#sessions.get(digest);
    if (session && session.untilMs > this.#nowMs()) return session.owner;
    this.#sessions.delete(digest);
    return undefined;
  }

  /** Whether a session of somebody whom a provider named goes on. */
  isOpenFor(keyId: string): boolean {
    return this.#sessions
      .values()
      .some(({ owner, untilMs }) => 'viewer' in owner && owner.viewer.keyId === keyId && untilMs > this.#nowMs());
  }

  end(token: string): void {
    this.#sessions.delete(digestOf(token));
  }
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
