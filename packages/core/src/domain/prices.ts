import { nanoUsdPerMillion, type Price, type PriceHours, type PriceList, type Rates } from '../usage/cost.ts';
import type { ModelDocument, PricesDocument, RatesDocument } from './documents.ts';

/** Prices of a model, in integers; its `prices`, else the cost of its benchmark, else unknown. */
export function pricesOf({ prices, benchmark }: Pick<ModelDocument, 'prices' | 'benchmark'>): PriceList {
  if (prices) return { price: priceOf(prices), priceHours: (prices.hours ?? []).map(hoursOf) };
  const cost = benchmark?.cost_per_1k_tokens_usd;
  return {
    price: cost && { input: nanoUsdPerMillion(cost.input), output: nanoUsdPerMillion(cost.output) },
    priceHours: [],
  };
}

/** US dollars to nano-USD; per million tokens as well as for one thing. */
const nanoUsd = (usd: number): number => Math.round(usd * 1e9);

const priceOf = (prices: PricesDocument): Price => ({
  ...ratesOf(prices),
  input: nanoUsd(prices.input),
  output: nanoUsd(prices.output),
  ...(prices.image !== undefined && { image: nanoUsd(prices.image) }),
  ...(prices.request !== undefined && { request: nanoUsd(prices.request) }),
  ...(prices.tiers && {
    tiers: prices.tiers
      .map((tier) => ({ aboveInputTokens: tier.above_input_tokens, ...ratesOf(tier) }))
      .sort((a, b) => a.aboveInputTokens - b.aboveInputTokens),
  }),
});

function hoursOf({ from, to, days, time_zone, ...rates }: NonNullable<PricesDocument['hours']>[number]): PriceHours {
  return { window: { from, to, ...(days && { days }) }, zone: time_zone ?? 'UTC', rates: ratesOf(rates) };
}

const ratesOf = (rates: RatesDocument): Partial<Rates> => ({
  ...(rates.input !== undefined && { input: nanoUsd(rates.input) }),
  ...(rates.output !== undefined && { output: nanoUsd(rates.output) }),
  ...(rates.cached_input !== undefined && { cachedInput: nanoUsd(rates.cached_input) }),
  ...(rates.cache_write !== undefined && { cacheWrite: nanoUsd(rates.cache_write) }),
  ...(rates.cache_write_1h !== undefined && { cacheWrite1h: nanoUsd(rates.cache_write_1h) }),
  ...(rates.reasoning !== undefined && { reasoning: nanoUsd(rates.reasoning) }),
  ...(rates.audio_input !== undefined && { audioInput: nanoUsd(rates.audio_input) }),
  ...(rates.audio_output !== undefined && { audioOutput: nanoUsd(rates.audio_output) }),
  ...(rates.image_input !== undefined && { imageInput: nanoUsd(rates.image_input) }),
  ...(rates.image_output !== undefined && { imageOutput: nanoUsd(rates.image_output) }),
});
