import { formatProblem } from '@will/contracts';
import { unworkableIn } from '@will/core';
import type { DocumentStore } from '@will/store';
import { planChange } from './plan-change.ts';
import type { DocumentText } from './ports.ts';

/** The documents that an empty store should be filled from are wrong; one line for each problem. */
export class SeedError extends Error {
  override readonly name = 'SeedError';
}

/**
 * Fills a store that is empty; leaves any other alone, since from then on the store is the truth.
 * @returns how many documents went in; undefined: the store was not empty. @throws {SeedError}
 */
export async function seedStore(
  store: DocumentStore,
  readFiles: () => Promise<readonly DocumentText[]>,
  nowMs: number,
): Promise<number | undefined> {
  const { revision, documents } = await store.current();
  if (revision > 0) return undefined;
  const planned = await planChange(revision, documents, await readFiles(), false);
  if ('problems' in planned) throw new SeedError(planned.problems.map(formatProblem).join('\n'));
  const { upserts, removals, snapshot, place } = planned.plan;
  const unworkable = unworkableIn(snapshot).map(place);
  if (unworkable.length > 0) throw new SeedError(unworkable.map(formatProblem).join('\n'));
  if (upserts.length === 0) return 0;
  await store.commit({
    expectedRevision: 0,
    upserts,
    removals,
    author: 'seed',
    note: 'documents the store began with',
    atMs: nowMs,
  });
  return upserts.length;
}
