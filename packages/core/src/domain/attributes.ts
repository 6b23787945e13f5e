import { costTagsIn } from './cost-tags.ts';
import { type DataClass, dataClasses } from './data-class.ts';
import { type UnavailableModel, unavailableModels } from './documents.ts';
import { type Priority, priorityConflict, priorityStated } from './facts.ts';
import { slugPattern } from './names.ts';
import { maxTimeoutMs } from '../routing/timeouts.ts';

/** How a value is read, and what is told of one that cannot be. */
interface Grammar<T> {
  /** Undefined: it is none of the allowed. */
  read(value: string): T | undefined;
  readonly allowed: string;
}

const maxNameLength = 128;
const priorities: readonly Priority[] = ['background', 'normal', 'high'];

/** Words of a closed set, in any case, with `_` for `-`. */
const oneOf = <T extends string>(words: readonly T[]): Grammar<T> => ({
  read: (value) => words.find((word) => word === value.trim().toLowerCase().replaceAll('_', '-')),
  allowed: `one of ${words.join(', ')}`,
});
const name: Grammar<string> = {
  read: (value) => (/[\p{L}\p{N}]/u.test(value) && value.trim().length <= maxNameLength ? value.trim() : undefined),
  allowed: `a name of 1 to ${maxNameLength} characters with a letter or digit`,
};
const flag: Grammar<boolean> = {
  read: (value) => flags[value.trim().toLowerCase()],
  allowed: 'true or false',
};
const milliseconds: Grammar<number> = {
  read: (value) => {
    const timeoutMs = /^\d{1,8}$/.test(value.trim()) ? Number(value) : 0;
    return timeoutMs >= 1 && timeoutMs <= maxTimeoutMs ? timeoutMs : undefined;
  },
  allowed: `whole milliseconds from 1 to ${maxTimeoutMs}`,
};
const flags: Readonly<Record<string, boolean>> = { true: true, false: false, yes: true, no: false };

/** Attributes that a request states of itself; absent: nothing. */
export interface Attributes {
  readonly client?: string;
  readonly project?: string;
  readonly reflex?: string;
  readonly priority?: Priority;
  readonly high_priority?: boolean;
  readonly data_class?: DataClass;
  readonly task_type?: string;
  readonly timeout_ms?: number;
  readonly first_token_timeout_ms?: number;
  readonly idle_timeout_ms?: number;
  readonly unavailable_model?: UnavailableModel;
  /** `key=value`, several with commas between; {@link costTagsIn} takes them apart. */
  readonly cost_tags?: string;
}
/** The name of a task attribute. */
export type AttributeName = keyof Attributes;

/** Will's attributes of a request: what each is called, and what it may say. Every server reads by this table. */
const table = {
  client: name,
  project: name,
  reflex: name,
  priority: oneOf(priorities),
  high_priority: flag,
  data_class: oneOf(dataClasses),
  task_type: {
    read: (value) => (slugPattern.test(value.trim()) ? value.trim() : undefined),
    allowed: `a word that matches ${slugPattern.source}`,
  },
  timeout_ms: milliseconds,
  first_token_timeout_ms: milliseconds,
  idle_timeout_ms: milliseconds,
  unavailable_model: oneOf(unavailableModels),
  cost_tags: {
    read: (value) => (value.length <= 1_024 && costTagsIn(value).every((tag) => tag.includes('=')) ? value : undefined),
    allowed: 'key=value, with commas between several',
  },
} satisfies { [K in AttributeName]: Grammar<NonNullable<Attributes[K]>> };

/** Names of all task attributes. */
export const attributeNames = Object.keys(table) as readonly AttributeName[];
/** The HTTP header of an attribute. */
export const headerOf = (attribute: AttributeName): string => `x-will-${attribute.replaceAll('_', '-')}`;
/** The field of a body that states an attribute. */
export const fieldOf = (attribute: AttributeName): string => `will_${attribute}`;

/**
 * A key with its value, and where the two stood: headers of a request or message, the `metadata` of a body, its own
 * fields, the query of an address, what follows a body. The last three state nothing; what looks like an attribute
 * there is a problem.
 */
export interface StatedAttribute {
  readonly source: 'header' | 'metadata' | 'field' | 'query' | 'trailer';
  readonly key: string;
  readonly value: string;
}

/** A problem with the attributes of a request. */
export interface AttributeProblem {
  /** Names the key, its value and what is allowed. */
  readonly message: string;
  /** Where it stands: `x-will-client`, `metadata.will_client`. */
  readonly at: string;
}

/** Attributes as they were read, or the problem with them. */
export type ReadAttributes = { readonly attributes: Attributes } | { readonly problem: AttributeProblem };

/**
 * Reads Will's attributes, however their keys are spelled: in any case, with `-`, `_`, blanks or nothing between the
 * words, with or without the `x-`. What looks like one and is none is a problem, and so is one that is stated twice
 * with different values. Everything else is left alone.
 */
export function readAttributes(stated: Iterable<StatedAttribute>): ReadAttributes {
  let found: Map<AttributeName, Found> | undefined;
  for (const one of stated) {
    const meant = attributeMeant(one);
    if (meant === undefined) continue;
    found ??= new Map();
    if (typeof meant === 'object') return { problem: meant };
    const value = table[meant].read(one.value);
    if (value === undefined) return { problem: wrongValue(one, meant) };
    const earlier = found.get(meant);
    if (earlier && !isSame(earlier.value, value)) return { problem: doubled(earlier.stated, one, meant) };
    if (!earlier) found.set(meant, { stated: one, value });
  }
  return found ? attributesOf(found) : nothingStated;
}

const nothingStated: ReadAttributes = { attributes: {} };

function attributesOf(found: ReadonlyMap<AttributeName, Found>): ReadAttributes {
  const attributes = Object.fromEntries([...found].map(([key, { value }]) => [key, value])) as Attributes;
  const priority = priorityStated(attributes.priority, attributes.high_priority);
  if (priority === 'conflict') return { problem: contradiction(attributes, found.get('high_priority')) };
  return { attributes: { ...attributes, ...(priority !== undefined && { priority }) } };
}

interface Found {
  readonly stated: StatedAttribute;
  readonly value: string | boolean | number;
}

/** Names are the same in any case and spelling of their slug. */
export const isSame = (a: string | boolean | number, b: string | boolean | number): boolean =>
  typeof a === 'string' && typeof b === 'string' ? fold(a) === fold(b) : a === b;
const fold = (value: string): string => value.normalize('NFKC').toLowerCase().trim();

/** Nearly every key is plain already, and must cost little. */
const isPlain = /^[a-z0-9_-]*$/;
const bare = (key: string): string => (isPlain.test(key) ? key.replace(/[_-]/g, '') : bareOfAny(key));
const bareOfAny = (key: string): string =>
  key
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
const byBareName = new Map(attributeNames.map((attribute) => [bare(attribute), attribute]));
/** Any letter or digit, as a part of a pattern. */
const anyLetter = '[\\p{L}\\p{N}]';
/** A word with one letter left out, put in, or another than it should be, or with two that changed places. */
const withOneSlip = (word: string): readonly string[] =>
  [...word, ''].flatMap((letter, index) => {
    const [before, after, second = ''] = [word.slice(0, index), word.slice(index + 1), word[index + 1]];
    return [before + after, before + anyLetter + after, before + anyLetter + letter + after].concat(
      second === '' ? [] : before + second + letter + after.slice(1),
    );
  });
const slips = [...withOneSlip('will'), ...withOneSlip('xwill'), 'x?w[il1ı]{1,4}'].join('|');
/** A slip in the prefix, before the exact name of an attribute: `x-wil-client`, `vill_project`, `xx-will-client`. */
const slippedPrefix = new RegExp(`^x?(${slips})(${[...byBareName.keys()].join('|')})$`, 'u');
/** A header that begins otherwise than ours must at least end as ours do. */
const lastWords = new Set(attributeNames.map((attribute) => attribute.replace(/^.*_/, '')));
const beginsOrEndsLikeOurs = new RegExp(`^[^a-z0-9]*[xw]|(${[...lastWords].join('|')})[^a-z0-9]*$`, 'iu');
const looksLikeOurs = /^\s*(x[^\p{L}\p{N}]*)?will[^\p{L}\p{N}]/iu;

/** Headers that were looked at and are none of Will's: the same ones come with every request. */
const foreignHeaders = new Set<string>();
const maxForeignHeaders = 1_000;
const maxForeignLength = 64;

/** True of a header or trailer that is none of Will's, and is not meant to be one. */
export function isForeignHeader(key: string): boolean {
  if (foreignHeaders.has(key)) return true;
  if (attributeMeant({ source: 'header', key, value: '' }) !== undefined) return false;
  if (foreignHeaders.size >= maxForeignHeaders) foreignHeaders.clear();
  if (key.length <= maxForeignLength) foreignHeaders.add(key);
  return true;
}

/** The attribute that a key means; undefined: it is not Will's. */
function attributeMeant(stated: StatedAttribute): AttributeName | AttributeProblem | undefined {
  const { source, key } = stated;
  // Most headers are told apart by their first letter and last word.
  if (isHeaderLine(source) && !beginsOrEndsLikeOurs.test(key)) return undefined;
  const letters = bare(key);
  const prefix = letters.startsWith('xwill') ? 'xwill' : letters.startsWith('will') ? 'will' : undefined;
  const meant = prefix === undefined ? undefined : byBareName.get(letters.slice(prefix.length));
  if (meant !== undefined) return source === 'header' || source === 'metadata' ? meant : misplaced(stated, meant);
  if (isLikeOurs(key, letters)) return unknown(stated);
  const unprefixed = isHeaderLine(source) ? undefined : byBareName.get(letters.replace(/^x/, ''));
  return unprefixed && unprefixedProblem(stated, unprefixed);
}

const isHeaderLine = (source: StatedAttribute['source']): boolean => source === 'header' || source === 'trailer';

const isLikeOurs = (key: string, letters: string): boolean =>
  letters === 'xwill' || looksLikeOurs.test(key.normalize('NFKC')) || slippedPrefix.test(letters);

/** True of a key that looks like one of Will's attributes with its prefix, wherever it stands. */
export function isAttributeKey(key: string): boolean {
  const letters = bare(key);
  return isLikeOurs(key, letters) || byBareName.has(/^x?will(.+)$/u.exec(letters)?.[1] ?? '');
}

const at = ({ source, key }: StatedAttribute): string => (source === 'metadata' ? `metadata.${cut(key)}` : cut(key));
const told = ({ source, key }: StatedAttribute): string =>
  source === 'field' ? `${cut(key)}:` : `${source === 'query' ? 'query parameter' : source} ${quoted(key)}`;
const spelled = ({ source }: StatedAttribute): ((attribute: AttributeName) => string) =>
  source === 'header' ? headerOf : fieldOf;

const unknown = (stated: StatedAttribute): AttributeProblem => ({
  at: at(stated),
  message: `${told(stated)} must be one of ${attributeNames.map(spelled(stated)).join(', ')}`,
});
const misplaced = (stated: StatedAttribute, meant: AttributeName): AttributeProblem => ({
  at: at(stated),
  message: `${told(stated)} is read from a header or metadata only; send header ${headerOf(meant)} or metadata.${fieldOf(meant)}`,
});
const unprefixedProblem = (stated: StatedAttribute, meant: AttributeName): AttributeProblem => ({
  at: at(stated),
  message: `${told(stated)} looks like one of Will's attributes without its prefix; send metadata.${fieldOf(meant)} if it is meant, else use another key`,
});
const wrongValue = (stated: StatedAttribute, meant: AttributeName): AttributeProblem => ({
  at: at(stated),
  message: `${at(stated)} ${quoted(stated.value)} must be ${table[meant].allowed}`,
});
const doubled = (earlier: StatedAttribute, later: StatedAttribute, meant: AttributeName): AttributeProblem => ({
  at: at(later),
  message: `${meant} is stated twice: ${at(earlier)} ${quoted(earlier.value)} and ${at(later)} ${quoted(later.value)}; send it once`,
});
const contradiction = (
  { priority = 'normal', high_priority = false }: Attributes,
  found: Found | undefined,
): AttributeProblem => ({
  at: found ? at(found.stated) : 'high_priority',
  message: priorityConflict(priority, high_priority),
});

const cut = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
const quoted = (text: string): string => JSON.stringify(cut(text));
