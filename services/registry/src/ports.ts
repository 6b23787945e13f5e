import type { wire } from '@will/contracts';
import type { Facts } from '@will/core';
import type { StoredDocument } from '@will/store';

export type { DocumentText } from '@will/contracts';

/** The place of the published copy of the documents. */
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
  /** Those that fell silent without a goodbye within this time: each may be frozen, cut off or dead. */
  silent(withinMs: number): readonly LiveProcess[];
  /** Called after every change. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
}

/** Facts that were decided on, and how often. */
export interface DecidedFacts {
  readonly facts: Facts;
  readonly decisions: number;
}

/** Decisions of the recent past: what a change of documents is tried on. */
export interface LateDecisions {
  /**
   * Distinct facts since an instant; `isPartial`: there are more.
   * @throws {Error} nobody can say; the message says why.
   */
  since(atMs: number): Promise<{ readonly recent: readonly DecidedFacts[]; readonly isPartial: boolean }>;
}

/** Slugs of documents by their kind. */
export interface NamedDocuments {
  readonly clients: readonly string[];
  readonly projects: readonly string[];
  readonly models: readonly string[];
}

/** Tasks that have not ended and name documents; `unknown`: nobody can say, and why. */
export type TaskNamings =
  | {
      readonly naming: readonly Pick<wire.TasksNaming, 'kind' | 'slug' | 'waiting' | 'running' | 'isPartial'>[];
    }
  | { readonly unknown: string };
