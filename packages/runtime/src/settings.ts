/** Settings are wrong; the message lists every bad one with what was allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Reads one setting. @throws {SettingsError} the value is wrong. */
export type SettingParser<T> = (raw: string | undefined, name: string) => T;

/** Parses every setting at once, so that all mistakes show together. @throws {SettingsError} */
export function parseSettings<T extends Record<string, SettingParser<unknown>>>(
  env: Readonly<Record<string, string | undefined>>,
  shape: { readonly [K in keyof T]: readonly [name: string, parser: T[K]] },
): { readonly [K in keyof T]: ReturnType<T[K]> } {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, [name, parse]] of Object.entries(shape) as [string, readonly [string, SettingParser<unknown>]][]) {
    const raw = env[name];
    try {
      values[key] = parse(raw === '' ? undefined : raw, name);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems.join('\n'));
  return values as { readonly [K in keyof T]: ReturnType<T[K]> };
}

/** A setting that is text, with a default. */
export const text =
  (fallback: string): SettingParser<string> =>
  (raw) =>
    raw ?? fallback;

/** A setting that is text and may be missing. */
export const optionalText: SettingParser<string | undefined> = (raw) => raw;

/** One of some words; the first is what holds when nothing is said. */
export const oneOf =
  <T extends string>(words: readonly [T, ...T[]]): SettingParser<T> =>
  (raw, name) => {
    const found = raw === undefined ? words[0] : words.find((word) => word === raw);
    if (found === undefined)
      throw new SettingsError(`${name} ${JSON.stringify(raw)} must be one of ${words.join(', ')}`);
    return found;
  };

/** A whole number within bounds, both included. */
export const integer =
  (fallback: number, min: number, max: number): SettingParser<number> =>
  (raw, name) => {
    if (raw === undefined) return fallback;
    const value = Number(raw);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new SettingsError(`${name} ${JSON.stringify(raw)} must be a whole number from ${min} to ${max}`);
    return value;
  };
