import { compileModel } from '@will/core';
import { expect, test } from 'vitest';
import { lifetimeHeaders } from './model-headers.ts';

const model = (life: object) =>
  compileModel(
    {
      name: 'Old',
      slug: 'old',
      aliases: [],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai-compatible',
      capabilities: [],
      tier: 'standard',
      ...life,
    },
    'new',
  );

test('the dates of a model are told as RFC 9745 and RFC 8594 write them, and its successor as a link', () => {
  const life = { deprecated: '2026-11-01T00:00:00Z', retired: '2027-01-31T12:00:00Z' };
  expect(lifetimeHeaders(model(life))).toEqual([
    ['deprecation', '@1793491200'],
    ['sunset', 'Sun, 31 Jan 2027 12:00:00 GMT'],
    ['link', '</v1/models/new>; rel="successor-version"'],
  ]);
});

test('a model without dates, and one that is not there, tell nothing', () => {
  expect([lifetimeHeaders(model({})), lifetimeHeaders(undefined)]).toEqual([[], []]);
});
