import { isDeepStrictEqual } from 'node:util';
import {
  compileSnapshot,
  nameKey,
  type AnyDocument,
  type CompileProblem,
  type DocumentKind,
  type Snapshot,
} from '@will/core';
import {
  gathering,
  keepSlugs,
  keyOfDocument,
  parseDocuments,
  placeProblem,
  slugTaken,
  writeDocument,
  type DocumentProblem,
  type ParsedDocument,
} from '@will/contracts';
import type { StoredDocument } from '@will/store';
import { inSlices } from './in-slices.ts';
import type { DocumentText } from './ports.ts';

export interface PlannedChange {
  readonly kind: DocumentKind;
  readonly slug: string;
  readonly action: 'created' | 'updated' | 'removed';
}

export interface Plan {
  readonly changes: readonly PlannedChange[];
  readonly upserts: readonly AnyDocument[];
  readonly removals: readonly { readonly kind: DocumentKind; readonly slug: string }[];
  /** What would hold after the change. */
  readonly snapshot: Snapshot;
  /** Where a problem of these documents was written. */
  readonly place: (problem: CompileProblem) => DocumentProblem;
}

export type Planned = { readonly plan: Plan } | { readonly problems: readonly DocumentProblem[] };

/** Plans the changes that applying files to the stored documents would make; or everything that is wrong with that. */
export async function planChange(
  revision: number,
  stored: readonly StoredDocument[],
  files: readonly DocumentText[],
  prune: boolean,
): Promise<Planned> {
  const { documents: wanted, problems } = await inSlices(
    gathering(files, keepSlugs(stored.map(({ document }) => document))),
  );
  const before = byKey(stored);
  const taken = [...wanted.values()].flatMap((document) => takenByAnother(document, before));
  if (problems.length > 0 || taken.length > 0) return { problems: [...problems, ...taken] };
  if (prune && wanted.size === 0) return { problems: [pruneEverything(files)] };
  const after = new Map(prune ? [] : before);
  for (const [key, { document }] of wanted) after.set(key, document);
  return planBetween(revision, before, after, (problem) => placeProblem(problem, wanted));
}

/** A slug that was made from a name must not overwrite what another name was stored with. Stated, it renames that. */
function takenByAnother(parsed: ParsedDocument, before: Documents): readonly DocumentProblem[] {
  const { document, path } = parsed;
  const other = before.get(keyOfDocument(document));
  if (!other || parsed.isSlugStated || nameKey(other.body.name) === nameKey(document.body.name)) return [];
  const message = `${slugTaken(document, other)}; to rename that one, state its slug`;
  return [{ path, line: parsed.lineOf('name'), field: 'name', message }];
}

/**
 * Plans the changes that going back to the documents of an old revision would make. Those are checked anew, as if they
 * were applied now: what an older release took may be refused by this one.
 */
export function planRollback(
  revision: number,
  stored: readonly StoredDocument[],
  target: number,
  old: readonly StoredDocument[],
): Planned {
  const placeOf = (kind: string, slug: string): string => `revision ${target} ${kind} ${slug}`;
  const problems = old.flatMap(({ document }) => {
    const path = placeOf(document.kind, document.body.slug);
    return parseDocuments(path, writeDocument(document)).problems.map((problem) => ({ ...problem, line: 0 }));
  });
  if (problems.length > 0) return { problems };
  if (old.length === 0) return { problems: [rollbackToNothing(target)] };
  return planBetween(revision, byKey(stored), byKey(old), ({ kind, slug, field, message }) => ({
    path: placeOf(kind, slug),
    line: 0,
    field,
    message,
  }));
}

type Documents = ReadonlyMap<string, AnyDocument>;

const byKey = (stored: readonly StoredDocument[]): Documents =>
  new Map(stored.map(({ document }) => [keyOfDocument(document), document]));

function planBetween(
  revision: number,
  before: Documents,
  after: Documents,
  place: (problem: CompileProblem) => DocumentProblem,
): Planned {
  const result = compileSnapshot(revision + 1, [...after.values()]);
  if ('problems' in result) return { problems: result.problems.map(place) };
  const upserts = [...after].flatMap(([key, document]) =>
    isDeepStrictEqual(before.get(key), document) ? [] : [document],
  );
  const removed = [...before].flatMap(([key, document]) => (after.has(key) ? [] : [document]));
  const changes: PlannedChange[] = [
    ...upserts.map((document) => change(document, before.has(keyOfDocument(document)) ? 'updated' : 'created')),
    ...removed.map((document) => change(document, 'removed')),
  ];
  const removals = removed.map(({ kind, body }) => ({ kind, slug: body.slug }));
  return { plan: { changes, upserts, removals, snapshot: result.snapshot, place } };
}

const change = ({ kind, body }: AnyDocument, action: PlannedChange['action']): PlannedChange => ({
  kind,
  slug: body.slug,
  action,
});

const pruneEverything = (files: readonly DocumentText[]): DocumentProblem => ({
  path: files[0]?.path ?? '',
  line: 1,
  field: '',
  message: 'the files hold no document, so pruning would remove all; name at least one',
});

const rollbackToNothing = (revision: number): DocumentProblem => ({
  path: `revision ${revision}`,
  line: 0,
  field: '',
  message: 'it holds no document, so going back to it would remove all',
});
