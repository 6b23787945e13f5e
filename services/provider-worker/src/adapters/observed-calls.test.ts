import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import type { Model } from '@will/core';
import type { Attributes, Measure, Observing } from '@will/observe';
import { expect, test } from 'vitest';
import { observedCalls } from './observed-calls.ts';

const usage = create(wire.UsageSchema, {
  inputTokens: 100,
  outputTokens: 30,
  cachedInputTokens: 40,
  cacheWriteTokens: 8,
  reasoningTokens: 5,
  audioInputTokens: 60,
});
const model = { slug: 'm', provider: 'google' } as Model;

/** What was measured of one call, by the names of metrics. */
function measuredOf(
  genAiMetrics: Observing['genAiMetrics'],
  inputKind: string,
  failedAs = '',
): ReadonlyMap<string, readonly (readonly [value: number, labels: Attributes])[]> {
  const seen = new Map<string, (readonly [number, Attributes])[]>();
  const note = ({ name }: Measure, value: number, labels: Attributes = {}): void =>
    void seen.set(name, [...(seen.get(name) ?? []), [value, labels]]);
  const observing = { isMeasuring: true, isTracing: false, genAiMetrics, count: note, time: note };
  const call = observedCalls(observing)(model, create(wire.CallRequestSchema, { inputKind, stream: true }));
  for (let n = 0; n < 3; n += 1) call.chunk();
  const record = { model: 'm', durationMs: 1_500, firstContentMs: 250 };
  const end =
    failedAs === '' ? { outcome: 'Success', status: 'Success', usage } : { outcome: 'Blocked', status: failedAs };
  call.ended(create(wire.CallRecordSchema, { ...record, ...end }));
  return seen;
}

test('a call is told by the current names: times, tokens by kind, and the time between pieces', () => {
  const seen = measuredOf('0.1.0', 'chat');
  const valuesOf = (name: string) => seen.get(`gen_ai.client.inference.${name}`)?.map(([value]) => value);
  expect(valuesOf('duration')).toEqual([1.5]);
  expect(valuesOf('time_to_first_chunk')).toEqual([0.25]);
  expect(valuesOf('time_per_output_chunk')).toHaveLength(2);
  expect(valuesOf('operation.input_tokens')).toEqual([100]);
  expect(valuesOf('operation.output_tokens')).toEqual([30]);
  expect(valuesOf('usage.output_tokens')).toEqual([30]);
  expect(valuesOf('usage.cache_read.input_tokens')).toEqual([40]);
  expect(valuesOf('usage.cache_write.input_tokens')).toEqual([8]);
  expect(valuesOf('usage.reasoning.output_tokens')).toEqual([5]);
  const labels = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.request.model': 'm' };
  expect(seen.get('gen_ai.client.inference.usage.input_tokens')).toEqual([
    [60, { ...labels, 'gen_ai.token.modality': 'audio' }],
    [40, { ...labels, 'gen_ai.token.modality': 'text' }],
  ]);
  expect([...seen.keys()].filter((name) => name.startsWith('gen_ai.client.operation'))).toEqual([]);
});

test('a call that failed without usage counts as none, and says how it failed', () => {
  const seen = measuredOf('0.1.0', 'chat', 'RateLimited');
  expect(seen.get('gen_ai.client.inference.duration')?.[0]?.[1]).toMatchObject({ 'error.type': 'RateLimited' });
  expect(seen.get('gen_ai.client.inference.usage.input_tokens')).toMatchObject([
    [0, { 'gen_ai.token.modality': 'unknown' }],
  ]);
});

test('embeddings have metrics of their own', () => {
  const names = [...measuredOf('0.1.0', 'embedding').keys()].filter((name) => name.startsWith('gen_ai.client.emb'));
  expect(names).toEqual(['gen_ai.client.embeddings.duration', 'gen_ai.client.embeddings.operation.input_tokens']);
});

test('the names of the release before are told alone where a setting asks for them', () => {
  const seen = measuredOf('1.45.0', 'chat');
  expect([...seen.keys()].filter((name) => name.startsWith('gen_ai.'))).toEqual([
    'gen_ai.client.operation.duration',
    'gen_ai.client.operation.time_to_first_chunk',
    'gen_ai.client.token.usage',
  ]);
});
