import { expect, test } from 'vitest';
import { hasStyle } from './get.ts';

const claude = { style: { strengths: ['Claude handles long context well'], quirks: ['no system role'] } };

test('models are found by the words of their strengths and quirks, in any order and case', () => {
  expect(hasStyle(claude, { strength: 'long-context' })).toBe(true);
  expect(hasStyle(claude, { strength: 'Context LONG' })).toBe(true);
  expect(hasStyle(claude, { strength: 'long-context', quirk: 'system role' })).toBe(true);
  expect(hasStyle(claude, { strength: 'code' })).toBe(false);
  expect(hasStyle({}, { strength: 'code' })).toBe(false);
  expect(hasStyle({}, {})).toBe(true);
});
