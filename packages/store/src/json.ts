// Money and seeds are wider than JSON's numbers.
const bigintKeys: ReadonlySet<string> = new Set(['costNanoUsd', 'seed']);

/** Records, decisions and sets as text. */
export const stringify = (value: object): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));

export const parse = <T>(text: string): T =>
  JSON.parse(text, (key, inner: unknown) =>
    bigintKeys.has(key) && typeof inner === 'string' ? BigInt(inner) : inner,
  ) as T;
