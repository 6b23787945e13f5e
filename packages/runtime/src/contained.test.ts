import { afterEach, expect, test } from 'vitest';
import { contained, reportStrays } from './contained.ts';

let undo = (): void => {};
afterEach(() => undo());

const boom = new Error('boom');
const throwing = (): never => {
  throw boom;
};

test('a timer that throws is reported, ends what it belongs to, and the next timer runs', async () => {
  const reported: unknown[] = [];
  undo = reportStrays((error) => reported.push(error));
  const { promise, reject } = Promise.withResolvers<never>();
  setTimeout(contained(throwing, reject), 0);
  await expect(promise).rejects.toBe(boom);
  expect(reported).toEqual([boom]);
  await new Promise((resolve) => setTimeout(resolve, 0));
});

test('also what ends the work may fail', () => {
  const reported: unknown[] = [];
  undo = reportStrays((error) => reported.push(error));
  const worse = new Error('worse');
  contained(throwing, () => {
    throw worse;
  })();
  expect(reported).toEqual([boom, worse]);
});
