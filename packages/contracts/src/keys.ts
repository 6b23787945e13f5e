/**
 * The role of a key. A caller has tasks done; an operator and an auditor read what happens; an owner, in the admin API
 * alone, also changes documents and keys.
 */
export type KeyRole = 'caller' | 'operator' | 'auditor' | 'owner';
/** Roles that an API key may have. */
export const keyRoles: readonly KeyRole[] = ['caller', 'operator', 'auditor', 'owner'];

const keyPattern = /^sk-will-([a-z0-9]{12})-[A-Za-z0-9_-]{43}$/;
/** The form of a key's id. */
export const keyIdPattern = /^[a-z0-9]{12}$/;
const idLetters = 'abcdefghijklmnopqrstuvwxyz234567';

/** A new key. `text` is shown to its owner once and kept nowhere; what is kept is its digest. */
export interface NewKey {
  /** 60 random bits: public, names the key. */
  readonly id: string;
  /** `sk-will-<id>-<256 random bits in base64url>`. */
  readonly text: string;
}

/** Makes a key: the secret, which is shown once, and its digest, which is kept. */
export function newKey(): NewKey {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => idLetters[byte % 32]).join('');
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  return { id, text: `sk-will-${id}-${secret}` };
}

/** The id that a key's text names; undefined: it is no key. */
export const idOfKey = (text: string): string | undefined => keyPattern.exec(text)?.[1];

/**
 * SHA-256 of the whole text. A key has 256 random bits, so that nothing slower is needed against guessing.
 */
export const digestOfKey = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
