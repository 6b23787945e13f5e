import { costNanoUsd, pricesOf } from '@will/core';
import { expect, test } from 'vitest';
import { play } from './chat/testing.ts';
import { anthropicBills } from './testing/anthropic-cache-bills.ts';
import { type CacheBill, chat, google, responses } from './testing/cache-vendors.ts';

/** The input of a call this long may come to the tokens that the vendors tell here. */
const input = new TextEncoder().encode(JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(250_000) }] }));

const bills: readonly CacheBill[] = [
  ...anthropicBills,
  [
    'OpenAI: a prompt below 1,024 tokens',
    chat,
    { input: 2.5, output: 10, cached_input: 1.25 },
    { prompt_tokens: 1023, completion_tokens: 64, total_tokens: 1087, prompt_tokens_details: { cached_tokens: 0 } },
    3_197_500n,
  ],
  [
    'OpenAI: half price for what is read, writes are free',
    chat,
    { input: 2.5, output: 10, cached_input: 1.25 },
    { prompt_tokens: 2006, completion_tokens: 300, total_tokens: 2306, prompt_tokens_details: { cached_tokens: 1920 } },
    5_615_000n,
  ],
  [
    'OpenAI: steps of 128 tokens',
    chat,
    { input: 2.5, output: 10, cached_input: 1.25 },
    { prompt_tokens: 1153, completion_tokens: 1, total_tokens: 1154, prompt_tokens_details: { cached_tokens: 1152 } },
    1_452_500n,
  ],
  [
    'OpenAI mini: a rate of 75 nano-dollars',
    chat,
    { input: 0.15, output: 0.6, cached_input: 0.075 },
    { prompt_tokens: 4097, completion_tokens: 255, total_tokens: 4352, prompt_tokens_details: { cached_tokens: 4096 } },
    460_350n,
  ],
  [
    'OpenAI nano: a rate of 5 nano-dollars',
    chat,
    { input: 0.05, output: 0.4, cached_input: 0.005 },
    {
      prompt_tokens: 120_001,
      completion_tokens: 17,
      total_tokens: 120_018,
      prompt_tokens_details: { cached_tokens: 119_936 },
    },
    609_730n,
  ],
  [
    'OpenAI 4.1: a quarter, with reasoning in the output',
    chat,
    { input: 2, output: 8, cached_input: 0.5 },
    {
      prompt_tokens: 30_000,
      completion_tokens: 1500,
      total_tokens: 31_500,
      prompt_tokens_details: { cached_tokens: 29_952 },
      completion_tokens_details: { reasoning_tokens: 1000 },
    },
    27_072_000n,
  ],
  [
    'OpenAI 5.6: writes cost a quarter more',
    chat,
    { input: 1.75, output: 14, cached_input: 0.175, cache_write: 2.1875 },
    {
      prompt_tokens: 20_000,
      completion_tokens: 400,
      total_tokens: 20_400,
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 19_968 },
    },
    49_336_000n,
  ],
  [
    'OpenAI 5.6: reads and writes in one call',
    chat,
    { input: 1.75, output: 14, cached_input: 0.175, cache_write: 2.1875 },
    {
      prompt_tokens: 24_000,
      completion_tokens: 400,
      total_tokens: 24_400,
      prompt_tokens_details: { cached_tokens: 19_968, cache_write_tokens: 3968 },
    },
    17_886_400n,
  ],
  [
    'OpenAI 5.6: kept for twelve hours',
    chat,
    { input: 1.75, output: 14, cached_input: 0.175, cache_write: 2.1875, cache_write_1h: 3.5 },
    {
      prompt_tokens: 20_000,
      completion_tokens: 10,
      total_tokens: 20_010,
      prompt_tokens_details: {
        cached_tokens: 0,
        cache_write_tokens: 19_968,
        cache_write_tokens_details: { ttl_12h_tokens: 19_968, ttl_30m_tokens: 0 },
      },
    },
    70_084_000n,
  ],
  [
    'OpenAI Responses: an agent’s first call',
    responses,
    { input: 2.5, output: 10, cached_input: 1.25 },
    {
      input_tokens: 11_000,
      output_tokens: 220,
      total_tokens: 11_220,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
    29_700_000n,
  ],
  [
    'OpenAI Responses: an agent’s later call',
    responses,
    { input: 2.5, output: 10, cached_input: 1.25 },
    {
      input_tokens: 15_421,
      output_tokens: 803,
      total_tokens: 16_224,
      input_tokens_details: { cached_tokens: 15_360, cache_write_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 512 },
    },
    27_382_500n,
  ],
  [
    'OpenAI Responses 5.6: written for half an hour',
    responses,
    { input: 1.75, output: 14, cached_input: 0.175, cache_write: 2.1875 },
    {
      input_tokens: 15_421,
      output_tokens: 803,
      total_tokens: 16_224,
      input_tokens_details: { cached_tokens: 11_008, cache_write_tokens: 4352 },
      output_tokens_details: { reasoning_tokens: 512 },
    },
    22_795_150n,
  ],
  [
    'OpenAI Responses 5.6: written for twelve hours and for half of one',
    responses,
    { input: 1.75, output: 14, cached_input: 0.175, cache_write: 2.1875, cache_write_1h: 3.5 },
    {
      input_tokens: 30_000,
      output_tokens: 5,
      total_tokens: 30_005,
      input_tokens_details: {
        cached_tokens: 10_000,
        cache_write_tokens: 15_000,
        cache_write_tokens_details: { ttl_12h_tokens: 6000, ttl_30m_tokens: 9000 },
      },
      output_tokens_details: { reasoning_tokens: 0 },
    },
    51_257_500n,
  ],
  [
    'Google: nothing was kept',
    google,
    { input: 0.3, output: 2.5, cached_input: 0.03 },
    { promptTokenCount: 1023, candidatesTokenCount: 40 },
    406_900n,
  ],
  [
    'Google: implicit caching, a tenth for what is read',
    google,
    { input: 0.3, output: 2.5, cached_input: 0.03 },
    { promptTokenCount: 8192, candidatesTokenCount: 40, cachedContentTokenCount: 7168 },
    622_240n,
  ],
  [
    'Google: thoughts stand beside the answer',
    google,
    { input: 0.3, output: 2.5, cached_input: 0.03 },
    { promptTokenCount: 8192, candidatesTokenCount: 40, cachedContentTokenCount: 7168, thoughtsTokenCount: 900 },
    2_872_240n,
  ],
  [
    'Google: the prompt of a tool stands beside the prompt',
    google,
    { input: 0.1, output: 0.4, cached_input: 0.01 },
    { promptTokenCount: 5000, candidatesTokenCount: 12, cachedContentTokenCount: 4096, toolUsePromptTokenCount: 77 },
    143_860n,
  ],
  [
    'Google Pro: 200,000 tokens with the cached ones',
    google,
    {
      input: 1.25,
      output: 10,
      cached_input: 0.125,
      tiers: [{ above_input_tokens: 200_000, input: 2.5, output: 15, cached_input: 0.25 }],
    },
    { promptTokenCount: 200_000, candidatesTokenCount: 10, cachedContentTokenCount: 150_000 },
    81_350_000n,
  ],
  [
    'Google Pro: above 200,000 tokens the whole call is dearer',
    google,
    {
      input: 1.25,
      output: 10,
      cached_input: 0.125,
      tiers: [{ above_input_tokens: 200_000, input: 2.5, output: 15, cached_input: 0.25 }],
    },
    { promptTokenCount: 200_001, candidatesTokenCount: 10, cachedContentTokenCount: 150_000, thoughtsTokenCount: 5 },
    162_727_500n,
  ],
  [
    'DeepSeek: hits and misses are the prompt',
    chat,
    { input: 0.28, output: 0.42, cached_input: 0.028 },
    {
      prompt_tokens: 70_001,
      completion_tokens: 33,
      total_tokens: 70_034,
      prompt_cache_hit_tokens: 69_952,
      prompt_cache_miss_tokens: 49,
    },
    1_986_236n,
  ],
  [
    'xAI: reasoning is counted beside the completion',
    chat,
    { input: 0.2, output: 0.5, cached_input: 0.05 },
    {
      prompt_tokens: 9001,
      completion_tokens: 20,
      total_tokens: 9321,
      prompt_tokens_details: { cached_tokens: 8960 },
      completion_tokens_details: { reasoning_tokens: 300 },
    },
    616_200n,
  ],
  [
    'Mistral: a tenth for what is read',
    chat,
    { input: 0.4, output: 2, cached_input: 0.04 },
    { prompt_tokens: 3000, completion_tokens: 100, total_tokens: 3100, prompt_tokens_details: { cached_tokens: 2944 } },
    340_160n,
  ],
  [
    'OpenRouter: reads and writes are part of the prompt',
    chat,
    { input: 3, output: 15, cached_input: 0.3, cache_write: 3.75, cache_write_1h: 6 },
    {
      prompt_tokens: 10_000,
      completion_tokens: 50,
      total_tokens: 10_050,
      prompt_tokens_details: { cached_tokens: 4000, cache_write_tokens: 5000 },
    },
    23_700_000n,
  ],
  [
    'a rate below a nano-dollar: the sum is rounded once, half up',
    chat,
    { input: 0.0125, output: 0.0999, cached_input: 0.0003 },
    { prompt_tokens: 1001, completion_tokens: 3, total_tokens: 1004, prompt_tokens_details: { cached_tokens: 667 } },
    4_675n,
  ],
  [
    'half a nano-dollar is rounded up',
    chat,
    { input: 0.0005, output: 0, cached_input: 0.0005 },
    { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, prompt_tokens_details: { cached_tokens: 0 } },
    1n,
  ],
];

test('there are at least forty bills', () => {
  expect(bills.length).toBeGreaterThanOrEqual(40);
});

test.each(bills)('%s', async (_what, { form, body }, prices, usage, expected) => {
  const { outcome } = await play(
    form,
    { pieces: [JSON.stringify(body(usage))] },
    { input, stream: false, maxOutputTokens: 10_000 },
  );
  expect(outcome).toMatchObject({ ok: true, usage: { estimated: false } });
  expect(outcome.usage && costNanoUsd(outcome.usage, pricesOf({ prices }).price)).toBe(expected);
});
