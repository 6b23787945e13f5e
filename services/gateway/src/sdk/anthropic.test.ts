import Anthropic, { APIUserAbortError } from '@anthropic-ai/sdk';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  answers,
  breaksAfter,
  callsTool,
  chatOf,
  delta,
  fails,
  hangs,
  midStreamFaults,
  result,
  started,
} from '../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

// The unmodified @anthropic-ai/sdk package against /v1/messages.

let server: TestServer;
let anthropic: Anthropic;
beforeAll(async () => {
  server = await startTestServer();
  anthropic = new Anthropic({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
});

const ping = { model: 'auto', max_tokens: 9, messages: [{ role: 'user' as const, content: 'ping' }] };
const weather = {
  name: 'weather',
  description: 'the weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
};

test('a plain answer, with its usage and the model that answered', async () => {
  const { data, response } = await anthropic.messages
    .create({ ...ping, system: 'Be brief.' }, { headers: { 'x-will-client': 'AcmeLegal' } })
    .withResponse();
  expect(data).toMatchObject({
    model: 'llama',
    role: 'assistant',
    content: [{ type: 'text', text: 'pong' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 6, cache_read_input_tokens: 1, output_tokens: 3 },
  });
  expect(response.headers.get('x-will-decision-id')).toBe('decision-1');
  expect(server.tasks.requests[0]).toMatchObject({ client: 'acmelegal', maxOutputTokens: 9 });
  expect(chatOf(server.tasks.requests[0]).messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'ping' },
  ]);
});

test('a streamed answer is put together by the library, thoughts and text', async () => {
  server.tasks.script = (request, _stream, onPart) => {
    onPart(started);
    onPart(delta('', { reasoning: 'hm' }));
    onPart(delta('po'));
    onPart(delta('ng'));
    return result(request, { output: 'pong', reasoning: 'hm' });
  };
  const texts: string[] = [];
  const stream = anthropic.messages.stream(ping).on('text', (text) => texts.push(text));
  const final = await stream.finalMessage();
  expect(texts).toEqual(['po', 'ng']);
  expect(final.content).toMatchObject([
    { type: 'thinking', thinking: 'hm' },
    { type: 'text', text: 'pong' },
  ]);
  expect(final.usage).toMatchObject({ input_tokens: 6, output_tokens: 3 });
  expect(final.stop_reason).toBe('end_turn');
});

test('a tool call is the same streamed and whole, and its result goes back', async () => {
  server.tasks.script = callsTool('weather', { city: 'Oslo' });
  const whole = await anthropic.messages.create({ ...ping, tools: [weather], tool_choice: { type: 'any' } });
  const streamed = await anthropic.messages.stream({ ...ping, tools: [weather] }).finalMessage();
  expect(whole.content).toMatchObject([{ type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Oslo' } }]);
  expect(streamed.content).toMatchObject(whole.content);
  expect([whole.stop_reason, streamed.stop_reason]).toEqual(['tool_use', 'tool_use']);
  expect(server.tasks.requests[0]?.needs).toEqual(['tools']);
  expect(chatOf(server.tasks.requests[0])).toMatchObject({
    tool_choice: 'required',
    tools: [{ type: 'function', function: { name: 'weather', parameters: weather.input_schema } }],
  });
  server.tasks.script = answers('rain');
  await anthropic.messages.create({
    ...ping,
    tools: [weather],
    messages: [
      ...ping.messages,
      { role: 'assistant', content: whole.content },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c1', content: 'rain', is_error: true },
          { type: 'text', text: 'and?' },
        ],
      },
    ],
  });
  expect(chatOf(server.tasks.requests[2]).messages.slice(1)).toEqual([
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'Error: rain' },
    { role: 'user', content: [{ type: 'text', text: 'and?' }] },
  ]);
});

test('a JSON schema and an image reach the model', async () => {
  server.tasks.script = answers('{"ok":true}');
  const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
  await anthropic.messages.create({
    ...ping,
    output_config: { format: { type: 'json_schema', schema } },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          { type: 'text', text: 'what is it?' },
        ],
      },
    ],
  });
  expect(server.tasks.requests[0]).toMatchObject({ needs: ['json_schema'], inputModalities: ['text', 'image'] });
  expect(chatOf(server.tasks.requests[0])).toMatchObject({
    response_format: { type: 'json_schema', json_schema: { schema } },
    messages: [
      { content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }, { type: 'text' }] },
    ],
  });
});

test.each([
  ['invalid_task', Anthropic.BadRequestError, 'invalid_request_error'],
  ['blocked', Anthropic.PermissionDeniedError, 'permission_error'],
  ['overloaded', Anthropic.RateLimitError, 'rate_limit_error'],
  ['no_worker', Anthropic.InternalServerError, 'overloaded_error'],
  ['deadline', Anthropic.InternalServerError, 'timeout_error'],
  ['internal', Anthropic.InternalServerError, 'api_error'],
] as const)('a task that ends as %s becomes the error class that programs catch', async (code, errorClass, type) => {
  server.tasks.script = fails(code, 'because', { decisionId: 'decision-9' });
  const error = await anthropic.messages.create(ping).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(errorClass);
  expect(error).toMatchObject({
    error: { type: 'error', error: { type, message: 'because', decision_id: 'decision-9' } },
  });
});

test('an unknown model and a wrong field are told in Anthropic’s shape', async () => {
  await expect(anthropic.messages.create({ ...ping, model: 'gpt-99' })).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  const error = await anthropic.messages
    .create({ ...ping, inference_geo: 'eu' } as typeof ping)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Anthropic.BadRequestError);
  expect(error).toMatchObject({ error: { error: { type: 'invalid_request_error', param: 'inference_geo' } } });
});

test.each([...midStreamFaults])('a stream that ends as %s throws, and is never a finished answer', async (code) => {
  server.tasks.script = breaksAfter('half', code, 'because');
  const types: string[] = [];
  const read = async (): Promise<void> => {
    for await (const event of await anthropic.messages.create({ ...ping, stream: true })) types.push(event.type);
  };
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Anthropic.APIError);
  expect(error).toMatchObject({ error: { error: { code } } });
  expect(types).toContain('content_block_delta');
  expect(types).not.toContain('message_stop');
  await expect(anthropic.messages.stream(ping).finalMessage()).rejects.toThrow('because');
});

test('aborting cancels the task, plain and streamed', async () => {
  for (const stream of [false, true]) {
    const script = hangs(stream ? [started, delta('first')] : []);
    server.tasks.script = script;
    const abort = new AbortController();
    const answer = stream
      ? anthropic.messages.stream(ping, { signal: abort.signal }).finalMessage()
      : anthropic.messages.create(ping, { signal: abort.signal });
    await script.begun;
    abort.abort();
    await expect(answer).rejects.toBeInstanceOf(APIUserAbortError);
    await script.cancelled;
  }
});

test('the example of the guide runs as it stands', async () => {
  const guide = await readFile(new URL('../../../../docs/guides/http.md', import.meta.url), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  expect(example).toContain('http://127.0.0.1:8080');
  const program = example.replace('http://127.0.0.1:8080', server.url);
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd,
  });
  expect(stdout).toBe('llama pong\n');
});
