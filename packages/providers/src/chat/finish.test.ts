import { expect, test } from 'vitest';
import { failureIn, finishOf } from './finish.ts';

test.each([
  ['stop', 'stop', undefined],
  [' End Turn ', 'stop', undefined],
  ['MAX-TOKENS', 'length', undefined],
  ['max  - tokens', 'length', undefined],
  ['toolUse', 'unknown', undefined],
  ['TOOL_USE', 'tool_calls', undefined],
  ['Image Safety', 'content_filter', undefined],
  ['constructor', 'unknown', undefined],
  ['', 'unknown', undefined],
  ['Malformed Function-Call', 'unknown', 'bad_response'],
  ['ERROR', 'unknown', 'bad_response'],
  ['failed', 'unknown', 'server_error'],
  ['network_error', 'unknown', 'connection'],
])('the word %j for an end is read as %s, and as the failure %s', (word, finish, failure) => {
  expect(finishOf(word)).toBe(finish);
  expect(failureIn(word)).toBe(failure);
});
