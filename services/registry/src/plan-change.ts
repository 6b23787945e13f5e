import { isDeepStrictEqual } from 'node:util';
import { compileSnapshot, type AnyDocument, type DocumentKind, type Snapshot } from '@will/core';
import { parseDocuments, type DocumentProblem, type ParsedDocument } from '@will/contracts';
import type { StoredDocument } from '@will/store';
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
}

export type Planned = { readonly plan: Plan } | { readonly problems: readonly DocumentProblem[] };

/** What applying files to the stored documents would change; or everything that is wrong with that. */
export function planChange(
  revision: number,
  stored: readonly StoredDocument[],
  files: readonly DocumentText[],
  prune: boolean,
): Planned {
  const parsed = files.map(({ path, text }) => parseDocuments(path, text));
  const wanted = new Map<string, ParsedDocument>();
  const problems: DocumentProblem[] = parsed.flatMap((file) => file.problems);
  for (const document of parsed.flatMap((file) => file.documents)) {
    const key = keyOf(document.document);
    const other = wanted.get(key);
    if (other) problems.push(twice(document, other));
    else wanted.set(key, document);
  }
  if (prune && wanted.size === 0 && problems.length === 0) problems.push(pruneEverything(files));
  if (problems.length > 0) return { problems };
  return fitTogether(revision, stored, wanted, prune);
}

function fitTogether(
  revision: number,
  stored: readonly StoredDocument[],
  wanted: ReadonlyMap<string, ParsedDocument>,
  prune: boolean,
): Planned {
  const before = new Map(stored.map(({ document }) => [keyOf(document), document]));
  const after = new Map<string, AnyDocument>(prune ? [] : before);
  for (const [key, { document }] of wanted) after.set(key, document);
  const result = compileSnapshot(revision + 1, [...after.values()]);
  if ('problems' in result) {
    return {
      problems: result.problems.map(({ kind, slug, field, message }) => {
        const source = wanted.get(`${kind}:${slug}`);
        if (source) return { path: source.path, line: source.lineOf(field), field, message };
        return { path: `stored ${kind} ${slug}`, line: 1, field, message };
      }),
    };
  }
  const upserts = [...wanted].flatMap(([key, { document }]) =>
    isDeepStrictEqual(before.get(key), document) ? [] : [document],
  );
  const removed = prune ? [...before].flatMap(([key, document]) => (wanted.has(key) ? [] : [document])) : [];
  const changes: PlannedChange[] = [
    ...upserts.map((document) => change(document, before.has(keyOf(document)) ? 'updated' : 'created')),
    ...removed.map((document) => change(document, 'removed')),
  ];
  const removals = removed.map(({ kind, body }) => ({ kind, slug: body.slug }));
  return { plan: { changes, upserts, removals, snapshot: result.snapshot } };
}

const keyOf = ({ kind, body }: AnyDocument): string => `${kind}:${body.slug}`;

const change = ({ kind, body }: AnyDocument, action: PlannedChange['action']): PlannedChange => ({
  kind,
  slug: body.slug,
  action,
});

function twice({ document, path, line }: ParsedDocument, other: ParsedDocument): DocumentProblem {
  const message = `${document.kind} ${document.body.slug} stands in ${other.path}:${other.line} already`;
  return { path, line, field: '', message };
}

const pruneEverything = (files: readonly DocumentText[]): DocumentProblem => ({
  path: files[0]?.path ?? '',
  line: 1,
  field: '',
  message: 'the files hold no document, so pruning would remove all; name at least one',
});
