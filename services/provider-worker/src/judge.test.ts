import { modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { outputLimit } from './judge.ts';

test('output is limited by what is asked, by the call’s maximum and by the context, whichever is least', () => {
  const model = modelFor({ context_tokens: 4_096, limits: { max_tokens_per_call: 2_000 } });
  expect(outputLimit(model, 100, 500)).toBe(100);
  expect(outputLimit(model, 5_000, 500)).toBe(1_500);
  expect(outputLimit(model, 0, 1_999)).toBe(1);
  expect(outputLimit(modelFor({ context_tokens: 4_096 }), 0, 2_100)).toBe(1_996);
  expect(outputLimit(modelFor({}), 0, 500)).toBeUndefined();
});

test('a model in this process that is told no end gets one', () => {
  const onDevice = modelFor({ call_method: 'on-device', context_tokens: 8_192 });
  expect(outputLimit(onDevice, 0, 100)).toBe(1_024);
  expect(outputLimit(onDevice, 3_000, 100)).toBe(3_000);
});
