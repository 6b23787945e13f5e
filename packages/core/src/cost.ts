import type { Usage } from './outcome.ts';

/** Nano-USD per million tokens, integers. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** USD per 1,000 tokens, as documents state it, to nano-USD per million tokens. */
export const nanoUsdPerMillion = (usdPerThousand: number): number => Math.round(usdPerThousand * 1e12);

/**
 * What a call cost, in integer nano-USD, rounded half up once, on the sum.
 * Unknown price: undefined, never zero.
 */
export function costNanoUsd(usage: Usage, price: Price | undefined): bigint | undefined {
  if (!price) return undefined;
  const perMillion =
    BigInt(usage.inputTokens) * BigInt(price.input) + BigInt(usage.outputTokens) * BigInt(price.output);
  return (perMillion + 500_000n) / 1_000_000n;
}
