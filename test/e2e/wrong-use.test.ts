import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { sizes } from '@will/contracts';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// The servers, used by somebody who does it wrong: each answer names what was wrong and what is allowed, comes at once, and no
// model hears of it.

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'plain', tags: 'text_gen, embedding', endpoint: `${upstream.url}/v1` }),
        routeDocument('text_gen', 'plain'),
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('plain');
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});

const messages = [{ role: 'user', content: 'Hello' }];
const bodies = {
  '/v1/chat/completions': { model: 'text_gen', messages },
  '/v1/responses': { model: 'text_gen', input: 'Hello' },
  '/v1/messages': { model: 'text_gen', max_tokens: 50, messages },
  '/v1/embeddings': { model: 'embedding', input: 'Hello' },
} as const;
type Path = keyof typeof bodies;
/** Where each dialect holds what is said. */
const contentField = (path: Path): string => ('messages' in bodies[path] ? 'messages' : 'input');

interface Wrong {
  readonly what: string;
  readonly status: number;
  readonly message: RegExp;
  /** The body in place of a good one, and further headers. */
  readonly body?: (good: object, path: Path) => unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
const wrongs: readonly Wrong[] = [
  {
    what: 'a model that there is none',
    body: (good) => ({ ...good, model: 'gpt-99' }),
    status: 404,
    message: /model "gpt-99" is neither a model, a task type .*nor "auto"; GET \/v1\/models lists them/,
  },
  {
    what: 'a task type that no model has',
    headers: { 'x-will-task-type': 'knitting' },
    status: 403,
    message: /no model may do knitting .*no model has this task type among its tags/,
  },
  { what: 'broken JSON', body: () => '{"model":', status: 400, message: /the body is not valid JSON/ },
  { what: 'JSON that is no object', body: () => '[]', status: 400, message: /the body must be a JSON object/ },
  { what: 'no body', body: () => '', status: 400, message: /the body is empty; a JSON object was expected/ },
  {
    what: 'a wish that cannot be honoured',
    body: (good) => ({ ...good, store: true }),
    status: 400,
    message: /store: must be false: content is not kept/,
  },
  {
    what: 'nothing said',
    body: (good, path) => ({ ...good, [contentField(path)]: [] }),
    status: 400,
    message: /(messages|input) \[\] must have a length of at least 1/,
  },
  {
    what: 'a number for what is said',
    body: (good, path) => ({ ...good, [contentField(path)]: 7 }),
    status: 400,
    message: /(messages 7 must be a list|input 7 must be a string, or a list)/,
  },
  {
    what: 'another content type',
    headers: { 'content-type': 'text/plain' },
    status: 415,
    message: /content-type "text\/plain" must be application\/json/,
  },
  {
    what: 'too large a body',
    body: (good) => ({ ...good, model: 'x'.repeat(sizes.bodyBytes) }),
    status: 413,
    message: new RegExp(`the body exceeds ${sizes.bodyBytes} bytes`),
  },
  {
    what: 'a data class that there is none',
    headers: { 'x-will-data-class': 'secret' },
    status: 400,
    message: /x-will-data-class "secret" must be one of open, customer, sensitive, customer-sensitive/,
  },
];

/** On a machine that other tests use as well. */
const atOnceMs = 2_000;
const paths = Object.keys(bodies) as Path[];

test.each(wrongs)('$what: every dialect names it in its own shape, at once', async (wrong) => {
  for (const path of paths) {
    const body = wrong.body?.(bodies[path], path) ?? bodies[path];
    const response = await fetch(`${system.httpUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...wrong.headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(atOnceMs),
    });
    const told = (await response.json()) as { type?: string; error: { message: string; type: string } };
    expect([path, response.status, told.error.message]).toEqual([
      path,
      wrong.status,
      expect.stringMatching(wrong.message),
    ]);
    expect([path, told.type]).toEqual([path, path === '/v1/messages' ? 'error' : undefined]);
  }
  expect(upstream.requests).toEqual([]);
});

test('a wrong path and a wrong method are told what there is', async () => {
  const path = await fetch(`${system.httpUrl}/chat/completions`, { method: 'POST' });
  expect([path.status, await path.text()]).toEqual([404, expect.stringContaining('/v1/chat/completions')]);
  const method = await fetch(`${system.httpUrl}/v1/chat/completions`);
  expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST']);
});

type Call = (request: object, options: object, done: (error: grpc.ServiceError | null) => void) => void;
/** A client from the proto files alone. */
function stub(): grpc.Client & { readonly run: Call } {
  const includeDirs = [fileURLToPath(new URL('../../proto', import.meta.url))];
  const loaded = grpc.loadPackageDefinition(loadSync('will/v1/api.proto', { includeDirs, enums: String }));
  const { v1 } = loaded['will'] as unknown as {
    v1: { TaskService: new (at: string, by: grpc.ChannelCredentials) => grpc.Client & { readonly run: Call } };
  };
  return new v1.TaskService(system.grpcAddress, grpc.credentials.createInsecure());
}

const { INVALID_ARGUMENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED } = grpc.status;
const task = { type: 'text_gen' };
test.each([
  ['no task', { prompt: 'Hello' }, INVALID_ARGUMENT, 'task is missing'],
  ['no input', { task }, INVALID_ARGUMENT, 'exactly one must be'],
  ['broken JSON', { task, inputJson: '{' }, INVALID_ARGUMENT, 'input_json is not valid JSON'],
  ['a chat of no message', { task, inputJson: '{}' }, INVALID_ARGUMENT, 'at least one message'],
  ['a word that is no type', { task: { type: 'a b' }, prompt: 'Hello' }, INVALID_ARGUMENT, 'type "a b" must match'],
  ['a type that no model has', { task: { type: 'knitting' }, prompt: 'Hello' }, PERMISSION_DENIED, 'knitting'],
  [
    'a modality that there is none',
    { task: { ...task, inputModalities: ['smell'] }, prompt: 'Hello' },
    INVALID_ARGUMENT,
    'smell',
  ],
  [
    'too large an input',
    { task: { ...task, input: Buffer.alloc(sizes.payloadBytes + 1) } },
    RESOURCE_EXHAUSTED,
    String(sizes.payloadBytes),
  ],
])('%s by gRPC is told at once', async (_what, request, code, message) => {
  const client = stub();
  const error = await new Promise<grpc.ServiceError | null>((resolve) =>
    client.run(request, { deadline: Date.now() + 300_000 }, resolve),
  );
  client.close();
  expect([error?.code, error?.details]).toEqual([code, expect.stringContaining(message)]);
  expect(upstream.requests).toEqual([]);
});
