import { readFile } from 'node:fs/promises';
import { vectorsToBytes } from '@will/core';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answers, attempt, callsTool, delta, exclusion, fails, result, started } from '../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

// What the server says, held against OpenAI's own public schemas.

let server: TestServer;
const validators = new Map<string, ValidateFunction>();
let ajv: Ajv2020;
let schemas: Record<string, { properties?: Record<string, { enum?: string[] } | undefined> }>;
beforeAll(async () => {
  server = await startTestServer();
  const file = new URL('__fixtures__/openai-schemas.json', import.meta.url);
  ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const document = JSON.parse(await readFile(file, 'utf8')) as { components: { schemas: typeof schemas } };
  schemas = document.components.schemas;
  ajv.addSchema({ ...document, $id: 'openai' });
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
});

/** Complaints of one of OpenAI's schemas; empty: it is satisfied. */
function complaints(schema: string, value: unknown): unknown[] {
  const check = validators.get(schema) ?? ajv.compile({ $ref: `openai#/components/schemas/${schema}` });
  validators.set(schema, check);
  return check(value) ? [] : (check.errors ?? []);
}

/** The one schema of a stream's event, so that complaints are about it and not about all others. */
function schemaOf(event: unknown): string {
  const { type } = event as { type: string };
  const named = Object.entries(schemas).find(
    ([name, { properties }]) => name.startsWith('Response') && properties?.['type']?.enum?.includes(type),
  );
  if (!named) throw new Error(`${type} is no event of OpenAI's`);
  return named[0];
}

const post = async (path: string, body: object): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const chat = { model: 'auto', messages: [{ role: 'user', content: 'ping' }] };
const responses = { model: 'auto', input: 'ping' };
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
const flatTools = [{ type: 'function', name: 'weather', parameters: { type: 'object' }, strict: false }];

const events = async (response: Response): Promise<unknown[]> =>
  [...(await response.text()).matchAll(/^data: (.*)$/gm)]
    .map(([, data]) => data as string)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as unknown);

const scripts = {
  text: answers('po', 'ng'),
  'a tool call': callsTool('weather', { city: 'Oslo' }),
  reasoning: ((request, _stream, onPart) => {
    onPart(started);
    onPart(delta('', { reasoning: 'hm' }));
    onPart(delta('pong'));
    return result(request, { output: 'pong', reasoning: 'hm' });
  }) satisfies ReturnType<typeof answers>,
  'an answer that was cut': ((request) => result(request, { output: 'po', finish: 'length' })) satisfies ReturnType<
    typeof answers
  >,
  'an answer without usage': ((request) => result(request, { output: 'pong', usage: undefined })) satisfies ReturnType<
    typeof answers
  >,
};

test.each(Object.entries(scripts))('%s is a chat completion, whole and in chunks', async (_what, script) => {
  server.tasks.script = script;
  expect(complaints('CreateChatCompletionResponse', await (await post('/v1/chat/completions', chat)).json())).toEqual(
    [],
  );
  const streamed = await post('/v1/chat/completions', {
    ...chat,
    tools,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await events(streamed);
  expect(chunks.length).toBeGreaterThan(1);
  for (const chunk of chunks) expect(complaints('CreateChatCompletionStreamResponse', chunk)).toEqual([]);
});

test.each(Object.entries(scripts))('%s is a response, whole and in events', async (_what, script) => {
  server.tasks.script = script;
  const whole: unknown = await (await post('/v1/responses', { ...responses, tools: flatTools })).json();
  expect(complaints('Response', whole)).toEqual([]);
  const all = await events(await post('/v1/responses', { ...responses, tools: flatTools, stream: true }));
  expect(all.length).toBeGreaterThan(3);
  for (const event of all) expect(complaints(schemaOf(event), event)).toEqual([]);
});

test('embeddings, transcriptions and images have their shape', async () => {
  server.tasks.script = (request) =>
    result(request, { output: '{"count":1,"dimensions":2}', data: vectorsToBytes([[1, 0.5]]) });
  const embedding: unknown = await (await post('/v1/embeddings', { model: 'embedding', input: 'a' })).json();
  expect(complaints('CreateEmbeddingResponse', embedding)).toEqual([]);
  server.tasks.script = (request) => result(request, { output: 'said', data: Buffer.from('png') });
  const image: unknown = await (await post('/v1/images/generations', { model: 'auto', prompt: 'p' })).json();
  expect(complaints('ImagesResponse', image)).toEqual([]);
  const body = new FormData();
  body.set('model', 'auto');
  body.set('file', new File(['x'], 'a.wav'));
  const transcript: unknown = await (
    await fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', body })
  ).json();
  expect(complaints('CreateTranscriptionResponseJson', transcript)).toEqual([]);
});

test('errors and lists of models have their shape', async () => {
  server.tasks.script = fails('blocked', 'because', {
    attempts: [attempt(1, 'gpt-4', 'AuthError')],
    exclusions: [exclusion('eyes', 'task_type')],
  });
  expect(complaints('ErrorResponse', await (await post('/v1/chat/completions', chat)).json())).toEqual([]);
  expect(complaints('ErrorResponse', await (await post('/v1/nothing', {})).json())).toEqual([]);
  const list: unknown = await (await fetch(`${server.url}/v1/models`)).json();
  expect(complaints('ListModelsResponse', list)).toEqual([]);
  expect(complaints('Model', await (await fetch(`${server.url}/v1/models/gpt-4`)).json())).toEqual([]);
});

test('the schemas do refuse what is wrong', async () => {
  const whole = (await (await post('/v1/chat/completions', chat)).json()) as Record<string, unknown>;
  expect(complaints('CreateChatCompletionResponse', { ...whole, id: undefined })).not.toEqual([]);
  const response = (await (await post('/v1/responses', responses)).json()) as Record<string, unknown>;
  expect(complaints('Response', { ...response, object: 'answer' })).not.toEqual([]);
  expect(complaints('ResponseStreamEvent', { type: 'response.nothing', sequence_number: 0 })).not.toEqual([]);
});
