import { nameKey, namesOf } from '@will/core';
import type { Tombstone } from '@will/store';
import { isOwning, type OwningDocument } from './dependents.ts';

/** A name of a removed document that another document would have. */
export interface Takeover {
  readonly document: OwningDocument;
  readonly name: string;
  readonly tombstone: Pick<Tombstone, 'document' | 'revision'>;
}

/**
 * Names of removed documents that a document gets by this change, and that it did not have before. A document of the
 * same display name is the removed one that comes back, under whatever slug.
 */
export function takeoversOf(
  document: OwningDocument,
  before: OwningDocument | undefined,
  tombstones: readonly Pick<Tombstone, 'document' | 'revision'>[],
): readonly Takeover[] {
  const had = new Set(before ? namesOf(before.body) : []);
  const wanted = namesOf(document.body).filter((name) => !had.has(name));
  return tombstones.flatMap((tombstone) => {
    const gone = tombstone.document;
    if (gone.kind !== document.kind || !isOwning(gone)) return [];
    if (nameKey(gone.body.name) === nameKey(document.body.name)) return [];
    const taken = new Set(namesOf(gone.body));
    const [name] = wanted.filter((one) => taken.has(one));
    return name === undefined ? [] : [{ document, name, tombstone }];
  });
}
