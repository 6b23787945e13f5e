import { readFile } from 'node:fs/promises';
import { modelFor, startReplayingUpstream } from '@will/testkit';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, expect, test } from 'vitest';
import { callOf, chatInput, runCall } from '../contract.ts';
import { openAiCompatible } from './index.ts';
import { mediaRequest } from './media-request.ts';

// What is sent, held against OpenAI's own public schemas.

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
}
let ajv: Ajv2020;
let schemas: Readonly<Record<string, Schema>>;
beforeAll(async () => {
  const text = await readFile(new URL('__fixtures__/openai-requests.json', import.meta.url), 'utf8');
  const document = JSON.parse(text) as { components: { schemas: typeof schemas } };
  schemas = document.components.schemas;
  ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...document, $id: 'openai' });
});

/** Names that a schema knows at its top: most of OpenAI's allow others, so a misspelt one would satisfy them. */
function namesOf({ properties = {}, allOf = [], $ref }: Schema): string[] {
  const named = $ref === undefined ? undefined : schemas[$ref.slice($ref.lastIndexOf('/') + 1)];
  return [...Object.keys(properties), ...allOf.flatMap(namesOf), ...(named ? namesOf(named) : [])];
}

function complaints(name: string, body: object): unknown[] {
  const check = ajv.compile({ $ref: `openai#/components/schemas/${name}` });
  const known = new Set(namesOf(schemas[name] ?? {}));
  const unknown = Object.keys(body).filter((field) => !known.has(field));
  return [...(check(body) ? [] : (check.errors ?? [])), ...unknown.map((field) => `${field} is no field of ${name}`)];
}

const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } };
const format = {
  type: 'json_schema',
  json_schema: { name: 'verdict', strict: true, schema: { type: 'object', properties: { ok: { type: 'boolean' } } } },
};
const conversation = [
  { role: 'system', content: 'Be short.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    ],
  },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } }],
  },
  { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
];

test.each([
  ['a plain chat', {}, []],
  ['tools, images and results', { messages: conversation, tools: [tool], tool_choice: 'required' }, []],
  ['a JSON schema', { response_format: format, temperature: 0.2, stop: ['END'], seed: 1 }, ['max_completion_tokens']],
])('%s is a request of OpenAI’s, plain and streamed', async (what, fields, quirks) => {
  const upstream = await startReplayingUpstream();
  const model = what.replace(/\W+/g, '-').toLowerCase();
  const connection = await openAiCompatible.open(
    modelFor({ name: model, slug: model, endpoint: `${upstream.url}/v1`, style: { quirks } }),
  );
  try {
    for (const stream of [false, true]) {
      const seen = upstream.nextRequest(model);
      await runCall(connection, callOf({ input: chatInput(fields), stream, maxOutputTokens: 7 }));
      expect(complaints('CreateChatCompletionRequest', (await seen).body)).toEqual([]);
    }
  } finally {
    await connection.close();
    await upstream.close();
  }
});

test.each([
  ['embedding', 'CreateEmbeddingRequest', { input: ['a', 'b'], dimensions: 64 }],
  [
    'speech',
    'CreateSpeechRequest',
    { text: 'Hello', voice: 'alloy', format: 'mp3', speed: 1.5, instructions: 'Calm.' },
  ],
  ['image', 'CreateImageRequest', { prompt: 'A cat', size: '1024x1024', quality: 'high' }],
])('an input of kind %s is a request of OpenAI’s', async (kind, schema, input) => {
  const made = await mediaRequest(kind, new TextEncoder().encode(JSON.stringify(input)), 'gpt-test');
  expect(complaints(schema, JSON.parse(String(made?.body)) as object)).toEqual([]);
});

test('a wrong field and a wrong value are complained of', () => {
  const messages = [{ role: 'user', content: 'x' }];
  expect(complaints('CreateChatCompletionRequest', { model: 'm', messages, max_tokenz: 7 })).toHaveLength(1);
  expect(complaints('CreateChatCompletionRequest', { model: 'm', messages, temperature: 'warm' })).not.toEqual([]);
  expect(complaints('CreateChatCompletionRequest', { model: 'm' })).not.toEqual([]);
});
