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

test.each<keyof Usage>([
  'inputTokens',
  'outputTokens',
  'cachedInputTokens',
  'reasoningTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'audioInputTokens',
  'audioOutputTokens',
  'imageInputTokens',
  'imageOutputTokens',
  'images',
])('%s is held to what a record can hold', (name) => {
  const most = { ...usage, [name]: 2 ** 32 - 1 };
  expect(soundOutcome(success({ usage: most }), call).usage).toEqual(most);
  expect(soundOutcome(success({ usage: { ...usage, [name]: 2 ** 32 } }), call).usage?.estimated).toBe(true);
  expect(soundOutcome(success({ usage: { ...usage, [name]: 0 } }), call).usage?.estimated).toBe(false);
});

test('an estimate counts the text and the refusal that came, and what failed has none', () => {
  const wrong = { ...usage, inputTokens: -1 };
  const estimate = (over: object) => soundOutcome(success({ usage: wrong, ...over }), call).usage?.outputTokens;
  expect(estimate({ output: { text: 'x'.repeat(5), refusal: 'y'.repeat(4) } })).toBe(3);
  expect(estimate({ output: { refusal: 'y'.repeat(5) } })).toBe(2);
  expect(estimate({ output: undefined })).toBe(0);
  const failure = failureOf('truncated');
  const failedUsage = (of: Usage | undefined) => soundOutcome({ ok: false, failure, usage: of }, call).usage;
  expect(failedUsage(wrong)).toMatchObject({ inputTokens: 10, outputTokens: 0, estimated: true });
  expect(failedUsage(usage)).toEqual(usage);
  expect(failedUsage(undefined)).toBeUndefined();
});

test.each(['stop', 'length', 'tool_calls', 'content_filter', 'unknown'] as const)('%s is an end', (finish) => {
  expect(soundOutcome(success({ finish }), call)).toMatchObject({ finish });
});

test('the name of what served stays where it is plain, and is else not told', () => {
  const served = (servedVersion: unknown) => soundOutcome(success({ servedVersion }), call);
  expect(served('gpt-4.1_mini:free@v1+a/b')).toMatchObject({ servedVersion: 'gpt-4.1_mini:free@v1+a/b' });
  expect(served('x'.repeat(100))).toMatchObject({ servedVersion: 'x'.repeat(100) });
  for (const name of [undefined, '', 'x'.repeat(101), 'a b', 'a b', 'geheim!', 'x\n'])
    expect(served(name)).not.toHaveProperty('servedVersion');
  expect(soundOutcome(success(), call)).not.toHaveProperty('spentForMs');
  expect(soundOutcome(success({ spentForMs: -1 }), call)).toMatchObject({ spentForMs: 0 });
});

test('content of the right types is given on as it is', () => {
  const delta = { text: 'a', refusal: 'b', reasoning: 'c', toolCalls: '[]', data: new Uint8Array(1), dataType: 'd' };
  expect(soundDelta(delta)).toBe(delta);
  expect(soundDelta({})).toEqual({});
  for (const field of Object.keys(delta)) expect(() => soundDelta({ ...delta, [field]: 7 })).toThrow(TypeError);
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
  expect(wait(0)).toBe(0);
});

test.each([{ text: 5 }, { toolCalls: [{}] }, { data: 'bytes' }, { reasoning: null }])(
  'content of another type is refused: %j',
  (delta) => expect(() => soundDelta(delta as unknown as ContentDelta)).toThrow(TypeError),
);
