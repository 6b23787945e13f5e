/** When the figures below were compared with what the vendors' documentation says. */
export const promptCacheRulesAsOf = '2026-11-28';

/** The shortest prefix that a vendor's cache keeps, by the vendor's name of the model; the first that fits counts. */
const minimums: readonly (readonly [model: RegExp, tokens: number])[] = [
  [/claude-(opus-4[-.][5-9]|haiku-4[-.]5)/, 4_096],
  [/claude-(sonnet-4[-.]6|3-5-haiku|3-haiku|haiku-3)/, 2_048],
  [/gemini-2[-.]5/, 2_048],
  [/gemini/, 4_096],
];
const otherwise = 1_024;

/** Tokens from which a prefix is kept by the cache of this model. */
export const minPrefixTokensOf = (providerModel: string): number =>
  minimums.find(([model]) => model.test(providerModel))?.[1] ?? otherwise;
