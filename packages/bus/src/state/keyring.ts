import { createHash, timingSafeEqual } from 'node:crypto';
import { idOfKey, type KeyRole, keyRoles, unavailableModelFromWire, type wire } from '@will/contracts';
import { type DataClass, dataClasses, slugPattern, type UnavailableModel } from '@will/core';

/** Looks kept keys up by their public id. */
export type FindKey = (id: string) => wire.Key | undefined;

/** The client that a key speaks for, and its bounds. */
export interface KeyIdentity {
  /** Public id of the key. */
  readonly keyId: string;
  readonly client: string;
  readonly role: KeyRole;
  /** Slugs; empty: any. */
  readonly projects: readonly string[];
  /** Empty: any. */
  readonly taskTypes: readonly string[];
  /** The least that every task counts as. */
  readonly dataClass: DataClass | undefined;
  /** What happens when its tasks name a model that they may not have; undefined: what documents say. */
  readonly unavailableModel?: UnavailableModel | undefined;
}

/** The outcome of recognising an API key. */
export type Recognised =
  | { readonly identity: KeyIdentity }
  /** `keyId` only of a key that was given: ids that a caller made up name nobody, and there is no end of them. */
  | { readonly refusal: string; readonly keyId?: string };

const nobodysDigest = new Uint8Array(32);

/**
 * Finds the owner of a key. A key that is not known takes the same comparison as one that is. What is answered to a
 * wrong key does not tell why it is wrong.
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

/** The reason why a key that was made no longer lets anybody in; undefined: it does. */
export function endOfKey(key: wire.Key, nowMs: number): 'revoked' | 'expired' | undefined {
  if (key.revokedUnixMs !== 0n) return 'revoked';
  return key.expiresUnixMs !== 0n && Number(key.expiresUnixMs) <= nowMs ? 'expired' : undefined;
}

/** True where a key that once let somebody in still does: it is there, and neither revoked nor expired. */
export function holdsStill(find: FindKey, keyId: string, nowMs: number): boolean {
  const kept = find(keyId);
  return kept !== undefined && endOfKey(kept, nowMs) === undefined;
}

/** The identity that a kept key speaks for. A record with a word that is not known here lets nobody in. */
export function identityOf({
  id,
  client,
  role,
  projects,
  taskTypes,
  dataClass,
  unavailableModel,
}: wire.Key): KeyIdentity | undefined {
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
