import { slugOf } from '@will/core';

/** What the documents of one run are called in the product, so that they replace none that are there. */
export interface Names {
  /** Documents under the names of this run. What they name counts as ours from then on. */
  documents(text: string): string;
  /** The product's name of what a line calls so; any other word stays as it is. */
  ours(word: string): string;
  /** True: a document of this run bears this name. */
  has(word: string): boolean;
  /** What the product said, in the words of the lines. A name of a line that is not of this run reads `theirs: …`. */
  read<T>(said: T): T;
}

/** Begins the end of every name of a run in a product that runs already. */
export const mark = '-acceptance-run-';

const naming =
  /^(\s*(?:name|primary|fallback(?:_\d+)?|default_model|preferred_model|client|tags|aliases|task_types):\s*)(.+)$/gm;
const header = /^(\[(?:\w+:)?)([^\]]+)(?=\]$)/gm;
const eachName = /[^\s[\],"](?:[^[\],"]*[^\s[\],"])?/g;

/** Names with a suffix; '' for a product that holds no other documents. */
export function namesEndingIn(suffix: string): Names {
  const known = new Set<string>();
  const own = (name: string): string => {
    known.add(slugOf(name));
    return name + suffix;
  };
  const isKnown = (word: string): boolean => known.has(slugOf(word));
  const readText = (text: string): string => {
    if (suffix === '') return text;
    return !text.includes(suffix) && isKnown(text) ? `theirs: ${text}` : text.replaceAll(suffix, '');
  };
  const read = (said: unknown): unknown => {
    if (typeof said === 'string') return readText(said);
    if (Array.isArray(said)) return said.map(read);
    if (typeof said !== 'object' || said === null || said instanceof Uint8Array) return said;
    return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, read(value)]));
  };
  return {
    documents: (text) =>
      [naming, header].reduce(
        (named, where) =>
          named.replace(where, (_, before: string, names: string) => before + names.replace(eachName, own)),
        text,
      ),
    has: isKnown,
    ours: (word) => (isKnown(word) ? word + suffix : word),
    read: <T>(said: T) => read(said) as T,
  };
}
