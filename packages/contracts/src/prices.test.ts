import { expect, test } from 'vitest';
import { priceFromWire, priceHoursFromWire, priceHoursToWire, priceToWire, recordPriceToWire } from './prices.ts';

test('a price comes through the wire as it was, zero and absent staying apart', () => {
  const price = {
    input: 1,
    output: 0,
    cachedInput: 0,
    cacheWrite: 2,
    cacheWrite1h: 8,
    reasoning: 3,
    audioInput: 4,
    audioOutput: 5,
    imageInput: 9,
    imageOutput: 10,
    image: 6,
    request: 0,
    tiers: [
      { aboveInputTokens: 200_000, input: 7 },
      { aboveInputTokens: 400_000, cacheWrite: 0, cacheWrite1h: 1, imageInput: 2, imageOutput: 3 },
    ],
  };
  expect(priceFromWire(priceToWire(price))).toEqual(price);
  expect(priceFromWire(priceToWire({ input: 1, output: 2 }))).toStrictEqual({ input: 1, output: 2 });
});

test('a record repeats its price only where two rates do not say all', () => {
  expect(recordPriceToWire(undefined)).toEqual({});
  expect(recordPriceToWire({ input: 1, output: 2 })).toEqual({ priceInput: 1n, priceOutput: 2n });
  expect(recordPriceToWire({ input: 1, output: 2, request: 3 }).price).toMatchObject({ request: 3n });
});

test('rates of some hours come through the wire as they were', () => {
  const hours = {
    window: { from: '16:30', to: '00:30', days: ['mon'] },
    zone: 'UTC',
    rates: { input: 1, cachedInput: 0 },
  };
  expect(priceHoursFromWire(priceHoursToWire(hours))).toEqual(hours);
  const always = { window: { from: '00:00', to: '24:00' }, zone: 'Europe/Berlin', rates: {} };
  expect(priceHoursFromWire(priceHoursToWire(always))).toStrictEqual(always);
});
