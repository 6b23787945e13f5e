import { expect, test } from 'vitest';
import { keptWith } from '../chat/kept-reasoning.ts';
import { chatBody } from './chat-body.ts';

const none: ReadonlySet<string> = new Set();
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
const another = { type: 'image_url', image_url: { url: 'data:image/png;base64,BBBB' } };
const text = (words: string) => ({ type: 'text', text: words });
const hint = { type: 'ephemeral' };
const result = (tool_call_id: string, content: unknown) => ({ role: 'tool', tool_call_id, content });
const byUser = (...images: readonly object[]) => ({
  role: 'user',
  content: [text('Images of the tool results above:'), ...images],
});
/** The messages as they are sent, in JSON: what is undefined is not. */
const sent = (messages: readonly unknown[], passThrough = none): unknown =>
  JSON.parse(JSON.stringify(chatBody({ messages }, passThrough, 'test')['messages']));

test('images of tool results are shown by the user after the last result of the turn', () => {
  const calls = [{ id: 'a' }, { id: 'b' }];
  const messages = [
    { role: 'assistant', content: null, tool_calls: calls },
    result('a', [text('a chart'), text('of sales'), image]),
    result('b', [another]),
    { role: 'user', content: 'What do they show?' },
    result('c', [another]),
  ];
  expect(sent(messages)).toEqual([
    messages[0],
    result('a', 'a chart\nof sales'),
    result('b', 'The result is the image below.'),
    byUser(image, another),
    messages[3],
    result('c', 'The result is the image below.'),
    byUser(another),
  ]);
});

test('images of users, and results without images, stay where they are', () => {
  const messages = [
    { role: 'user', content: [text('Look'), image] },
    result('a', 'a cat'),
    result('b', [text('a dog')]),
    { role: 'user', content: 'And?' },
  ];
  expect(sent(messages)).toEqual(messages);
});

test('hints for caches reach a server whose document names them, and no other', () => {
  const messages = [
    { role: 'system', content: [text('short'), { ...text('long'), cache_control: hint }] },
    { role: 'user', content: 'Hi', cache_control: hint },
    { role: 'user', content: [text('no hint')] },
    { role: 'user', content: [{ ...text('all'), cache_control: hint }] },
  ];
  const tools = [{ type: 'function', function: { name: 'f' }, cache_control: hint }, { type: 'function' }];
  const passes = new Set(['cache_control']);
  const chat = { messages, tools, cache_control: hint };
  expect(chatBody(chat, passes, 'test')).toEqual(chat);
  expect(chatBody(chat, none, 'test')).toEqual({
    messages: [
      { role: 'system', content: [text('short'), text('long')] },
      { role: 'user', content: 'Hi' },
      { role: 'user', content: [text('no hint')] },
      { role: 'user', content: [text('all')] },
    ],
    tools: [{ type: 'function', function: { name: 'f' } }, { type: 'function' }],
  });
  expect(chatBody({ messages: [], tools: 'none' }, none, 'test')).toEqual({ messages: [], tools: 'none' });
});

test('only known fields and those of pass_through reach a server', () => {
  const chat = { messages: [], temperature: 1, top_k: 5, store: true, api_base: 'https://elsewhere.example' };
  expect(chatBody(chat, new Set(['top_k']), 'test')).toEqual({ messages: [], temperature: 1, top_k: 5 });
  expect(chatBody(chat, none, 'test')).toStrictEqual({ messages: [], temperature: 1 });
});

const call = (id: string, more: object = {}) => ({ id, function: { name: 'look', arguments: '{}' }, ...more });
const assistant = (more: object, ...tool_calls: readonly object[]) => ({
  role: 'assistant',
  content: null,
  ...more,
  tool_calls,
});

test('what was kept of the reasoning comes back in its fields, all words of one field as one text', () => {
  const first = keptWith('test', [
    { field: 'reasoning', text: 'One, ' },
    { field: 'reasoning_content', text: 'and ' },
    { extra: { google: { thought_signature: 'signed' } } },
  ]);
  const second = keptWith('test', [{ field: 'reasoning', text: 'two.' }]);
  const foreign = keptWith('another', [{ field: 'reasoning', text: 'three.' }]);
  const message = assistant({}, call('a', first), call('b', second), call('c', foreign), call('d'));
  expect(sent([message])).toEqual([
    assistant(
      { reasoning: 'One, two.', reasoning_content: 'and ' },
      call('a', { extra_content: { google: { thought_signature: 'signed' } } }),
      call('b'),
      call('c'),
      call('d'),
    ),
  ]);
});

test('what is no message, no part and no call goes through as it is, and hurts nobody', () => {
  const odd = [
    null,
    7,
    'x',
    [],
    { role: 'tool', content: [null, 7] },
    assistant({}),
    { role: 'assistant', tool_calls: [null] },
  ];
  expect(sent(odd)).toEqual(odd);
  expect(sent([result('a', [null, image])])).toEqual([result('a', 'The result is the image below.'), byUser(image)]);
  const withNull = { role: 'assistant', tool_calls: [null, call('a', { extra_content: 'x' })] };
  expect(sent([withNull])).toEqual([{ role: 'assistant', tool_calls: [{}, call('a')] }]);
});
