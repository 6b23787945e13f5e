import { expect, test } from 'vitest';
import { keptItems } from './kept-reasoning.ts';
import { block, chunk, delta, item, part, streamed, whole } from './testing.ts';

/** What is kept beside each call of an answer. */
const keptIn = (read: unknown): readonly (readonly object[])[] =>
  (read as { toolCalls: readonly object[] }).toolCalls.map((one) => keptItems(one, 'origin'));

const tool = (index: number, id: string): object => block({ type: 'tool_use', id, name: 'look', input: {} }, index);
const stop = { type: 'content_block_stop' };
const signed = { type: 'thinking', thinking: 'Hm.', signature: 'signed' };

test.each<[string, () => unknown, readonly (readonly object[])[]]>([
  [
    'thinking that is signed in pieces, once',
    () =>
      streamed(
        'anthropicForm',
        block({ type: 'thinking', thinking: 'H' }),
        delta({ type: 'thinking_delta', thinking: 'm.' }),
        delta({ type: 'signature_delta', signature: 'sig' }),
        delta({ type: 'signature_delta', signature: 'ned' }),
        stop,
        block({ type: 'text', text: '', signature: 'of a text' }),
        delta({ type: 'signature_delta', signature: 'of a text' }),
        stop,
        tool(2, 'a'),
        stop,
        tool(3, 'b'),
        stop,
      ),
    [[signed], []],
  ],
  [
    'thinking that is not signed, not at all',
    () => streamed('anthropicForm', block({ type: 'thinking', thinking: 'Hm.' }), stop, tool(1, 'a')),
    [[]],
  ],
  [
    'whole thinking with its signature',
    () =>
      whole('anthropicForm', {
        content: [
          signed,
          { type: 'thinking', thinking: 'x', signature: '' },
          { type: 'thinking', thinking: 'x', signature: 7 },
          { type: 'redacted_thinking', data: 'hidden' },
          { type: 'tool_use', id: 'a', name: 'f' },
        ],
      }),
    [[signed, { type: 'redacted_thinking', data: 'hidden' }]],
  ],
  [
    'words of each field by themselves, and what a server wants to see with its call',
    () =>
      streamed(
        'openAiForm',
        chunk({ reasoning: 'a' }),
        chunk({ reasoning: 'b' }),
        chunk({ reasoning_content: 'c' }),
        chunk({ reasoning: 'd' }),
        chunk({ tool_calls: [{ id: 'x', function: { name: 'f' }, extra_content: { google: 1 } }] }),
        chunk({ tool_calls: [{ id: 'y', function: { name: 'f' }, extra_content: null }] }),
        chunk({ tool_calls: [{ id: 'z', function: { name: 'f' }, extra_content: 'x' }] }),
      ),
    [
      [
        { field: 'reasoning', text: 'ab' },
        { field: 'reasoning_content', text: 'c' },
        { field: 'reasoning', text: 'd' },
        { extra: { google: 1 } },
      ],
      [],
      [],
    ],
  ],
  [
    'no words of a field that is empty',
    () =>
      streamed(
        'openAiForm',
        chunk({ reasoning_content: '', reasoning: '' }),
        chunk({ tool_calls: [{ id: 'x', function: { name: 'f' } }] }),
        chunk({ reasoning_content: '', reasoning: 'a' }),
        chunk({ tool_calls: [{ id: 'y', function: { name: 'f' } }] }),
      ),
    [[], [{ field: 'reasoning', text: 'a' }]],
  ],
  [
    'a signature of Google’s, where it is one',
    () =>
      streamed(
        'googleForm',
        part({ functionCall: { name: 'f' }, thoughtSignature: 'signed' }),
        part({ functionCall: { name: 'g' }, thoughtSignature: 7 }),
      ),
    [[{ signature: 'signed' }], []],
  ],
  [
    'reasoning of OpenAI’s that is encrypted',
    () =>
      whole('responsesForm', {
        output: [
          { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'sealed', status: null },
          { type: 'reasoning', id: 's', encrypted_content: '' },
          { type: 'reasoning', id: 't', encrypted_content: 7 },
          { type: 'function_call', call_id: 'a', name: 'f' },
        ],
      }),
    [[{ type: 'reasoning', id: 'r', summary: [], encrypted_content: 'sealed' }]],
  ],
  [
    'reasoning of a stream, and no message',
    () =>
      streamed(
        'responsesForm',
        item('done', { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'sealed' }),
        item('done', { type: 'message', id: 'm', encrypted_content: 'x' }),
        item('added', { type: 'function_call', call_id: 'a', name: 'f' }, 1),
      ),
    [[{ type: 'reasoning', id: 'r', summary: [], encrypted_content: 'sealed' }]],
  ],
])('kept beside the next call: %s', (_what, read, expected) => {
  expect(keptIn(read())).toEqual(expected);
});
