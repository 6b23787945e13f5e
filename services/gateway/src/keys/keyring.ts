import { createHash, timingSafeEqual } from 'node:crypto';
import { idOfKey, keyRoles, unavailableModelFromWire, type wire } from '@will/contracts';
import { dataClasses, slugPattern } from '@will/core';
import type { Identity } from './identity.ts';

/** Looks kept keys up by their public id. */
export type FindKey = (id: string) => wire.Key | undefined;

/** An identity before it asks for anything. */
export type Known = Omit<Identity, 'refused'>;

export type Recognised =
  | { readonly identity: Known }
  /** `keyId` only of a key that was given: ids that a caller made up name nobody, and there is no end of them. */
  | { readonly refusal: string; readonly keyId?: string };

const nobodysDigest = new Uint8Array(32);

/**
 * Whose key this is. A key that is not known takes the same comparison as one that is. What is answered to a wrong key
 * does not tell why it is wrong.
 */
export function recognise(text: string, find: FindKey, nowMs: number): Recognised {
  const keyId = idOfKey(text);
  const digest = createHash('sha256').update(text).digest();
  const kept = keyId === undefined ? undefined : find(keyId);
  const isRight = timingSafeEqual(digest, kept?.digest.length === 32 ? kept.digest : nobodysDigest);
  const named = kept ? { keyId: kept.id } : {};
  if (!kept || !isRight) return { refusal: 'unknown', ...named };
  const ended = endOfKey(kept, nowMs);
  if (ended) return { refusal: ended, ...named };
  const identity = identityOf(kept);
  return identity ? { identity } : { refusal: 'unreadable', ...named };
}

/** Why a key that was made no longer lets anybody in; undefined: it does. */
export function endOfKey(key: wire.Key, nowMs: number): 'revoked' | 'expired' | undefined {
  if (key.revokedUnixMs !== 0n) return 'revoked';
  return key.expiresUnixMs !== 0n && Number(key.expiresUnixMs) <= nowMs ? 'expired' : undefined;
}

/** Whether a key that once let somebody in still does: it is there, and neither revoked nor expired. */
export function holdsStill(find: FindKey, keyId: string, nowMs: number): boolean {
  const kept = find(keyId);
  return kept !== undefined && endOfKey(kept, nowMs) === undefined;
}

/** A record with a word that is not known here lets nobody in. */
function identityOf({
  id,
  client,
  role,
  projects,
  taskTypes,
  dataClass,
  unavailableModel,
}: wire.Key): Known | undefined {
  const knownRole = keyRoles.find((known) => known === role);
  const knownClass = dataClasses.find((known) => known === dataClass);
  if (!knownRole || !slugPattern.test(client) || (dataClass !== '' && !knownClass)) return undefined;
  return {
    keyId: id,
    client,
    role: knownRole,
    projects,
    taskTypes,
    dataClass: knownClass,
    unavailableModel: unavailableModelFromWire(unavailableModel),
  };
}
