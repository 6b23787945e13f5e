import { Buffer } from 'node:buffer';
import type { Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { type AnyDocument, compileSnapshot, type DocumentKind, type Snapshot } from '@will/core';
import { accepted, ask, OperatorError } from './ask.ts';

/** One document as it was at a revision; undefined: there was none. @throws {OperatorError} */
export async function documentAt(
  bus: Bus,
  { kind, slug }: DocumentName,
  revision: number,
): Promise<wire.Document | undefined> {
  return (await get(bus, { kind, slug, revision: BigInt(revision), after: '' })).documents[0];
}

/** Documents in force, of a kind or ('') of all, all of one revision. @throws {OperatorError} */
export async function documentsOf(bus: Bus, kind: DocumentKind | '', slug: string): Promise<readonly wire.Document[]> {
  let documents: wire.Document[] = [];
  let revision: bigint | undefined;
  let after = '';
  do {
    const answer = await get(bus, { kind, slug, after });
    if (revision !== undefined && answer.revision !== revision) {
      // They were changed between two pages: what was read so far is of an older revision.
      [documents, revision, after] = [[], undefined, ''];
      continue;
    }
    revision = answer.revision;
    documents.push(...answer.documents);
    after = answer.next;
  } while (revision === undefined || after !== '');
  return documents;
}

/** The documents of a revision, compiled as every service compiles them. @throws {OperatorError} */
export async function snapshotAt(bus: Bus, revision: number): Promise<Snapshot> {
  const documents: AnyDocument[] = [];
  let after = '';
  do {
    const answer = await get(bus, { revision: BigInt(revision), after });
    documents.push(...answer.documents.map(documentOf));
    after = answer.next;
  } while (after !== '');
  const compiled = compileSnapshot(revision, documents);
  if ('problems' in compiled)
    throw new OperatorError('refused', `the documents of revision ${revision} do not fit together here`);
  return compiled.snapshot;
}

export const bodyOf = (document: wire.Document): unknown => JSON.parse(Buffer.from(document.json).toString('utf8'));

export const documentOf = (document: wire.Document): AnyDocument =>
  ({ kind: document.kind, body: bodyOf(document) }) as AnyDocument;

const get = async (bus: Bus, question: { kind?: string; slug?: string; after: string; revision?: bigint }) =>
  accepted(await ask(bus, subjects.registry('get'), [wire.GetRequestSchema, question], wire.GetResponseSchema));

/** A document by kind and slug; `undefined` in the functions below: all of them. */
export interface DocumentName {
  readonly kind: DocumentKind;
  readonly slug: string;
}

/** Every version of a document, or every revision of all, newest first, at most `limit`. @throws {OperatorError} */
export async function versionsOf(
  bus: Bus,
  document: DocumentName | undefined,
  limit: number,
  beforeRevision = 0n,
): Promise<readonly wire.Version[]> {
  const versions: wire.Version[] = [];
  let before = beforeRevision;
  do {
    const question = { kind: document?.kind ?? '', slug: document?.slug ?? '', before };
    const answer = accepted(
      await ask(bus, subjects.registry('history'), [wire.HistoryRequestSchema, question], wire.HistoryResponseSchema),
    );
    versions.push(...answer.versions);
    before = answer.next;
  } while (before !== 0n && versions.length < limit);
  return versions.slice(0, limit);
}

export interface Difference {
  readonly from: bigint;
  readonly to: bigint;
  readonly changes: readonly wire.FieldChange[];
}

export interface DifferenceQuestion {
  readonly kind: string;
  readonly slug: string;
  readonly from?: bigint;
  readonly to?: bigint;
}

/** Differences between two revisions, field by field. @throws {OperatorError} */
export async function differenceOf(bus: Bus, question: DifferenceQuestion): Promise<Difference> {
  const askFor = async (asked: DifferenceQuestion, after: number) =>
    accepted(
      await ask(bus, subjects.registry('diff'), [wire.DiffRequestSchema, { ...asked, after }], wire.DiffResponseSchema),
    );
  const changes: wire.FieldChange[] = [];
  let answer = await askFor(question, 0);
  for (;;) {
    changes.push(...answer.changes);
    const { from, to, next } = answer;
    if (next === 0) return { from, to, changes };
    answer = await askFor({ ...question, from, to }, next);
  }
}
