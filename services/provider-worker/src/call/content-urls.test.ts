import { expect, test } from 'vitest';
import { wrongUrlIn } from './content-urls.ts';

const chat = (...content: readonly unknown[]): unknown => ({ messages: [{ role: 'user', content }] });
const image = (url: unknown): object => ({ type: 'image_url', image_url: { url } });

test.each([
  ['a public address', image('https://example.com/a.png')],
  ['a picture itself', image('data:image/png;base64,AAAA')],
  ['text that speaks of one', { type: 'text', text: 'see "image_url": http://10.0.0.1' }],
])('%s may be given to a model', (_, part) => {
  expect(wrongUrlIn(chat(part))).toBeUndefined();
});

test.each([
  ['the metadata of a cloud', image('http://169.254.169.254/')],
  ['a neighbour', image('https://10.0.0.7/x')],
  ['a name inside', image('https://db.internal/x')],
  ['a file', image('file:///etc/passwd')],
  ['a bare URL', { type: 'image_url', image_url: 'http://localhost/' }],
  ['another kind of part', { type: 'video_url', video_url: { url: 'http://127.0.0.1/' } }],
  ['no text', image({})],
])('%s may not, and the error does not repeat it', (_, part) => {
  const wrong = wrongUrlIn(chat({ type: 'text', text: 'x' }, part));
  expect(wrong).toMatch(/^a \w+_url of the chat must be/);
  expect(wrong).not.toMatch(/169|10\.0|internal|etc|localhost|127/);
});

test('what is no chat is left to others', () => {
  for (const other of [undefined, null, '_url', { messages: 7, a_url: 1 }, []])
    expect(wrongUrlIn(other)).toBeUndefined();
});
