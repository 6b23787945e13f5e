import { expect, test } from 'vitest';
import { block, chunk, delta, type FormName, item, message, part, streamed, whole } from './testing.ts';

// What vendors, and those who copied them, write beside the plain form, and how it is read.

const hi = { text: 'Hi', finish: 'none', isEnded: false };
const wholeHi = { text: 'Hi', finish: 'none', isEnded: true };
const completed = { type: 'response.completed', response: {} };
const badResponse = { reason: 'bad_response' };
const call = (name: string, args: string, id: unknown = expect.stringMatching(/^call_[0-9a-f]{32}$/), index = 0) => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: args },
});

test.each<[string, FormName, readonly unknown[], unknown]>([
  ['calls that are none', 'openAiForm', [chunk({ content: 'Hi', tool_calls: '' })], hi],
  ['calls that are null', 'openAiForm', [chunk({ content: 'Hi', tool_calls: null })], hi],
  ['thoughts that are no text', 'openAiForm', [chunk({ content: 'Hi', reasoning_content: 7, reasoning: {} })], hi],
  ['a refusal that is null', 'openAiForm', [chunk({ content: 'Hi', refusal: null })], hi],
  ['a reason that is no word', 'openAiForm', [chunk({ content: 'Hi' }, { finish_reason: 7 })], hi],
  ['a reason that is empty', 'openAiForm', [chunk({ content: 'Hi' }, { finish_reason: '' })], hi],
  ['choices that are null', 'openAiForm', [{ choices: null }, chunk({ content: 'Hi' })], hi],
  ['a delta that is null', 'openAiForm', [chunk(null), chunk({ content: 'Hi' })], hi],
  ['usage that is null', 'openAiForm', [{ ...chunk({ content: 'Hi' }), usage: null }], hi],
  ['parts without a text', 'openAiForm', [chunk({ content: [{ type: 'text', text: null }, 'Hi'] })], hi],
  ['a delta that is no object', 'openAiForm', [chunk('Hi')], badResponse],
  ['a choice that is no object', 'openAiForm', [{ choices: ['Hi'] }], badResponse],
  [
    'thoughts in parts that are none',
    'openAiForm',
    [chunk({ content: [{ type: 'thinking', thinking: [7] }] })],
    badResponse,
  ],
  [
    'the older form of a call, in pieces',
    'openAiForm',
    [
      chunk({ function_call: { name: 'look', arguments: '{"at"' } }),
      chunk({ function_call: { arguments: ':1}' } }, { finish_reason: 'function_call' }),
    ],
    { toolCalls: [call('look', '{"at":1}')], finish: 'tool_calls', isEnded: false },
  ],
  [
    'calls whose arguments come in turn',
    'openAiForm',
    [
      chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"a"' } }] }),
      chunk({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{"b"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      chunk({ tool_calls: [{ index: 1, function: { arguments: ':2}' } }] }),
    ],
    { toolCalls: [call('f', '{"a":1}', 'a'), call('g', '{"b":2}', 'b', 1)], finish: 'none', isEnded: false },
  ],
  [
    'one event of everything, with two calls of one id',
    'openAiForm',
    [
      message({
        tool_calls: [
          { id: 'a', function: { name: 'f', arguments: '{' } },
          { id: 'a', function: { name: 'f', arguments: '}' } },
        ],
      }),
    ],
    { toolCalls: [call('f', '{', 'a'), call('f', '}', undefined, 1)], finish: 'none', isEnded: false },
  ],
  [
    'a beginning that says nothing',
    'anthropicForm',
    [{ type: 'message_start' }, block({ type: 'text', text: 'Hi' })],
    hi,
  ],
  [
    'a beginning that names nothing',
    'anthropicForm',
    [{ type: 'message_start', message: null }, block({ type: 'text', text: 'Hi' })],
    hi,
  ],
  [
    'pieces of kinds that nobody knows',
    'anthropicForm',
    [
      block({ type: 'text', text: '' }),
      delta({ type: 'text_delta', text: 'Hi' }),
      delta({ type: 'aside_delta', text: 'no', thinking: 'no' }),
    ],
    hi,
  ],
  [
    'an end without its reason',
    'anthropicForm',
    [
      block({ type: 'text', text: 'Hi' }),
      { type: 'message_delta' },
      { type: 'message_delta', delta: { stop_reason: 7 } },
    ],
    hi,
  ],
  [
    'a call whose block has no index, and whose input comes at its beginning',
    'anthropicForm',
    [
      { type: 'content_block_start', content_block: { type: 'tool_use', id: 'a', name: 'look', input: { at: 1 } } },
      { type: 'content_block_stop' },
    ],
    { toolCalls: [call('look', '{"at":1}', 'a')], finish: 'none', isEnded: false },
  ],
  [
    'an input that is text',
    'anthropicForm',
    [
      block({ type: 'tool_use', id: 'a', name: 'look', input: '{"at"' }),
      delta({ type: 'input_json_delta', partial_json: ':1}' }),
    ],
    { toolCalls: [call('look', '{"at":1}', 'a')], finish: 'none', isEnded: false },
  ],
  [
    'an explanation before any text',
    'anthropicForm',
    [{ type: 'message_delta', delta: { stop_reason: 'refusal', stop_details: { explanation: 'No.' } } }],
    { finish: 'content_filter', isEnded: false },
  ],
  [
    'an explanation that is no text',
    'anthropicForm',
    [
      block({ type: 'text', text: 'Hi' }),
      { type: 'message_delta', delta: { stop_reason: 'refusal', stop_details: { explanation: 7 } } },
    ],
    { ...hi, finish: 'content_filter' },
  ],
  ['a block that is none', 'anthropicForm', [{ type: 'content_block_start', content_block: 7 }], badResponse],
  ['an error that says nothing', 'anthropicForm', [{ type: 'error' }], { reason: 'server_error' }],
  ['a candidate without content', 'googleForm', [{ candidates: [{}] }, part({ text: 'Hi' })], hi],
  ['candidates that are null', 'googleForm', [{ candidates: null, promptFeedback: null }, part({ text: 'Hi' })], hi],
  [
    'a reason that is no word',
    'googleForm',
    [{ candidates: [{ finishReason: 7, ...part({}) }] }, part({ text: 'Hi' })],
    hi,
  ],
  ['a thought that is none', 'googleForm', [part({ text: 'Hi', thought: false })], hi],
  ['feedback that blocks nothing', 'googleForm', [{ ...part({ text: 'Hi' }), promptFeedback: {} }], hi],
  [
    'two calls with one id, and arguments that are text',
    'googleForm',
    [
      part({ functionCall: { id: 'a', name: 'look', args: '{"at":1}' } }),
      part({ functionCall: { id: 'a', name: 'look', args: { at: 2 } } }),
    ],
    {
      toolCalls: [call('look', '{"at":1}', 'a'), call('look', '{"at":2}', undefined, 1)],
      finish: 'none',
      isEnded: false,
    },
  ],
  [
    'a draft that was thought',
    'googleForm',
    [part({ thought: true, inlineData: { mimeType: 'image/png', data: 'QUJD' } }), part({ text: 'Hi' })],
    hi,
  ],
  [
    'a refusal in pieces, of which one is empty',
    'responsesForm',
    [{ type: 'response.refusal.delta', delta: '' }, { type: 'response.refusal.delta', delta: 'No.' }, completed],
    { refusal: 'No.', finish: 'content_filter', isEnded: true },
  ],
  [
    'a refusal that is empty',
    'responsesForm',
    [{ type: 'response.refusal.delta', delta: '' }, { type: 'response.output_text.delta', delta: 'Hi' }, completed],
    { text: 'Hi', finish: 'stop', isEnded: true },
  ],
  [
    'an end that holds what was streamed',
    'responsesForm',
    [
      { type: 'response.output_text.delta', delta: 'Hi' },
      {
        type: 'response.completed',
        response: { output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }] },
      },
    ],
    { text: 'Hi', finish: 'stop', isEnded: true },
  ],
  [
    'items that begin and are no calls',
    'responsesForm',
    [item('added', { type: 'reasoning', name: 'x' }), item('done', { type: 'message', name: 'x' }), completed],
    { finish: 'stop', isEnded: true },
  ],
  [
    'an item that names its call only by its own id',
    'responsesForm',
    [item('done', { type: 'function_call', id: 'a', name: 'look', arguments: { at: 1 } }), completed],
    { toolCalls: [call('look', '{"at":1}', 'a')], finish: 'tool_calls', isEnded: true },
  ],
  [
    'two calls whose arguments come in turn, under their indexes alone',
    'responsesForm',
    [
      item('added', { type: 'function_call', call_id: 'a', name: 'f' }),
      item('added', { type: 'function_call', call_id: 'b', name: 'g' }, 1),
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a":1}' },
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"b":2}' },
      completed,
    ],
    { toolCalls: [call('f', '{"a":1}', 'a'), call('g', '{"b":2}', 'b', 1)], finish: 'tool_calls', isEnded: true },
  ],
  ['a failure that says nothing of itself', 'responsesForm', [{ type: 'response.failed' }], { reason: 'server_error' }],
  [
    'an end that holds an error',
    'responsesForm',
    [{ type: 'response.completed', response: { error: { code: 'server_is_overloaded' } } }],
    { reason: 'overloaded' },
  ],
  ['an end without its answer', 'responsesForm', [{ type: 'response.completed' }], badResponse],
  ['an item that is none', 'responsesForm', [item('added', [])], badResponse],
])('streamed: %s (%s)', (_what, form, events, expected) => {
  const read = streamed(form, ...events) as { readonly toolCalls?: readonly { id: string }[] };
  expect(read).toEqual(expected);
});

test.each<[string, FormName, unknown, unknown]>([
  ['usage that is null', 'openAiForm', { ...message({ content: 'Hi' }), usage: null }, wholeHi],
  [
    'a message beside others',
    'openAiForm',
    { choices: [{ message: { content: 'Hi' } }, { message: { content: 'no' } }] },
    wholeHi,
  ],
  ['a version that is no name', 'openAiForm', { ...message({ content: 'Hi' }), model: 7 }, wholeHi],
  [
    'two calls with one id, one without arguments',
    'openAiForm',
    message({
      tool_calls: [
        { id: 'a', function: { name: 'f', arguments: '{' } },
        { id: 'a', function: { name: 'f', arguments: null } },
      ],
    }),
    { toolCalls: [call('f', '{', 'a'), call('f', '{}', undefined, 1)], finish: 'none', isEnded: true },
  ],
  [
    'thoughts, text and a call without arguments',
    'anthropicForm',
    {
      content: [
        { type: 'thinking', thinking: 'Hm.' },
        { type: 'text', text: 'Hi' },
        { type: 'tool_use', id: 'a', name: 'now', input: {} },
        { type: 'tool_use', id: 'a', name: 'now' },
      ],
    },
    {
      text: 'Hi',
      reasoning: 'Hm.',
      toolCalls: [call('now', '{}', 'a'), call('now', '{}', undefined, 1)],
      finish: 'none',
      isEnded: true,
    },
  ],
  ['an error that says nothing', 'anthropicForm', { type: 'error', content: [] }, { reason: 'server_error' }],
  ['a block without a kind', 'anthropicForm', { content: [{ text: 'Hi' }] }, badResponse],
  ['a block that is none', 'anthropicForm', { content: [7] }, badResponse],
  [
    'a block of a kind that holds a known one',
    'anthropicForm',
    { content: [{ type: 'container_uploads' }] },
    badResponse,
  ],
  ['a list that holds what is no object', 'googleForm', [part({ text: 'Hi' }), 7], badResponse],
  [
    'a failure that is the vendor’s',
    'responsesForm',
    { status: 'failed', error: { code: 'server_is_overloaded' } },
    { reason: 'overloaded' },
  ],
  [
    'an item without content',
    'responsesForm',
    { output: [{ type: 'message' }, { type: 'reasoning' }] },
    { finish: 'stop', isEnded: true },
  ],
  ['a part that is none', 'responsesForm', { output: [{ type: 'message', content: [7] }] }, badResponse],
  ['a summary that is none', 'responsesForm', { output: [{ type: 'reasoning', summary: [7] }] }, badResponse],
  ['an output that is no list', 'responsesForm', { output: {} }, badResponse],
])('whole: %s (%s)', (_what, form, body, expected) => {
  expect(whole(form, body)).toEqual(expected);
});

test.each<[string, FormName, object, object]>([
  [
    'text in place of a count, which fits the sum of the others',
    'openAiForm',
    {
      usage: {
        prompt_tokens: '10',
        completion_tokens: 5,
        total_tokens: 8,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    },
    { input: ['10'], output: [5], reasoning: 3 },
  ],
  [
    'null in place of a count, which fits the sum of the others',
    'openAiForm',
    {
      usage: {
        prompt_tokens: null,
        completion_tokens: 5,
        total_tokens: 8,
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    },
    { input: [undefined], output: [5], reasoning: 3 },
  ],
  [
    'less than no reasoning',
    'openAiForm',
    {
      usage: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 12,
        completion_tokens_details: { reasoning_tokens: -3 },
      },
    },
    { input: [10], output: [5], reasoning: -3 },
  ],
  ['nothing in it', 'openAiForm', { usage: 'none' }, { input: [undefined], output: [undefined] }],
  [
    'what was cached of a kind that was not counted',
    'googleForm',
    {
      usageMetadata: {
        promptTokenCount: 5,
        cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 4 }],
        promptTokensDetails: 7,
      },
    },
    { input: [5, undefined], output: [undefined, undefined] },
  ],
])('usage with %s (%s)', (_what, form, usage, expected) => {
  const answer = form === 'googleForm' ? part({ text: 'Hi' }) : chunk({ content: 'Hi' });
  expect(streamed(form, { ...answer, ...usage })).toHaveProperty('usage', expected);
});
