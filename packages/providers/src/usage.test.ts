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
import { chatSize, mediaSize, type StatedUsage, usageOf } from './usage.ts';

describe('a number from outside', () => {
  test.each([
    [0, 0],
    [-0, 0],
    ['0', 0],
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

describe('the size of a call', () => {
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(`xx${text}`)).subarray(2);
  const plain = bytes('{"messages":[{"role":"user","content":"Say something."}]}');
  const received = { bytes: 100, chars: 9 };

  test('bounds the input by its bytes and what a vendor adds, the output by the maximum or by what came', () => {
    const { maxInputTokens, maxTextTokens, maxOutputTokens, inputTokens, outputTokens } = chatSize(plain, 50, received);
    expect([maxInputTokens, maxTextTokens]).toEqual([plain.length + 65_536, plain.length + 65_536]);
    expect(maxOutputTokens).toBe(100);
    expect([inputTokens, outputTokens]).toEqual([15, 3]);
    expect(chatSize(plain, 101, received).maxOutputTokens).toBe(101);
    expect(chatSize(plain, undefined, received).maxOutputTokens).toBe(100 + 262_144);
  });

  test.each(['image_url', 'file', 'input_audio', 'video_url'])(
    'lets what the vendor fetches be large: a part of type %s',
    (type) => {
      const input = bytes(JSON.stringify({ messages: [{ role: 'user', content: [{ type, [type]: {} }] }] }));
      const size = chatSize(input, 50, received);
      expect(size.maxInputTokens).toBe(input.length + 65_536 + 2_000_000);
      const stated = { input: [1_000_000], output: [7] };
      expect(usageOf(stated, size)).toMatchObject({ inputTokens: 1_000_000, estimated: false });
      expect(usageOf(stated, chatSize(plain, 50, received))).toMatchObject({ inputTokens: 15, estimated: true });
    },
  );

  test('says nothing of the tokens of an image by its bytes', () => {
    const image = { type: 'image_url', image_url: { url: 'x'.repeat(400_000) } };
    const input = bytes(JSON.stringify({ messages: [{ role: 'user', content: [image] }] }));
    const { inputTokens } = chatSize(input, 50, received);
    expect(inputTokens).toBeGreaterThan(0);
    expect(inputTokens).toBeLessThan(50_000);
  });

  test('is estimated by its bytes where it is no chat', () => {
    expect(chatSize(bytes('{"a":"image_url"}'), 50, received).inputTokens).toBeGreaterThan(0);
    const broken = bytes('{"image_url"');
    expect(chatSize(broken, 50, received).inputTokens).toBe(3);
  });

  test('is that of the text of a call that is no chat', () => {
    expect(mediaSize({ textChars: 9, body: 'x'.repeat(30) }, received)).toEqual({
      maxInputTokens: 30 + 65_536,
      maxOutputTokens: 100 + 65_536,
      inputTokens: 3,
      outputTokens: 3,
    });
  });
});

describe('usage to bill', () => {
  const size = { maxInputTokens: 100, maxOutputTokens: 100, inputTokens: 15, outputTokens: 0 };
  const none = { inputTokens: 15, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0, estimated: true };
  const billed = (stated: StatedUsage | undefined, of = size) => usageOf(stated, of);

  test('is an estimate where nothing is stated', () => {
    expect(billed(undefined)).toEqual(none);
    expect(billed({ input: [undefined, null], output: [] })).toEqual(none);
    expect(billed({ input: [5], output: [null] })).toEqual({ ...none, inputTokens: 5 });
  });

  test('takes a zero only where nothing came', () => {
    expect(billed({ input: [5], output: [0] })).toEqual({ ...none, inputTokens: 5, estimated: false });
    expect(billed({ input: [5], output: [0] }, { ...size, outputTokens: 1 })).toMatchObject({
      outputTokens: 1,
      estimated: true,
    });
  });

  test('is the sum of its parts, up to what it can be', () => {
    const sums = ([last, max]: readonly [number, number]) =>
      billed({ input: [null, 60, last], output: [7] }, { ...size, maxInputTokens: max });
    expect(sums([40, 100])).toMatchObject({ inputTokens: 100, outputTokens: 7, estimated: false });
    expect(sums([41, 100])).toMatchObject({ inputTokens: 15, outputTokens: 7, estimated: true });
    expect(billed({ input: [5, 'x'], output: [7] })).toMatchObject({ inputTokens: 15, estimated: true });
  });

  test('has each part that is stated, and is an estimate where one is more than its whole', () => {
    const parts = {
      cachedInput: 1,
      cacheWrite: 4,
      cacheWrite1h: 3,
      audioInput: 5,
      imageInput: 6,
      reasoning: 2,
      audioOutput: 7,
      imageOutput: 8,
    };
    const stated = { input: [20], output: [10], ...parts };
    expect(billed(stated)).toStrictEqual({
      inputTokens: 20,
      outputTokens: 10,
      cachedInputTokens: 1,
      reasoningTokens: 2,
      cacheWriteTokens: 4,
      cacheWrite1hTokens: 3,
      audioInputTokens: 5,
      audioOutputTokens: 7,
      imageInputTokens: 6,
      imageOutputTokens: 8,
      estimated: false,
    });
    expect(billed({ input: [20], output: [10], cacheWrite: 0, audioOutput: 0 })).toStrictEqual({
      inputTokens: 20,
      outputTokens: 10,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      estimated: false,
    });
    for (const part of Object.keys(parts)) {
      expect(billed({ ...stated, [part]: 21 })).toMatchObject({ inputTokens: 20, outputTokens: 10, estimated: true });
      expect(billed({ ...stated, [part]: null }).estimated).toBe(part === 'cacheWrite');
    }
    expect(billed({ input: [], output: [10], cachedInput: 1 })).toMatchObject({
      cachedInputTokens: 0,
      estimated: true,
    });
  });
});
