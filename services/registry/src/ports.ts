import type { StoredDocument } from '@will/store';

/** Where the published copy of the documents goes. */
export interface Publication {
  /** Makes a revision the one that holds for everybody. A repeat is safe. Throws when that was not confirmed. */
  publish(revision: number, documents: readonly StoredDocument[]): Promise<void>;
}

/** A process that lives on the bus. */
export interface LiveProcess {
  readonly processId: string;
  readonly service: string;
  /** Revision it works with. */
  readonly revision: number;
}

export interface LiveProcesses {
  /** Those that follow the documents. */
  followers(): readonly LiveProcess[];
  /** Called after every change. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
}

/** A file as its operator wrote it. */
export interface DocumentText {
  readonly path: string;
  readonly text: string;
}
