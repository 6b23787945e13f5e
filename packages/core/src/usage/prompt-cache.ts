/** When the figures below were compared with what the vendors' documentation says. */
export const promptCacheRulesAsOf = '2026-11-29';

/** The shortest prefix that a vendor's cache keeps, by the vendor's name of the model; the first that fits counts. */
const minimums: readonly (readonly [model: RegExp, tokens: number])[] = [
  [/claude-(opus-4[-.][5-7]|haiku-4[-.]5)/, 4_096],
  [/claude-(sonnet-4[-.]6|3-5-haiku|3-haiku|haiku-3)/, 2_048],
  [/claude-(opus|fable|mythos)-5/, 512],
  [/gemini.*pro/, 4_096],
];
const otherwise = 1_024;

/** Tokens from which a prefix is kept by the cache of this model. */
export const minPrefixTokensOf = (providerModel: string): number =>
  minimums.find(([model]) => model.test(providerModel))?.[1] ?? otherwise;

const minuteMs = 60_000;
/** OpenAI's GPT-5.6 and later promise half an hour; all others count as five minutes, from the last use. */
const halfHour = /^gpt-(5\.([6-9]|\d\d)|[6-9]|\d\d)(?=[-.]|$)/;

/** So long a prefix is kept by the cache of this model, where nobody asks for more. */
export const prefixLifetimeMsOf = (providerModel: string): number => (halfHour.test(providerModel) ? 30 : 5) * minuteMs;

/** No vendor's cache keeps a prefix longer than this unless it is asked to. */
export const maxPrefixLifetimeMs = 30 * minuteMs;
