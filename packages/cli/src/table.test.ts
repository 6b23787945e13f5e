import { expect, test } from 'vitest';
import { dollars, duration, table } from './table.ts';

test('columns are aligned, numbers to the right, and nothing trails', () => {
  const rows = [
    { name: 'gpt-4', ms: 5 },
    { name: 'ü', ms: 1_200 },
  ];
  const shown = table(rows, [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'MS', value: ({ ms }) => ms, align: 'right' },
    { title: 'NOTE', value: () => '' },
  ]);
  expect(shown).toBe('NAME     MS  NOTE\ngpt-4     5\nü      1200\n');
});

test('no rows are no table', () => {
  expect(table([], [{ title: 'A', value: () => '' }])).toBe('');
});

test('what others wrote can neither break a table nor steer the terminal', () => {
  expect(table([{ a: 'x\ny\u001b[31m' }], [{ title: 'A', value: ({ a }) => a }])).toBe('A\nx y[31m\n');
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_234, '1.2 s'],
  [185_000, '3 min 5 s'],
  [7_260_000, '2 h 1 min'],
])('%i ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test('an unknown price is nothing, not zero', () => {
  expect([dollars(undefined), dollars(0n), dollars(123_456n)]).toEqual(['', '$0.000000', '$0.000123']);
});
