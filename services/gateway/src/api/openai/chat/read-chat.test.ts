import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HttpError } from '../../../server/http/errors.ts';
import { readChat } from './read-chat.ts';

const read = (body: unknown) => readChat(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
const inputOf = (body: unknown): unknown => JSON.parse(read(body).input({}).toString());
const hello = [{ role: 'user', content: 'hello' }];
const chat = (fields: Record<string, unknown> = {}) => ({ model: 'auto', messages: hello, ...fields });

function refusal(body: unknown): HttpError {
  try {
    read(body);
  } catch (error) {
    expect(error).toBeInstanceOf(HttpError);
    return error as HttpError;
  }
  throw new Error('was accepted');
}

test('what the server keeps for itself does not travel to a model', () => {
  const fields = {
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 5,
    max_completion_tokens: 6,
    n: 1,
    user: 'someone@example.org',
    metadata: { will_client: 'acme' },
    service_tier: 'auto',
    logprobs: false,
    logit_bias: {},
  };
  expect(inputOf(chat(fields))).toEqual({ messages: hello });
});

test('what steers a model travels as it was written', () => {
  const fields = {
    temperature: 0.5,
    top_p: 1,
    frequency_penalty: -1,
    presence_penalty: 1,
    stop: ['a', 'b'],
    seed: 42,
    tools: [
      { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: { constructor: {} } } } },
    ],
    tool_choice: { type: 'function', function: { name: 'now' } },
    parallel_tool_calls: false,
    response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' }, strict: true } },
    reasoning_effort: 'low',
  };
  expect(inputOf(chat(fields))).toEqual({ messages: hello, ...fields });
});

test('the bytes of the messages are the very ones that came', () => {
  const text = '{ "model":"auto",\n "messages": [ {"role":"user", "content":"\\u00fc ü 1e2"} ] , "temperature": 1.0 }';
  expect(read(text).input({}).toString()).toBe(
    '{"messages": [ {"role":"user", "content":"\\u00fc ü 1e2"} ],"temperature": 1.0}',
  );
});

test('a conversation with earlier answers and tools travels as it is', () => {
  const messages = [
    { role: 'developer', content: [{ type: 'text', text: 'be brief' }] },
    ...hello,
    {
      role: 'assistant',
      content: 'hi',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '' } }],
    },
    { role: 'tool', tool_call_id: 'c', content: 'x' },
    { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
  ];
  const text = JSON.stringify({ messages });
  expect(
    read(JSON.stringify(chat({ messages })))
      .input({})
      .toString(),
  ).toBe(text);
});

test('null is the same as absent', () => {
  expect(inputOf(chat({ temperature: null, stop: null, stream: null, functions: null }))).toEqual({ messages: hello });
});

test('an answer that a library sends back loses what only an answer has', () => {
  const calls = [{ id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } }];
  const withParsed = calls.map((call) => ({ ...call, function: { ...call.function, parsed_arguments: {} } }));
  const messages = [
    ...hello,
    {
      role: 'assistant',
      content: null,
      refusal: null,
      reasoning_content: 'hm',
      parsed: null,
      annotations: [],
      tool_calls: withParsed,
    },
    { role: 'tool', tool_call_id: 'c1', content: '12:00' },
  ];
  expect(inputOf(chat({ messages, temperature: 1 }))).toEqual({
    messages: [...hello, { role: 'assistant', content: null, refusal: null, tool_calls: calls }, messages[2]],
    temperature: 1,
  });
});

test.each([
  [{ messages: hello }, 'model', /model is missing/],
  [{ model: 'auto' }, 'messages', /messages is missing/],
  [chat({ messages: [] }), 'messages', /messages \[\] must have a length of at least 1/],
  [chat({ messages: 'hi' }), 'messages', /messages must be a list, not a string/],
  [chat({ model: '' }), 'model', /model "" must have a length of at least 1/],
  [chat({ temperature: 9 }), 'temperature', /temperature 9 must be at most 2/],
  [chat({ max_tokens: 0 }), 'max_tokens', /max_tokens 0 must be at least 1/],
  [chat({ stream: 'yes' }), 'stream', /stream must be true or false, not a string/],
  [chat({ n: 2 }), 'n', /n: must be 1/],
  [chat({ logprobs: true }), 'logprobs', /must be false/],
  [chat({ functions: [{ name: 'f' }] }), 'functions', /use tools/],
  [chat({ modalities: ['audio'] }), 'modalities', /must be \["text"\]/],
  [
    chat({ messages: [{ role: 'robot', content: 'x' }] }),
    'messages.0.role',
    /messages\.0\.role "robot" must be one of "system"/,
  ],
  [chat({ messages: [{ role: 'user', content: [{ type: 'text' }] }] }), 'messages.0.content.0.text', /is missing/],
  [chat({ messages: [{ role: 'user', content: 7 }] }), 'messages.0.content', /content 7 must be a string, or a list/],
  [chat({ messages: [{ role: 'user' }] }), 'messages.0.content', /is missing/],
  [
    chat({ tool_choice: 'perhaps' }),
    'tool_choice',
    /tool_choice "perhaps" must be one of "none", "auto", "required", or an object/,
  ],
  [chat({ metadata: { a: 1 } }), 'metadata.a', /metadata\.a 1 must be a string/],
  ['{"model":"auto","model":"b","messages":[]}', null, /stands there twice/],
])('the body %j is refused at %s', (body, param, message) => {
  const error = refusal(body);
  expect(error.status).toBe(400);
  expect(error.message).toMatch(message);
  expect(error.param).toBe(param);
});

test.each([
  'http://example.com/a.png',
  'https://169.254.169.254/latest',
  'https://localhost/a.png',
  'https://[::1]/a.png',
  'https://2130706433/a.png',
  'https://db.internal/a.png',
  'https://user:word@example.com/a.png',
  'file:///etc/passwd',
  'data:text/html,hello',
  'nonsense',
])('an image at %s is refused', (url) => {
  const error = refusal(chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }));
  expect(error.param).toBe('messages.0.content.0.image_url.url');
  expect(error.message).not.toContain('passwd');
});

test.each(['https://example.com/a.png', 'data:image/png;base64,AAAA'])('an image at %s is accepted', (url) => {
  read(chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }));
});

test('a complaint never shows what a message says', () => {
  const secret = 'the-launch-code';
  const bodies = [
    chat({ messages: [{ role: 'user', content: [{ type: 'text', text: [secret] }] }] }),
    chat({ messages: [{ role: 'user', content: { secret } }] }),
    chat({ messages: [secret] }),
    chat({ stop: Array.from({ length: 65 }, () => secret) }),
    chat({ tools: [{ type: 'function', function: { name: `${secret} !` } }] }),
  ];
  for (const body of bodies) expect(refusal(body).message).not.toContain(secret);
});

test('10,000 bad bodies are each one clear refusal', () => {
  const field = fc.constantFrom(
    'model',
    'messages',
    'stream',
    'tools',
    'stop',
    'temperature',
    'metadata',
    'n',
    'response_format',
    'tool_choice',
  );
  const mutated = fc
    .tuple(fc.dictionary(field, fc.jsonValue({ maxDepth: 4 })), fc.boolean())
    .map(([fields, whole]) => JSON.stringify(whole ? chat(fields) : fields));
  const bytes = fc.uint8Array({ maxLength: 64 }).map((raw) => Buffer.from(raw).toString('latin1'));
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(mutated, bytes, fc.json()), (text) => {
      try {
        readChat(Buffer.from(text));
      } catch (error) {
        expect(error).toBeInstanceOf(HttpError);
        expect((error as HttpError).status).toBe(400);
        expect((error as HttpError).message.length).toBeGreaterThan(10);
        refused += 1;
      }
    }),
    { numRuns: 10_000 },
  );
  expect(refused).toBeGreaterThan(8_000);
});
