import { expect, test } from 'vitest';
import { classifyHttp } from './failure.ts';
import { retryAfterMs, spentForMs } from './retry-after.ts';

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

const waitOf = (headers: Record<string, string>, isLimitReached = false, body = ''): number | undefined =>
  retryAfterMs({ headers, body, nowMs }, isLimitReached);

test.each<[string, Record<string, string>, number | undefined]>([
  ['milliseconds', { 'retry-after-ms': ' 1500.2 ' }, 1_501],
  ['milliseconds before seconds', { 'retry-after-ms': '5', 'retry-after': '7' }, 5],
  ['seconds', { 'retry-after': '0.5' }, 500],
  ['a date', { 'retry-after': new Date(nowMs + 1_000).toUTCString() }, 1_000],
  ['what is below nothing', { 'retry-after-ms': '-1' }, undefined],
  ['too many digits', { 'retry-after-ms': '1'.repeat(16) }, undefined],
  ['digits up to the bound', { 'retry-after-ms': '1'.repeat(15) }, 86_400_000],
  ['too many decimals', { 'retry-after-ms': '1.0000000001' }, undefined],
  ['decimals up to the bound', { 'retry-after-ms': '1.000000001' }, 2],
  ['words around a number', { 'retry-after-ms': 'x1', 'retry-after': '1x' }, undefined],
  ['a date without a letter', { 'retry-after': '2026-06-02' }, undefined],
  [
    'a date that is too long',
    { 'retry-after': `${new Date(nowMs + 1_000).toUTCString()}${' '.repeat(12)}` },
    undefined,
  ],
  ['nothing', {}, undefined],
])('the wish to be left alone is read from headers: %s', (_what, headers, expected) => {
  expect(waitOf(headers)).toBe(expected);
});

test.each<[string, string, number | undefined]>([
  ['seconds', '"retryDelay": "7s"', 7_000],
  ['a part of a second', '"retryDelay":"1.5s"', 1_500],
  ['minutes', '"retryDelay":"7m"', undefined],
  ['too many digits', `"retryDelay":"${'1'.repeat(13)}s"`, undefined],
  ['no number', '"retryDelay":"..s"', undefined],
  ['another field', '"delay":"7s"', undefined],
])('the wish is read from the body: %s', (_what, body, expected) => {
  expect(waitOf({}, false, `{${body}}`)).toBe(expected);
});

test.each<[string, number | undefined]>([
  ['120ms', 120],
  ['1h2m3.5s', 3_723_500],
  ['1.2s', 1_200],
  ['5', undefined],
  ['5s ', undefined],
  ['x5s', undefined],
  ['5d', undefined],
  ['', undefined],
  [`${'0'.repeat(31)}s`, 0],
  [`${'0'.repeat(32)}s`, undefined],
])('a duration of %j is read as Go writes it', (text, expected) => {
  expect(waitOf({ 'x-ratelimit-reset-requests': text }, true)).toBe(expected);
});

const limits = ['x-ratelimit-reset-tokens', 'ratelimit-reset'] as const;
test('the state of limits is a wish only where one was reached: of the spent one, else the latest', () => {
  const [ofTokens, ofDraft] = limits;
  expect(waitOf({ [ofTokens]: '2s' })).toBeUndefined();
  expect(waitOf({ [ofTokens]: '2s', [ofDraft]: '9' }, true)).toBe(9_000);
  expect(waitOf({ [ofTokens]: '9s', [ofDraft]: '2' }, true)).toBe(9_000);
  const spentTokens = { 'x-ratelimit-remaining-tokens': '0', [ofTokens]: '2s', [ofDraft]: '9' };
  expect(waitOf(spentTokens, true)).toBe(2_000);
  expect(waitOf({ ...spentTokens, 'ratelimit-remaining': '0' }, true)).toBe(9_000);
  expect(waitOf({ ...spentTokens, 'retry-after': '1' }, true)).toBe(1_000);
  expect(waitOf({}, true)).toBeUndefined();
});

test.each([
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests', '3s'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens', '3s'],
  ['anthropic-ratelimit-requests-remaining', 'anthropic-ratelimit-requests-reset', inSeconds(3)],
  ['anthropic-ratelimit-tokens-remaining', 'anthropic-ratelimit-tokens-reset', inSeconds(3)],
  ['anthropic-ratelimit-input-tokens-remaining', 'anthropic-ratelimit-input-tokens-reset', inSeconds(3)],
  ['anthropic-ratelimit-output-tokens-remaining', 'anthropic-ratelimit-output-tokens-reset', inSeconds(3)],
  ['ratelimit-remaining', 'ratelimit-reset', '3'],
])('where nothing is left by %s the call after it waits for %s', (remaining, reset, at) => {
  expect(spent({ [remaining]: '0', [reset]: at })).toBe(3_000);
  expect(spent({ [remaining]: '1', [reset]: at })).toBeUndefined();
  expect(spent({ [reset]: at })).toBeUndefined();
});

test('a limit that is spent for no time, or for years, is bounded', () => {
  expect(spent({ 'ratelimit-remaining': '0', 'ratelimit-reset': '0' })).toBeUndefined();
  expect(spent({ 'ratelimit-remaining': '0', 'ratelimit-reset': '0.0001' })).toBe(1);
  expect(spent({ 'ratelimit-remaining': '0', 'ratelimit-reset': '99999999' })).toBe(86_400_000);
});
