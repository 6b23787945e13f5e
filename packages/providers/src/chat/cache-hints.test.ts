import { expect, test } from 'vitest';
import { callOf } from '../contract.ts';
import { cacheHintsOf, keyPlaceOf, openAiHints } from './cache-hints.ts';

const acme = callOf({ client: 'acme', session: 'acme.conversation' });

test('a key is a digest of the client’s own: the same for each call, another one for another client', () => {
  const chat = { prompt_cache_key: 'invoices of Müller' };
  const { key } = cacheHintsOf(chat, acme, false);
  expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(cacheHintsOf(chat, callOf({ client: 'acme' }), true).key).toBe(key);
  expect(cacheHintsOf(chat, callOf({ client: 'globex' }), false).key).not.toBe(key);
});

test('a session becomes the key only of a chat that states none, and only where the document says auto', () => {
  expect(cacheHintsOf({}, acme, false)).toEqual({});
  expect(cacheHintsOf({}, callOf({ client: 'acme' }), true)).toEqual({});
  const { key } = cacheHintsOf({}, acme, true);
  expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(cacheHintsOf({ prompt_cache_key: 'stated' }, acme, true).key).not.toBe(key);
  expect(cacheHintsOf({ prompt_cache_key: '' }, acme, true).key).toBe(key);
  expect(cacheHintsOf({ prompt_cache_key: '' }, acme, false)).toStrictEqual({});
  // The client and its word are told apart, also where nobody says who asks.
  const keys = [
    callOf({ client: 'a', session: 'bc' }),
    callOf({ client: 'ab', session: 'c' }),
    callOf({ session: 'abc' }),
  ].map((call) => cacheHintsOf({}, call, true).key);
  expect(new Set(keys).size).toBe(3);
});

test('only words that vendors know say how long to keep', () => {
  const kept = (retention: unknown, ttl: unknown) =>
    cacheHintsOf({ prompt_cache_retention: retention, prompt_cache_options: { ttl } }, acme, false);
  expect(kept('24h', '12h')).toEqual({ retention: '24h', ttl: '12h' });
  expect(kept('in_memory', '30m')).toEqual({ retention: 'in_memory', ttl: '30m' });
  expect(kept('for ever', 5)).toEqual({});
  expect(cacheHintsOf({ prompt_cache_options: null, prompt_cache_key: 7 }, acme, false)).toEqual({});
});

const all = { key: 'k', retention: '24h', ttl: '12h' } as const;
const memory = { retention: 'in_memory' } as const;

test.each([
  ['gpt-4o', {}, {}],
  ['o3-mini', {}, {}],
  ['gpt-4.1', { promptCacheRetention: '24h' }, { promptCacheRetention: 'in_memory' }],
  ['gpt-5', { promptCacheRetention: '24h' }, { promptCacheRetention: 'in_memory' }],
  ['gpt-5.1-codex', { promptCacheRetention: '24h' }, { promptCacheRetention: 'in_memory' }],
  ['gpt-5.5', { promptCacheRetention: '24h' }, {}],
  ['gpt-5.6', { promptCacheOptions: { ttl: '12h' } }, {}],
  ['gpt-5.10', { promptCacheOptions: { ttl: '12h' } }, {}],
  ['gpt-4', {}, {}],
  ['gpt-4.2', {}, {}],
  ['gpt-5.4', { promptCacheRetention: '24h' }, { promptCacheRetention: 'in_memory' }],
  ['gpt-5x', {}, {}],
  ['my-gpt-5', {}, {}],
  ['gpt-6.1-sol', { promptCacheOptions: { ttl: '12h' } }, {}],
])('%s is told how long to keep only in the words that it takes', (model, kept, inMemory) => {
  expect(openAiHints(model, all)).toEqual({ promptCacheKey: 'k', ...kept });
  expect(openAiHints(model, memory)).toEqual(inMemory);
});

test('a key has a place only at hosts whose documentation names one', () => {
  const hosts = ['api.openai.com', 'acme.openai.azure.com', 'api.mistral.ai', 'api.x.ai', 'api.groq.com', 'localhost'];
  expect(hosts.map(keyPlaceOf)).toEqual(['field', 'field', 'field', 'x-grok-conv-id', undefined, undefined]);
  expect(keyPlaceOf('api.x.ai.example.com')).toBeUndefined();
});

test('hints that were not given are not told', () => {
  expect(openAiHints('gpt-5.6', {})).toStrictEqual({});
  expect(openAiHints('gpt-5.1', {})).toStrictEqual({});
  expect(openAiHints('gpt-5.6', { retention: '24h' })).toStrictEqual({});
});
