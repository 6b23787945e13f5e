import type { DocumentChange } from './documents.ts';
import { StoreError } from './errors.ts';

/** A change names a document once. @throws {StoreError} code 'conflict' */
export function refuseDoubles({ upserts, removals }: DocumentChange): void {
  const seen = new Set<string>();
  const removed = removals.map(({ kind, slug }) => `${kind} ${slug}`);
  for (const key of [...upserts.map(({ kind, body }) => `${kind} ${body.slug}`), ...removed]) {
    if (seen.has(key)) throw new StoreError('conflict', `${key} is named twice in one change`);
    seen.add(key);
  }
}
