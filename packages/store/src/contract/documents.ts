import { expect, test } from 'vitest';
import type { DocumentChange, DocumentStore } from '../documents.ts';
import { onStore, type Place } from './place.ts';
import { routeDocument } from './samples.ts';

const change = (stated: Partial<DocumentChange>): DocumentChange => ({
  expectedRevision: 0,
  upserts: [],
  removals: [],
  author: 'ada',
  note: 'why',
  atMs: 5_000,
  ...stated,
});

/** What every document store promises. */
export function documentStoreContract(newPlace: () => Promise<Place<DocumentStore>>): void {
  test('a new document store is at revision 0 with nothing in it and nothing to publish', () =>
    onStore(newPlace, async (store) => {
      expect(await store.current()).toEqual({ revision: 0, documents: [] });
      expect(await store.at(0)).toEqual([]);
      expect(await store.unpublished()).toBeUndefined();
    }));

  test('a commit makes the next revision and says who wrote each document, when and why', () =>
    onStore(newPlace, async (store) => {
      const code = routeDocument('code', 'gpt-4', 'llama');
      expect(await store.commit(change({ upserts: [code] }))).toBe(1);
      const stored = { document: code, revision: 1, author: 'ada', note: 'why', updatedAtMs: 5_000 };
      expect(await store.current()).toEqual({ revision: 1, documents: [stored] });
    }));

  test('documents and incarnation are still there when the store is opened again', () =>
    onStore(newPlace, async (store, reopen) => {
      await store.commit(change({ upserts: [routeDocument('code', 'gpt-4')] }));
      const before = await store.current();
      const again = await reopen();
      expect(await again.current()).toEqual(before);
      expect(again.incarnation).toBe(store.incarnation);
    }));

  test('two stores have different incarnations', () =>
    onStore(newPlace, (one) =>
      onStore(newPlace, async (other) => {
        expect(one.incarnation).not.toBe(other.incarnation);
      }),
    ));

  test('a change computed on another revision is a conflict and changes nothing', () =>
    onStore(newPlace, async (store) => {
      await store.commit(change({ upserts: [routeDocument('code', 'gpt-4')] }));
      const late = change({ expectedRevision: 0, upserts: [routeDocument('ocr', 'gpt-4')] });
      await expect(store.commit(late)).rejects.toMatchObject({ code: 'conflict' });
      expect((await store.current()).documents).toHaveLength(1);
    }));

  test('of several changes computed on one revision exactly one is taken', () =>
    onStore(newPlace, async (store) => {
      const changes = ['a', 'b', 'c', 'd'].map((slug) => store.commit(change({ upserts: [routeDocument(slug, 'x')] })));
      const ends = await Promise.allSettled(changes);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await store.current()).toMatchObject({ revision: 1, documents: [{}] });
    }));

  test('a change that names a document twice is refused whole', () =>
    onStore(newPlace, async (store) => {
      const twice = change({
        upserts: [routeDocument('code', 'a'), routeDocument('ocr', 'a'), routeDocument('code', 'b')],
      });
      await expect(store.commit(twice)).rejects.toMatchObject({
        code: 'conflict',
        message: 'route code is named twice in one change',
      });
      expect(await store.current()).toEqual({ revision: 0, documents: [] });
    }));

  test('past revisions stay readable through changes and removals', () =>
    onStore(newPlace, async (store) => {
      await store.commit(change({ upserts: [routeDocument('code', 'old'), routeDocument('ocr', 'a')] }));
      await store.commit(change({ expectedRevision: 1, upserts: [routeDocument('code', 'new')] }));
      await store.commit(change({ expectedRevision: 2, removals: [{ kind: 'route', slug: 'code' }] }));
      const slugsAt = async (revision: number): Promise<unknown> =>
        (await store.at(revision)).map(({ document, revision: since }) => [document.body.slug, since]);
      expect(await slugsAt(1)).toEqual([
        ['code', 1],
        ['ocr', 1],
      ]);
      expect(await slugsAt(2)).toEqual([
        ['code', 2],
        ['ocr', 1],
      ]);
      expect(await slugsAt(3)).toEqual([['ocr', 1]]);
      await expect(store.at(4)).rejects.toMatchObject({
        code: 'not_found',
        message: 'revision 4 must be between 0 and 3',
      });
    }));

  test('the history of a document is newest first and shows its removal', () =>
    onStore(newPlace, async (store) => {
      await store.commit(change({ upserts: [routeDocument('code', 'old')] }));
      await store.commit(change({ expectedRevision: 1, removals: [{ kind: 'route', slug: 'code' }], author: 'bob' }));
      await store.commit(change({ expectedRevision: 2, upserts: [routeDocument('code', 'new')] }));
      const history = await store.history('route', 'code');
      expect(history.map(({ revision, author, document }) => [revision, author, document])).toEqual([
        [3, 'ada', routeDocument('code', 'new')],
        [2, 'bob', undefined],
        [1, 'ada', routeDocument('code', 'old')],
      ]);
      expect(await store.history('model', 'code')).toEqual([]);
    }));

  test('a removed document leaves a tombstone with its last content, until it comes back; so across a restart', () =>
    onStore(newPlace, async (store, reopen) => {
      const last = routeDocument('code', 'new');
      await store.commit(change({ upserts: [routeDocument('code', 'old'), routeDocument('ocr', 'a')] }));
      await store.commit(change({ expectedRevision: 1, upserts: [last] }));
      expect(await store.tombstones()).toEqual([]);
      const removals = [
        { kind: 'route', slug: 'code' },
        { kind: 'route', slug: 'never' },
      ] as const;
      await store.commit(change({ expectedRevision: 2, removals, author: 'bob', note: 'old', atMs: 7_000 }));
      const code = { document: last, revision: 3, author: 'bob', note: 'old', removedAtMs: 7_000 };
      expect(await store.tombstones()).toEqual([code]);
      await store.commit(change({ expectedRevision: 3, removals: [{ kind: 'route', slug: 'ocr' }, ...removals] }));
      const ocr = { document: routeDocument('ocr', 'a'), revision: 4, author: 'ada', note: 'why', removedAtMs: 5_000 };
      const again = await reopen();
      expect(await again.tombstones()).toEqual([code, ocr]);
      await again.commit(change({ expectedRevision: 4, upserts: [routeDocument('code', 'other')] }));
      expect(await again.tombstones()).toEqual([ocr]);
    }));

  test('the revisions are told newest first, with author, note, time and how many documents each changed', () =>
    onStore(newPlace, async (store) => {
      await store.commit(change({ upserts: [routeDocument('code', 'a'), routeDocument('ocr', 'a')], note: 'first' }));
      await store.commit(change({ expectedRevision: 1, author: 'bob', atMs: 6_000 }));
      await store.commit(change({ expectedRevision: 2, removals: [{ kind: 'route', slug: 'ocr' }] }));
      expect(await store.revisions(2)).toEqual([
        { revision: 3, author: 'ada', note: 'why', atMs: 5_000, changes: 1 },
        { revision: 2, author: 'bob', note: 'why', atMs: 6_000, changes: 0 },
      ]);
      expect(await store.revisions(2, 2)).toEqual([
        { revision: 1, author: 'ada', note: 'first', atMs: 5_000, changes: 2 },
      ]);
      expect(await store.revisions(2, 1)).toEqual([]);
    }));

  test('removing what is not there changes no document', () =>
    onStore(newPlace, async (store) => {
      expect(await store.commit(change({ removals: [{ kind: 'route', slug: 'nothing' }] }))).toBe(1);
      expect(await store.history('route', 'nothing')).toEqual([]);
    }));

  test('the newest revision is unpublished until it is marked, also across a restart', () =>
    onStore(newPlace, async (store, reopen) => {
      await store.commit(change({}));
      await store.commit(change({ expectedRevision: 1 }));
      const again = await reopen();
      expect(await again.unpublished()).toBe(2);
      await again.markPublished(2);
      expect(await again.unpublished()).toBeUndefined();
      await again.commit(change({ expectedRevision: 2 }));
      await again.markPublished(2);
      expect(await again.unpublished()).toBe(3);
    }));
}
