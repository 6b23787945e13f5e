import { expect, test } from 'vitest';
import { wantsMarks, withCacheMarks } from './cache-marks.ts';

const cache_control = { type: 'ephemeral' };
const said = (role: string, content: unknown) => ({ role, content });
const marked = (role: string, text: string) => said(role, [{ type: 'text', text, cache_control }]);

test('marks stand after the tools, after the instructions, and at the ends of the last two turns: four at most', () => {
  const chat = withCacheMarks({
    tools: [{ name: 'a' }, { name: 'b' }],
    messages: [
      said('system', 'one'),
      said('system', 'two'),
      said('user', 'first'),
      said('assistant', 'answer'),
      said('user', 'second'),
      said('assistant', ''),
      said('tool', [
        { type: 'text', text: 'x' },
        { type: 'text', text: 'result' },
      ]),
    ],
  });
  expect(chat.tools).toEqual([{ name: 'a' }, { name: 'b', cache_control }]);
  expect(chat.messages).toEqual([
    said('system', 'one'),
    marked('system', 'two'),
    said('user', 'first'),
    said('assistant', 'answer'),
    marked('user', 'second'),
    said('assistant', ''),
    said('tool', [
      { type: 'text', text: 'x' },
      { type: 'text', text: 'result', cache_control },
    ]),
  ]);
  expect(JSON.stringify(chat).match(/"cache_control"/g)).toHaveLength(4);
});

test('a chat of one question has two marks, and what says nothing has none', () => {
  expect(withCacheMarks({ messages: [said('system', 'one'), said('user', 'first')] })).toEqual({
    messages: [marked('system', 'one'), marked('user', 'first')],
  });
  expect(withCacheMarks({ messages: [said('user', '')] })).toEqual({ messages: [said('user', '')] });
});

test('a chat that is too short for the model’s cache, or that its caller marked, is left as it is', () => {
  const bytes = (length: number, more = ''): Uint8Array => Buffer.from('x'.repeat(length) + more);
  expect(wantsMarks(bytes(4 * 1_024), 'claude-sonnet-4-5')).toBe(true);
  expect(wantsMarks(bytes(4 * 1_024 - 1), 'claude-sonnet-4-5')).toBe(false);
  expect(wantsMarks(bytes(4 * 1_024), 'claude-opus-4-5')).toBe(false);
  expect(wantsMarks(bytes(4 * 4_096), 'claude-opus-4-5')).toBe(true);
  expect(wantsMarks(bytes(4 * 4_096, '{"cache_control":{}}'), 'claude-opus-4-5')).toBe(false);
});

test('instructions of a developer are marked too, and those behind a question are none', () => {
  expect(
    withCacheMarks({ messages: [said('developer', 'one'), said('user', 'first'), said('system', 'later')] }),
  ).toEqual({
    messages: [marked('developer', 'one'), said('user', 'first'), said('system', 'later')],
  });
  expect(withCacheMarks({ messages: [said('system', 'one'), said('developer', 'two')] })).toEqual({
    messages: [said('system', 'one'), marked('developer', 'two')],
  });
});

test('an answer at the end, content without parts, and a chat without tools have no marks', () => {
  const messages = [said('user', []), said('assistant', 'answer')];
  expect(withCacheMarks({ messages, tools: [] })).toEqual({ messages, tools: [] });
  expect(withCacheMarks({ messages, tools: null })).toEqual({ messages, tools: null });
  expect(withCacheMarks({ messages: [said('assistant', 'answer')] })).toEqual({
    messages: [said('assistant', 'answer')],
  });
  expect(withCacheMarks({ messages: [said('user', null)] })).toEqual({ messages: [said('user', null)] });
  expect(withCacheMarks({ messages: [] })).toStrictEqual({ messages: [] });
});

test('the turn before the last answer ends with a result as well as with a question', () => {
  expect(
    withCacheMarks({ messages: [said('tool', 'result'), said('assistant', 'answer'), said('user', 'next')] }),
  ).toEqual({
    messages: [marked('tool', 'result'), said('assistant', 'answer'), marked('user', 'next')],
  });
});
