import { expect, test } from 'vitest';
import { estimateChatTokens, estimateTokens } from './estimate-tokens.ts';

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
