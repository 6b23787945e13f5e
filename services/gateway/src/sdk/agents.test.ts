import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatOf, result, started, toolCalls, delta } from '../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

// Shapes of requests that real coding agents sent (`npm run agents -- --record`), with no words of theirs. A field that a
// new version adds, and that is not understood, shows here as one line.

interface Shape {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const folder = new URL('./__fixtures__/agents/', import.meta.url);
const shapes = readdirSync(folder).map(
  (file) => [file.replace('.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Shape] as const,
);

/** What is left out of each, by design: vendors' own tools, and hints that no model here knows. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  'codex-responses': ['tools.namespace', 'tools.web_search'],
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const sealed = 'wr1.sealed';
const call = { extra_content: { google: { thought_signature: sealed } } };
const withSeal = (calls: string): string =>
  JSON.stringify((JSON.parse(calls) as object[]).map((one, index) => ({ index, ...one, ...call })));

describe.each(shapes)('%s', (name, shape) => {
  const ask = (): Promise<Response> => {
    const headers = { ...shape.headers, 'content-type': 'application/json' };
    const body = JSON.stringify({ ...shape.body, model: 'gpt-4', stream: true });
    return fetch(`${server.url}${shape.path}`, { method: 'POST', headers, body });
  };

  test('is understood, and what is left out of it is what is known', async () => {
    server.tasks.script = (request, _stream, onPart) => {
      onPart(started);
      onPart(delta('pong'));
      return result(request, { output: 'pong' });
    };
    const answer = await ask();
    expect([answer.status, answer.status === 200 ? '' : await answer.clone().text()]).toEqual([200, '']);
    expect(await answer.text()).toContain('pong');
    const ignored = answer.headers.get('x-will-ignored')?.split(', ') ?? [];
    expect(ignored.filter((field) => !(leftOut[name] ?? []).includes(field))).toEqual([]);
  });

  test('shows the model every call of a tool with its result', async () => {
    await (await ask()).text();
    const { messages } = chatOf(server.tasks.requests.at(-1));
    const ids = messages.flatMap(({ tool_calls: calls }) => ((calls ?? []) as { id: string }[]).map(({ id }) => id));
    const answered = messages.flatMap(({ role, tool_call_id: id }) => (role === 'tool' ? [id as string] : []));
    expect(ids.length).toBeGreaterThan(0);
    expect(answered.toSorted()).toEqual(ids.toSorted());
  });

  test('gets what a model must see again with a call, where its dialect has a field for it', async () => {
    server.tasks.script = (request, _stream, onPart) => {
      const calls = toolCalls('run', {});
      onPart(started);
      onPart(delta('', { reasoning: 'thought' }));
      onPart(delta('', { toolCalls: withSeal(calls) }));
      return result(request, { toolCalls: withSeal(calls), finish: 'tool_calls' });
    };
    const isAsked =
      !shape.path.includes('responses') || JSON.stringify(shape.body['include'] ?? []).includes('encrypted');
    expect((await (await ask()).text()).includes(sealed)).toBe(isAsked);
  });
});

test('a client’s sealed reasoning reaches the model beside the call that came of it, in every dialect', async () => {
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4', ...body }),
    });
  const tool = { name: 'run', input_schema: { type: 'object' } };
  await post('/v1/messages', {
    max_tokens: 10,
    tools: [tool],
    messages: [
      { role: 'user', content: 'Go' },
      {
        role: 'assistant',
        content: [
          { type: 'redacted_thinking', data: sealed },
          { type: 'tool_use', id: 'one', name: 'run', input: {} },
          { type: 'redacted_thinking', data: 'of another' },
          { type: 'tool_use', id: 'two', name: 'run', input: {} },
        ],
      },
      { role: 'user', content: ['one', 'two'].map((id) => ({ type: 'tool_result', tool_use_id: id, content: 'x' })) },
    ],
  });
  await post('/v1/responses', {
    input: [
      { role: 'user', content: 'Go' },
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: sealed },
      { type: 'function_call', call_id: 'one', name: 'run', arguments: '{}' },
      { type: 'function_call', call_id: 'two', name: 'run', arguments: '{}' },
      { type: 'function_call_output', call_id: 'one', output: 'x' },
      { type: 'function_call_output', call_id: 'two', output: 'x' },
    ],
  });
  const plain = (id: string) => ({ id, type: 'function', function: { name: 'run', arguments: '{}' } });
  await post('/v1/chat/completions', {
    messages: [
      { role: 'user', content: 'Go' },
      { role: 'assistant', content: null, tool_calls: [{ ...plain('one'), ...call }, plain('two')] },
      ...['one', 'two'].map((id) => ({ role: 'tool', tool_call_id: id, content: 'x' })),
    ],
  });
  for (const request of server.tasks.requests.slice(-3)) {
    const { messages } = chatOf(request);
    expect(messages.find(({ role }) => role === 'assistant')?.['tool_calls']).toEqual([
      { ...plain('one'), ...call },
      plain('two'),
    ]);
  }
});

test('tokens written to a cache and read from it stand beside the input in Anthropic’s usage', async () => {
  server.tasks.script = (request) => {
    const plain = result(request, { output: 'pong' });
    const counts = { inputTokens: 100, cachedInputTokens: 60, cacheWriteTokens: 30, outputTokens: 5 };
    return { ...plain, usage: { ...(plain.usage as NonNullable<typeof plain.usage>), ...counts } };
  };
  const answer = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4', max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  expect(((await answer.json()) as { usage: object }).usage).toEqual({
    input_tokens: 10,
    cache_creation_input_tokens: 30,
    cache_read_input_tokens: 60,
    output_tokens: 5,
  });
});
