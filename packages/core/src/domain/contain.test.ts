import { expect, test } from 'vitest';
import { contain } from './contain.ts';

test('what a callback throws, or its promise rejects with, is reported and goes no further', async () => {
  const reported: unknown[] = [];
  const report = (error: unknown): void => void reported.push(error);
  contain((word: string) => {
    throw new Error(word);
  }, report)('at once');
  contain(async (word: string) => Promise.reject(new Error(word)), report)('later');
  await Promise.resolve().then(() => Promise.resolve());
  expect(reported).toEqual([new Error('at once'), new Error('later')]);
});

test('a callback that succeeds reports nothing', () => {
  const heard: unknown[] = [];
  contain(
    (...words: readonly unknown[]) => heard.push(...words),
    () => heard.push('reported'),
  )(1, 2);
  expect(heard).toEqual([1, 2]);
});
