import { expect, test } from 'vitest';
import { streamed, whole } from './testing.ts';

const badResponse = { reason: 'bad_response' };

test('Anthropic: a whole answer, with what only it can read passed over', () => {
  const content = [
    { type: 'thinking', thinking: 'Hm.', signature: '' },
    { type: 'text', text: 'Hi' },
    ...['server_tool_use', 'mcp_tool_use', 'web_search_tool_result', 'container_upload', 'compaction', 'fallback'].map(
      (type) => ({ type, id: 'x', name: 'y', input: {} }),
    ),
    { type: 'tool_use', id: 'a', name: 'look', input: { at: 1 } },
  ];
  const body = { type: 'message', model: 'claude-x', content, stop_reason: 'tool_use', usage: null };
  expect(whole('anthropicForm', body)).toEqual({
    text: 'Hi',
    reasoning: 'Hm.',
    toolCalls: [{ index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
    finish: 'tool_calls',
    isEnded: true,
    servedVersion: 'claude-x',
  });
  expect(whole('anthropicForm', { ...body, stop_reason: '' })).toMatchObject({ finish: 'none' });
  expect(whole('anthropicForm', { ...body, stop_reason: null })).toMatchObject({ finish: 'none' });
  expect(whole('anthropicForm', { ...body, content: [{ type: 'xserver_tool_use' }] })).toEqual(badResponse);
  expect(whole('anthropicForm', { ...body, content: [{ type: 'fallbacks' }] })).toEqual(badResponse);
});

test('Anthropic: why it refused is told beside a text, and only where it refused', () => {
  const details = { stop_details: { explanation: 'I cannot.' } };
  const body = (stop_reason: string, more: object = details) => ({
    content: [{ type: 'text', text: 'Well' }],
    stop_reason,
    ...more,
  });
  expect(whole('anthropicForm', body('refusal'))).toMatchObject({ text: 'Well', refusal: 'I cannot.' });
  expect(whole('anthropicForm', body('end_turn'))).not.toHaveProperty('refusal');
  expect(whole('anthropicForm', body('refusal', { stop_details: null }))).not.toHaveProperty('refusal');
  expect(whole('anthropicForm', { ...body('refusal'), content: [] })).not.toHaveProperty('refusal');
});

const ofType = (type: string, more: object = {}): object => ({ type, ...more });

test('Anthropic: what a stream states of its usage adds up, the placeholder at its beginning left out', () => {
  const start = (usage: unknown) => ofType('message_start', { message: { model: 'claude-x', usage } });
  const end = (usage: unknown) => ofType('message_delta', { usage, delta: { stop_reason: 'end_turn' } });
  const atStart = {
    input_tokens: 10,
    output_tokens: 1,
    output_tokens_details: { thinking_tokens: 1 },
    cache_read_input_tokens: 3,
    cache_creation_input_tokens: 4,
    cache_creation: { ephemeral_1h_input_tokens: 2 },
  };
  const read = (...events: object[]) => streamed('anthropicForm', ...events);
  const input = { cachedInput: 3, cacheWrite: 4, cacheWrite1h: 2 };
  expect(read(start(atStart))).toMatchObject({
    servedVersion: 'claude-x',
    usage: { input: [10, 4, 3], output: [undefined], ...input, reasoning: undefined },
  });
  const last = { output_tokens: 7, cache_read_input_tokens: null, output_tokens_details: { thinking_tokens: 2 } };
  expect(read(start(atStart), end(last), ofType('message_stop'))).toMatchObject({
    finish: 'stop',
    isEnded: true,
    usage: { input: [10, 4, 3], output: [7], ...input, reasoning: 2 },
  });
  expect(read(start(atStart), end({ input_tokens: 12, output_tokens: 7 }))).toMatchObject({
    usage: { input: [12, 4, 3] },
  });
  expect(read(start(null), end(undefined))).not.toHaveProperty('usage');
});

test('Anthropic: a call that was done in rounds is paid for each of them', () => {
  const usageOf = (iterations: unknown) =>
    whole('anthropicForm', {
      content: [{ type: 'text', text: 'Hi' }],
      usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 1, iterations },
    });
  const round = (type: string, input_tokens: number, output_tokens: number): object => ({
    type,
    input_tokens,
    output_tokens,
  });
  expect(usageOf([round('compaction', 1, 2), round('message', 3, 4), round('other', 5, 6)])).toMatchObject({
    usage: { input: [1, 3, undefined, 1], output: [2, 4] },
  });
  for (const iterations of [
    undefined,
    7,
    [],
    [round('other', 5, 6)],
    [round('fallback_message', 1, 2), round('message', 3, 4)],
  ])
    expect(usageOf(iterations)).toMatchObject({ usage: { input: [10, undefined, 1], output: [5] } });
});

test('Anthropic: a piece of a block that never began cannot be read, one of its own tools is passed over', () => {
  const json = (index: number): object =>
    ofType('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: '{}' } });
  expect(streamed('anthropicForm', json(0))).toEqual(badResponse);
  const begin = (type: string) =>
    ofType('content_block_start', { index: 0, content_block: { type, id: 'a', name: 'f' } });
  expect(streamed('anthropicForm', begin('server_tool_use'), json(0))).toEqual({ finish: 'none', isEnded: false });
  expect(streamed('anthropicForm', begin('tool_use'), json(0))).toMatchObject({ toolCalls: [{ id: 'a' }] });
});

const part = (value: object, more: object = {}): object => ({ candidates: [{ content: { parts: [value] }, ...more }] });

test('Google: parts are text, thoughts, calls and data; others are passed over', () => {
  const data = (bytes: string): object => ({
    inlineData: { mimeType: 'image/png', data: Buffer.from(bytes).toString('base64') },
  });
  const read = streamed(
    'googleForm',
    part({ text: 'Hm.', thought: true }),
    part({ ...data('draft'), thought: true }),
    part({ text: 'Hi' }),
    part({ executableCode: { code: '1' } }),
    part({ functionCall: { id: 'a', name: 'look', args: { at: 1 } } }),
    part({ functionCall: { name: 'now' } }),
    part(data('image'), { finishReason: 'FINISH_REASON_UNSPECIFIED' }),
    { modelVersion: 'gemini-x', candidates: [{ finishReason: 'STOP' }] },
  );
  expect(read).toMatchObject({
    text: 'Hi',
    reasoning: 'Hm.',
    data: Buffer.from('image'),
    dataType: 'image/png',
    toolCalls: [
      { id: 'a', function: { name: 'look', arguments: '{"at":1}' } },
      { function: { name: 'now', arguments: '{}' } },
    ],
    finish: 'tool_calls',
    servedVersion: 'gemini-x',
  });
  expect(streamed('googleForm', part({ text: 'Hi' }, { finishReason: 'FINISH_REASON_UNSPECIFIED' }))).toMatchObject({
    finish: 'none',
    isEnded: false,
  });
});

test('Google: a question that it blocks has an answer without content', () => {
  const blocked = { promptFeedback: { blockReason: 'SAFETY' } };
  expect(whole('googleForm', blocked)).toEqual({ finish: 'content_filter', isEnded: true });
  expect(whole('googleForm', [blocked])).toEqual({ finish: 'content_filter', isEnded: true });
  expect(streamed('googleForm', blocked)).toMatchObject({ finish: 'content_filter', isEnded: false });
  expect(whole('googleForm', { promptFeedback: {} })).toEqual(badResponse);
  expect(whole('googleForm', [{ usageMetadata: {} }, part({ text: 'Hi' })])).toMatchObject({ text: 'Hi' });
});

test('Google: thoughts are counted beside the candidates, tools beside the prompt, and what was cached of a kind is not that kind’s', () => {
  const details = (...counts: [string, number][]) => counts.map(([modality, tokenCount]) => ({ modality, tokenCount }));
  const usageMetadata = {
    promptTokenCount: 10,
    toolUsePromptTokenCount: 2,
    candidatesTokenCount: 5,
    thoughtsTokenCount: 3,
    cachedContentTokenCount: 4,
    promptTokensDetails: details(['TEXT', 1], ['AUDIO', 6], ['IMAGE', 3]),
    cacheTokensDetails: details(['AUDIO', 4]),
    candidatesTokensDetails: details(['AUDIO', 2], ['IMAGE', 1]),
  };
  expect(streamed('googleForm', { ...part({ text: 'Hi' }), usageMetadata })).toHaveProperty('usage', {
    input: [10, 2],
    output: [5, 3],
    cachedInput: 4,
    audioInput: 2,
    imageInput: 3,
    reasoning: 3,
    audioOutput: 2,
    imageOutput: 1,
  });
  const odd = {
    promptTokensDetails: details(['AUDIO', 6]),
    cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: '4' }],
  };
  expect(streamed('googleForm', { ...part({ text: 'Hi' }), usageMetadata: odd })).toMatchObject({
    usage: { audioInput: 6 },
  });
});
