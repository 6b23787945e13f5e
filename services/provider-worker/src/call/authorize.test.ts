import { type AnyDocument, compileSnapshot, type DataRequirement, type Facts } from '@will/core';
import { factsFor, modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { authorizeBy, outputBound, outputLimit } from './authorize.ts';

test('the worker holds a call to the floor of its task, whatever the documents allow by now', () => {
  const model = modelFor({ call_method: 'API', endpoint: 'https://api.example.com' });
  const documents: AnyDocument[] = [
    { kind: 'model', body: model.document },
    { kind: 'client', body: { name: 'acme', slug: 'acme', data_class: 'open' } },
  ];
  const compiled = compileSnapshot(7, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  const ruleFor = (facts: Facts): string | undefined =>
    authorizeBy(1_000)({ facts, dataClass: 'open', revision: 7, expiresUnixMs: 10 }, model, compiled.snapshot, 0, 5)
      ?.rule;
  const none: DataRequirement = {
    dataClass: 'open',
    avoidCloud: false,
    compliantOnly: false,
    standards: [],
    residencies: [],
  };
  const withFloor = (asked: Partial<DataRequirement>) =>
    ruleFor(factsFor({ client: 'acme', floor: { ...none, ...asked } }));
  expect([ruleFor(factsFor({ client: 'acme' })), withFloor({})]).toEqual([undefined, undefined]);
  expect(withFloor({ avoidCloud: true })).toBe('avoid_cloud');
  expect(withFloor({ residencies: ['EU'] })).toBe('data_residency');
  expect(withFloor({ compliantOnly: true })).toBe('use_compliant_only');
  expect(withFloor({ dataClass: 'customer' })).toBe('data_class');
});

test('output is limited by what is asked, by the call’s maximum, by the model’s and by the context, whichever is least', () => {
  const model = modelFor({ context_tokens: 4_096, limits: { max_tokens_per_call: 2_000 } });
  expect(outputLimit(model, 100, 500)).toBe(100);
  expect(outputLimit(model, 5_000, 500)).toBe(1_500);
  expect(outputLimit(model, 0, 1_999)).toBe(1);
  expect(outputLimit(modelFor({ context_tokens: 4_096 }), 3_000, 2_100)).toBe(1_996);
  expect(outputLimit(modelFor({ max_output_tokens: 1_024 }), 3_000, 100)).toBe(1_024);
});

test('where nothing but the model’s own size bounds the output, no maximum is sent, and its size is what it can come to', () => {
  const model = modelFor({ context_tokens: 128_000, max_output_tokens: 16_384 });
  expect(outputLimit(model, 0, 15)).toBeUndefined();
  expect(outputLimit(modelFor({}), 0, 500)).toBeUndefined();
  expect(outputBound(model, 15)).toBe(16_384);
  expect(outputBound(model, 120_000)).toBe(8_000);
  expect(outputBound(modelFor({}), 15)).toBeUndefined();
});

test('a model in this process that is told no end gets one', () => {
  const onDevice = modelFor({ call_method: 'on-device', context_tokens: 8_192 });
  expect(outputLimit(onDevice, 0, 100)).toBe(1_024);
  expect(outputLimit(onDevice, 3_000, 100)).toBe(3_000);
});
