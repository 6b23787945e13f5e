import { expect, test, vi } from 'vitest';
import { anthropicForm } from './anthropic-form.ts';
import { googleForm } from './google-form.ts';
import { openAiForm } from './openai-form.ts';
import { responsesForm } from './responses-form.ts';
import { callsOf, events, play } from './testing.ts';

const chunk = (delta: object, finish: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const done = 'data: [DONE]\n\n';
const textOf = ({ deltas }: { deltas: readonly { text?: string }[] }): string =>
  deltas.map(({ text = '' }) => text).join('');

const hi = events(chunk({ content: 'Hi' }), chunk({}, 'stop'));

test.each([
  ['without the marker, when the body ends', [hi], 'ends'],
  ['with the marker and blanks around it', [hi, 'data:  [DONE] \r\n\r\n'], 'stays open'],
  ['without the marker, when the connection breaks afterwards', [hi], { fails: 'ECONNRESET' }],
  ['with a byte order mark, comments and empty data', [`\uFEFF: hello\n\ndata:\n\n${hi}`, done], 'ends'],
  ['with lines that end in CR', [hi.replaceAll('\n', '\r'), done], 'ends'],
] as const)('an answer that told why it ends is whole %s', async (_what, pieces, afterwards) => {
  const played = await play(openAiForm, { pieces, afterwards });
  expect(textOf(played)).toBe('Hi');
  expect(played.outcome).toMatchObject({ ok: true, finish: 'stop' });
});

test('an answer that told why it ends is whole after a short silence, and the connection is given up', async () => {
  const played = await play(openAiForm, { pieces: [hi], afterwards: 'stays open' });
  expect(played).toMatchObject({ outcome: { ok: true, finish: 'stop' }, wasAborted: true });
});

/** So many pieces, a second apart, in virtual time. */
async function flowing(seconds: number, over: Parameters<typeof play>[2]) {
  vi.useFakeTimers();
  try {
    const pieces = [
      ...Array.from({ length: seconds }, () => events(chunk({ content: 'x' }))),
      events(chunk({}, 'stop')),
    ];
    const played = play(openAiForm, { pieces, gapMs: 1_000 }, over);
    await vi.advanceTimersByTimeAsync((seconds + 2) * 1_000);
    return await played;
  } finally {
    vi.useRealTimers();
  }
}

test('a stream of one piece a second flows for longer than each of its timeouts', async () => {
  const played = await flowing(75, { firstContentTimeoutMs: 30_000, idleTimeoutMs: 30_000 });
  expect(played.outcome).toMatchObject({ ok: true, finish: 'stop' });
  expect(textOf(played)).toBe('x'.repeat(75));
  const { outcome } = await flowing(75, { firstContentTimeoutMs: 30_000, idleTimeoutMs: 500 });
  expect(outcome).toMatchObject({ ok: false, failure: { reason: 'stalled' } });
});

test('an answer that ends without a reason is a success that ended for an unknown one', async () => {
  const played = await play(openAiForm, { pieces: [events(chunk({ content: 'Hi' })), done] });
  expect(played.outcome).toMatchObject({ ok: true, finish: 'unknown' });
});

test.each([
  ['nothing but the marker', done],
  ['a tool call that is null', events(chunk({ tool_calls: [null] })) + done],
  ['content of a kind that nobody knows', events(chunk({ content: [{ type: 'hologram' }] })) + done],
  ['content that is a number', events(chunk({ content: 7 })) + done],
  ['choices that are null', 'data: {"choices":[null]}\n\n'],
  ['a tool call without a name', events(chunk({ tool_calls: [{ index: 0, id: 'a' }] }), chunk({}, 'stop')) + done],
])('%s is an answer that cannot be read', async (_what, stream) => {
  const { outcome } = await play(openAiForm, { pieces: [stream] });
  expect(outcome).toMatchObject({ ok: false, failure: { reason: 'bad_response' } });
});

test.each(['', 'application/json', 'Text/Event-Stream; charset=utf-8', 'text/plain'])(
  'events are read whatever the type says: %j',
  async (type) => {
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
    expect(textOf(await play(openAiForm, { pieces: [hi, done], headers }))).toBe('Hi');
  },
);

test('a call for a whole answer gets one, also where events come', async () => {
  const call = { index: 0, id: 'a', function: { name: 'look', arguments: '{}' } };
  const pieces = [events(chunk({ content: 'Hi' }), chunk({ tool_calls: [call] }), chunk({}, 'tool_calls')), done];
  const { outcome, deltas } = await play(openAiForm, { pieces }, { stream: false });
  expect(deltas).toEqual([]);
  expect(outcome).toMatchObject({ ok: true, finish: 'tool_calls', output: { text: 'Hi' } });
  expect(outcome.ok && JSON.parse(outcome.output?.toolCalls ?? '')).toMatchObject([
    { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } },
  ]);
});

test('a character that the chunks cut in two arrives whole', async () => {
  const [high, low] = ['\ud83d', '\ude00'];
  const cut = (text: string): string => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`;
  const escaped = [cut('a\\ud83d'), cut('\\ude00b'), events(chunk({}, 'stop')), done];
  const played = await play(openAiForm, { pieces: escaped });
  expect(textOf(played)).toBe(`a${high}${low}b`);
  expect(played.deltas.every(({ text = '' }) => text.isWellFormed())).toBe(true);
});

const called = (piece: object): object => chunk({ tool_calls: [piece] });
const end = events(chunk({}, 'tool_calls')) + done;

test.each([
  [
    'two calls with one index and two ids',
    [
      called({ index: 0, id: 'a', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } }),
      called({ index: 0, id: 'b', function: { name: 'get_time', arguments: '{}' } }),
    ],
    [
      ['get_weather', '{"city":"Paris"}'],
      ['get_time', '{}'],
    ],
  ],
  [
    'a name that comes with every chunk',
    [
      called({ index: 0, id: 'a', function: { name: 'get_weather', arguments: '{"city":' } }),
      called({ index: 0, id: 'a', function: { name: 'get_weather', arguments: '"Paris"}' } }),
    ],
    [['get_weather', '{"city":"Paris"}']],
  ],
  [
    'a name that comes with every chunk, without an id',
    [
      called({ index: 0, function: { name: 'get_weather', arguments: '{"city":' } }),
      called({ index: 0, function: { name: 'get_weather', arguments: '"Paris"}' } }),
    ],
    [['get_weather', '{"city":"Paris"}']],
  ],
  [
    'two whole calls of one tool, without ids and indexes',
    [
      called({ function: { name: 'look', arguments: '{"at":1}' } }),
      called({ function: { name: 'look', arguments: '{"at":2}' } }),
    ],
    [
      ['look', '{"at":1}'],
      ['look', '{"at":2}'],
    ],
  ],
  [
    'an id that changes with every chunk',
    [
      called({ index: 0, id: 'a', function: { name: 'look', arguments: '{"at":' } }),
      called({ index: 0, id: 'b', function: { arguments: '1}' } }),
    ],
    [['look', '{"at":1}']],
  ],
  [
    'arguments that are an object',
    [called({ index: 0, id: 'a', function: { name: 'look', arguments: { at: 1 } } })],
    [['look', '{"at":1}']],
  ],
  ['no arguments', [called({ index: 0, id: 'a', function: { name: 'now' } })], [['now', '{}']]],
] as const)('tool calls: %s', async (_what, chunks, expected) => {
  const { outcome, deltas } = await play(openAiForm, { pieces: [events(...chunks), end] });
  expect(outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
  const calls = callsOf(deltas);
  expect(calls.map((call) => [call.name, call.arguments])).toEqual(expected);
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
  expect(calls.every(({ id }) => id.length > 0)).toBe(true);
});

test('a whole tool call without an id gets one, and its object becomes JSON text', async () => {
  const message = { content: null, tool_calls: [{ function: { name: 'look', arguments: { at: 1 } } }] };
  const body = JSON.stringify({ choices: [{ message, finish_reason: 'stop' }] });
  const { outcome } = await play(openAiForm, { pieces: [body] }, { stream: false });
  expect(outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
  const calls = outcome.ok ? (JSON.parse(outcome.output?.toolCalls ?? '') as { id: string }[]) : [];
  expect(calls).toMatchObject([{ function: { name: 'look', arguments: '{"at":1}' } }]);
  expect(calls[0]?.id).toMatch(/^call_[0-9a-f]{32}$/);
});

test('content in parts is text and reasoning', async () => {
  const content = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'France…' }] },
    { type: 'text', text: 'Paris.' },
  ];
  const body = JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }] });
  const { outcome } = await play(openAiForm, { pieces: [body] }, { stream: false });
  expect(outcome).toMatchObject({ ok: true, output: { text: 'Paris.', reasoning: 'France…' } });
  const streamed = await play(openAiForm, { pieces: [events(chunk({ content }), chunk({}, 'stop')), done] });
  expect(streamed.deltas).toEqual([{ text: 'Paris.', reasoning: 'France…' }]);
});

const google = (finishReason: string): object => ({
  candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason }],
});
const anthropic = (stop: string): object => ({
  type: 'message',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: stop,
});

test.each([
  [openAiForm, { choices: [{ message: { content: 'Hi' }, finish_reason: 'MAX_TOKENS' }] }, 'length'],
  [openAiForm, { choices: [{ message: { content: 'Hi' }, finish_reason: 'end_turn' }] }, 'stop'],
  [openAiForm, { choices: [{ message: { content: 'Hi' }, finish_reason: 'Stop' }] }, 'stop'],
  [openAiForm, { choices: [{ message: { content: 'Hi' }, finish_reason: 'whim' }] }, 'unknown'],
  [openAiForm, { choices: [{ message: { content: 'Hi' }, finish_reason: null }] }, 'unknown'],
  [anthropicForm, anthropic('max_tokens'), 'length'],
  [anthropicForm, anthropic('stop_sequence'), 'stop'],
  [anthropicForm, anthropic('refusal'), 'content_filter'],
  [googleForm, google('SAFETY'), 'content_filter'],
  [googleForm, google('max_tokens'), 'length'],
  [googleForm, google('LANGUAGE'), 'unknown'],
] as const)('the words for an end are read in any case: %#', async (form, body, finish) => {
  const { outcome } = await play(form, { pieces: [JSON.stringify(body)] }, { stream: false });
  expect(outcome).toMatchObject({ ok: true, finish });
});

const refusals = [
  ['chat', openAiForm, events(chunk({ refusal: 'I can' }), chunk({ refusal: 'not.' }), chunk({}, 'stop')) + done, ''],
  [
    'responses',
    responsesForm,
    events(
      { type: 'response.refusal.delta', output_index: 0, delta: 'I can' },
      { type: 'response.refusal.delta', output_index: 0, delta: 'not.' },
      { type: 'response.completed', response: { output: [] } },
    ),
    '',
  ],
  [
    'Anthropic’s explanation of a text that it cut off',
    anthropicForm,
    events(
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Well' } },
      {
        type: 'message_delta',
        delta: { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'bio', explanation: 'I cannot.' } },
      },
      { type: 'message_stop' },
    ),
    'Well',
  ],
] as const;

test.each(refusals)('words by which a model refuses are not its text: %s', async (_what, form, body, text) => {
  const streamed = await play(form, { pieces: [body] });
  expect(streamed.outcome.ok).toBe(true);
  expect(streamed.deltas.map(({ refusal = '' }) => refusal).join('')).toBe('I cannot.');
  expect(textOf(streamed)).toBe(text);
  const whole = await play(form, { pieces: [body] }, { stream: false });
  expect(whole.outcome).toMatchObject({ ok: true, output: { refusal: 'I cannot.' } });
});

test('a refusal of Anthropic’s without any content is its filter’s', async () => {
  const body = JSON.stringify({
    type: 'message',
    content: [],
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', explanation: 'I cannot.' },
  });
  const { outcome } = await play(anthropicForm, { pieces: [body] }, { stream: false });
  expect(outcome).toMatchObject({ ok: false, failure: { reason: 'content_filter' } });
});

test('Anthropic’s events: text, thoughts, two tool calls, what only it can read, and kinds that nobody knows', async () => {
  const block = (index: number, content_block: object): object => ({
    type: 'content_block_start',
    index,
    content_block,
  });
  const delta = (index: number, value: object): object => ({ type: 'content_block_delta', index, delta: value });
  const pieces = [
    events(
      { type: 'message_start', message: { usage: { input_tokens: 5, output_tokens: 1 } } },
      block(0, { type: 'thinking', thinking: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'Hm.' }),
      delta(0, { type: 'signature_delta', signature: 'xyz' }),
      block(1, { type: 'text', text: '' }),
      { type: 'ping' },
      { type: 'brand_new' },
      delta(1, { type: 'text_delta', text: 'Hi' }),
      block(2, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
      delta(2, { type: 'input_json_delta', partial_json: '{"q":1}' }),
      block(3, { type: 'tool_use', id: 'a', name: 'look', input: {} }),
      delta(3, { type: 'input_json_delta', partial_json: '{"at":' }),
      delta(3, { type: 'input_json_delta', partial_json: '1}' }),
      block(4, { type: 'tool_use', id: 'b', name: 'now', input: {} }),
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
    ),
  ];
  const { outcome, deltas } = await play(anthropicForm, { pieces });
  expect(outcome).toMatchObject({ ok: true, finish: 'tool_calls', usage: { inputTokens: 5, outputTokens: 9 } });
  expect(deltas[0]).toEqual({ text: 'Hi', reasoning: 'Hm.' });
  expect(callsOf(deltas)).toEqual([
    { id: 'a', name: 'look', arguments: '{"at":1}' },
    { id: 'b', name: 'now', arguments: '{}' },
  ]);
});

test('Google’s answer as a list of events, with thoughts and an image', async () => {
  const part = (value: object, finishReason?: string): object => ({
    candidates: [{ content: { parts: [value] }, ...(finishReason && { finishReason }) }],
  });
  const image = { inlineData: { mimeType: 'image/png', data: Buffer.from('image').toString('base64') } };
  const body = [part({ text: 'Hm.', thought: true }), part({ text: 'Hi' }), part(image, 'STOP')];
  const { outcome } = await play(googleForm, { pieces: [JSON.stringify(body)] }, { stream: false });
  expect(outcome).toMatchObject({
    ok: true,
    finish: 'stop',
    output: { text: 'Hi', reasoning: 'Hm.', data: Buffer.from('image'), dataType: 'image/png' },
  });
});

test('OpenAI’s responses: a stream of nothing but its end, and arguments that come only with their call’s end', async () => {
  const item = { type: 'function_call', call_id: 'a', name: 'look', arguments: '{"at":1}' };
  const text = { type: 'message', content: [{ type: 'output_text', text: 'Hi' }] };
  const whole = events({ type: 'response.completed', response: { output: [text], usage: null } });
  expect(textOf(await play(responsesForm, { pieces: [whole] }))).toBe('Hi');
  const late = events(
    { type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '' } },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { output: [item] } },
  );
  const { outcome, deltas } = await play(responsesForm, { pieces: [late] });
  expect(outcome).toMatchObject({ ok: true, finish: 'tool_calls' });
  expect(callsOf(deltas)).toEqual([{ id: 'a', name: 'look', arguments: '{"at":1}' }]);
});
