import { expect, test } from 'vitest';
import type { Usage } from '../domain/outcome.ts';
import { cacheSavingsNanoUsd } from './cache-savings.ts';
import type { Price } from './cost.ts';

const price: Price = { input: 3e9, output: 15e9, cachedInput: 3e8, cacheWrite: 3_750_000_000, cacheWrite1h: 6e9 };
const usage = (over: Partial<Usage>): Usage => ({
  inputTokens: 10_000,
  outputTokens: 100,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
  ...over,
});

test('what is read costs less than plain input, and writes cost more', () => {
  expect(cacheSavingsNanoUsd(usage({}), price)).toBe(0n);
  expect(cacheSavingsNanoUsd(usage({ cachedInputTokens: 8_000 }), price)).toBe(8_000n * 2_700n);
  expect(cacheSavingsNanoUsd(usage({ cacheWriteTokens: 8_000 }), price)).toBe(-8_000n * 750n);
  const hour = { cacheWriteTokens: 8_000, cacheWrite1hTokens: 8_000 };
  expect(cacheSavingsNanoUsd(usage(hour), price)).toBe(-8_000n * 3_000n);
  expect(cacheSavingsNanoUsd(usage({ cachedInputTokens: 6_000, cacheWriteTokens: 2_000 }), price)).toBe(
    6_000n * 2_700n - 2_000n * 750n,
  );
});

test('without a price nobody can say', () => {
  expect(cacheSavingsNanoUsd(usage({ cachedInputTokens: 8_000 }), undefined)).toBeUndefined();
  expect(cacheSavingsNanoUsd(usage({}), undefined)).toBeUndefined();
});
