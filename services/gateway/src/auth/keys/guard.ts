import { type FindKey, recognise } from '@will/bus';
import type { KeyRole } from '@will/contracts';
import { isLoopbackHost } from '@will/runtime';
import { type Identity, inNameOf } from './identity.ts';

/** Headers in which a key may stand: each dialect's own libraries send it in their own way. */
export const keyHeaders = ['authorization', 'x-api-key', 'x-goog-api-key'] as const;

/** The roles that may ask: anybody at all, or keys of these roles. */
export type Access = 'anybody' | readonly KeyRole[];

/** A closed list of the reasons why a guard refuses. */
export type GuardCode = 'unauthenticated' | 'forbidden' | 'unavailable';

/** Somebody is not let in. The message does not tell a wrong key from a revoked one. */
export class GuardError extends Error {
  override readonly name = 'GuardError';
  readonly code: GuardCode;
  constructor(code: GuardCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A refusal, for the audit log. Never the key. */
export interface Refused {
  /** The key's public id, or '' when nothing like a key was shown. */
  readonly keyId: string;
  /** The route or method. */
  readonly what: string;
  readonly why: string;
}

/** Ports of a guard. */
export interface GuardOptions {
  /** Undefined while the keys are not known yet: nobody is let in then. */
  readonly find: () => FindKey | undefined;
  /** Whether a document describes a client; undefined while the documents are not known yet: nobody is let in then. */
  readonly isKnownClient: (client: string) => boolean | undefined;
  readonly nowMs: () => number;
  readonly onRefused: (refused: Refused) => void;
}

/** Lets in who shows a key that may do what is asked. */
export interface Guard {
  /** Whether everybody is let in. */
  readonly isOpen: boolean;
  /** In whose name what is asked may be done; undefined: it is for anybody. @throws {GuardError} */
  check(what: string, access: Access, headers: Headers): Identity | undefined;
  /** Whether details of the product's state are for who asks: an operator or auditor; without keys the one that is on this machine. */
  isOperator(request: Asking): boolean;
  /** Does the work in the name of the key's owner. `headers` by lower-case name, each line by itself: of two keys node would keep the first. @throws {GuardError} */
  enter<T>(what: string, access: Access, headers: Headers, work: () => T): T;
}

type Headers = Readonly<Record<string, unknown>>;

/** A request, as far as who asks is looked at. */
interface Asking {
  readonly headersDistinct: Headers;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Everybody may do everything: for servers that only this machine reaches. */
export const openGuard: Guard = {
  isOpen: true,
  check: () => undefined,
  isOperator: ({ socket }) => isLoopbackHost((socket.remoteAddress ?? '').replace(/^::ffff:/, '')),
  enter: (_what, _access, _headers, work) => work(),
};

/** A guard that lets in who has a key that holds. */
export function keyGuard({ find, isKnownClient, nowMs, onRefused }: GuardOptions): Guard {
  const whoAsks = (what: string, access: readonly string[], headers: Headers): Identity => {
    const refuse = (code: GuardCode, why: string, message: string, keyId = ''): GuardError => {
      onRefused({ keyId, what, why });
      return new GuardError(code, message);
    };
    const shown = keysIn(headers);
    const [text] = shown;
    if (text === undefined)
      throw refuse('unauthenticated', 'no key', `a key is needed, in one of ${keyHeaders.join(', ')}`);
    if (shown.length > 1) throw refuse('unauthenticated', 'several keys', 'the headers hold more than one key');
    const keys = find();
    if (!keys) throw new GuardError('unavailable', 'the keys are not known yet');
    const recognised = recognise(text, keys, nowMs());
    if ('refusal' in recognised)
      throw refuse('unauthenticated', `key ${recognised.refusal}`, 'the key is not valid', recognised.keyId);
    const { identity } = recognised;
    const isKnown = isKnownClient(identity.client);
    if (isKnown === undefined) throw new GuardError('unavailable', 'the documents are not known yet');
    if (!isKnown) throw refuse('forbidden', 'client without a document', goneClient, identity.keyId);
    if (!access.includes(identity.role))
      throw refuse(
        'forbidden',
        `role ${identity.role}`,
        `a key of role ${identity.role} may not do ${what}; ${access.length === 0 ? 'no role may' : `one of ${access.join(', ')} may`}`,
        identity.keyId,
      );
    return { ...identity, refused: (why) => onRefused({ keyId: identity.keyId, what, why }) };
  };
  const check: Guard['check'] = (what, access, headers) =>
    access === 'anybody' ? undefined : whoAsks(what, access, headers);
  return {
    isOpen: false,
    check,
    isOperator({ headersDistinct }) {
      const [text, ...others] = keysIn(headersDistinct);
      const keys = find();
      if (text === undefined || others.length > 0 || !keys) return false;
      const recognised = recognise(text, keys, nowMs());
      return 'identity' in recognised && recognised.identity.role !== 'caller';
    },
    enter(what, access, headers, work) {
      const who = check(what, access, headers);
      return who ? inNameOf(who, work) : work();
    },
  };
}

const goneClient = 'the client of this key has no document any more; ask an operator to apply it again';

/** Every different key that the headers hold. No key holds a comma: it stands between the lines of one header. */
function keysIn(headers: Headers): readonly string[] {
  const found = new Set<string>();
  for (const name of keyHeaders)
    for (const line of [headers[name] ?? []].flat())
      for (const value of String(line).split(',')) found.add(value.trim().replace(bearer, '').trim());
  found.delete('');
  return [...found];
}

const bearer = /^bearer(\s+|$)/i;
