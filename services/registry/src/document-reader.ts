import {
  compileSnapshot,
  documentKinds,
  nameKey,
  namesOf,
  unworkableIn,
  type DocumentKind,
  type Snapshot,
} from '@will/core';
import { StoreError, type DocumentStore, type Revision, type StoredDocument, type Tombstone } from '@will/store';
import { changedFields, diffDocuments, type FieldChange } from './diff.ts';
import { unworkableInWords } from './review.ts';
import { retirementWarnings } from './warnings.ts';

/** A document by its name. */
export interface Named {
  readonly kind: DocumentKind;
  readonly slug: string;
}

export interface Diff {
  /** Undefined: all documents. */
  readonly document: Named | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

export interface RevisionDifference {
  readonly from: number;
  readonly to: number;
  readonly changes: readonly FieldChange[];
}

/** One version of one document. */
export interface DocumentVersion {
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly atMs: number;
  readonly action: 'created' | 'updated' | 'removed';
  /** Fields that differ from the version before. */
  readonly fields: readonly string[];
}

/** Reads the documents: those in force, those of old revisions, and what differs between them. */
export class DocumentReader {
  readonly #store: DocumentStore;
  #compiled: Snapshot | undefined;

  constructor(store: DocumentStore) {
    this.#store = store;
  }

  /** Every version of one document, newest first; none: there never was such a document. */
  async history(kind: DocumentKind, slug: string): Promise<readonly DocumentVersion[]> {
    const versions = await this.#store.history(kind, slug);
    return versions.map(({ document, revision, author, note, updatedAtMs }, index) => {
      const before = versions[index + 1]?.document;
      const action = document === undefined ? 'removed' : before === undefined ? 'created' : 'updated';
      const fields = action === 'updated' ? changedFields(before, document) : [];
      return { revision, author, note, atMs: updatedAtMs, action, fields };
    });
  }

  /** Revisions below `before`, newest first. */
  revisions(limit: number, before: number | undefined): Promise<readonly Revision[]> {
    return this.#store.revisions(limit, before);
  }

  /**
   * What differs between two revisions, of all documents or of one. Without `to` up to the newest; of one document
   * without `from` since before its last change up to there. @throws {StoreError} 'not_found'
   */
  async diff({ document, from, to }: Diff): Promise<RevisionDifference> {
    const store = this.#store;
    const until = to ?? (await store.current()).revision;
    const since = from ?? (document ? await this.#beforeLastChange(document, until) : until - 1);
    const [before, after] = await Promise.all([store.at(since), store.at(until)]);
    const wanted = ({ document: { kind, body } }: StoredDocument): boolean =>
      !document || (kind === document.kind && body.slug === document.slug);
    const documentsOf = (stored: readonly StoredDocument[]) => stored.filter(wanted).map((one) => one.document);
    return { from: since, to: until, changes: diffDocuments(documentsOf(before), documentsOf(after)) };
  }

  async #beforeLastChange({ kind, slug }: Named, until: number): Promise<number> {
    const versions = await this.#store.history(kind, slug);
    const last = versions.find(({ revision }) => revision <= until);
    if (!last) throw new StoreError('not_found', `there is no ${kind} ${slug} up to revision ${until}`);
    return last.revision - 1;
  }

  /** The slug of the document of a name that was removed last. */
  async removedSlug(kind: DocumentKind, said: string): Promise<string | undefined> {
    const key = nameKey(said);
    const isMeant = ({ document }: Tombstone): boolean =>
      document.kind === kind && namesOf(document.body).includes(key);
    const found = (await this.#store.tombstones()).filter(isMeant);
    return found.reduce<Tombstone | undefined>((a, b) => (a && a.revision > b.revision ? a : b), undefined)?.document
      .body.slug;
  }

  /** The documents in force, as the rules read them. @throws {Error} they do not fit together. */
  async snapshot(): Promise<Snapshot> {
    const { revision, documents } = await this.#store.current();
    if (this.#compiled?.revision === revision) return this.#compiled;
    const compiled = compileSnapshot(
      revision,
      documents.map(({ document }) => document),
    );
    if ('problems' in compiled) throw new Error(`the documents of revision ${revision} do not fit together`);
    this.#compiled = compiled.snapshot;
    return compiled.snapshot;
  }

  /** Which models retire soon, in words. @throws {Error} the documents do not fit together. */
  async retirements(nowMs: number): Promise<readonly string[]> {
    return retirementWarnings(await this.snapshot(), nowMs);
  }

  /** What can never work in the documents in force, in words; also that they do not fit together. */
  async unworkable(): Promise<readonly string[]> {
    try {
      return unworkableIn(await this.snapshot()).map(unworkableInWords);
    } catch (error) {
      return [(error as Error).message];
    }
  }

  async documents(
    kind: DocumentKind | undefined,
    slug: string | undefined,
    atRevision?: number,
  ): Promise<{ revision: number; documents: readonly StoredDocument[] }> {
    const store = this.#store;
    const { revision, documents } =
      atRevision === undefined
        ? await store.current()
        : { revision: atRevision, documents: await store.at(atRevision) };
    const order = (stored: StoredDocument): string =>
      `${documentKinds.indexOf(stored.document.kind)}:${stored.document.body.slug}`;
    const wanted = documents
      .filter(
        ({ document }) =>
          (kind === undefined || document.kind === kind) && (slug === undefined || document.body.slug === slug),
      )
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return { revision, documents: wanted };
  }
}
