import type { ModelDocument, PricesDocument, RatesDocument } from '@will/core';
import { pricesOf } from '@will/core';

/** One rate of a model that a catalogue says otherwise. Dollars per million tokens, for images and requests each. */
export interface PriceChange {
  /** `input`, `output`, `cached_input above 200000 tokens`, … */
  readonly rate: string;
  /** Undefined: unknown, which is never zero. */
  readonly beforeUsd: number | undefined;
  readonly afterUsd: number | undefined;
}

/** Differences between the prices of a model's document and others. */
export function priceChanges(model: ModelDocument, after: PricesDocument): readonly PriceChange[] {
  const [before, next] = [ratesOf(statedPrices(model)), ratesOf(after)];
  return [...new Set([...before.keys(), ...next.keys()])]
    .map((rate) => ({ rate, beforeUsd: before.get(rate), afterUsd: next.get(rate) }))
    .filter(({ beforeUsd, afterUsd }) => beforeUsd !== afterUsd);
}

/** The document's prices, also where only its benchmark states them. */
function statedPrices(model: ModelDocument): PricesDocument | undefined {
  if (model.prices) return model.prices;
  const { price } = pricesOf(model);
  return price && { input: price.input / 1e9, output: price.output / 1e9 };
}

function ratesOf(prices: PricesDocument | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const add = (rates: RatesDocument, where: string): void => {
    for (const [name, usd] of Object.entries(rates)) if (typeof usd === 'number') found.set(name + where, usd);
  };
  if (!prices) return found;
  const { tiers = [], hours: _hours, ...base } = prices;
  add(base, '');
  for (const { above_input_tokens: above, ...rates } of tiers) add(rates, ` above ${above} tokens`);
  return found;
}

/**
 * True where someone has to look at a change before it holds: a known rate becomes `maxFactor` times dearer or
 * cheaper, free, or unknown.
 */
export function isBeyond({ beforeUsd, afterUsd }: PriceChange, maxFactor: number): boolean {
  if (beforeUsd === undefined) return false;
  if (afterUsd === undefined) return true;
  if (beforeUsd === 0) return afterUsd > 0;
  const factor = afterUsd / beforeUsd;
  return factor >= maxFactor || factor <= 1 / maxFactor;
}

/** `input: $2.5 → $3, 1.2 times dearer`. */
export function changeInWords({ rate, beforeUsd, afterUsd }: PriceChange): string {
  const usd = (amount: number | undefined): string => (amount === undefined ? 'unknown' : `$${amount}`);
  const words = `${rate}: ${usd(beforeUsd)} → ${usd(afterUsd)}`;
  if (!beforeUsd || !afterUsd) return words;
  const isDearer = afterUsd > beforeUsd;
  const factor = isDearer ? afterUsd / beforeUsd : beforeUsd / afterUsd;
  return `${words}, ${Number(factor.toFixed(2))} times ${isDearer ? 'dearer' : 'cheaper'}`;
}
