import type { AnyDocument, DocumentKind } from '@will/core';

/** A document as it is stored, with its last change. */
export interface StoredDocument {
  readonly document: AnyDocument;
  /** Revision at which this content came in. */
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly updatedAtMs: number;
}

/** The trace of a document that was removed: its last content, and the change that removed it. */
export interface Tombstone {
  readonly document: AnyDocument;
  /** Revision that removed it. */
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly removedAtMs: number;
}

/** A change of documents: all of it, or nothing. */
export interface DocumentChange {
  /** The revision the change was computed on; another one by then is a conflict. */
  readonly expectedRevision: number;
  readonly upserts: readonly AnyDocument[];
  readonly removals: readonly { readonly kind: DocumentKind; readonly slug: string }[];
  readonly author: string;
  readonly note: string;
  readonly atMs: number;
}

/** One change, as it stands in the history. */
export interface Revision {
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly atMs: number;
  /** Documents it created, updated or removed. */
  readonly changes: number;
}

/** Documents with revisions. The store is the truth; what is on the bus is a copy. */
export interface DocumentStore {
  /** Random, made with the store: tells two stores apart. */
  readonly incarnation: string;
  /** Revision 0 and no documents when new. */
  current(): Promise<{ readonly revision: number; readonly documents: readonly StoredDocument[] }>;
  /**
   * Every document that was removed and did not come back, by kind and slug. Made of the history, so it survives
   * restarts, backups and rollbacks as that does.
   */
  tombstones(): Promise<readonly Tombstone[]>;
  /** Documents as they were at a past revision. @throws {StoreError} code 'not_found' */
  at(revision: number): Promise<readonly StoredDocument[]>;
  /** Every version of one document, newest first, removals included (document undefined). */
  history(
    kind: DocumentKind,
    slug: string,
  ): Promise<readonly (Omit<StoredDocument, 'document'> & { readonly document: AnyDocument | undefined })[]>;
  /** Revisions below `before` (absent: all), newest first. `limit` from 1. */
  revisions(limit: number, before?: number): Promise<readonly Revision[]>;
  /**
   * Writes documents, the next revision and that it is not published yet, at once: all or nothing.
   * @returns the new revision. @throws {StoreError} code 'conflict'
   */
  commit(change: DocumentChange): Promise<number>;
  /** The newest revision that was committed and not yet marked as published; undefined: none. */
  unpublished(): Promise<number | undefined>;
  markPublished(revision: number): Promise<void>;
  close(): Promise<void>;
}
