import type { Usage } from '@will/core';
import { modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { gathered, WholeAsStream } from './whole-as-stream.ts';

const model = modelFor({});
const chat = (more: object = {}) => ({
  inputKind: 'chat',
  input: Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], ...more })),
});
const usage = (estimated: boolean): Usage => ({
  inputTokens: 1,
  outputTokens: 1,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  estimated,
});
const answered = (estimated: boolean) => ({
  ok: true as const,
  finish: 'stop' as const,
  usage: usage(estimated),
  output: undefined,
});

test('a whole chat is asked for as a stream, but for several answers at once, sound, other kinds, and `streaming: no`', () => {
  const asStream = new WholeAsStream();
  expect(asStream.may(model, chat())).toBe(true);
  expect(asStream.may(model, chat({ n: 1 }))).toBe(true);
  expect(asStream.may(model, chat({ n: 2 }))).toBe(false);
  expect(asStream.may(model, chat({ modalities: ['audio'], audio: { voice: 'a' } }))).toBe(false);
  expect(asStream.may(model, { ...chat(), inputKind: 'embedding' })).toBe(false);
  expect(asStream.may({ ...model, document: { ...model.document, streaming: false } }, chat())).toBe(false);
});

test('a server that counts no usage in streams is asked for whole answers, unless it counts none there either', () => {
  const asStream = new WholeAsStream();
  asStream.learn(answered(false), true, 5_000);
  expect(asStream.may(model, chat())).toBe(true);
  asStream.learn(answered(true), true, 5_000);
  expect(asStream.may(model, chat())).toBe(false);
  asStream.learn(answered(true), false, 5_000);
  expect(asStream.may(model, chat())).toBe(true);
});

test('a model that answers within a second is asked for whole answers, until one takes longer', () => {
  const asStream = new WholeAsStream();
  for (let n = 0; n < 7; n += 1) asStream.learn(answered(false), true, 300);
  expect(asStream.may(model, chat())).toBe(true);
  asStream.learn(answered(false), true, 300);
  expect([asStream.may(model, chat()), asStream.showsSilence(model, chat())]).toEqual([false, true]);
  asStream.learn(answered(false), false, 1_500);
  expect(asStream.may(model, chat())).toBe(true);
  // A long answer fades.
  for (let n = 0; n < 20; n += 1) asStream.learn(answered(false), true, 300);
  expect(asStream.may(model, chat())).toBe(false);
});

test('text, reasoning and tool calls are put together out of their pieces', () => {
  const call = (piece: object) => ({ toolCalls: JSON.stringify([piece]) });
  const pieces = [
    { reasoning: 'Hm' },
    { reasoning: 'm.', text: 'Let' },
    { text: ' me.' },
    call({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x"' } }),
    call({ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }),
    call({ index: 0, function: { arguments: ':1}' } }),
  ];
  const whole = gathered(answered(false), pieces);
  if (!whole.ok) throw new Error('it failed');
  expect(whole.output).toMatchObject({ text: 'Let me.', reasoning: 'Hmm.' });
  expect(JSON.parse(whole.output?.toolCalls ?? '')).toEqual([
    { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
    { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
  ]);
});
