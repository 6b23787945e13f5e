/** A field that a schema does not know, where it stood. */
export interface UnknownField {
  /** Names from the top, without positions in lists. */
  readonly path: readonly string[];
  readonly param: string;
  readonly value: unknown;
}

/** Every field of `given` that is not in `kept`, which a schema made of it. */
export function unknownFields(given: unknown, kept: unknown): readonly UnknownField[] {
  const found: UnknownField[] = [];
  compare(given, kept, [], [], found);
  return found;
}

function compare(given: unknown, kept: unknown, path: string[], param: string[], found: UnknownField[]): void {
  if (given === kept || typeof given !== 'object' || given === null) return;
  if (typeof kept !== 'object' || kept === null) return;
  if (Array.isArray(given)) {
    if (!Array.isArray(kept)) return;
    for (const [index, item] of given.entries()) compare(item, kept[index], path, [...param, String(index)], found);
    return;
  }
  for (const [name, value] of Object.entries(given)) {
    const at = [...param, name];
    if (Object.hasOwn(kept, name)) compare(value, (kept as Record<string, unknown>)[name], [...path, name], at, found);
    else if (value !== null && value !== undefined) found.push({ path: [...path, name], param: at.join('.'), value });
  }
}
