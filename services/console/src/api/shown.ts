import { jsonNumber } from '@will/operator';

/** JSON that is somebody's own text: its names stay as they are. */
export class Verbatim {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

const left: ReadonlySet<string> = new Set(['$typeName', '$unknown', 'digest']);

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * A value as the admin API tells it: names in snake_case, big integers as numbers where they fit, no bytes, no digests of
 * keys, and nothing that is undefined.
 */
export function toApi(value: unknown): unknown {
  if (value instanceof Verbatim) return value.value;
  if (typeof value === 'bigint') return jsonNumber(value);
  if (value instanceof Uint8Array) return undefined;
  if (Array.isArray(value)) return value.map(toApi);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (left.has(name) ? [] : [[snakeCase(name), toApi(member)]])),
  );
}
