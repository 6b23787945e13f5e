import type { AnyDocument, DocumentKind } from '@will/core';
import { StoreError, type DocumentChange, type DocumentStore, type Revision, type StoredDocument } from '@will/store';

/** A document store in memory, for tests of what stands above it. */
export class MemoryStore implements DocumentStore {
  readonly incarnation = 'memory';
  revision = 0;
  isPublished = true;
  /** Set: called before a commit looks at the revision, as another writer would come in between. */
  beforeCommit: (() => void) | undefined;
  #documents = new Map<string, StoredDocument>();
  readonly #past: StoredDocument[][] = [[]];
  readonly #revisions: Revision[] = [];

  async current() {
    return { revision: this.revision, documents: [...this.#documents.values()] };
  }
  async tombstones() {
    const slugs = new Map(
      this.#past.flat().map(({ document }) => [`${document.kind}:${document.body.slug}`, document]),
    );
    const gone = [...slugs].filter(([key]) => !this.#documents.has(key)).sort();
    return gone.map(([, document]) => ({ document, revision: 0, author: '', note: '', removedAtMs: 0 }));
  }
  async at(revision: number) {
    const found = this.#past[revision];
    if (!found) throw new StoreError('not_found', `revision ${revision} must be between 0 and ${this.revision}`);
    return found;
  }
  async history(kind: DocumentKind, slug: string) {
    const versions = this.#past.map((documents, revision) => {
      const found = documents.find(({ document }) => document.kind === kind && document.body.slug === slug);
      const { author = '', note = '', atMs = 0 } = this.#revisions[revision - 1] ?? {};
      return found ?? { document: undefined, revision, author, note, updatedAtMs: atMs };
    });
    return versions
      .filter(({ document, revision }, index) =>
        document ? revision === index : versions[index - 1]?.document !== undefined,
      )
      .reverse();
  }
  async revisions(limit: number, before = Number.POSITIVE_INFINITY) {
    return this.#revisions
      .filter(({ revision }) => revision < before)
      .reverse()
      .slice(0, limit);
  }
  async commit(change: DocumentChange): Promise<number> {
    this.beforeCommit?.();
    if (change.expectedRevision !== this.revision)
      throw new StoreError('conflict', `revision ${change.expectedRevision} is not the newest, ${this.revision}`);
    this.revision += 1;
    const { author, note, atMs } = change;
    for (const document of change.upserts) this.put(document, author, note, atMs);
    for (const { kind, slug } of change.removals) this.#documents.delete(`${kind}:${slug}`);
    this.#past[this.revision] = [...this.#documents.values()];
    this.#revisions.push({
      revision: this.revision,
      author,
      note,
      atMs,
      changes: change.upserts.length + change.removals.length,
    });
    this.isPublished = false;
    return this.revision;
  }
  put(document: AnyDocument, author = 'other', note = '', updatedAtMs = 0): void {
    this.#documents.set(`${document.kind}:${document.body.slug}`, {
      document,
      revision: this.revision,
      author,
      note,
      updatedAtMs,
    });
  }
  async unpublished() {
    return this.isPublished ? undefined : this.revision;
  }
  async markPublished(revision: number) {
    if (revision === this.revision) this.isPublished = true;
  }
  async close() {}
}
