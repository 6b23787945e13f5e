import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { chatBody } from '../openai-compatible/chat-body.ts';
import { anthropicForm } from './anthropic-form.ts';
import type { Form } from './form.ts';
import { googleForm } from './google-form.ts';
import { keptItems, keptWith, originOf } from './kept-reasoning.ts';
import { openAiForm } from './openai-form.ts';
import { responsesForm } from './responses-form.ts';
import { events, play } from './testing.ts';

/** The tool calls that a caller gets of a streamed answer. */
async function callsOf(form: () => Form, ...said: readonly object[]): Promise<readonly object[]> {
  const { deltas } = await play(form, { pieces: [events(...said)] }, { stream: true });
  return deltas.flatMap(({ toolCalls }) => (toolCalls === undefined ? [] : (JSON.parse(toolCalls) as object[])));
}

const tool = { id: 'call_1', type: 'function', function: { name: 'run', arguments: '{}' } };

test('signed thinking stands beside the call that came of it, for the model that signed it alone', async () => {
  const block = (index: number, content_block: object, ...deltas: readonly object[]): readonly object[] => [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
  const [call] = await callsOf(
    anthropicForm,
    { type: 'message_start', message: {} },
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: 'First ' },
      { type: 'thinking_delta', thinking: 'this.' },
      { type: 'signature_delta', signature: 'signed' },
    ),
    ...block(1, { type: 'redacted_thinking', data: 'hidden' }),
    ...block(2, { type: 'tool_use', id: 'toolu_1', name: 'run', input: {} }),
    { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
    { type: 'message_stop' },
  );
  expect(keptItems(call, 'test')).toEqual([
    { type: 'thinking', thinking: 'First this.', signature: 'signed' },
    { type: 'redacted_thinking', data: 'hidden' },
  ]);
  expect(keptItems(call, 'another')).toEqual([]);
});

test('encrypted reasoning stands beside the call that came of it', async () => {
  const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'sealed' };
  const called = { type: 'function_call', call_id: 'call_1', name: 'run', arguments: '{}' };
  const [call] = await callsOf(
    responsesForm,
    { type: 'response.output_item.done', output_index: 0, item: reasoning },
    { type: 'response.output_item.added', output_index: 1, item: { ...called, arguments: '' } },
    { type: 'response.output_item.done', output_index: 1, item: called },
    { type: 'response.completed', response: { output: [reasoning, called] } },
  );
  expect(keptItems(call, 'test')).toEqual([reasoning]);
});

test('a signature of a call stands beside that call and no other', async () => {
  const part = (name: string, more: object = {}): object => ({ functionCall: { name, args: {} }, ...more });
  const calls = await callsOf(googleForm, {
    candidates: [
      { content: { parts: [part('run', { thoughtSignature: 'signed' }), part('look')] }, finishReason: 'STOP' },
    ],
  });
  expect(calls.map((call) => keptItems(call, 'test'))).toEqual([[{ signature: 'signed' }], []]);
});

test('words of reasoning come back in the field that a server gave them in', async () => {
  const chunk = (delta: object, finish_reason: string | null = null): object => ({
    choices: [{ delta, finish_reason }],
  });
  const [call] = await callsOf(
    openAiForm,
    chunk({ reasoning_content: 'Think ' }),
    chunk({ reasoning_content: 'twice.' }),
    chunk({ tool_calls: [{ index: 0, ...tool }] }),
    chunk({}, 'tool_calls'),
  );
  const messages = [{ role: 'assistant', content: null, tool_calls: [call] }];
  const sentTo = (origin: string): unknown => chatBody({ messages }, new Set(), origin)['messages'];
  expect(sentTo('test')).toEqual([
    { role: 'assistant', content: null, reasoning_content: 'Think twice.', tool_calls: [{ index: 0, ...tool }] },
  ]);
  expect(sentTo('another')).toEqual([{ role: 'assistant', content: null, tool_calls: [{ index: 0, ...tool }] }]);
});

test('what is no sealed reasoning is left out, whatever it is', () => {
  const spoiled = ['wr1.%%%', 'wr1.', 'signed by another', '', 7, null, { a: 1 }];
  for (const thought_signature of spoiled)
    expect(keptItems({ ...tool, extra_content: { google: { thought_signature } } }, 'test')).toEqual([]);
  expect(keptItems({ ...tool, extra_content: 'x' }, 'test')).toEqual([]);
});

test('a maker is known by all of its parts, and its name tells none of them', () => {
  const origins = [originOf('a', 'bc'), originOf('ab', 'c'), originOf('a', 'b', 'c'), originOf('abc')];
  expect(new Set(origins).size).toBe(4);
  for (const origin of origins) expect(origin).toMatch(/^[A-Za-z0-9_-]{16}$/);
});

test('what is sealed is read up to 4 MiB, and only where it holds items', () => {
  const read = (content: unknown): readonly object[] => {
    const thought_signature = `wr1.${deflateRawSync(JSON.stringify(content)).toString('base64url')}`;
    return keptItems({ extra_content: { google: { thought_signature } } }, 'test');
  };
  expect(read({ origin: 'test', items: [{ a: 1 }, 7, null] })).toEqual([{ a: 1 }, {}, {}]);
  expect(read({ origin: 'test', items: { a: 1 } })).toEqual([]);
  expect(read({ origin: 'test' })).toEqual([]);
  expect(read({ items: [{ a: 1 }] })).toEqual([]);
  expect(read([])).toEqual([]);
  const text = (length: number) => ({ origin: 'test', items: [{ text: 'x'.repeat(length) }] });
  expect(read(text(4 * 1_024 * 1_024 - 100))).toHaveLength(1);
  expect(read(text(4 * 1_024 * 1_024))).toEqual([]);
  expect(keptItems(keptWith('test', [{ a: 1 }]), 'test')).toEqual([{ a: 1 }]);
});
