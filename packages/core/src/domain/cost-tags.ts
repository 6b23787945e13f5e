import { nearestNames } from './nearest.ts';
import { slugPattern } from './names.ts';

/** Cost tags that a client's document declares: keys, and the values that each may have. */
export type DeclaredCostTags = Readonly<Record<string, readonly string[]>>;

export const maxCostTagKeys = 4;
export const maxCostTagValues = 100;

/** As `key=value`, in the order of the keys; or why they cannot be taken. */
export type ReadCostTags = { readonly tags: readonly string[] } | { readonly problem: string };

const noCostTags: ReadCostTags = { tags: [] };

/** Reads what a task states, each as `key=value`. Only what the client's document declares is taken. */
export function readCostTags(stated: readonly string[], declared: DeclaredCostTags = {}): ReadCostTags {
  if (stated.length === 0) return noCostTags;
  const found = new Map<string, string>();
  for (const one of stated) {
    const [key, value] = splitCostTag(one);
    const problem = problemWith(one, key, value, declared, found);
    if (problem !== undefined) return { problem };
    found.set(key, value as string);
  }
  return { tags: [...found].map(([key, value]) => `${key}=${value}`).sort() };
}

/** Tags that stand in one text, with commas between. */
export const costTagsIn = (text: string): readonly string[] =>
  text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');

/** Key and value; the value is undefined where there is no `=`. */
export function splitCostTag(tag: string): readonly [key: string, value: string | undefined] {
  const at = tag.indexOf('=');
  return at === -1 ? [tag.trim(), undefined] : [tag.slice(0, at).trim(), tag.slice(at + 1).trim()];
}

function problemWith(
  tag: string,
  key: string,
  value: string | undefined,
  declared: DeclaredCostTags,
  found: ReadonlyMap<string, string>,
): string | undefined {
  if (value === undefined) return `cost tag ${cut(tag)} must be key=value`;
  const values = Object.hasOwn(declared, key) ? declared[key] : undefined;
  if (!values) return `cost tag key ${cut(key)} must be ${oneOf(Object.keys(declared))}`;
  if (!values.includes(value)) return `cost tag ${key}: value ${cut(value)} must be ${oneOf(values, value)}`;
  const earlier = found.get(key);
  return earlier === undefined || earlier === value ? undefined : `cost tag ${key} is stated twice: send one value`;
}

const maxShown = 10;
function oneOf(allowed: readonly string[], meant = ''): string {
  if (allowed.length === 0) return 'declared as cost_tags in the document of the client, which declares none';
  if (allowed.length <= maxShown) return `one of ${allowed.join(', ')}`;
  const near = nearestNames(meant, allowed);
  return `one of the ${allowed.length} that the client's document declares${near.length > 0 ? `; near: ${near.join(', ')}` : ''}`;
}

const cut = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** The problem with a declaration; undefined: nothing. */
export function costTagsProblem(declared: DeclaredCostTags): string | undefined {
  const keys = Object.keys(declared);
  if (keys.length > maxCostTagKeys) return `${keys.length} keys exceed ${maxCostTagKeys}`;
  const badKey = keys.find((key) => !slugPattern.test(key));
  return badKey === undefined ? undefined : `key ${cut(badKey)} must match ${slugPattern.source}`;
}
