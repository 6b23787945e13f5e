import { failureOf, type Usage } from '@will/core';
import { expect, test } from 'vitest';
import type { ContentDelta, ProviderOutcome } from './port.ts';
import { soundDelta, soundOutcome } from './sound-outcome.ts';

const usage = { inputTokens: 1, outputTokens: 2, cachedInputTokens: 0, reasoningTokens: 0, estimated: false };
const call = { input: new Uint8Array(40), maxOutputTokens: undefined };
const success = (over: object = {}): ProviderOutcome => ({
  ok: true,
  finish: 'stop',
  usage,
  output: { text: 'four' },
  ...over,
});

test('what can be relied on stays as it is', () => {
  expect(soundOutcome(success(), call)).toEqual(success());
  const failure = { ok: false as const, failure: failureOf('rate_limit', { retryAfterMs: 10 }), usage };
  expect(soundOutcome(failure, call)).toEqual(failure);
});

test.each<Partial<Usage>>([
  { inputTokens: 2.5 },
  { outputTokens: -1 },
  { inputTokens: 2 ** 32 },
  { reasoningTokens: Number.NaN },
  { images: Number.POSITIVE_INFINITY },
  { cachedInputTokens: '7' as unknown as number },
])('counts that no record can hold are estimated: %j', (wrong) => {
  const { usage: sound } = soundOutcome(success({ usage: { ...usage, ...wrong } }), call);
  expect(sound).toEqual({ ...usage, inputTokens: 10, outputTokens: 1, estimated: true });
});

test('an end that nobody knows is unknown, and waits are whole milliseconds of at most a day', () => {
  expect(soundOutcome(success({ finish: 'whim', spentForMs: 1.5 }), call)).toMatchObject({
    finish: 'unknown',
    spentForMs: 2,
  });
  const wait = (retryAfterMs: number): number | undefined => {
    const outcome = soundOutcome(
      { ok: false, failure: failureOf('rate_limit', { retryAfterMs }), usage: undefined },
      call,
    );
    return outcome.ok ? undefined : outcome.failure.retryAfterMs;
  };
  expect([wait(-1), wait(Number.NaN), wait(0.5), wait(1e300)]).toEqual([undefined, undefined, 1, 86_400_000]);
});

test.each([{ text: 5 }, { toolCalls: [{}] }, { data: 'bytes' }, { reasoning: null }])(
  'content of another type is refused: %j',
  (delta) => expect(() => soundDelta(delta as unknown as ContentDelta)).toThrow(TypeError),
);
