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
  compare(given, kept, [], found);
  return found;
}

/** `at`: names and positions from the top; the same list on every level, since most fields are known. */
function compare(given: unknown, kept: unknown, at: (string | number)[], found: UnknownField[]): void {
  if (given === kept || !isObject(given) || !isObject(kept)) return;
  if (Array.isArray(given)) {
    if (!Array.isArray(kept)) return;
    for (let index = 0; index < given.length; index += 1) {
      at.push(index);
      compare(given[index], kept[index], at, found);
      at.pop();
    }
    return;
  }
  for (const name of Object.keys(given)) {
    const value = given[name];
    at.push(name);
    if (Object.hasOwn(kept, name)) compare(value, kept[name], at, found);
    else if (value !== null && value !== undefined)
      found.push({ path: at.filter((step) => typeof step === 'string'), param: at.join('.'), value });
    at.pop();
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
