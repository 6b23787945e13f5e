import { expect, test } from 'vitest';
import { readChatInput } from './chat-input.ts';
import { callOptionsOf, type KeptReader } from './prompt.ts';

const user = { role: 'user', content: 'Hi' };

/** What a chat becomes for the vendors' packages. */
function optionsOf(chat: object, passThrough: readonly string[] = [], kept?: KeptReader) {
  const input = readChatInput(Buffer.from(JSON.stringify({ messages: [user], ...chat })));
  if (!input) throw new Error('the chat was not read');
  return callOptionsOf(input, new Set(passThrough), kept);
}
const promptOf = (...messages: readonly object[]) => optionsOf({ messages }).prompt;
const call = (id: string, args = '{}', more: object = {}) => ({
  id,
  type: 'function',
  function: { name: `tool_${id}`, arguments: args },
  ...more,
});
const assistant = (content: unknown, ...tool_calls: readonly object[]) => ({ role: 'assistant', content, tool_calls });

test('a chat of one question has a prompt and nothing else', () => {
  expect(optionsOf({})).toEqual({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] });
  expect(
    optionsOf({ tools: [], temperature: null, stop: null, tool_choice: null, response_format: { type: 'text' } }),
  ).toEqual(optionsOf({}));
});

test.each<[object, object]>([
  [{ temperature: 0 }, { temperature: 0 }],
  [{ top_p: 0.5 }, { topP: 0.5 }],
  [{ frequency_penalty: 1 }, { frequencyPenalty: 1 }],
  [{ presence_penalty: 1 }, { presencePenalty: 1 }],
  [{ seed: 7 }, { seed: 7 }],
  [{ stop: 'END' }, { stopSequences: ['END'] }],
  [{ stop: ['a', 'b'] }, { stopSequences: ['a', 'b'] }],
  [{ reasoning_effort: 'low' }, { reasoning: 'low' }],
  [{ reasoning_effort: 'max' }, { reasoning: 'xhigh' }],
  [{ tool_choice: 'required' }, { toolChoice: { type: 'required' } }],
  [{ tool_choice: { type: 'function', function: { name: 'f' } } }, { toolChoice: { type: 'tool', toolName: 'f' } }],
  [{ response_format: { type: 'json_object' } }, { responseFormat: { type: 'json' } }],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'n' } } },
    { responseFormat: { type: 'json', name: 'n' } },
  ],
  [
    {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'n', description: 'd', schema: { type: 'object' } },
      },
    },
    { responseFormat: { type: 'json', name: 'n', description: 'd', schema: { type: 'object' } } },
  ],
  [
    { tools: [{ type: 'function', function: { name: 'f' } }] },
    { tools: [{ type: 'function', name: 'f', inputSchema: { type: 'object', properties: {} } }] },
  ],
  [
    { tools: [{ type: 'function', function: { name: 'f', description: 'd', strict: false, parameters: { a: 1 } } }] },
    { tools: [{ type: 'function', name: 'f', description: 'd', strict: false, inputSchema: { a: 1 } }] },
  ],
])('%j becomes %j', (chat, options) => {
  expect(optionsOf(chat)).toEqual({ ...optionsOf({}), ...options });
});

test('instructions stand together at the front, as one where nothing hints at a cache', () => {
  expect(
    promptOf({ role: 'system', content: 'a' }, user, {
      role: 'developer',
      content: [
        { type: 'text', text: 'b' },
        { type: 'text', text: 'c' },
      ],
    }),
  ).toEqual([
    { role: 'system', content: 'a\n\nb\nc' },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
  ]);
});

test('instructions with a hint for a cache stay apart, since a hint ends what is kept', () => {
  const cache_control = { type: 'ephemeral' };
  const providerOptions = { anthropic: { cacheControl: cache_control } };
  expect(
    promptOf(
      { role: 'system', content: 'a' },
      { role: 'system', content: [{ type: 'text', text: 'b', cache_control }] },
      user,
    ),
  ).toEqual([
    { role: 'system', content: 'a' },
    { role: 'system', content: 'b', providerOptions },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
  ]);
  expect(promptOf({ role: 'user', content: [{ type: 'text', text: 'x', cache_control }] })).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'x', providerOptions }] },
  ]);
  const tool = { type: 'function', function: { name: 'f' }, cache_control };
  expect(optionsOf({ tools: [tool] }).tools).toMatchObject([{ name: 'f', providerOptions }]);
});

const fileOf = (part: object): unknown => promptOf({ role: 'user', content: [part] })[0]?.content[0];
const imageAt = (url: string): unknown => fileOf({ type: 'image_url', image_url: { url } });

const byAddress = (url: string, type: string): [string, object] => [
  url,
  { mediaType: `image/${type}`, data: { type: 'url', url: new URL(url) } },
];
test.each<[string, object]>([
  ['data:image/png;base64,AAAA', { mediaType: 'image/png', data: { type: 'data', data: 'AAAA' } }],
  ['DATA:image/svg+xml;BASE64,AAAA', { mediaType: 'image/svg+xml', data: { type: 'data', data: 'AAAA' } }],
  byAddress('https://h/a.PNG', 'png'),
  byAddress('https://h/a.jpg', 'jpeg'),
  byAddress('https://h/a.jpeg', 'jpeg'),
  byAddress('https://h/a.webp', 'webp'),
  byAddress('https://h/a.gif', 'gif'),
  byAddress('https://h/a.heic?x=.png', 'heic'),
  byAddress('https://h/png', '*'),
  byAddress('https://h/a.tiff', '*'),
  byAddress('https://h/a.png/b', '*'),
  byAddress('https://h/a.constructor', '*'),
  byAddress('https://h/a.png2', '*'),
  byAddress('https://h/?u=data:image/png;base64,AAAA', '*'),
  byAddress('data:image/png,AAAA', '*'),
])('an image at %s is sent as its type', (url, file) => {
  expect(imageAt(url)).toEqual({ type: 'file', ...file });
});

test('an address that is none cannot be asked for', () => {
  expect(() => imageAt('nowhere')).toThrow('Invalid URL');
});

test.each([
  ['mp3', 'audio/mpeg'],
  ['wav', 'audio/wav'],
])('a recording as %s is sent as %s', (format, mediaType) => {
  expect(fileOf({ type: 'input_audio', input_audio: { data: 'AAAA', format } })).toEqual({
    type: 'file',
    mediaType,
    data: { type: 'data', data: 'AAAA' },
  });
});

const said = (message: object): unknown => promptOf(user, message)[1]?.content;
test.each<[string, object, unknown]>([
  ['text', { content: 'a' }, [{ type: 'text', text: 'a' }]],
  [
    'parts',
    {
      content: [
        { type: 'text', text: 'a' },
        { type: 'refusal', refusal: 'b' },
      ],
    },
    [{ type: 'text', text: 'a\nb' }],
  ],
  ['a refusal in its place', { content: null, refusal: 'no' }, [{ type: 'text', text: 'no' }]],
  ['a refusal beside no text', { content: '', refusal: 'no' }, [{ type: 'text', text: 'no' }]],
  ['a refusal beside no parts', { content: [], refusal: 'no' }, [{ type: 'text', text: 'no' }]],
  ['text before a refusal', { content: 'a', refusal: 'no' }, [{ type: 'text', text: 'a' }]],
  ['nothing', { content: null }, []],
])('an answer of the model is %s', (_what, message, content) => {
  expect(said({ role: 'assistant', ...message })).toEqual(content);
});

test('calls keep their ids, names and arguments, and results that answer calls made at once stand together', () => {
  const result = (tool_call_id: string, content: unknown) => ({ role: 'tool', tool_call_id, content });
  const output = (toolCallId: string, value: unknown) => ({
    type: 'tool-result',
    toolCallId,
    toolName: `tool_${toolCallId}`,
    output: value,
  });
  const cache_control = { type: 'ephemeral' };
  const [, turn, results, next, last] = promptOf(
    user,
    assistant('a', call('x', '{"at":1}'), call('y', '')),
    result('x', 'one'),
    result('y', [
      { type: 'text', text: 'two' },
      { type: 'text', text: 'three' },
    ]),
    assistant(null, call('z')),
    result('z', [{ type: 'text', text: 'four', cache_control }]),
  );
  expect(turn?.content).toEqual([
    { type: 'text', text: 'a' },
    { type: 'tool-call', toolCallId: 'x', toolName: 'tool_x', input: { at: 1 } },
    { type: 'tool-call', toolCallId: 'y', toolName: 'tool_y', input: {} },
  ]);
  expect(results).toEqual({
    role: 'tool',
    content: [output('x', { type: 'text', value: 'one' }), output('y', { type: 'text', value: 'two\nthree' })],
  });
  expect(next?.role).toBe('assistant');
  expect(last?.content).toEqual([
    output('z', {
      type: 'content',
      value: [{ type: 'text', text: 'four', providerOptions: { anthropic: { cacheControl: cache_control } } }],
    }),
  ]);
  const shown = promptOf(
    user,
    assistant(null, call('i')),
    result('i', [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }]),
  );
  expect(shown[2]?.content).toMatchObject([
    { output: { type: 'content', value: [{ type: 'file', mediaType: 'image/png' }] } },
  ]);
});

test('a result of a call that nobody made, and arguments that are no JSON, cannot be asked for', () => {
  expect(() => promptOf(user, { role: 'tool', tool_call_id: 'x', content: 'one' })).toThrow(
    'a tool result answers no call of this chat',
  );
  expect(() => promptOf(user, assistant(null, call('x', '{')))).toThrow(SyntaxError);
});

test('what was kept of the reasoning stands before the turn, or before its own later call, and on the call', () => {
  const thought = (text: string) => ({ type: 'reasoning' as const, text });
  const kept: KeptReader = (called) => {
    const { id } = called as { id: string };
    return { before: [thought(`before ${id}`)], ...(id === 'y' && { onCall: { google: { thoughtSignature: 's' } } }) };
  };
  const { prompt } = optionsOf({ messages: [user, assistant('a', call('x'), call('y'))] }, [], kept);
  expect(prompt[1]?.content).toEqual([
    thought('before x'),
    { type: 'text', text: 'a' },
    { type: 'tool-call', toolCallId: 'x', toolName: 'tool_x', input: {} },
    thought('before y'),
    {
      type: 'tool-call',
      toolCallId: 'y',
      toolName: 'tool_y',
      input: {},
      providerOptions: { google: { thoughtSignature: 's' } },
    },
  ]);
});

test('top_k is sent only where it may pass', () => {
  expect(optionsOf({ top_k: 7 }, ['top_k'])).toHaveProperty('topK', 7);
  expect(optionsOf({ top_k: 7 })).not.toHaveProperty('topK');
});
