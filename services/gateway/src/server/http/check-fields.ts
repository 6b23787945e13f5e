import { plainName, quote, readAttributes, type RefusedFields } from '@will/core';
import { safeParse, type z } from 'zod';
import { type HttpError, invalid } from './errors.ts';
import { type UnknownField, unknownFields } from './unknown-fields.ts';

/** A body whose fields were all understood. @throws {HttpError} 400, naming the first field that is wrong. */
export function checkFields<S extends z.ZodObject>(schema: S, fields: Readonly<Record<string, unknown>>): z.infer<S> {
  const plain = readPlain(schema, fields);
  if (plain) return plain;
  const result = schema.safeParse(fields);
  if (!result.success) throw complaint(result.error.issues[0] as z.core.$ZodIssue, fields, Object.keys(schema.shape));
  return result.data;
}

/** A field of a schema. */
interface KnownField {
  readonly name: string;
  readonly type: z.core.$ZodType;
  /** A body may lack it, and then nothing takes its place. */
  readonly isOptional: boolean;
}

const fieldsBySchema = new WeakMap<z.ZodObject, readonly KnownField[]>();

/** None of a schema that says more of a body than what each known field must be. */
function fieldsOf(schema: z.ZodObject): readonly KnownField[] {
  const known = fieldsBySchema.get(schema);
  if (known) return known;
  const isMore = schema.def.catchall !== undefined || (schema.def.checks ?? []).length > 0;
  const fields = Object.entries(isMore ? {} : schema.shape).map(([name, type]) => {
    const lacking = safeParse(type, undefined);
    return { name, type, isOptional: lacking.success && lacking.data === undefined };
  });
  fieldsBySchema.set(schema, fields);
  return fields;
}

/**
 * A body whose fields are all right; undefined: the schema itself has to say what is wrong. Zod goes over every
 * field that a schema has, and makes objects for it; a body has few of them.
 */
function readPlain<S extends z.ZodObject>(
  schema: S,
  stated: Readonly<Record<string, unknown>>,
): z.infer<S> | undefined {
  const body: Record<string, unknown> = {};
  const fields = fieldsOf(schema);
  for (const { name, type, isOptional } of fields) {
    if (Object.hasOwn(stated, name)) {
      const read = safeParse(type, stated[name]);
      if (!read.success) return undefined;
      body[name] = read.data;
    } else if (!isOptional) return undefined;
  }
  return fields.length > 0 ? (body as z.infer<S>) : undefined;
}

/** Fields of a body that a schema knows, and those that it does not know. */
export interface ReadFields<Body> {
  readonly body: Body;
  readonly unknown: readonly UnknownField[];
}

/** Reads a body of a client's library. @throws {HttpError} 400: a known field is wrong, or cannot be honoured. */
export function readFields<S extends z.ZodObject>(
  schema: S,
  refused: RefusedFields,
  stated: Readonly<Record<string, unknown>>,
): ReadFields<z.infer<S>> {
  const { shape } = schema;
  const names = Object.keys(stated);
  const foreign = names.filter((field) => !Object.hasOwn(shape, field));
  if (foreign.length > 0) mustNotBeAttributes(stated, foreign);
  const fields = names.some((field) => Object.hasOwn(refused, field)) ? withoutRefused(refused, stated) : stated;
  const body = checkFields(schema, fields);
  return { body, unknown: unknownFields(fields, body) };
}

/** @throws {HttpError} 400: one of the refused cannot be honoured */
function withoutRefused(
  refused: RefusedFields,
  stated: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(stated)) {
    const refusal = Object.hasOwn(refused, field) ? refused[field] : undefined;
    if (!refusal) fields[field] = value;
    else if (!refusal.harmless(value)) throw invalid(`${field}: ${refusal.instead}`, field);
  }
  return fields;
}

/** An attribute among the fields of a body would go unheard: it belongs to a header or to metadata. @throws {HttpError} 400 */
function mustNotBeAttributes(stated: Readonly<Record<string, unknown>>, foreign: readonly string[]): void {
  // A number for `priority` is a wish of some servers of models, and none of ours.
  const words = foreign
    .map((field) => [field, stated[field]] as const)
    .filter(
      (entry): entry is [string, string | boolean] =>
        (typeof entry[1] === 'string' && entry[1] !== '') || typeof entry[1] === 'boolean',
    );
  const read = readAttributes(words.map(([key, value]) => ({ source: 'field', key, value: String(value) })));
  if ('problem' in read) throw invalid(read.problem.message, read.problem.at);
  const misspelt = foreign.find((key) => key !== 'metadata' && plainName(key) === 'metadata');
  if (misspelt !== undefined) throw invalid(`${misspelt}: is spelled metadata, in small letters`, misspelt);
}

/** Libraries send null for what is not stated. */
export const withoutNulls = (parsed: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.keys(parsed).some((field) => parsed[field] === null)
    ? Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== null))
    : parsed;

/** What is wrong in one sentence: path, what was allowed, and the value where it can be no content. */
function complaint(found: z.core.$ZodIssue, root: unknown, known: readonly string[]): HttpError {
  const issue = innermost(found, root);
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const field = issue.keys[0] ?? '';
    const at = path === '' ? quote(field) : `${quote(field)} in ${path}`;
    const allowed = path === '' ? `; allowed: ${known.join(', ')}` : '';
    return invalid(`unknown field ${at}${allowed}`, path === '' ? field.slice(0, 80) : `${path}.${field.slice(0, 80)}`);
  }
  const value = valueAt(root, issue.path);
  if (value === undefined) return invalid(`${path} is missing`, path);
  const told = quotable(issue.path, value);
  const isOfWrongKind = issue.code === 'invalid_type' || issue.code === 'invalid_union';
  const instead = told === '' && isOfWrongKind ? `, not ${kindOf(value)}` : '';
  return invalid(`${path}${told} ${allowedBy(issue)}${instead}`, path);
}

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : 'a string';

/** Of a union's branches one that went deeper was meant, rather than one that misses what it is known by. */
function innermost(issue: z.core.$ZodIssue, root: unknown): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const deeper = issue.errors
    .map((branch) => branch[0])
    .filter((first): first is z.core.$ZodIssue => first !== undefined)
    .filter(({ path, code }) => path.length > 0 || code === 'unrecognized_keys');
  const first = deeper.find(({ path }) => valueAt(root, [...issue.path, ...path]) !== undefined) ?? deeper[0];
  return first ? innermost({ ...first, path: [...issue.path, ...first.path] }, root) : issue;
}

function allowedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? `of type ${issue.expected}`}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return `must ${sized(issue.origin, `at least ${issue.minimum}`)}`;
    case 'too_big':
      return `must ${sized(issue.origin, `at most ${issue.maximum}`)}`;
    case 'invalid_format':
      return `must match ${issue.pattern ?? issue.format}`;
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? `must be one of ${issue.options.map((value) => JSON.stringify(value)).join(', ')}`
        : `must be ${branchesOf(issue).join(', or ')}`;
    default:
      return issue.message;
  }
}

const kinds: Readonly<Record<string, string>> = {
  record: 'an object',
  object: 'an object',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** What each branch of a union would have taken, once each. */
const branchesOf = (issue: z.core.$ZodIssueInvalidUnion): string[] => [
  ...new Set(issue.errors.map(([first]) => (first ? allowedBy(first).replace(/^must be /, '') : ''))),
];

const sized = (origin: string, bound: string): string =>
  origin === 'array' || origin === 'string' ? `have a length of ${bound}` : `be ${bound}`;

const tellingFields = new Set([
  'role',
  'type',
  'tool_choice',
  'reasoning_effort',
  'service_tier',
  'detail',
  'format',
  'model',
  'response_format',
  'encoding_format',
  'priority',
  'data_class',
]);

/** Numbers, flags, words of a closed set and what is empty are no content; everything else may be. */
function quotable(path: readonly PropertyKey[], value: unknown): string {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return ` ${JSON.stringify(value)}`;
  if (typeof value === 'number' || typeof value === 'boolean') return ` ${value}`;
  const isTelling = tellingFields.has(String(path.at(-1))) && !path.includes('parameters') && !path.includes('schema');
  return typeof value === 'string' && isTelling ? ` ${quote(value)}` : '';
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
