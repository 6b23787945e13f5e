import { documentKinds, type AnyDocument, type DocumentKind } from '@will/core';
import { keyOfDocument } from '@will/contracts';

/** One field that two versions of a document have differently. */
export interface FieldChange {
  readonly kind: DocumentKind;
  readonly slug: string;
  /** What happened to the document. */
  readonly action: 'created' | 'updated' | 'removed';
  /** `limits.daily.usd`, `steps[1].model`. A list of words is one field. */
  readonly field: string;
  /** JSON; undefined: not stated. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Every field that differs, by kind, slug and field: the same documents always give the same list. */
export function diffDocuments(before: readonly AnyDocument[], after: readonly AnyDocument[]): readonly FieldChange[] {
  const old = new Map(before.map((document) => [keyOfDocument(document), document]));
  const present = new Map(after.map((document) => [keyOfDocument(document), document]));
  const places = [...new Map([...old, ...present]).values()].sort(byPlace);
  return places.flatMap((document) => {
    const key = keyOfDocument(document);
    return changesOf(document, old.get(key), present.get(key));
  });
}

/** Fields that two versions of one document have differently; undefined: there was none. */
export const changedFields = (before: AnyDocument | undefined, after: AnyDocument | undefined): readonly string[] =>
  diffDocuments(before ? [before] : [], after ? [after] : []).map(({ field }) => field);

const byPlace = (a: AnyDocument, b: AnyDocument): number =>
  documentKinds.indexOf(a.kind) - documentKinds.indexOf(b.kind) || compare(a.body.slug, b.body.slug);

function changesOf(
  { kind, body }: AnyDocument,
  old: AnyDocument | undefined,
  present: AnyDocument | undefined,
): readonly FieldChange[] {
  const action = old === undefined ? 'created' : present === undefined ? 'removed' : 'updated';
  const [before, after] = [leavesOf(old?.body), leavesOf(present?.body)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((field) => before.get(field) !== after.get(field))
    .sort((a, b) => compare(sortable(a), sortable(b)))
    .map((field) => ({ kind, slug: body.slug, action, field, before: before.get(field), after: after.get(field) }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** So that `steps[10]` comes after `steps[9]`. */
const sortable = (field: string): string =>
  field.replace(/\[(\d+)\]/g, (_, index: string) => `[${index.padStart(6, '0')}]`);

/** Path → JSON of everything that is not a map, nor a list of maps. */
function leavesOf(value: unknown): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>();
  const walk = (at: string, part: unknown): void => {
    if (part === undefined) return;
    if (Array.isArray(part) && part.some(isMap))
      for (const [index, item] of part.entries()) walk(`${at}[${index}]`, item);
    else if (isMap(part))
      for (const [key, inner] of Object.entries(part)) walk(at === '' ? key : `${at}.${key}`, inner);
    else leaves.set(at, JSON.stringify(part));
  };
  walk('', value);
  return leaves;
}

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
