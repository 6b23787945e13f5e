import { recordWriters, writerRank, type CallRecord, type RecordWriter } from '@will/core';
import type { Increments } from '../usage.ts';

/** A record as it stands in a document, and the batch that wrote it. What is undefined is left out. */
export type CallVersion = Omit<Partial<CallRecord>, 'attemptId' | 'writtenBy'> & {
  readonly batch: string;
  readonly rank: number;
};

/**
 * The record of an attempt. `earlier` are those that it replaced, oldest first: so that the one that finds a batch half done
 * can tell what it added to the sums and what it took away.
 */
export type CallDocument = CallVersion & {
  readonly _id: string;
  readonly earlier?: readonly CallVersion[];
  /** When it started, as long as no seal holds it. */
  readonly unsealedMs?: number;
};

/** Makes the document of a call record. */
export function documentOf(record: CallRecord, batch: string, earlier: readonly CallVersion[] = []): CallDocument {
  const { attemptId, writtenBy, ...rest } = record;
  const version = { ...rest, batch, rank: writerRank(writtenBy) };
  return earlier.length === 0 ? { _id: attemptId, ...version } : { _id: attemptId, ...version, earlier };
}

/** A record that came just now: no seal holds it. */
export const unsealed = (document: CallDocument, { startedAtMs }: CallRecord): CallDocument => ({
  ...document,
  unsealedMs: startedAtMs,
});

/** All that ever stood in the document, the present one last. */
export function versionsOf(document: CallDocument): readonly CallVersion[] {
  const { _id, earlier = [], unsealedMs: _unsealedMs, ...present } = document;
  return [...earlier, present];
}

/** Adds what a batch did to this attempt. */
export function countChanges(document: CallDocument, batch: string, increments: Increments): void {
  const versions = versionsOf(document);
  for (const [index, version] of versions.entries()) {
    if (version.batch !== batch) continue;
    const before = versions[index - 1];
    if (before) increments.count(recordOf(document._id, before), -1);
    increments.count(recordOf(document._id, version), 1);
  }
}

/** Reads a call record out of its document. */
export function recordOf(attemptId: string, version: CallVersion): CallRecord {
  const { batch: _batch, rank, ...stated } = version;
  const {
    earlier: _earlier,
    unsealedMs: _unsealedMs,
    _id,
    fine,
    ...known
  } = stated as CallDocument & {
    readonly fine?: string;
  };
  // Documents written before the field was renamed hold the status as `fine`.
  return {
    ...absent,
    ...(fine !== undefined && { status: fine }),
    ...known,
    attemptId,
    writtenBy: writerOf(rank),
  } as CallRecord;
}

/** In a record every field is there. */
const absent = {
  decisionId: undefined,
  project: undefined,
  reflex: undefined,
  model: undefined,
  modelName: undefined,
  modelVersion: undefined,
  provider: undefined,
  workerId: undefined,
  dataClass: undefined,
  firstContentMs: undefined,
  reason: undefined,
  finish: undefined,
  usage: undefined,
  costNanoUsd: undefined,
  price: undefined,
} satisfies Partial<CallRecord>;

const writerOf = (rank: number): RecordWriter =>
  recordWriters.find((writer) => writerRank(writer) === rank) ?? 'telemetry';
