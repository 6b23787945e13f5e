import { expect, test } from 'vitest';
import { chatBody } from './chat-body.ts';

const none: ReadonlySet<string> = new Set();
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
const hint = { type: 'ephemeral' };

test('images of tool results are shown by the user after the last result of the turn', () => {
  const calls = [{ id: 'a' }, { id: 'b' }];
  const messages = [
    { role: 'assistant', content: null, tool_calls: calls },
    { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'a chart' }, image] },
    { role: 'tool', tool_call_id: 'b', content: [image] },
    { role: 'user', content: 'What do they show?' },
  ];
  expect(chatBody({ messages }, none, 'test')['messages']).toEqual([
    messages[0],
    { role: 'tool', tool_call_id: 'a', content: 'a chart' },
    { role: 'tool', tool_call_id: 'b', content: 'The result is the image below.' },
    { role: 'user', content: [{ type: 'text', text: 'Images of the tool results above:' }, image, image] },
    messages[3],
  ]);
});

test('hints for caches reach a server whose document names them, and no other', () => {
  const messages = [{ role: 'system', content: [{ type: 'text', text: 'long', cache_control: hint }] }];
  const tools = [{ type: 'function', function: { name: 'f' }, cache_control: hint }];
  expect(chatBody({ messages, tools }, new Set(['cache_control']), 'test')).toEqual({ messages, tools });
  expect(chatBody({ messages, tools }, none, 'test')).toEqual({
    messages: [{ role: 'system', content: [{ type: 'text', text: 'long' }] }],
    tools: [{ type: 'function', function: { name: 'f' } }],
  });
});

test('only known fields and those of pass_through reach a server', () => {
  const chat = { messages: [], temperature: 1, top_k: 5, store: true, api_base: 'https://elsewhere.example' };
  expect(chatBody(chat, new Set(['top_k']), 'test')).toEqual({ messages: [], temperature: 1, top_k: 5 });
  expect(chatBody(chat, none, 'test')).toEqual({ messages: [], temperature: 1 });
});
