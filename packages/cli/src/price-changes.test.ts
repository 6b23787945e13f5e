import { expect, test } from 'vitest';
import { changeInWords, isBeyond, type PriceChange } from './price-changes.ts';

const change = (beforeUsd: number | undefined, afterUsd: number | undefined): PriceChange => ({
  rate: 'input',
  beforeUsd,
  afterUsd,
});

test.each([
  ['five times dearer', 1, 5, true],
  ['less than that', 1, 4.99, false],
  ['five times cheaper', 5, 1, true],
  ['free from now on', 5, 0, true],
  ['no longer free', 0, 1, true],
  ['unknown from now on', 5, undefined, true],
  ['known for the first time', undefined, 100, false],
])('a price that is %s is looked at first: %j → %j', (_what, before, after, isAsked) => {
  expect(isBeyond(change(before, after), 5)).toBe(isAsked);
});

test('a change is told with its factor, and unknown is never zero', () => {
  expect(changeInWords(change(2.5, 3))).toBe('input: $2.5 → $3, 1.2 times dearer');
  expect(changeInWords(change(undefined, 3))).toBe('input: unknown → $3');
  expect(changeInWords(change(3, undefined))).toBe('input: $3 → unknown');
});
