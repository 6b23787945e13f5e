import { expect, test } from 'vitest';
import { captureRequest, jsonToolIn } from './captured-request.ts';

const origin = 'https://api.example';
type Fetch = typeof globalThis.fetch;
const post = { method: 'POST', headers: { 'X-Key': 'k' }, body: '{"a":1}' };

test('the request that a package would send is captured whole, and its package gets no answer', async () => {
  let answer: unknown;
  const ask = async (fetch: Fetch): Promise<void> => {
    answer = await fetch(`${origin}/v1/chat?alt=sse`, post);
  };
  expect(await captureRequest(ask, origin)).toEqual({
    path: '/v1/chat?alt=sse',
    headers: { 'x-key': 'k', 'accept-encoding': 'identity' },
    body: '{"a":1}',
  });
  expect(answer).toBeUndefined();
});

test.each<[string, (fetch: Fetch) => Promise<unknown>]>([
  ['to another origin', (fetch) => fetch('https://elsewhere.example/v1', post)],
  ['for a file that stands in a prompt', (fetch) => fetch(`${origin}/file.png`)],
  ['whose body is no text', (fetch) => fetch(`${origin}/v1`, { ...post, body: new FormData() })],
  ['that is none', () => Promise.reject(new Error('not supported'))],
  ['that was not made', () => Promise.resolve()],
])('a request %s is none', async (_what, ask) => {
  await expect(captureRequest(ask, origin)).rejects.toThrow('no request was made');
});

const withTools = (...names: readonly (string | undefined)[]) => ({
  path: '/',
  headers: {},
  body: JSON.stringify({ tools: names.map((name) => ({ name })) }),
});
const own = [{ type: 'function' as const, name: 'look', inputSchema: {} }];

test('the tool that stands for an answer in JSON is the one that the caller did not bring', () => {
  const json = { prompt: [], responseFormat: { type: 'json' as const } };
  expect(jsonToolIn(withTools('look', undefined, 'json'), { ...json, tools: own })).toBe('json');
  expect(jsonToolIn(withTools('json'), json)).toBe('json');
  expect(jsonToolIn(withTools('look'), { ...json, tools: own })).toBeUndefined();
  expect(jsonToolIn(withTools(undefined), json)).toBeUndefined();
  expect(jsonToolIn({ path: '/', headers: {}, body: '{}' }, json)).toBeUndefined();
  expect(jsonToolIn(withTools('json'), { prompt: [] })).toBeUndefined();
  expect(jsonToolIn(withTools('json'), { prompt: [], responseFormat: { type: 'text' } })).toBeUndefined();
});
