import { expect, test } from 'vitest';
import { type FormName, streamed, whole } from './testing.ts';

const chunk = (delta: object, finish: string | null = null): object => ({
  choices: [{ delta, finish_reason: finish }],
});
const message = (fields: object, finish: string | null = 'stop'): object => ({
  choices: [{ message: fields, finish_reason: finish }],
});
const badResponse = { reason: 'bad_response' };
const overloaded = { message: 'busy', type: 'overloaded_error' };

test.each<[string, FormName, unknown]>([
  ['no object', 'openAiForm', 7],
  ['a list', 'openAiForm', []],
  ['no choices', 'openAiForm', {}],
  ['no message', 'openAiForm', { choices: [{}] }],
  ['choices that are no list', 'openAiForm', { choices: {} }],
  ['calls that are no list', 'openAiForm', message({ tool_calls: 7 })],
  ['a call that is none', 'openAiForm', message({ tool_calls: [7] })],
  ['an id that is no name', 'openAiForm', message({ tool_calls: [{ id: {}, function: { name: 'f' } }] })],
  ['a part that is none', 'openAiForm', message({ content: [7] })],
  ['text that is none', 'openAiForm', message({ content: [{ type: 'text', text: 7 }] })],
  ['no output', 'responsesForm', {}],
  ['an item that is none', 'responsesForm', { output: [null] }],
  ['a part of a kind nobody knows', 'responsesForm', { output: [{ type: 'message', content: [{ type: 'x' }] }] }],
  ['no content', 'anthropicForm', { type: 'message' }],
  ['a block of a kind nobody knows', 'anthropicForm', { content: [{ type: 'hologram' }] }],
  ['no candidates', 'googleForm', {}],
  ['an empty list', 'googleForm', []],
  ['a candidate that is none', 'googleForm', { candidates: [null] }],
  ['parts that are no list', 'googleForm', { candidates: [{ content: { parts: {} } }] }],
  ['a part that is none', 'googleForm', { candidates: [{ content: { parts: ['x'] } }] }],
])('%s is no answer (%s)', (_what, name, body) => {
  expect(whole(name, body)).toEqual(badResponse);
});

test.each<[FormName, unknown, boolean]>([
  ['openAiForm', { error: overloaded }, true],
  ['openAiForm', { error: overloaded, choices: [] }, false],
  ['responsesForm', { error: overloaded, output: [] }, true],
  ['responsesForm', { status: 'failed', output: [], ...overloaded }, true],
  ['responsesForm', { type: 'error', message: 'busy' }, false],
  ['responsesForm', { type: 'other', error: overloaded }, false],
  ['responsesForm', { type: 'response.failed', response: { error: overloaded } }, false],
  ['responsesForm', { type: 'response.completed', response: { status: 'failed', error: overloaded } }, false],
  ['anthropicForm', { type: 'error', error: overloaded }, true],
  ['anthropicForm', { error: overloaded, content: [] }, true],
  ['anthropicForm', { type: 'error', error: overloaded }, false],
  ['anthropicForm', { type: 'other', error: overloaded }, false],
  ['googleForm', { error: { status: 'UNAVAILABLE', code: 503 } }, true],
  ['googleForm', { error: { status: 'UNAVAILABLE', code: 503 } }, false],
])('an error in place of content is the vendor’s failure: %s %j', (name, body, isWhole) => {
  const read = isWhole ? whole(name, body) : streamed(name, body);
  expect(read).toEqual({ reason: expect.stringMatching(/^(overloaded|server_error)$/) });
});

test('OpenAI’s chat: a whole answer has ended, whether or not it says why', () => {
  expect(whole('openAiForm', { ...message({ content: 'Hi' }), model: 'gpt-4-0613' })).toEqual({
    text: 'Hi',
    finish: 'stop',
    isEnded: true,
    servedVersion: 'gpt-4-0613',
  });
  expect(whole('openAiForm', message({ content: 'Hi' }, ''))).toMatchObject({ finish: 'none', isEnded: true });
  expect(streamed('openAiForm', chunk({ content: 'Hi' }, 'stop'))).toMatchObject({ finish: 'stop', isEnded: false });
});

test('OpenAI’s chat: a stream of one event that holds everything is read once', () => {
  expect(streamed('openAiForm', message({ content: 'Hi' }), message({ content: 'Hi' }))).toMatchObject({ text: 'Hi' });
  expect(
    streamed('openAiForm', chunk({ content: 'H' }), {
      choices: [{ delta: { content: 'i' }, message: { content: 'Hi' } }],
    }),
  ).toMatchObject({ text: 'Hi' });
  expect(streamed('openAiForm', { choices: [] }, { usage: { prompt_tokens: 1 } }, chunk({}))).toMatchObject({
    finish: 'none',
  });
});

test('OpenAI’s chat: thoughts come in either of two fields, content in parts of many kinds', () => {
  const read = (fields: object): unknown => whole('openAiForm', message(fields));
  expect(read({ reasoning_content: 'a', reasoning: 'b', content: 'c' })).toMatchObject({ reasoning: 'a', text: 'c' });
  expect(read({ reasoning_content: '', reasoning: 'b', content: 'c' })).toMatchObject({ reasoning: 'b', text: 'c' });
  expect(read({ reasoning: '', content: 'c' })).toEqual({ text: 'c', finish: 'stop', isEnded: true });
  const content = [
    'a',
    { type: 'text', text: 'b' },
    { type: 'output_text', text: 'c' },
    { type: 'reference', reference_ids: [1] },
    { type: 'thinking', thinking: 'd' },
    { type: 'thinking', thinking: [{ text: 'e' }, { text: 'f' }] },
    { type: 'reasoning', text: 'g' },
    { type: 'reasoning', reasoning: 'h' },
    { type: 'refusal', refusal: 'i' },
  ];
  expect(read({ content })).toMatchObject({ text: 'abc', reasoning: 'defgh', refusal: 'i' });
  expect(read({ content: 'a', refusal: 'b' })).toMatchObject({ text: 'a', refusal: 'b' });
});

test('OpenAI’s chat: tool calls have ids of text or numbers, and the older form of one call is read', () => {
  const call = { id: 7, index: 3, function: { name: 'look', arguments: '{"at":1}' } };
  const read = whole('openAiForm', message({ tool_calls: [call, { id: 'b', function: { name: 'now' } }] }));
  expect(read).toMatchObject({
    finish: 'tool_calls',
    toolCalls: [
      { index: 0, id: '7', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
      { index: 1, id: 'b', function: { name: 'now', arguments: '{}' } },
    ],
  });
  expect(
    whole('openAiForm', message({ function_call: { name: 'look', arguments: { at: 1 } } }, 'function_call')),
  ).toMatchObject({
    finish: 'tool_calls',
    toolCalls: [{ function: { name: 'look', arguments: '{"at":1}' } }],
  });
});

test('OpenAI’s chat: whole calls with one index are two calls', () => {
  const calls = ['a', 'b'].map((id) => ({ index: 0, id, function: { name: 'look', arguments: '{}' } }));
  expect(whole('openAiForm', message({ tool_calls: calls }))).toMatchObject({ toolCalls: [{ id: 'a' }, { id: 'b' }] });
});

test.each<[string, object, object]>([
  [
    'OpenAI',
    {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 1, cache_write_tokens: 2, audio_tokens: 3, image_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 2, audio_tokens: 1, image_tokens: 6 },
    },
    {
      input: [10],
      output: [5],
      cachedInput: 1,
      cacheWrite: 2,
      audioInput: 3,
      imageInput: 4,
      reasoning: 2,
      audioOutput: 1,
      imageOutput: 6,
    },
  ],
  [
    'its newer words',
    {
      input_tokens: 10,
      output_tokens: 5,
      input_tokens_details: {
        cached_tokens: 1,
        cache_creation_tokens: 2,
        cache_write_tokens_details: { ttl_12h_tokens: 1 },
      },
      output_tokens_details: { reasoning_tokens: 2 },
    },
    { input: [10], output: [5], cachedInput: 1, cacheWrite: 2, cacheWrite1h: 1, reasoning: 2 },
  ],
  [
    'DeepSeek',
    { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 4 },
    { input: [10], output: [5], cachedInput: 4 },
  ],
  [
    'proxies of Anthropic',
    {
      prompt_tokens: 10,
      completion_tokens: 5,
      cache_read_input_tokens: 3,
      cache_creation_input_tokens: 4,
      prompt_tokens_details: { cache_creation_token_details: { ephemeral_1h_input_tokens: 2 } },
    },
    { input: [10], output: [5], cachedInput: 3, cacheWrite: 4, cacheWrite1h: 2 },
  ],
  [
    'xAI, which counts its reasoning beside the output',
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 18, completion_tokens_details: { reasoning_tokens: 3 } },
    { input: [10], output: [5, 3], reasoning: 3 },
  ],
  [
    'a sum that fits nothing',
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 17, completion_tokens_details: { reasoning_tokens: 3 } },
    { input: [10], output: [5], reasoning: 3 },
  ],
  [
    'no reasoning',
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 0 } },
    { input: [10], output: [5], reasoning: 0 },
  ],
  [
    'counts that are no numbers',
    { prompt_tokens: '10', completion_tokens: 5, total_tokens: 18, completion_tokens_details: { reasoning_tokens: 3 } },
    { input: ['10'], output: [5], reasoning: 3 },
  ],
])('the usage of OpenAI’s chat as stated by %s', (_who, usage, expected) => {
  expect(whole('openAiForm', { ...message({ content: 'Hi' }), usage })).toHaveProperty('usage', expected);
  expect(streamed('openAiForm', { ...chunk({ content: 'Hi' }), usage })).toHaveProperty('usage', expected);
});

const response = (output: unknown[], more: object = {}): object => ({ output, ...more });
const said = (text: string): object => ({ type: 'message', content: [{ type: 'output_text', text }] });

test('OpenAI’s responses: messages, reasoning and calls of a whole answer, and why it ended', () => {
  const output = [
    { type: 'reasoning', id: 'r', summary: [{ text: 'Hm.' }], encrypted_content: '' },
    said('Hi'),
    { type: 'web_search_call' },
    { type: 'function_call', id: 'x', call_id: 'a', name: 'look', arguments: '{"at":1}' },
    { type: 'function_call', id: 'b', name: 'now', arguments: { at: 2 } },
  ];
  expect(whole('responsesForm', response(output, { model: 'gpt-5.1', usage: null }))).toEqual({
    text: 'Hi',
    reasoning: 'Hm.',
    toolCalls: [
      { index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'now', arguments: '{"at":2}' } },
    ],
    finish: 'tool_calls',
    isEnded: true,
    servedVersion: 'gpt-5.1',
  });
  const finishOf = (more: object, output: unknown[] = [said('Hi')]) => whole('responsesForm', response(output, more));
  expect(finishOf({})).toMatchObject({ finish: 'stop' });
  expect(finishOf({ incomplete_details: { reason: 'max_output_tokens' } })).toMatchObject({ finish: 'length' });
  expect(finishOf({ incomplete_details: null })).toMatchObject({ finish: 'stop' });
  const refusal = (text: string) => [{ type: 'message', content: [{ type: 'refusal', refusal: text }] }];
  expect(finishOf({}, refusal('No.'))).toMatchObject({ refusal: 'No.', finish: 'content_filter' });
  expect(finishOf({}, [...refusal(''), said('Hi')])).toMatchObject({ text: 'Hi', finish: 'stop' });
});

test('OpenAI’s responses: the events of a stream', () => {
  const item = { type: 'function_call', call_id: 'a', name: 'look', arguments: '' };
  const events = [
    { type: 'response.created', response: {} },
    { type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'Hm' },
    { type: 'response.reasoning_text.delta', output_index: 0, delta: '.' },
    { type: 'response.output_item.added', output_index: 1, item: { type: 'message' } },
    { type: 'response.output_text.delta', output_index: 1, delta: 'Hi' },
    { type: 'response.output_item.added', output_index: 2, item },
    { type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"at"' },
    { type: 'response.function_call_arguments.delta', output_index: 2, delta: ':1}' },
    { type: 'response.output_item.done', output_index: 2, item: { ...item, arguments: '{"at":1}' } },
    { type: 'response.output_item.done', output_index: 1, item: { type: 'message' } },
    {
      type: 'response.incomplete',
      response: { output: [said('Hi')], incomplete_details: { reason: 'content_filter' } },
    },
  ];
  expect(streamed('responsesForm', ...events)).toEqual({
    text: 'Hi',
    reasoning: 'Hm.',
    toolCalls: [{ index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
    finish: 'content_filter',
    isEnded: true,
  });
});

test('OpenAI’s responses: two calls of a stream whose arguments come at their end are two', () => {
  const done = (output_index: number, call_id: string): object => ({
    type: 'response.output_item.done',
    output_index,
    item: { type: 'function_call', call_id, name: 'look', arguments: `{"at":${output_index}}` },
  });
  const end = { type: 'response.completed', response: {} };
  expect(streamed('responsesForm', done(0, 'a'), done(1, 'b'), end)).toMatchObject({
    toolCalls: [
      { id: 'a', function: { arguments: '{"at":0}' } },
      { id: 'b', function: { arguments: '{"at":1}' } },
    ],
  });
});

test('OpenAI’s responses: their usage', () => {
  const usage = {
    input_tokens: 10,
    output_tokens: 5,
    input_tokens_details: {
      cached_tokens: 1,
      cache_write_tokens: 2,
      cache_write_tokens_details: { ttl_12h_tokens: 1 },
      audio_tokens: 3,
      image_tokens: 4,
    },
    output_tokens_details: { reasoning_tokens: 2, audio_tokens: 1, image_tokens: 6 },
  };
  expect(whole('responsesForm', response([said('Hi')], { usage }))).toHaveProperty('usage', {
    input: [10],
    output: [5],
    cachedInput: 1,
    cacheWrite: 2,
    cacheWrite1h: 1,
    audioInput: 3,
    imageInput: 4,
    reasoning: 2,
    audioOutput: 1,
    imageOutput: 6,
  });
});
