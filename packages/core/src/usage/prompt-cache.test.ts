import { expect, test } from 'vitest';
import { maxPrefixLifetimeMs, minPrefixTokensOf, prefixLifetimeMsOf } from './prompt-cache.ts';

test.each([
  ['claude-opus-4-5', 4_096],
  ['claude-opus-4.7', 4_096],
  ['claude-opus-4-1', 1_024],
  ['claude-haiku-4-5', 4_096],
  ['claude-sonnet-4-6', 2_048],
  ['claude-sonnet-4-5', 1_024],
  ['claude-3-5-haiku', 2_048],
  ['claude-opus-5', 512],
  ['gemini-2.5-pro', 4_096],
  ['gemini-2.5-flash', 1_024],
  ['gpt-5.1', 1_024],
])('the cache of %s keeps a prefix from %d tokens on', (model, tokens) => {
  expect(minPrefixTokensOf(model)).toBe(tokens);
});

test.each([
  ['gpt-5.6', 30],
  ['gpt-5.10-mini', 30],
  ['gpt-6', 30],
  ['gpt-12.1', 30],
  ['gpt-5.5', 5],
  ['gpt-5', 5],
  ['gpt-4o', 5],
  ['gpt-6x', 5],
  ['my-gpt-6', 5],
  ['claude-opus-5', 5],
])('the cache of %s keeps a prefix for %d minutes', (model, minutes) => {
  expect(prefixLifetimeMsOf(model)).toBe(minutes * 60_000);
  expect(prefixLifetimeMsOf(model)).toBeLessThanOrEqual(maxPrefixLifetimeMs);
});
