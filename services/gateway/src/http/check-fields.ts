import type { z } from 'zod';
import { type HttpError, invalid } from './errors.ts';

/** Fields that a door cannot honour, with what to do instead. A value that asks for nothing is fine. */
export type RefusedFields = Readonly<
  Record<string, { readonly harmless: (value: unknown) => boolean; readonly instead: string }>
>;

/** A body whose fields were all understood. @throws {HttpError} 400, naming the first field that is wrong. */
export function checkFields<S extends z.ZodObject>(
  schema: S,
  refused: RefusedFields,
  stated: Readonly<Record<string, unknown>>,
): z.infer<S> {
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(stated)) {
    const refusal = Object.hasOwn(refused, field) ? refused[field] : undefined;
    if (!refusal) fields[field] = value;
    else if (!refusal.harmless(value)) throw invalid(`${field}: ${refusal.instead}`, field);
  }
  const result = schema.safeParse(fields);
  if (!result.success) throw complaint(result.error.issues[0] as z.core.$ZodIssue, fields, Object.keys(schema.shape));
  return result.data;
}

/** Libraries send null for what is not stated. */
export const withoutNulls = (parsed: Record<string, unknown>): Record<string, unknown> =>
  Object.values(parsed).includes(null)
    ? Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== null))
    : parsed;

/** What is wrong in one sentence: path, what was allowed, and the value where it can be no content. */
function complaint(found: z.core.$ZodIssue, root: unknown, known: readonly string[]): HttpError {
  const issue = innermost(found);
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const field = issue.keys[0] ?? '';
    const at = path === '' ? shown(field) : `${shown(field)} in ${path}`;
    const allowed = path === '' ? `; allowed: ${known.join(', ')}` : '';
    return invalid(`unknown field ${at}${allowed}`, path === '' ? field.slice(0, 80) : `${path}.${field.slice(0, 80)}`);
  }
  const value = valueAt(root, issue.path);
  if (value === undefined) return invalid(`${path} is missing`, path);
  return invalid(`${path}${quotable(issue.path, value)} ${allowedBy(issue)}`, path);
}

/** Of a union's branches the one that went deepest is the one that was meant. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const deeper = issue.errors
    .map((branch) => branch[0])
    .filter((first) => first !== undefined && (first.path.length > 0 || first.code === 'unrecognized_keys'));
  const first = deeper[0];
  return first ? innermost({ ...first, path: [...issue.path, ...first.path] }) : issue;
}

function allowedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${issue.expected === 'record' || issue.expected === 'object' ? 'an object' : `of type ${issue.expected}`}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return `must ${sizeOf(issue.origin)} at least ${issue.minimum}`;
    case 'too_big':
      return `must ${sizeOf(issue.origin)} at most ${issue.maximum}`;
    case 'invalid_format':
      return `must match ${issue.pattern ?? issue.format}`;
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? `must be one of ${issue.options.map((value) => JSON.stringify(value)).join(', ')}`
        : 'must be a string or a list of parts';
    default:
      return issue.message;
  }
}

const sizeOf = (origin: string): string =>
  origin === 'array' ? 'have' : origin === 'string' ? 'have, in characters,' : 'be';

const tellingFields = new Set([
  'role',
  'type',
  'tool_choice',
  'reasoning_effort',
  'service_tier',
  'detail',
  'format',
  'model',
]);

/** Numbers, flags and words of a closed set are no content; everything else may be. */
function quotable(path: readonly PropertyKey[], value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return ` ${value}`;
  const isTelling = tellingFields.has(String(path.at(-1))) && !path.includes('parameters') && !path.includes('schema');
  return typeof value === 'string' && isTelling ? ` ${shown(value)}` : '';
}

const shown = (value: string): string => JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
