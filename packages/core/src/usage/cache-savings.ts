import type { Usage } from '../domain/outcome.ts';
import { costNanoUsd, type Price } from './cost.ts';

/**
 * The money that the vendor's prompt cache saved in a call: the cost of the same tokens as plain input, less what they
 * cost. Below zero: writes cost more than reads saved. Undefined: the price is unknown, so that nobody can say.
 */
export function cacheSavingsNanoUsd(usage: Usage, price: Price | undefined): bigint | undefined {
  if (usage.cachedInputTokens === 0 && !usage.cacheWriteTokens) return price && 0n;
  const cost = costNanoUsd(usage, price);
  const plain = costNanoUsd({ ...usage, cachedInputTokens: 0, cacheWriteTokens: 0, cacheWrite1hTokens: 0 }, price);
  return cost === undefined || plain === undefined ? undefined : plain - cost;
}
