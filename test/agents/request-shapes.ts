/**
 * A request as its client builds it, without its words: every text is replaced by a short one, so that what is kept tells
 * the fields, their types and their order, and nothing of a vendor's prompt. Names of tools and of fields stay.
 */
export function shapeOf(value: unknown, path: readonly string[] = []): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => shapeOf(item, path));
    return path.at(-1) === 'tools' ? sample(items) : items;
  }
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner, [...path, name])]));
  return typeof value === 'string' ? textAt(path, value) : value;
}

/** Of tools of one shape, two are enough. */
function sample(items: readonly unknown[]): readonly unknown[] {
  const seen = new Map<string, number>();
  return items.filter((item) => {
    const key = skeleton(item);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count <= 2;
  });
}

function skeleton(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(skeleton))].join()}]`;
  if (typeof value !== 'object' || value === null) return typeof value;
  const fields = value as Readonly<Record<string, unknown>>;
  return `{${Object.keys(fields)
    .filter((name) => name !== 'properties')
    .map((name) => `${name}:${name === 'type' || name === 'role' ? String(fields[name]) : skeleton(fields[name])}`)
    .join()}}`;
}

/** Words of a closed set say what a field means; ids must match each other. */
const kept = new Set([
  'type',
  'role',
  'name',
  'model',
  'tool_choice',
  'effort',
  'include',
  'ttl',
  'display',
  'id',
  'tool_use_id',
  'tool_call_id',
  'call_id',
  'format',
  'syntax',
  'summary',
  'verbosity',
  'required',
  'enum',
  'status',
  'phase',
  'media_type',
  'context',
  'detail',
]);
const isInSchema = (path: readonly string[]): boolean => path.includes('properties') || path.includes('$defs');

function textAt(path: readonly string[], text: string): string {
  const name = path.at(-1) ?? '';
  if (name === 'description' || isInSchema(path)) return kept.has(name) && name !== 'name' ? text : 'words';
  if (name === 'arguments') return '{"cmd":"words"}';
  return kept.has(name) && text.length <= 80 ? text : 'words';
}
