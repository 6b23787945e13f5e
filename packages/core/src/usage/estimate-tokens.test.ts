import { expect, test } from 'vitest';
import { estimateChatTokens, estimateMediaTokens, estimateSoundTokens, estimateTokens } from './estimate-tokens.ts';

const user = (...content: object[]) => [{ role: 'user', content }];
const image = (bytes: number) => ({
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${'A'.repeat(bytes)}` },
});
const estimate = (messages: readonly object[]) => estimateChatTokens(messages, JSON.stringify({ messages }).length);

test('text counts by its bytes, an image by itself and not by what it weighs', () => {
  const text = estimate([{ role: 'user', content: 'a'.repeat(3_000) }]);
  expect(text).toBeGreaterThanOrEqual(estimateTokens(3_000));
  const small = estimate(user(image(100)));
  const large = estimate(user(image(4_000_000)));
  expect(large).toBe(small);
  expect(estimate(user(image(100), image(100))) - small).toBeGreaterThanOrEqual(3_000);
});

test('sound counts by its length', () => {
  const sound = (bytes: number) =>
    user({ type: 'input_audio', input_audio: { data: 'A'.repeat(bytes), format: 'mp3' } });
  expect(estimate(sound(200_000)) - estimate(sound(100_000))).toBe(500);
});

test('messages of another shape are taken for text', () => {
  expect(estimateChatTokens([{ content: [null, 3, { type: 'text' }] }, {}], 300)).toBe(100);
});

test('a token is three bytes of text, begun ones whole, and two hundred of sound', () => {
  expect([0, 1, 3, 4].map(estimateTokens)).toEqual([0, 1, 1, 2]);
  expect([0, 1, 200, 201].map(estimateSoundTokens)).toEqual([0, 1, 1, 2]);
});

test('what images and sound weigh is taken off the text, which is never below nothing', () => {
  const audio = { input_audio: { data: 'x'.repeat(400) } };
  const picture = { image_url: { url: 'y'.repeat(500) } };
  expect(estimateChatTokens(user(picture), 800)).toBe(3_000 + 100);
  expect(estimateChatTokens(user(audio), 700)).toBe(2 + 100);
  expect(estimateChatTokens(user(picture, audio, picture), 1_400)).toBe(6_000 + 2);
  expect(estimateChatTokens(user(picture), 3)).toBe(3_000);
  expect(estimateChatTokens(user({ image_url: {} }, { image_url: { url: 7 } }, { input_audio: { data: 7 } }), 30)).toBe(
    10,
  );
});

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

test('a chat is read for what it holds, with the sound that lies beside it', () => {
  const chat = { messages: [{ role: 'user', content: [{ image_url: { url: '' } }] }, null, 'text', 7] };
  const text = bytes(chat);
  const itself = 3_000 + Math.ceil(text.length / 3);
  expect(estimateMediaTokens(text, 400, ['image'])).toBe(itself);
  expect(estimateMediaTokens(text, 400, ['image', 'audio'])).toBe(itself + 2);
});

test.each<[string, readonly Parameters<typeof estimateMediaTokens>[2][number][], number]>([
  ['an image', ['text', 'image'], 3_000],
  ['a video', ['video'], 3_000],
  ['sound', ['audio'], 3],
  ['sound and an image', ['image', 'audio'], 3_003],
  ['neither', ['text'], 0],
])('what is no chat counts as %s by itself', (_what, goesIn, tokens) => {
  // 200 bytes of input and 400 beside it.
  for (const input of ['x'.repeat(200), JSON.stringify({ messages: 'x'.repeat(185) })])
    expect(estimateMediaTokens(bytes(input), 400, goesIn)).toBe(tokens);
});
