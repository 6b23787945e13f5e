import { randomUUID } from 'node:crypto';
import type { AnyDocument, DocumentKind } from '@will/core';
import type { Collection } from 'mongodb';
import type { DocumentChange, DocumentStore, StoredDocument, Tombstone } from '../documents.ts';
import { StoreError } from '../errors.ts';
import { refuseDoubles } from '../refuse-doubles.ts';
import { commandLimitMs, openMongo, type MongoPlace, type MongoSchema } from './connect.ts';
import { wrapped } from './failures.ts';

/**
 * One document holds a whole revision, with all that it changes: so a change is there whole or not at all, without
 * transactions, and of two changes on one revision the second meets a number that is taken.
 */
interface RevisionDocument {
  readonly _id: number;
  /** Of the one that wrote it: tells a repeated write from another's. */
  readonly changeId: string;
  readonly author: string;
  readonly note: string;
  readonly atMs: number;
  readonly isPublished: boolean;
  /** `kind slug` of each, to look up a history. */
  readonly keys: readonly string[];
  readonly changes: readonly Change[];
}
interface Change {
  readonly key: string;
  readonly kind: string;
  readonly slug: string;
  /** JSON; null: removed. */
  readonly body: string | null;
}

/** Steps that make and change the collections of documents. */
export const documentSchema: MongoSchema = {
  kind: 'documents',
  migrations: [
    async (database) => {
      const revisions = database.collection('revisions');
      await revisions.createIndex({ keys: 1 });
      await revisions.createIndex({ isPublished: 1 });
    },
  ],
};

/** Opens the documents in MongoDB. @throws {StoreError} it cannot be reached. */
export async function openMongoDocumentStore(place: MongoPlace): Promise<DocumentStore> {
  const { database, incarnation, close } = await openMongo(place, documentSchema);
  const store = new MongoDocuments(database.collection('revisions'));
  return {
    incarnation,
    current: () => wrapped(() => store.current()),
    tombstones: () => wrapped(() => store.tombstones()),
    at: (revision) => wrapped(() => store.at(revision)),
    history: (kind, slug) => wrapped(() => store.history(kind, slug)),
    revisions: (limit, before) => wrapped(() => store.revisions(limit, before)),
    commit: (change) => wrapped(() => store.commit(change)),
    unpublished: () => wrapped(() => store.unpublished()),
    markPublished: (revision) => wrapped(() => store.markPublished(revision)),
    close,
  };
}

const maxTime = { maxTimeMS: commandLimitMs };

/** What holds after a revision, by `kind slug`. */
interface Folded {
  readonly revision: number;
  readonly documents: ReadonlyMap<string, StoredDocument>;
  readonly tombstones: ReadonlyMap<string, Tombstone>;
}

const nothingYet: Folded = { revision: 0, documents: new Map(), tombstones: new Map() };

class MongoDocuments {
  readonly #revisions: Collection<RevisionDocument>;
  /** Revisions never change, so what was read once is kept and only later ones are read. */
  #present: Folded = nothingYet;

  constructor(revisions: Collection<RevisionDocument>) {
    this.#revisions = revisions;
  }

  async current(): Promise<{ readonly revision: number; readonly documents: readonly StoredDocument[] }> {
    const { revision, documents } = await this.#newest();
    return { revision, documents: inOrder(documents) };
  }

  async tombstones(): Promise<readonly Tombstone[]> {
    return inOrder((await this.#newest()).tombstones);
  }

  async at(revision: number): Promise<readonly StoredDocument[]> {
    const { revision: last } = await this.#newest();
    if (!Number.isInteger(revision) || revision < 0 || revision > last)
      throw new StoreError('not_found', `revision ${revision} must be between 0 and ${last}`);
    const changes = await this.#revisions
      .find({ _id: { $lte: revision } }, maxTime)
      .sort({ _id: 1 })
      .toArray();
    return inOrder(folded(nothingYet, changes).documents);
  }

  async history(kind: DocumentKind, slug: string): ReturnType<DocumentStore['history']> {
    const key = `${kind} ${slug}`;
    const revisions = await this.#revisions.find({ keys: key }, maxTime).sort({ _id: -1 }).toArray();
    return revisions.map((revision) => ({
      document: documentOf(revision.changes.find((change) => change.key === key)),
      ...writtenIn(revision),
    }));
  }

  async revisions(limit: number, before = Number.MAX_SAFE_INTEGER): ReturnType<DocumentStore['revisions']> {
    const found = await this.#revisions
      .find({ _id: { $lt: before } }, { ...maxTime, projection: { changes: 0 } })
      .sort({ _id: -1 })
      .limit(limit)
      .toArray();
    return found.map(({ _id, author, note, atMs, keys }) => ({
      revision: _id,
      author,
      note,
      atMs,
      changes: keys.length,
    }));
  }

  async commit(change: DocumentChange): Promise<number> {
    const { revision: present, documents } = await this.#newest();
    if (present !== change.expectedRevision) throw conflict(change.expectedRevision, present);
    refuseDoubles(change);
    const changes = [
      ...change.upserts.map(({ kind, body }) => changeOf(kind, body.slug, JSON.stringify(body))),
      ...change.removals.map(({ kind, slug }) => changeOf(kind, slug, null)).filter(({ key }) => documents.has(key)),
    ];
    const { author, note, atMs } = change;
    const keys = changes.map(({ key }) => key);
    const written = { _id: present + 1, changeId: randomUUID(), author, note, atMs, isPublished: false, keys, changes };
    await this.#insert(written);
    return written._id;
  }

  async unpublished(): Promise<number | undefined> {
    const options = { ...maxTime, sort: { _id: -1 }, projection: { _id: 1 } } as const;
    return (await this.#revisions.findOne({ isPublished: false }, options))?._id;
  }

  async markPublished(revision: number): Promise<void> {
    await this.#revisions.updateMany({ _id: { $lte: revision }, isPublished: false }, { $set: { isPublished: true } });
  }

  /** An error says only that the write was not acknowledged; what stands under the number tells whether it happened. */
  async #insert(written: RevisionDocument): Promise<void> {
    try {
      await this.#revisions.insertOne(written);
    } catch (error) {
      const standing = await this.#revisions.findOne({ _id: written._id }, maxTime);
      if (!standing) throw error;
      if (standing.changeId !== written.changeId) throw conflict(written._id - 1, written._id);
    }
  }

  async #newest(): Promise<Folded> {
    const from = this.#present;
    const later = await this.#revisions
      .find({ _id: { $gt: from.revision } }, maxTime)
      .sort({ _id: 1 })
      .toArray();
    const next = folded(from, later);
    if (next.revision > this.#present.revision) this.#present = next;
    return next;
  }
}

const conflict = (expected: number, present: number): StoreError =>
  new StoreError('conflict', `the change was made on revision ${expected}, but the store is at ${present}`);

const changeOf = (kind: string, slug: string, body: string | null): Change => ({
  key: `${kind} ${slug}`,
  kind,
  slug,
  body,
});

function folded(from: Folded, later: readonly RevisionDocument[]): Folded {
  const documents = new Map(from.documents);
  const tombstones = new Map(from.tombstones);
  for (const revision of later) {
    for (const change of revision.changes) {
      const document = documentOf(change);
      const last = documents.get(change.key)?.document;
      if (document) {
        documents.set(change.key, { document, ...writtenIn(revision) });
        tombstones.delete(change.key);
      } else if (last) {
        documents.delete(change.key);
        tombstones.set(change.key, tombstoneOf(last, revision));
      }
    }
  }
  return { revision: later.at(-1)?._id ?? from.revision, documents, tombstones };
}

const writtenIn = ({ _id, author, note, atMs }: RevisionDocument): Omit<StoredDocument, 'document'> => ({
  revision: _id,
  author,
  note,
  updatedAtMs: atMs,
});

const tombstoneOf = (document: AnyDocument, revision: RevisionDocument): Tombstone => {
  const { updatedAtMs, ...written } = writtenIn(revision);
  return { document, ...written, removedAtMs: updatedAtMs };
};

const documentOf = (change: Change | undefined): AnyDocument | undefined =>
  change === undefined || change.body === null
    ? undefined
    : ({ kind: change.kind, body: JSON.parse(change.body) as unknown } as AnyDocument);

const inOrder = <T>(documents: ReadonlyMap<string, T>): readonly T[] =>
  [...documents].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, document]) => document);
