import type { Collection, Filter } from 'mongodb';
import { commandLimitMs } from './connect.ts';
import { duplicatesIn } from './failures.ts';

/** Inserts documents; those whose id is taken stay as they are. */
export async function insertNew<Stored extends { readonly _id: string }>(
  collection: Collection<Stored>,
  documents: readonly Stored[],
): Promise<void> {
  if (documents.length === 0) return;
  try {
    await collection.insertMany(documents as never, { ordered: false });
  } catch (error) {
    duplicatesIn(error);
  }
}

/** Removes up to `limit` documents. @returns how many went. Their ids are asked for first, since a removal itself knows no limit. */
export async function removeSome<Stored extends { readonly _id: string }>(
  collection: Collection<Stored>,
  filter: Filter<Stored>,
  limit: number,
): Promise<number> {
  const found = await collection
    .find(filter, { maxTimeMS: commandLimitMs, projection: { _id: 1 } })
    .limit(limit)
    .toArray();
  if (found.length === 0) return 0;
  const ids = found.map(({ _id }) => _id);
  return (await collection.deleteMany({ _id: { $in: ids } } as Filter<Stored>)).deletedCount;
}
