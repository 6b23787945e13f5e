import { expect, test } from 'vitest';
import { cheapestStartMs, costNanoUsd, dearestNanoUsd, isCostEstimated, priceAt, type PriceList } from './cost.ts';
import type { PricesDocument } from '../domain/documents.ts';
import type { Usage } from '../domain/outcome.ts';
import { pricesOf } from '../domain/prices.ts';

// Public prices, US dollars per million tokens. $1 per million is 1,000 nano-USD a token: the sums below were made by
// hand from that, and are not the output of the code.
const gpt4o = { input: 2.5, cached_input: 1.25, output: 10 };
const gpt4oMini = { input: 0.15, cached_input: 0.075, output: 0.6 };
const gpt4oAudio = { input: 2.5, output: 10, audio_input: 40, audio_output: 80 };
const gptImage = { input: 5, cached_input: 1.25, output: 10, image_input: 10, image_output: 40 };
const gpt5 = { input: 1.25, cached_input: 0.125, output: 10 };
const o3 = { input: 2, cached_input: 0.5, output: 8 };
const embedding = { input: 0.02, output: 0 };
const dallE = { input: 0, output: 0, image: 0.04 };
const sonar = { input: 1, output: 1, request: 0.005 };
const deepResearch = { input: 2, output: 8, reasoning: 3 };
const sonnet = {
  input: 3,
  output: 15,
  cached_input: 0.3,
  cache_write: 3.75,
  tiers: [{ above_input_tokens: 200_000, input: 6, output: 22.5, cached_input: 0.6, cache_write: 7.5 }],
};
const opus = { input: 5, output: 25, cached_input: 0.5, cache_write: 6.25 };
const haiku = { input: 1, output: 5, cached_input: 0.1, cache_write: 1.25, cache_write_1h: 2 };
const geminiPro = {
  input: 1.25,
  output: 10,
  cached_input: 0.125,
  tiers: [{ above_input_tokens: 200_000, input: 2.5, output: 15, cached_input: 0.25 }],
};
const geminiFlash = { input: 0.3, output: 2.5, cached_input: 0.03, audio_input: 1 };
const gemini8b = { input: 0.0375, output: 0.15, cached_input: 0.01 };
const deepseek = {
  input: 0.27,
  output: 1.1,
  cached_input: 0.07,
  hours: [{ from: '16:30', to: '00:30', input: 0.135, output: 0.55, cached_input: 0.035 }],
};
const free = { input: 0, output: 0 };

const noon = Date.parse('2025-06-10T12:00:00Z');
const evening = Date.parse('2025-06-10T17:00:00Z');

const usage = (inputTokens: number, outputTokens: number, more: Partial<Usage> = {}): Usage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
  ...more,
});
const listOf = (prices: PricesDocument | undefined): PriceList => pricesOf(prices ? { prices } : {});

type Call = readonly [what: string, PricesDocument | undefined, Usage, nanoUsd: bigint | undefined, atMs?: number];
const calls: readonly Call[] = [
  // 1,000 × 2,500 + 200 × 10,000
  ['plain input and output', gpt4o, usage(1_000, 200), 4_500_000n],
  // 900 × 2,500 + 100 × 1,250 + 200 × 10,000
  ['a tenth of the input cached', gpt4o, usage(1_000, 200, { cachedInputTokens: 100 }), 4_375_000n],
  ['a single token', gpt4o, usage(1, 0), 2_500n],
  // 150 + 600
  ['one token each way', gpt4oMini, usage(1, 1), 750n],
  // 10,297 × 150 + 2,048 × 75 + 678 × 600
  ['uneven counts', gpt4oMini, usage(12_345, 678, { cachedInputTokens: 2_048 }), 2_104_950n],
  // 900 × 1,250 + 100 × 125 + 200 × 10,000
  ['another vendor price, cached', gpt5, usage(1_000, 200, { cachedInputTokens: 100 }), 3_137_500n],
  // 500 × 1,250 + 2,000 × 10,000: reasoning is within the output and is not charged twice
  ['reasoning at the rate of output', gpt5, usage(500, 2_000, { reasoningTokens: 1_536 }), 20_625_000n],
  // 521 × 2,000 + 256 × 500 + 1,024 × 8,000
  ['cached and reasoning', o3, usage(777, 1_024, { cachedInputTokens: 256, reasoningTokens: 960 }), 9_362_000n],
  // 100 × 2,000 + 1,000 × 8,000 + 4,000 × 3,000
  ['reasoning at a rate of its own', deepResearch, usage(100, 5_000, { reasoningTokens: 4_000 }), 20_200_000n],
  // 900 × 3,000 + 100 × 300 + 200 × 15,000
  ['a cache read at a tenth', sonnet, usage(1_000, 200, { cachedInputTokens: 100 }), 5_730_000n],
  // 904 × 3,000 + 4,096 × 3,750 + 300 × 15,000
  ['a cache write', sonnet, usage(5_000, 300, { cacheWriteTokens: 4_096 }), 22_572_000n],
  // 2,500 × 3,000 + 6,000 × 300 + 1,500 × 3,750 + 15,000
  ['read and write', sonnet, usage(10_000, 1, { cachedInputTokens: 6_000, cacheWriteTokens: 1_500 }), 14_940_000n],
  // 200,000 × 3,000 + 1,000 × 15,000
  ['exactly at the edge of a tier', sonnet, usage(200_000, 1_000), 615_000_000n],
  // 200,001 × 6,000 + 1,000 × 22,500
  ['one token over: all of it at the tier', sonnet, usage(200_001, 1_000), 1_222_506_000n],
  // 40,000 × 6,000 + 200,000 × 600 + 10,000 × 7,500 + 500 × 22,500
  [
    'a tier with its own cache rates',
    sonnet,
    usage(250_000, 500, { cachedInputTokens: 200_000, cacheWriteTokens: 10_000 }),
    446_250_000n,
  ],
  // 900 × 5,000 + 100 × 500 + 200 × 25,000
  ['a dear model', opus, usage(1_000, 200, { cachedInputTokens: 100 }), 9_550_000n],
  // 3 × 1,000 + 7 × 5,000
  ['a few tokens', haiku, usage(3, 7), 38_000n],
  // 200,000 × 1,250 + 10 × 10,000
  ['below the tier', geminiPro, usage(200_000, 10), 250_100_000n],
  // 200,001 × 2,500 + 10 × 15,000
  ['above the tier', geminiPro, usage(200_001, 10), 500_152_500n],
  // 50,000 × 2,500 + 250,000 × 250 + 2,000 × 15,000
  [
    'tier, cached and reasoning',
    geminiPro,
    usage(300_000, 2_000, { cachedInputTokens: 250_000, reasoningTokens: 1_800 }),
    217_500_000n,
  ],
  // 900 × 300 + 100 × 30 + 200 × 2,500
  ['a cheap model', geminiFlash, usage(1_000, 200, { cachedInputTokens: 100 }), 773_000n],
  // 100 × 300 + 1,500 × 1,000 + 50 × 2,500
  ['sound that goes in', geminiFlash, usage(1_600, 50, { audioInputTokens: 1_500 }), 1_655_000n],
  // 100 × 2,500 + 400 × 40,000 + 50 × 10,000 + 250 × 80,000
  ['sound both ways', gpt4oAudio, usage(500, 300, { audioInputTokens: 400, audioOutputTokens: 250 }), 36_750_000n],
  // 500 × 2,500 + 300 × 10,000
  [
    'sound without a rate for it, as text',
    gpt4o,
    usage(500, 300, { audioInputTokens: 400, audioOutputTokens: 20 }),
    4_250_000n,
  ],
  // 50 × 5,000 + 323 × 10,000 + 1,056 × 40,000
  [
    'images both ways at rates of their own',
    gptImage,
    usage(373, 1_056, { imageInputTokens: 323, imageOutputTokens: 1_056 }),
    45_720_000n,
  ],
  // 1,000 × 2,500 + 200 × 10,000
  [
    'an image that goes in without a rate for it, as text',
    gpt4o,
    usage(1_000, 200, { imageInputTokens: 765 }),
    4_500_000n,
  ],
  // 100 × 1,000 + 1,000 × 1,250 + 2,000 × 2,000 + 10 × 5,000
  [
    'cache writes for five minutes and for an hour',
    haiku,
    usage(3_100, 10, { cacheWriteTokens: 3_000, cacheWrite1hTokens: 2_000 }),
    5_400_000n,
  ],
  // 100 × 3,000 + 3,000 × 3,750 + 10 × 15,000
  [
    'an hour’s cache write without a rate for it, as other writes',
    sonnet,
    usage(3_100, 10, { cacheWriteTokens: 3_000, cacheWrite1hTokens: 2_000 }),
    11_700_000n,
  ],
  // 8,191 × 20
  ['an embedding', embedding, usage(8_191, 0), 163_820n],
  // 2 × $0.04
  ['two images', dallE, usage(0, 0, { images: 2 }), 80_000_000n],
  ['images that have no price: unknown', gpt4o, usage(10, 0, { images: 1 }), undefined],
  // (12 + 345) × 1,000 + $0.005
  ['a fee for each call', sonar, usage(12, 345), 5_357_000n],
  // 1,000 × 270 + 9,000 × 70 + 100 × 1,100
  ['at noon', deepseek, usage(10_000, 100, { cachedInputTokens: 9_000 }), 1_010_000n, noon],
  // 1,000 × 135 + 9,000 × 35 + 100 × 550
  ['in the cheap hours', deepseek, usage(10_000, 100, { cachedInputTokens: 9_000 }), 505_000n, evening],
  ['an unknown price', undefined, usage(1_000, 200), undefined],
  ['a price of zero, which is known', free, usage(1_000, 200), 0n],
  // The caller left after 333 characters, the provider told nothing: 1,000 × 2,500 + 84 × 10,000
  ['a caller who left', gpt4o, usage(1_000, 84, { estimated: true }), 3_340_000n],
  ['a caller who left before content', gpt4o, usage(1_000, 0, { estimated: true }), 2_500_000n],
  // 3 × 37.5 = 112.5
  ['half a nano-dollar goes up', gemini8b, usage(3, 0), 113n],
  // 37.5 + 10 = 47.5, rounded once; each by itself would give 38 + 10
  ['rounded once, on the sum', gemini8b, usage(2, 0, { cachedInputTokens: 1 }), 48n],
  // 37.5 + 37.5 + 150 = 225; rounded token by token it would be 226
  ['no half is rounded twice', gemini8b, usage(2, 1), 225n],
];

for (const [what, prices, used, nanoUsd, atMs = noon] of calls)
  test(`to the nano-dollar: ${what}`, () => {
    expect(costNanoUsd(used, priceAt(listOf(prices), atMs))).toBe(nanoUsd);
  });

test('the table holds at least thirty calls', () => {
  expect(calls.length).toBeGreaterThanOrEqual(30);
});

test.each<readonly [string, boolean, PricesDocument, Partial<Usage>]>([
  ['plain text', false, gpt4o, { cachedInputTokens: 5, reasoningTokens: 5, cacheWriteTokens: 5 }],
  ['audio with rates', false, gpt4oAudio, { audioInputTokens: 1, audioOutputTokens: 1 }],
  ['audio without', true, gpt4o, { audioInputTokens: 1 }],
  ['audio that comes out, without', true, geminiFlash, { audioInputTokens: 1, audioOutputTokens: 1 }],
  ['images with rates', false, gptImage, { imageInputTokens: 1, imageOutputTokens: 1 }],
  ['images without', true, gpt4o, { imageInputTokens: 1 }],
  ['images that come out, without', true, gpt4o, { imageOutputTokens: 1 }],
  ['an hour’s cache write with a rate', false, haiku, { cacheWriteTokens: 1, cacheWrite1hTokens: 1 }],
  ['an hour’s cache write without', true, sonnet, { cacheWriteTokens: 1, cacheWrite1hTokens: 1 }],
])('a cost of %s is marked as estimated: %s', (_what, isMarked, prices, more) => {
  expect(isCostEstimated(usage(10, 10, more), listOf(prices).price)).toBe(isMarked);
});

test('the dearest that a call can come to counts the kinds of tokens that it may hold', () => {
  const text = { inputModalities: ['text'], outputModalities: ['text'] };
  const pictures = { inputModalities: ['text', 'image'], outputModalities: ['image'] };
  const sound = { inputModalities: ['text', 'audio'], outputModalities: ['text', 'audio'] };
  // 100 × 5,000 + 10 × 10,000; 100 × 10,000 + 10 × 40,000
  expect(dearestNanoUsd(100, 10, listOf(gptImage).price, text)).toBe(600_000n);
  expect(dearestNanoUsd(100, 10, listOf(gptImage).price, pictures)).toBe(1_400_000n);
  // 100 × 40,000 + 10 × 80,000
  expect(dearestNanoUsd(100, 10, listOf(gpt4oAudio).price, sound)).toBe(4_800_000n);
  // 100 × 2,000 + 10 × 5,000
  expect(dearestNanoUsd(100, 10, listOf(haiku).price)).toBe(250_000n);
  expect(dearestNanoUsd(100, 10, undefined)).toBeUndefined();
});

test('counts that exceed their whole charge nothing below zero', () => {
  expect(costNanoUsd(usage(10, 0, { cachedInputTokens: 20 }), listOf(gpt4o).price)).toBe(25_000n);
});

test('money of calls beyond every number of JavaScript is exact', () => {
  expect(costNanoUsd(usage(4_294_967_295, 1), listOf({ input: 1_000_000, output: 1_000_000 }).price)).toBe(
    4_294_967_296_000_000_000n,
  );
});

test('the price of a record without prices is the cost of its benchmark', () => {
  const benchmark = { cost_per_1k_tokens_usd: { input: 0.0025, output: 0.01 } };
  expect(pricesOf({ benchmark }).price).toEqual({ input: 2_500_000_000, output: 10_000_000_000 });
  expect(pricesOf({ benchmark, prices: haiku }).price?.input).toBe(1_000_000_000);
});

test('a task that may wait starts at the first instant at which it is cheapest', () => {
  const task = usage(10_000, 1_000);
  const cheapFrom = Date.parse('2025-06-10T16:30:00Z');
  expect(cheapestStartMs(listOf(deepseek), task, noon, cheapFrom)).toBe(cheapFrom);
  expect(cheapestStartMs(listOf(deepseek), task, noon, cheapFrom - 1)).toBe(noon);
  expect(cheapestStartMs(listOf(deepseek), task, evening, evening + 86_400_000)).toBe(evening);
  expect(cheapestStartMs(listOf(gpt4o), task, noon, Number.MAX_SAFE_INTEGER)).toBe(noon);
  expect(cheapestStartMs(listOf(undefined), task, noon, evening)).toBe(noon);
  expect(cheapestStartMs(listOf(deepseek), task, noon, noon - 1)).toBe(noon);
});

test('the dearest kind of token that a call may hold bounds it, each by itself', () => {
  const text = { inputModalities: ['text'], outputModalities: ['text'] };
  const all = { inputModalities: ['audio', 'image'], outputModalities: ['audio', 'image'] };
  const perToken = (prices: Partial<PricesDocument>, modalities = text): readonly bigint[] => {
    const { price } = listOf({ input: 1, output: 1, ...prices });
    return [dearestNanoUsd(1, 0, price, modalities) ?? -1n, dearestNanoUsd(0, 1, price, modalities) ?? -1n];
  };
  expect(perToken({})).toEqual([1_000n, 1_000n]);
  expect(perToken({ cache_write: 2 })).toEqual([2_000n, 1_000n]);
  expect(perToken({ cache_write_1h: 3 })).toEqual([3_000n, 1_000n]);
  expect(perToken({ reasoning: 4 })).toEqual([1_000n, 4_000n]);
  const media = { audio_input: 5, audio_output: 6, image_input: 7, image_output: 8 };
  expect(perToken(media)).toEqual([1_000n, 1_000n]);
  expect(perToken(media, { ...text, inputModalities: ['audio'] })).toEqual([5_000n, 1_000n]);
  expect(perToken(media, { ...text, outputModalities: ['audio'] })).toEqual([1_000n, 6_000n]);
  expect(perToken(media, all)).toEqual([7_000n, 8_000n]);
  expect(perToken({ cached_input: 9 }, all)).toEqual([1_000n, 1_000n]);
});

test('the dearest call is in its tier, with its fee', () => {
  const price = listOf({ ...sonnet, request: 0.005 }).price;
  expect(dearestNanoUsd(200_000, 1, price)).toBe(200_000n * 3_750n + 15_000n + 5_000_000n);
  expect(dearestNanoUsd(200_001, 1, price)).toBe(200_001n * 7_500n + 22_500n + 5_000_000n);
  expect(costNanoUsd(usage(0, 0), listOf(free).price)).toBe(0n);
});

test('of several tiers the highest that is exceeded counts, and its rates stand for what it states alone', () => {
  const price = listOf({
    input: 1,
    output: 1,
    tiers: [
      { above_input_tokens: 200, input: 3 },
      { above_input_tokens: 100, input: 2, output: 5 },
    ],
  }).price;
  expect([100, 101, 200, 201].map((tokens) => costNanoUsd(usage(tokens, 1), price))).toEqual([
    100n * 1_000n + 1_000n,
    101n * 2_000n + 5_000n,
    200n * 2_000n + 5_000n,
    201n * 3_000n + 1_000n,
  ]);
});

test('an unknown usage or price is no estimate, and a rate of a tier is a rate', () => {
  expect(isCostEstimated(undefined, listOf(gpt4o).price)).toBe(false);
  expect(isCostEstimated(usage(1, 1, { audioInputTokens: 1 }), undefined)).toBe(false);
  const tiered = listOf({ ...free, tiers: [{ above_input_tokens: 10, audio_input: 1 }] }).price;
  expect(isCostEstimated(usage(11, 0, { audioInputTokens: 1 }), tiered)).toBe(false);
  expect(isCostEstimated(usage(10, 0, { audioInputTokens: 1 }), tiered)).toBe(true);
});

test('parts that exceed their whole are charged as told, and nothing is left for the rest', () => {
  const { price } = listOf({ input: 1, output: 1, cached_input: 2, reasoning: 3, cache_write: 4, cache_write_1h: 5 });
  expect(costNanoUsd(usage(10, 10, { cachedInputTokens: 20, reasoningTokens: 30 }), price)).toBe(40_000n + 90_000n);
  expect(costNanoUsd(usage(0, 0, { cacheWriteTokens: 1, cacheWrite1hTokens: 2 }), price)).toBe(10_000n);
});

test('images without a price are paid as tokens where there are any', () => {
  expect(costNanoUsd(usage(0, 1, { images: 3 }), listOf(gpt4o).price)).toBe(10_000n);
  expect(costNanoUsd(usage(0, 0, { images: 0 }), listOf(gpt4o).price)).toBe(0n);
  expect(costNanoUsd(usage(1, 1, { images: 2 }), listOf({ ...gpt4o, image: 1 }).price)).toBe(2_000_012_500n);
});

test('the first window that is open counts, and hours in between are no reason to wait', () => {
  const prices = listOf({
    input: 9,
    output: 9,
    hours: [
      { from: '13:00', to: '14:00', input: 5 },
      { from: '13:30', to: '16:00', input: 7 },
      { from: '20:00', to: '21:00', input: 3 },
    ],
  });
  const at = (time: string): number => Date.parse(`2025-06-10T${time}:00Z`);
  const inputAt = (time: string): number => (priceAt(prices, at(time))?.input ?? 0) / 1e9;
  expect(['12:59', '13:00', '13:45', '14:00', '16:00', '20:30'].map(inputAt)).toEqual([9, 5, 5, 7, 9, 3]);
  const start = (from: string, until: string): number => cheapestStartMs(prices, usage(10, 0), at(from), at(until));
  expect([start('12:00', '19:59'), start('12:00', '20:00'), start('13:10', '19:00'), start('14:10', '20:00')]).toEqual([
    at('13:00'),
    at('20:00'),
    at('13:10'),
    at('20:00'),
  ]);
});
