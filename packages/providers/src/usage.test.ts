import { costNanoUsd, type Price, type Usage } from '@will/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anthropicForm } from './chat/anthropic-form.ts';
import type { Form } from './chat/form.ts';
import { googleForm } from './chat/google-form.ts';
import { openAiForm } from './chat/openai-form.ts';
import { responsesForm } from './chat/responses-form.ts';
import { play } from './chat/testing.ts';
import { outsideCount } from './outside-number.ts';

describe('a number from outside', () => {
  test.each([
    [0, 0],
    [7, 7],
    [2.5, 3],
    ['12', 12],
    [' 2.5 ', 3],
    [100, 100],
    [100.5, undefined],
    [-1, undefined],
    [-0.5, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [2 ** 64, undefined],
    ['18446744073709551615', undefined],
    ['1e3', undefined],
    ['', undefined],
    [null, undefined],
    [[5], undefined],
    [{}, undefined],
    [true, undefined],
  ])('%j is read as %j', (stated, count) => {
    expect(outsideCount(stated, 100)).toBe(count);
  });

  test('is a whole number within its bound, or unknown', () => {
    fc.assert(
      fc.property(fc.anything(), fc.nat(), (value, max) => {
        const count = outsideCount(value, max);
        expect(count === undefined || (Number.isInteger(count) && count >= 0 && count <= max)).toBe(true);
      }),
    );
  });
});

/** Nano-USD for a million tokens, each rate another, so that a bill shows which was used. */
const price: Price = {
  input: 2_000_000_000,
  output: 10_000_000_000,
  cachedInput: 200_000_000,
  cacheWrite: 2_500_000_000,
  cacheWrite1h: 4_000_000_000,
  reasoning: 12_000_000_000,
  audioInput: 32_000_000_000,
  audioOutput: 64_000_000_000,
  imageInput: 8_000_000_000,
  imageOutput: 40_000_000_000,
};

async function billed(form: () => Form, body: object): Promise<{ usage: Usage | undefined; cost: bigint | undefined }> {
  const { outcome } = await play(
    form,
    { pieces: [JSON.stringify(body)] },
    { stream: false, maxOutputTokens: undefined },
  );
  expect(outcome.ok).toBe(true);
  return { usage: outcome.usage, cost: outcome.usage && costNanoUsd(outcome.usage, price) };
}

const chat = (usage: object): object => ({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }], usage });
const anthropic = (usage: object): object => ({
  type: 'message',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  usage,
});
const google = (usageMetadata: object): object => ({
  candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
  usageMetadata,
});
const responses = (usage: object): object => ({
  output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }],
  usage,
});

describe('the bill of each vendor’s arithmetic', () => {
  test.each<readonly [string, () => Form, object, bigint]>([
    [
      'OpenAI: cached tokens and audio are part of the prompt, reasoning and audio of the completion',
      openAiForm,
      chat({
        prompt_tokens: 1_000,
        completion_tokens: 500,
        total_tokens: 1_500,
        prompt_tokens_details: { cached_tokens: 400, audio_tokens: 100 },
        completion_tokens_details: { reasoning_tokens: 200, audio_tokens: 50 },
      }),
      // 500 plain, 400 cached, 100 of audio; 250 plain, 200 of reasoning, 50 of audio.
      500n * 2_000n + 400n * 200n + 100n * 32_000n + 250n * 10_000n + 200n * 12_000n + 50n * 64_000n,
    ],
    [
      'xAI: reasoning is counted beside the completion',
      openAiForm,
      chat({
        prompt_tokens: 32,
        completion_tokens: 9,
        total_tokens: 135,
        prompt_tokens_details: { cached_tokens: 6 },
        completion_tokens_details: { reasoning_tokens: 94 },
      }),
      26n * 2_000n + 6n * 200n + 9n * 10_000n + 94n * 12_000n,
    ],
    [
      'DeepSeek: hits of the cache are part of the prompt',
      openAiForm,
      chat({
        prompt_tokens: 100,
        completion_tokens: 10,
        total_tokens: 110,
        prompt_cache_hit_tokens: 64,
        prompt_cache_miss_tokens: 36,
      }),
      36n * 2_000n + 64n * 200n + 10n * 10_000n,
    ],
    [
      'OpenRouter: tokens written to a cache are part of the prompt',
      openAiForm,
      chat({
        prompt_tokens: 100,
        completion_tokens: 10,
        total_tokens: 110,
        prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 30 },
      }),
      50n * 2_000n + 20n * 200n + 30n * 2_500n + 10n * 10_000n,
    ],
    [
      'Anthropic: what was read from the cache and written to it stands beside the input',
      anthropicForm,
      anthropic({
        input_tokens: 100,
        cache_read_input_tokens: 1_000,
        cache_creation_input_tokens: 200,
        output_tokens: 50,
        output_tokens_details: { thinking_tokens: 20 },
      }),
      100n * 2_000n + 1_000n * 200n + 200n * 2_500n + 30n * 10_000n + 20n * 12_000n,
    ],
    [
      'Anthropic: what was written for an hour is part of what was written',
      anthropicForm,
      anthropic({
        input_tokens: 100,
        cache_creation_input_tokens: 300,
        cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
        output_tokens: 50,
      }),
      100n * 2_000n + 100n * 2_500n + 200n * 4_000n + 50n * 10_000n,
    ],
    [
      'OpenAI’s form: images are part of the prompt and of the completion, an hour’s write part of what was written',
      openAiForm,
      chat({
        prompt_tokens: 1_000,
        completion_tokens: 500,
        total_tokens: 1_500,
        prompt_tokens_details: {
          image_tokens: 300,
          cache_creation_tokens: 200,
          cache_creation_token_details: { ephemeral_1h_input_tokens: 150 },
        },
        completion_tokens_details: { image_tokens: 100 },
      }),
      500n * 2_000n + 50n * 2_500n + 150n * 4_000n + 300n * 8_000n + 400n * 10_000n + 100n * 40_000n,
    ],
    [
      'Google: images both ways, and of a kind only what the cache did not hold',
      googleForm,
      google({
        promptTokenCount: 1_000,
        cachedContentTokenCount: 300,
        candidatesTokenCount: 1_300,
        totalTokenCount: 2_300,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 484 },
          { modality: 'IMAGE', tokenCount: 516 },
        ],
        cacheTokensDetails: [
          { modality: 'TEXT', tokenCount: 42 },
          { modality: 'IMAGE', tokenCount: 258 },
        ],
        candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1_290 }],
      }),
      442n * 2_000n + 300n * 200n + 258n * 8_000n + 10n * 10_000n + 1_290n * 40_000n,
    ],
    [
      'Anthropic: a call in rounds is the sum of its rounds',
      anthropicForm,
      anthropic({
        input_tokens: 10,
        output_tokens: 5,
        iterations: [
          { type: 'compaction', input_tokens: 100, output_tokens: 20 },
          { type: 'message', input_tokens: 10, output_tokens: 5 },
          { type: 'advisor_message', input_tokens: 999, output_tokens: 999 },
        ],
      }),
      110n * 2_000n + 25n * 10_000n,
    ],
    [
      'Google: thoughts stand beside the candidates, what tools read beside the prompt, the cache within it',
      googleForm,
      google({
        promptTokenCount: 100,
        cachedContentTokenCount: 40,
        toolUsePromptTokenCount: 30,
        candidatesTokenCount: 12,
        thoughtsTokenCount: 8,
        totalTokenCount: 150,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 90 },
          { modality: 'AUDIO', tokenCount: 10 },
        ],
      }),
      80n * 2_000n + 40n * 200n + 10n * 32_000n + 12n * 10_000n + 8n * 12_000n,
    ],
    [
      'OpenAI’s responses: cached and written tokens are part of the input, reasoning of the output',
      responsesForm,
      responses({
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
        output_tokens: 20,
        output_tokens_details: { reasoning_tokens: 5 },
      }),
      50n * 2_000n + 40n * 200n + 10n * 2_500n + 15n * 10_000n + 5n * 12_000n,
    ],
  ])('%s', async (_what, form, body, expected) => {
    const { usage, cost } = await billed(form, body);
    expect(usage?.estimated).toBe(false);
    expect(cost).toBe(expected);
  });
});

/** The estimate of the contract's short chat and of two characters of text. */
const estimate = { inputTokens: 15, outputTokens: 1, estimated: true };

describe('usage that cannot be', () => {
  test.each<readonly [string, () => Form, object, Partial<Usage>]>([
    [
      '2^64 of input',
      openAiForm,
      chat({ prompt_tokens: 2 ** 64, completion_tokens: 9 }),
      { ...estimate, outputTokens: 9 },
    ],
    [
      'reasoning of 5e9',
      openAiForm,
      chat({ prompt_tokens: 8, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 5e9 } }),
      { inputTokens: 8, outputTokens: 9, reasoningTokens: 0, estimated: true },
    ],
    [
      'a negative count',
      openAiForm,
      chat({ prompt_tokens: -1, completion_tokens: 9 }),
      { ...estimate, outputTokens: 9 },
    ],
    ['zero beside content', openAiForm, chat({ prompt_tokens: 0, completion_tokens: 0 }), estimate],
    ['no counts at all', openAiForm, chat({}), estimate],
    ['usage that is text', openAiForm, chat('none' as unknown as object), estimate],
    [
      'fractions, rounded up',
      openAiForm,
      chat({ prompt_tokens: 7.2, completion_tokens: '8.5' }),
      { inputTokens: 8, outputTokens: 9, estimated: false },
    ],
    [
      '2.5 of Anthropic',
      anthropicForm,
      anthropic({ input_tokens: 2.5, output_tokens: 9 }),
      { inputTokens: 3, outputTokens: 9, estimated: false },
    ],
    [
      '2^32 of Anthropic’s cache',
      anthropicForm,
      anthropic({ input_tokens: 2, cache_read_input_tokens: 2 ** 32, output_tokens: 9 }),
      { ...estimate, outputTokens: 9, cachedInputTokens: 0 },
    ],
    [
      '5e9 of Google',
      googleForm,
      google({ promptTokenCount: 5e9, candidatesTokenCount: 9 }),
      { ...estimate, outputTokens: 9 },
    ],
    [
      'more cached than came in',
      googleForm,
      google({ promptTokenCount: 8, cachedContentTokenCount: 9, candidatesTokenCount: 9 }),
      { inputTokens: 8, cachedInputTokens: 0, estimated: true },
    ],
    [
      '-1 of the responses',
      responsesForm,
      responses({ input_tokens: 5, output_tokens: -1 }),
      { inputTokens: 5, outputTokens: 1, estimated: true },
    ],
  ])('%s is unknown, estimated and marked so', async (_what, form, body, expected) => {
    expect((await billed(form, body)).usage).toMatchObject(expected);
  });
});
