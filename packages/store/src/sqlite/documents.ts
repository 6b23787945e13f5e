import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { AnyDocument } from '@will/core';
import type { DocumentStore, StoredDocument } from '../documents.ts';
import { StoreError } from '../errors.ts';
import { refuseDoubles } from '../refuse-doubles.ts';
import type { Schema } from './database.ts';
import type { Synchronous } from './protocol.ts';

/** Operations on documents in their thread. */
export type DocumentOperations = Synchronous<DocumentStore> & { incarnation(): string };

/** FULL: an applied change was promised to its operator. */
export const documentSchema: Schema = {
  kind: 'documents',
  synchronous: 'FULL',
  migrations: [
    `CREATE TABLE store (incarnation TEXT NOT NULL) STRICT;
     CREATE TABLE revisions (
       revision INTEGER PRIMARY KEY,
       author TEXT NOT NULL,
       note TEXT NOT NULL,
       at_ms INTEGER NOT NULL,
       is_published INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX revisions_unpublished ON revisions(revision) WHERE NOT is_published;
     CREATE TABLE versions (
       kind TEXT NOT NULL,
       slug TEXT NOT NULL,
       revision INTEGER NOT NULL REFERENCES revisions(revision),
       body TEXT,
       PRIMARY KEY (kind, slug, revision)
     ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX versions_by_revision ON versions(revision)',
  ],
};

interface VersionRow {
  readonly kind: string;
  readonly body: string | null;
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly at_ms: number;
}
interface RevisionRow {
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly at_ms: number;
  readonly changes: number;
}
type Version = ReturnType<DocumentOperations['history']>[number];

/** Operations on documents on one connection. */
export function documentOperations(database: DatabaseSync): DocumentOperations {
  const incarnation = incarnationOf(database);
  const newest = database.prepare('SELECT coalesce(max(revision), 0) AS revision FROM revisions');
  // A bare column beside max() is the one of the row that holds it.
  const documentsAt = database.prepare(
    `SELECT kind, body, revision, author, note, at_ms FROM
       (SELECT kind, slug, body, max(revision) AS revision FROM versions WHERE revision <= ? GROUP BY kind, slug)
     JOIN revisions USING (revision) WHERE body IS NOT NULL ORDER BY kind, slug`,
  );
  const removed = database.prepare(
    `SELECT kind, revision, author, note, at_ms,
       (SELECT last.body FROM versions AS last WHERE last.kind = newest.kind AND last.slug = newest.slug
          AND last.body IS NOT NULL ORDER BY last.revision DESC LIMIT 1) AS body
     FROM (SELECT kind, slug, body, max(revision) AS revision FROM versions GROUP BY kind, slug) AS newest
     JOIN revisions USING (revision) WHERE newest.body IS NULL ORDER BY kind, slug`,
  );
  const versionsOf = database.prepare(
    `SELECT kind, body, revision, author, note, at_ms FROM versions JOIN revisions USING (revision)
     WHERE kind = ? AND slug = ? ORDER BY revision DESC`,
  );
  const lastBody = database.prepare(
    'SELECT body FROM versions WHERE kind = ? AND slug = ? ORDER BY revision DESC LIMIT 1',
  );
  const revisions = database.prepare(
    `SELECT revision, author, note, at_ms, (SELECT count(*) FROM versions WHERE versions.revision = revisions.revision) AS changes
     FROM revisions WHERE revision < ? ORDER BY revision DESC LIMIT ?`,
  );
  const addRevision = database.prepare('INSERT INTO revisions VALUES (?, ?, ?, ?, 0)');
  const addVersion = database.prepare('INSERT INTO versions VALUES (?, ?, ?, ?)');
  const newestUnpublished = database.prepare('SELECT max(revision) AS revision FROM revisions WHERE NOT is_published');
  const publish = database.prepare('UPDATE revisions SET is_published = 1 WHERE revision <= ? AND NOT is_published');

  const newestRevision = (): number => newest.get()?.['revision'] as number;
  const read = (revision: number): readonly StoredDocument[] =>
    (documentsAt.all(revision) as unknown as VersionRow[]).map(versionOf).filter(isPresent);

  return {
    incarnation: () => incarnation,

    current() {
      const revision = newestRevision();
      return { revision, documents: read(revision) };
    },

    tombstones: () =>
      (removed.all() as unknown as VersionRow[])
        .map(versionOf)
        .filter(isPresent)
        .map(({ updatedAtMs, ...tombstone }) => ({ ...tombstone, removedAtMs: updatedAtMs })),

    at(revision) {
      const last = newestRevision();
      if (!Number.isInteger(revision) || revision < 0 || revision > last)
        throw new StoreError('not_found', `revision ${revision} must be between 0 and ${last}`);
      return read(revision);
    },

    history: (kind, slug) => (versionsOf.all(kind, slug) as unknown as VersionRow[]).map(versionOf),

    revisions: (limit, before = Number.MAX_SAFE_INTEGER) =>
      (revisions.all(before, limit) as unknown as RevisionRow[]).map(({ at_ms, ...row }) => ({ ...row, atMs: at_ms })),

    commit(change) {
      const present = newestRevision();
      if (present !== change.expectedRevision) {
        const message = `the change was made on revision ${change.expectedRevision}, but the store is at ${present}`;
        throw new StoreError('conflict', message);
      }
      refuseDoubles(change);
      const revision = present + 1;
      addRevision.run(revision, change.author, change.note, change.atMs);
      for (const { kind, body } of change.upserts) addVersion.run(kind, body.slug, revision, JSON.stringify(body));
      for (const { kind, slug } of change.removals) {
        const last = lastBody.get(kind, slug);
        if (last && last['body'] !== null) addVersion.run(kind, slug, revision, null);
      }
      return revision;
    },

    unpublished: () => (newestUnpublished.get()?.['revision'] as number | null) ?? undefined,

    markPublished(revision) {
      publish.run(revision);
    },
  };
}

function incarnationOf(database: DatabaseSync): string {
  const row = database.prepare('SELECT incarnation FROM store').get();
  if (row) return row['incarnation'] as string;
  const incarnation = randomUUID();
  database.prepare('INSERT INTO store VALUES (?)').run(incarnation);
  return incarnation;
}

const versionOf = (row: VersionRow): Version => ({
  document: row.body === null ? undefined : ({ kind: row.kind, body: JSON.parse(row.body) } as AnyDocument),
  revision: row.revision,
  author: row.author,
  note: row.note,
  updatedAtMs: row.at_ms,
});

const isPresent = (version: Version): version is StoredDocument => version.document !== undefined;
