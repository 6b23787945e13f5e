import OpenAI, { APIError, APIUserAbortError } from 'openai';
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

// The unmodified openai package against /v1/responses.

let server: TestServer;
let openai: OpenAI;
beforeAll(async () => {
  server = await startTestServer();
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 0 });
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
});

const ping = { model: 'auto', input: 'ping' };
const weather = {
  type: 'function' as const,
  name: 'weather',
  description: 'the weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: false,
};

test('a plain answer, with its usage and the model that answered', async () => {
  const answer = await openai.responses.create({ ...ping, instructions: 'Be brief.', max_output_tokens: 9 });
  expect(answer.output_text).toBe('pong');
  expect(answer).toMatchObject({ status: 'completed', model: 'llama', usage: { total_tokens: 10 } });
  expect(server.tasks.requests[0]).toMatchObject({ maxOutputTokens: 9 });
  expect(chatOf(server.tasks.requests[0]).messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'ping' },
  ]);
});

test('a custom tool is called with its text, plain and streamed', async () => {
  server.tasks.script = callsTool('apply_patch', { input: '*** Begin\n+ä' });
  const request = { ...ping, tools: [{ type: 'custom' as const, name: 'apply_patch' }] };
  const expected = { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input: '*** Begin\n+ä' };
  expect((await openai.responses.create(request)).output).toMatchObject([expected]);
  const stream = openai.responses.stream(request);
  let text = '';
  const types: string[] = [];
  for await (const event of stream) {
    types.push(event.type);
    if (event.type === 'response.custom_tool_call_input.delta') text += event.delta;
  }
  expect(text).toBe(expected.input);
  expect(types).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.custom_tool_call_input.delta',
    'response.custom_tool_call_input.done',
    'response.output_item.done',
    'response.completed',
  ]);
  expect((await stream.finalResponse()).output).toMatchObject([expected]);
});

test('a streamed answer is put together by the library', async () => {
  server.tasks.script = (request, _stream, onPart) => {
    onPart(started);
    onPart(delta('', { reasoning: 'hm' }));
    onPart(delta('po'));
    onPart(delta('ng'));
    return result(request, { output: 'pong', reasoning: 'hm' });
  };
  const stream = openai.responses.stream(ping);
  const types: string[] = [];
  const numbers: number[] = [];
  for await (const event of stream) {
    types.push(event.type);
    numbers.push(event.sequence_number);
  }
  const final = await stream.finalResponse();
  expect(final.output_text).toBe('pong');
  expect(final.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
  expect(final.usage?.output_tokens).toBe(3);
  expect(numbers).toEqual(numbers.map((_number, index) => index));
  expect(types[0]).toBe('response.created');
  expect(types.at(-1)).toBe('response.completed');
});

test('the streamed answer and the whole one are the same', async () => {
  server.tasks.script = callsTool('weather', { city: 'Oslo' });
  const whole = await openai.responses.create({ ...ping, tools: [weather] });
  const streamed = await openai.responses.stream({ ...ping, tools: [weather] }).finalResponse();
  const shape = ({ output }: typeof whole) =>
    output.map((item) => (item.type === 'function_call' ? [item.call_id, item.name, item.arguments] : item));
  expect(shape(streamed)).toEqual([['c1', 'weather', '{"city":"Oslo"}']]);
  expect(shape(whole)).toEqual(shape(streamed));
});

test('a tool’s result goes back with the call it belongs to', async () => {
  server.tasks.script = callsTool('weather', { city: 'Oslo' });
  const first = await openai.responses.create({ ...ping, tools: [weather] });
  expect(server.tasks.requests[0]?.needs).toEqual(['tools']);
  server.tasks.script = answers('rain');
  const second = await openai.responses.create({
    model: 'auto',
    tools: [weather],
    input: [
      { role: 'user', content: 'ping' },
      ...first.output.filter((item) => item.type === 'function_call'),
      { type: 'function_call_output', call_id: 'c1', output: 'rain' },
    ],
  });
  expect(second.output_text).toBe('rain');
  expect(chatOf(server.tasks.requests[1]).messages).toEqual([
    { role: 'user', content: 'ping' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'rain' },
  ]);
});

test('a JSON schema reaches the model as response_format', async () => {
  server.tasks.script = answers('{"ok":true}');
  const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
  const answer = await openai.responses.parse({
    ...ping,
    text: { format: { type: 'json_schema', name: 'told', schema, strict: true } },
  });
  expect(answer.output_parsed).toEqual({ ok: true });
  expect(server.tasks.requests[0]?.needs).toEqual(['json_schema']);
  expect(chatOf(server.tasks.requests[0])['response_format']).toEqual({
    type: 'json_schema',
    json_schema: { name: 'told', schema, strict: true },
  });
});

test('an answer that was cut at its maximum is incomplete, streamed and whole', async () => {
  server.tasks.script = (request) => result(request, { output: 'po', finish: 'length' });
  const whole = await openai.responses.create(ping);
  expect(whole).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  const types: string[] = [];
  for await (const event of await openai.responses.create({ ...ping, stream: true })) types.push(event.type);
  expect(types.at(-1)).toBe('response.incomplete');
});

test.each([...midStreamFaults])('a stream that ends as %s throws, and is never a finished answer', async (code) => {
  server.tasks.script = breaksAfter('half', code, 'because');
  const types: string[] = [];
  const read = async (): Promise<void> => {
    for await (const event of await openai.responses.create({ ...ping, stream: true })) types.push(event.type);
  };
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ code });
  expect(types).toContain('response.output_text.delta');
  expect(types).not.toContain('response.completed');
  await expect(openai.responses.stream(ping).finalResponse()).rejects.toThrow('because');
});

test('errors are the classes that programs catch; what needs a memory says so', async () => {
  server.tasks.script = fails('blocked', 'because');
  await expect(openai.responses.create(ping)).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError);
  await expect(openai.responses.create({ ...ping, previous_response_id: 'resp_1' })).rejects.toMatchObject({
    status: 400,
    param: 'previous_response_id',
  });
  await expect(
    openai.responses.create({ ...ping, tools: [{ type: 'web_search' }], tool_choice: { type: 'web_search_preview' } }),
  ).rejects.toThrow('tool_choice.type "web_search_preview" must be "function"');
  const asked = { ...ping, input: [{ role: 'robot', content: 'ping' }] } as unknown as typeof ping;
  await expect(openai.responses.create(asked)).rejects.toThrow('input.0.role "robot" must be one of "user"');
});

test('aborting cancels the task', async () => {
  const script = hangs();
  server.tasks.script = script;
  const abort = new AbortController();
  const answer = openai.responses.create(ping, { signal: abort.signal });
  await script.begun;
  abort.abort();
  await expect(answer).rejects.toBeInstanceOf(APIUserAbortError);
  await script.cancelled;
});
