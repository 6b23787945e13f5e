import { createHash, randomBytes } from 'node:crypto';

const maxSessions = 1_000;

/** Sessions of browsers, in memory: a restart asks for the keys again. Only digests of their tokens are kept. */
export class ConsoleSessions {
  readonly #sessions = new Map<string, { readonly keyId: string; readonly untilMs: number }>();
  readonly #nowMs: () => number;
  readonly #lastsMs: number;

  constructor(nowMs: () => number, lastsMs: number) {
    this.#nowMs = nowMs;
    this.#lastsMs = lastsMs;
  }

  /** Begins a session of a key and returns its token. The oldest session ends where there are too many. */
  begin(keyId: string): string {
    const token = randomBytes(32).toString('base64url');
    if (this.#sessions.size >= maxSessions) this.#sessions.delete(this.#sessions.keys().next().value ?? '');
    this.#sessions.set(digestOf(token), { keyId, untilMs: this.#nowMs() + this.#lastsMs });
    return token;
  }

  /** Id of the key that began the session; undefined: there is no such session, or it has ended. */
  keyOf(token: string): string | undefined {
    const digest = digestOf(token);
    const session = this.#sessions.get(digest);
    if (session && session.untilMs > this.#nowMs()) return session.keyId;
    this.#sessions.delete(digest);
    return undefined;
  }

  end(token: string): void {
    this.#sessions.delete(digestOf(token));
  }
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
