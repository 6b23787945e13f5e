import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import OpenAI, { APIError, APIUserAbortError } from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answers, delta, fails, hangs, result, started } from '../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

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

const ping = { model: 'auto', messages: [{ role: 'user', content: 'ping' }] } as const;
const asked = () => ({ ...ping, messages: [...ping.messages] });

test('a plain answer', async () => {
  const { data, response } = await openai.chat.completions.create(asked()).withResponse();
  expect(data.choices[0]?.message.content).toBe('pong');
  expect(data.usage?.total_tokens).toBe(10);
  expect(response.headers.get('x-will-model')).toBe('llama');
});

test('a streamed answer with its usage', async () => {
  const stream = await openai.chat.completions.create({
    ...asked(),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let total = 0;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    total = chunk.usage?.total_tokens ?? total;
  }
  expect([text, total]).toEqual(['pong', 10]);
});

test('the stream helper puts the message together', async () => {
  const final = await openai.chat.completions.stream(asked()).finalChatCompletion();
  expect(final.choices[0]?.message.content).toBe('pong');
  expect(final.choices[0]?.finish_reason).toBe('stop');
});

test('facts go in metadata where headers are out of reach', async () => {
  await openai.chat.completions.create({
    ...asked(),
    metadata: { will_client: 'AcmeLegal', will_data_class: 'customer' },
  });
  expect(server.tasks.requests[0]).toMatchObject({ client: 'acmelegal', dataClass: 'customer' });
});

test('leaving a stream early cancels the task', async () => {
  const script = hangs([started, delta('first')]);
  server.tasks.script = script;
  const stream = await openai.chat.completions.create({ ...asked(), stream: true });
  for await (const chunk of stream) {
    expect(chunk.choices[0]?.delta.content).toBe('first');
    break;
  }
  await script.cancelled;
});

test('aborting a plain request cancels the task', async () => {
  const script = hangs();
  server.tasks.script = script;
  const abort = new AbortController();
  const answer = openai.chat.completions.create(asked(), { signal: abort.signal });
  await script.begun;
  abort.abort();
  await expect(answer).rejects.toBeInstanceOf(APIUserAbortError);
  await script.cancelled;
});

test.each([
  ['invalid_task', OpenAI.BadRequestError],
  ['blocked', OpenAI.PermissionDeniedError],
  ['overloaded', OpenAI.RateLimitError],
  ['all_failed', OpenAI.InternalServerError],
  ['no_worker', OpenAI.InternalServerError],
  ['deadline', OpenAI.InternalServerError],
  ['internal', OpenAI.InternalServerError],
] as const)('a task that ends as %s becomes the error class that programs catch', async (code, errorClass) => {
  server.tasks.script = fails(code, 'because', { decisionId: 'decision-9' });
  const error = await openai.chat.completions.create(asked()).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(errorClass);
  expect(error).toMatchObject({ code, error: { decision_id: 'decision-9' } });
  expect((error as Error).message).toContain('because');
});

test('an unknown model is NotFoundError, a wrong field BadRequestError with its name', async () => {
  await expect(openai.chat.completions.create({ ...asked(), model: 'gpt-99' })).rejects.toBeInstanceOf(
    OpenAI.NotFoundError,
  );
  await expect(openai.chat.completions.create({ ...asked(), n: 2 })).rejects.toMatchObject({ status: 400, param: 'n' });
});

test('a stream that breaks throws: half an answer is never taken for a whole one', async () => {
  server.tasks.script = (request, stream, onPart) => {
    onPart(started);
    onPart(delta('half'));
    return fails('worker_lost', 'the worker died')(request, stream, onPart);
  };
  let text = '';
  const read = async (): Promise<void> => {
    const stream = await openai.chat.completions.create({ ...asked(), stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  };
  const error = await read().catch((thrown: unknown) => thrown);
  expect(text).toBe('half');
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ code: 'worker_lost' });
  await expect(openai.chat.completions.stream(asked()).finalContent()).rejects.toThrow('the worker died');
});

test('a task that can be repeated is repeated by the library, one that cannot is not', async () => {
  const patient = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 1 });
  let calls = 0;
  server.tasks.script = (request, stream, onPart) => {
    calls += 1;
    if (calls === 1) return fails('router_lost', 'the router died', { isRetryable: true })(request, stream, onPart);
    return answers('pong')(request, stream, onPart);
  };
  expect((await patient.chat.completions.create(asked())).choices[0]?.message.content).toBe('pong');
  server.tasks.requests.length = 0;
  server.tasks.script = fails('all_failed', 'a bad key', { isRetryable: false });
  await expect(patient.chat.completions.create(asked())).rejects.toThrow('a bad key');
  expect(server.tasks.requests).toHaveLength(1);
});

test('the tool loop of the library goes round: its own messages are accepted back', async () => {
  let round = 0;
  const calls = JSON.stringify([{ id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }]);
  server.tasks.script = (request) => {
    round += 1;
    return round === 1
      ? result(request, { toolCalls: calls, finish: 'tool_calls', reasoning: 'hm' })
      : result(request, { output: 'two' });
  };
  const add = {
    name: 'add',
    description: 'adds one',
    parameters: { type: 'object' },
    parse: JSON.parse,
    function: () => '2',
  };
  const runner = openai.chat.completions.runTools({ ...asked(), tools: [{ type: 'function', function: add }] });
  expect(await runner.finalContent()).toBe('two');
  const second = JSON.parse(Buffer.from(server.tasks.requests[1]?.input as Uint8Array).toString()) as {
    messages: { role: string }[];
  };
  expect(second.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool']);
  expect(JSON.stringify(second)).not.toContain('reasoning_content');
});

test('models can be listed and looked up', async () => {
  const ids: string[] = [];
  for await (const model of openai.models.list()) ids.push(model.id);
  expect(ids).toContain('gpt-4');
  expect((await openai.models.retrieve('GPT-4')).id).toBe('gpt-4');
});

test('the first example of the guide runs as it stands', async () => {
  const guide = await readFile(new URL('../../../../docs/guides/openai-sdk.md', import.meta.url), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  expect(example).toContain('http://127.0.0.1:8080');
  const program = example.replace('http://127.0.0.1:8080', server.url);
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd,
  });
  expect(stdout).toBe('llama pong\npong');
});
