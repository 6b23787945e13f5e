import { expect, test } from 'vitest';
import { classifyHttp } from './failure.ts';
import { spentForMs } from './retry-after.ts';

const nowMs = Date.UTC(2026, 5, 1);
const inSeconds = (seconds: number): string => new Date(nowMs + seconds * 1_000).toISOString();
const spent = (headers: Record<string, string>): number | undefined => spentForMs({ headers, nowMs });

test('a successful answer that leaves nothing of a limit tells for how long, in each vendor’s words', () => {
  expect(spent({ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' })).toBe(360_000);
  expect(spent({ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '120ms' })).toBe(120);
  expect(
    spent({
      'anthropic-ratelimit-output-tokens-remaining': '0',
      'anthropic-ratelimit-output-tokens-reset': inSeconds(9),
    }),
  ).toBe(9_000);
  expect(spent({ 'ratelimit-remaining': '0', 'ratelimit-reset': '30' })).toBe(30_000);
});

test('something left, a reset that passed, and words that cannot be read are no cooldown', () => {
  expect(spent({ 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-reset-requests': '6m0s' })).toBeUndefined();
  expect(spent({ 'ratelimit-remaining': '0' })).toBeUndefined();
  expect(spent({ 'ratelimit-remaining': '0', 'ratelimit-reset': 'soon' })).toBeUndefined();
  expect(
    spent({ 'anthropic-ratelimit-requests-remaining': '0', 'anthropic-ratelimit-requests-reset': inSeconds(-5) }),
  ).toBeUndefined();
});

test('of limits that are told with a refusal the spent one counts, and with another error none', () => {
  const headers = {
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '2s',
    'x-ratelimit-remaining-tokens': '900',
    'x-ratelimit-reset-tokens': '5m0s',
  };
  expect(classifyHttp({ status: 429, headers, body: '', nowMs }).retryAfterMs).toBe(2_000);
  expect(classifyHttp({ status: 500, headers, body: '', nowMs }).retryAfterMs).toBeUndefined();
});
