import type { ModelDocument } from '@will/core';
import { expect, test } from 'vitest';
import { cataloguePrices } from './price-catalogue.ts';

const at = new Date('2026-11-23T12:00:00Z');
const model = (stated: Partial<ModelDocument>): ModelDocument => ({
  name: 'X',
  slug: 'x',
  aliases: [],
  tags: ['text_gen'],
  call_method: 'API',
  provider: 'openai-compatible',
  capabilities: [],
  tier: 'standard',
  ...stated,
});

test('prices come by the address and by what the provider calls the model', () => {
  const found = cataloguePrices(model({ endpoint: 'https://api.openai.com/v1', provider_model: 'gpt-4o' }), at);
  expect(found).toEqual({ input: 2.5, output: 10, cached_input: 1.25 });
});

test('prices by length of the input become tiers', () => {
  expect(cataloguePrices(model({ provider: 'anthropic', provider_model: 'claude-sonnet-4-5' }), at)).toEqual({
    input: 3,
    output: 15,
    cached_input: 0.3,
    cache_write: 3.75,
    cache_write_1h: 6,
    tiers: [
      { above_input_tokens: 200_000, input: 6, output: 22.5, cached_input: 0.6, cache_write: 7.5, cache_write_1h: 12 },
    ],
  });
});

test('images have rates of their own where the catalogue states them', () => {
  expect(
    cataloguePrices(model({ endpoint: 'https://api.openai.com/v1', provider_model: 'gpt-image-1' }), at),
  ).toMatchObject({ input: 5, output: 40, image_input: 10 });
  expect(cataloguePrices(model({ provider: 'google', provider_model: 'gemini-2.5-flash-image' }), at)).toMatchObject({
    output: 2.5,
    image_output: 30,
  });
});

test('what the catalogue does not hold is told and never zero', () => {
  expect(cataloguePrices(model({ endpoint: 'http://127.0.0.1:9/v1' }), at)).toBe(
    'its provider is not in the catalogue',
  );
  const unknown = model({ endpoint: 'https://api.openai.com/v1', provider_model: 'no-such-model' });
  expect(cataloguePrices(unknown, at)).toBe('no-such-model is not in the catalogue');
});

test('a model whose answers have no price in the catalogue has none, and one that gives vectors needs none', () => {
  const embedding = { endpoint: 'https://api.openai.com/v1', provider_model: 'text-embedding-3-small' };
  expect(cataloguePrices(model({ ...embedding, tags: ['embedding'] }), at)).toMatchObject({ output: 0 });
  expect(cataloguePrices(model(embedding), at)).toBe('the catalogue states no price per token of output');
});
