import type { AnyDocument } from '@will/core';
import { StoreError, type DocumentChange, type DocumentStore, type StoredDocument } from '@will/store';

/** A document store in memory, for tests of what stands above it. */
export class MemoryStore implements DocumentStore {
  readonly incarnation = 'memory';
  revision = 0;
  isPublished = true;
  /** Set: called before a commit looks at the revision, as another writer would come in between. */
  beforeCommit: (() => void) | undefined;
  #documents = new Map<string, StoredDocument>();

  async current() {
    return { revision: this.revision, documents: [...this.#documents.values()] };
  }
  async at() {
    return [...this.#documents.values()];
  }
  async history() {
    return [];
  }
  async commit(change: DocumentChange): Promise<number> {
    this.beforeCommit?.();
    if (change.expectedRevision !== this.revision)
      throw new StoreError('conflict', `revision ${change.expectedRevision} is not the newest, ${this.revision}`);
    this.revision += 1;
    const { author, note, atMs } = change;
    for (const document of change.upserts) this.put(document, author, note, atMs);
    for (const { kind, slug } of change.removals) this.#documents.delete(`${kind}:${slug}`);
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
