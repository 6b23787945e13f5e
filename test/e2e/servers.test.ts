import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Anthropic from '@anthropic-ai/sdk';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { connectClient, embed, rerank, type StreamPart, type TaskClient } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream, tinyGguf } from '@will/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Every server of the running product: the client library by both ways, JSON on the bus, and vendors' own libraries.

let upstream: ReplayingUpstream;
let system: System;
let folder: string;
let nats: NatsConnection;
const clients: Partial<Record<string, TaskClient>> = {};

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  folder = await mkdtemp(join(tmpdir(), 'will-model-'));
  await writeFile(join(folder, 'tiny.gguf'), tinyGguf());
  system = await startSystem({
    callers: ['acme'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Cloud', tags: 'code', callMethod: 'API', endpoint: `${upstream.url}/v1` }),
        modelDocument({ name: 'Tiny', provider: 'gguf', callMethod: 'on-device', path: join(folder, 'tiny.gguf') }),
        modelDocument({
          name: 'Media',
          tags: 'embedding, transcription, speech, rerank, image_gen',
          callMethod: 'API',
          endpoint: `${upstream.url}/v1`,
        }),
        routeDocument('text_gen', 'Tiny'),
        routeDocument('code', 'Cloud'),
        'kind: client\nname: AcmeLegal',
      ),
    },
    counts: { gateway: 1, tasks: 1 },
  });
  await system.untilServed('cloud', 'tiny', 'media');
  clients['nats'] = await connectClient({ servers: system.nats.url, client: 'acme' });
  clients['grpc'] = await connectClient({ servers: `grpc://${system.grpcAddress}`, client: 'acme' });
  nats = await connect({ servers: system.nats.url, inboxPrefix: '_INBOX.acme' });
});
afterAll(async () => {
  await nats.close();
  for (const client of Object.values(clients)) await client?.close();
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
});

describe.each(['nats', 'grpc'])('the client library over %s', (way) => {
  const client = (): TaskClient => clients[way] as TaskClient;
  const asked = { type: 'text_gen', input: 'Hello', maxOutputTokens: 20 } as const;

  test('runs a task on a real model', async () => {
    const result = await client().run(asked);
    expect(result).toMatchObject({ outcome: 'Success', model: 'tiny' });
    // A model of random weights may end by itself.
    expect(result.usage?.outputTokens).toBeGreaterThan(0);
    expect(result.usage?.outputTokens).toBeLessThanOrEqual(20);
    expect(result.output.length).toBeGreaterThan(0);
    expect(result.attempts.map(({ model, status }) => [model, status])).toEqual([['tiny', 'Success']]);
  });

  test('streams what the whole answer holds', async () => {
    const parts: StreamPart[] = [];
    for await (const part of client().stream(asked)) parts.push(part);
    const text = parts.map((part) => (part.kind === 'delta' ? part.delta.text : '')).join('');
    expect(parts[0]?.kind).toBe('started');
    expect(parts.at(-1)).toMatchObject({ kind: 'end', result: { output: text, model: 'tiny' } });
  });

  test('a task that no model may do is blocked, with every reason', async () => {
    const failure = await client()
      .run({ type: 'translation', input: 'Hello' })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'TaskError', code: 'blocked', isRetryable: false });
    expect((failure as { exclusions: unknown[] }).exclusions).toHaveLength(3);
  });

  test('aborting ends the task as cancelled', async () => {
    const abort = new AbortController();
    const read = async (): Promise<void> => {
      const task = { ...asked, maxOutputTokens: 1_000, signal: abort.signal };
      for await (const part of client().stream(task)) if (part.kind === 'delta') abort.abort();
    };
    await expect(read()).rejects.toMatchObject({ name: 'TaskError', code: 'cancelled' });
  });

  test('what is too large or malformed is refused before it is sent', async () => {
    await expect(client().run({ ...asked, taskId: 'a b' })).rejects.toMatchObject({ code: 'invalid_task' });
    await expect(client().run({ ...asked, input: new Uint8Array(64 * 1024 * 1024 + 1) })).rejects.toMatchObject({
      code: 'too_large',
    });
  });

  test('explains who may answer', async () => {
    const { set } = await client().explain({ type: 'code' });
    expect(set.candidates.map(({ model }) => model)).toEqual(['cloud']);
    expect(set.exclusions.map(({ model }) => model).sort()).toEqual(['media', 'tiny']);
  });

  test('the example of the guide runs as it stands', async () => {
    const example = await exampleOf('client-library.md', 'ts');
    const address = way === 'nats' ? system.nats.url : `grpc://${system.grpcAddress}`;
    expect(await runs(example.replace('nats://127.0.0.1:4222', address))).toBe(
      'answered by tiny\nstreamed by tiny true\nmay answer: tiny\n',
    );
  });
});

describe('JSON on the bus', () => {
  const ask = async (operation: string, body: unknown): Promise<Record<string, unknown>> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return (await nats.request(`will.v1.json.${operation}.acme`, text, { timeout: 60_000 })).json();
  };

  test('a task is answered by one message', async () => {
    const messages = [{ role: 'user', content: 'Hello' }];
    expect(await ask('run', { type: 'code', input: { messages } })).toMatchObject({
      outcome: 'Success',
      model: 'cloud',
      usage: { output_tokens: 14 },
      attempts: [{ model: 'cloud', status: 'Success' }],
    });
  });

  test.each([
    ['no JSON', '{', 'invalid_request', 400],
    ['an unknown field', { type: 'code', input: 'x', typ: 'y' }, 'invalid_request', 400],
    ['a task that no model may do', { type: 'translation', input: 'x' }, 'blocked', 403],
    ['a private address in a chat', chatWithImage('https://127.0.0.1/x.png'), 'invalid_request', 400],
  ])('%s is an error with its status', async (_what, body, code, status) => {
    expect(await ask('run', body)).toMatchObject({ error: { code, status } });
  });

  test('explain tells who may answer', async () => {
    expect(await ask('explain', { type: 'code' })).toMatchObject({ candidates: [{ model: 'cloud' }] });
  });

  test('a durable task is submitted, and told of at its end', async () => {
    const submitted = await ask('submit', { type: 'code', input: 'Hello', idempotency_key: 'by-json' });
    expect(submitted).toMatchObject({ object: 'task', client: 'acme', idempotency_key: 'by-json' });
    const { task_id: id } = submitted;
    expect(await ask('get', { task_id: id, wait_ms: 15_000 })).toMatchObject({
      state: 'succeeded',
      starts_at: null,
      result: { model: 'cloud' },
    });
    expect(await ask('get', { task_id: 'nobody-knows-it' })).toMatchObject({ error: { code: 'unknown_task' } });
  });

  test('who names a client by its name, or asks with the inbox of a library, is told why', async () => {
    const stray = await connect({ servers: system.nats.url });
    const answer = async (subject: string) => (await stray.request(subject, '{}', { timeout: 60_000 })).json();
    expect(await answer('will.v1.json.run.AcmeLegal')).toMatchObject({ error: { code: 'unknown_client' } });
    expect(await answer('will.v1.json.submit.acme')).toMatchObject({
      error: { message: expect.stringContaining('_INBOX.acme') },
    });
    await stray.close();
  });

  test('a stream can be cancelled by its id', async () => {
    const inbox = '_INBOX.acme.cancelled';
    const parts = nats.subscribe(inbox);
    const task = { type: 'text_gen', input: 'Hello', task_id: 'cancel-me', max_output_tokens: 1_000 };
    nats.publish('will.v1.json.stream.acme', JSON.stringify(task), { reply: inbox });
    const kinds: string[] = [];
    for await (const message of parts) {
      const part = message.json<{ kind: string; error?: { code: string } }>();
      kinds.push(part.error?.code ?? part.kind);
      if (part.kind === 'delta') nats.publish('will.v1.json.cancel.acme', JSON.stringify({ task_id: 'cancel-me' }));
      if (part.kind === 'end' || part.kind === 'error') break;
    }
    expect(kinds.at(-1)).toBe('cancelled');
  });

  test('a reply that is no inbox of the client is not written to', async () => {
    const elsewhere = nats.subscribe('_INBOX.other.*');
    nats.publish('will.v1.json.run.acme', JSON.stringify({ type: 'code', input: 'x' }), { reply: '_INBOX.other.x' });
    nats.publish('will.v1.json.explain.acme', '{}', { reply: '_INBOX.other.x' });
    // Servers take messages in order: once this one is answered, the ones before were looked at.
    await ask('run', { type: 'code', input: 'x' });
    expect(elsewhere.getReceived()).toBe(0);
    elsewhere.unsubscribe();
  });

  test('the example of the guide runs as it stands', async () => {
    const example = await exampleOf('any-language.md', 'js');
    expect(await runs(example.replace('nats://127.0.0.1:4222', system.nats.url))).toBe('Success tiny\nended true\n');
  });
});

describe('tasks that are no chat, through the openai package', () => {
  const openai = () => new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });

  test('embeddings, each at its place, as numbers', async () => {
    const answer = await openai().embeddings.create({ model: 'embedding', input: ['a', 'four'], dimensions: 4 });
    expect(answer.data.map(({ index, embedding }) => [index, embedding])).toEqual([
      [0, [1, 0.25, 0, 0]],
      [1, [4, 0.25, 0, 0]],
    ]);
    expect(answer).toMatchObject({ model: 'media', usage: { prompt_tokens: 5 } });
  });

  test('more vectors than one message on the bus holds', async () => {
    const input = Array.from({ length: 300 }, (_, n) => 'x'.repeat(n + 1));
    const answer = await openai().embeddings.create({ model: 'auto', input, dimensions: 1_024 });
    expect(answer.data.map(({ embedding }) => [embedding.length, embedding[0]])).toEqual(
      input.map((text) => [1_024, text.length]),
    );
  });

  test('a transcription', async () => {
    const file = new File([new Uint8Array(1_000)], 'hello.wav', { type: 'audio/wav' });
    const asked = { model: 'transcription', file, language: 'nb' };
    const answer = await openai().audio.transcriptions.create(asked);
    expect(answer.text).toBe('hello.wav of 1000 bytes in nb for media');
    const plain = await openai().audio.transcriptions.create({ ...asked, response_format: 'text' });
    expect(plain).toBe('hello.wav of 1000 bytes in nb for media\n');
  });

  test('speech, also larger than one message on the bus', async () => {
    const asked = { model: 'speech', voice: 'alloy', response_format: 'wav' } as const;
    const answer = await openai().audio.speech.create({ ...asked, input: 'hello' });
    expect(answer.headers.get('content-type')).toBe('audio/wav');
    expect(await answer.text()).toBe('sound of hello');
    const large = await openai().audio.speech.create({ ...asked, input: 'bytes 3000000' });
    const bytes = new Uint8Array(await large.arrayBuffer());
    expect([bytes.length, bytes.every((byte) => byte === 7)]).toEqual([3_000_000, true]);
  });

  test('an image', async () => {
    const answer = await openai().images.generate({ model: 'image_gen', prompt: 'a bread', size: '256x256' });
    expect(Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64').toString()).toBe('image of a bread');
  });

  test('a ranking', async () => {
    const response = await fetch(`${system.httpUrl}/v1/rerank`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'rerank', query: 'q', documents: ['a', { text: 'long' }], return_documents: true }),
    });
    expect(await response.json()).toMatchObject({
      model: 'media',
      results: [
        { index: 1, relevance_score: 0.04, document: { text: 'long' } },
        { index: 0, relevance_score: 0.01 },
      ],
    });
  });

  test.each(['nats', 'grpc'])('the client library over %s has the bytes', async (way) => {
    const task = { type: 'speech', inputKind: 'speech', outputModalities: ['audio'] } as const;
    const say = (text: string) => Buffer.from(JSON.stringify({ text, voice: 'v', format: 'mp3' }));
    const { data, dataType } = await (clients[way] as TaskClient).run({ ...task, input: say('bytes 1500000') });
    expect([data?.length, dataType]).toEqual([1_500_000, 'audio/mp3']);
  });

  test('typed functions of the client library give typed values', async () => {
    const client = clients['grpc'] as TaskClient;
    const { value: vectors } = await embed(client, { input: { input: ['a', 'four'], dimensions: 2 } });
    expect(vectors).toEqual([
      [1, 0.25],
      [4, 0.25],
    ]);
    const { value: ranking } = await rerank(client, { input: { query: 'q', documents: ['a', 'long'] } });
    expect(ranking.map(({ index }) => index)).toEqual([1, 0]);
  });

  test('an input that is not of its kind is refused', async () => {
    const task = { type: 'speech', inputKind: 'speech', input: Buffer.from('{}') };
    await expect((clients['nats'] as TaskClient).run(task)).rejects.toMatchObject({
      code: 'invalid_task',
      attempts: [{ status: 'Invalid' }],
    });
  });
});

describe('a provider’s stream that breaks after content', () => {
  const ways = ['cut', 'error_event', 'end_without_marker', 'stall'] as const;
  const half = { type: 'code', input: 'Hello', timeoutMs: 2_500 } as const;
  const headers = { 'x-will-timeout-ms': '2500' };
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  /** What a loop over a stream threw, and how much text came before. */
  async function reading(parts: AsyncIterable<unknown>): Promise<{ readonly said: string; readonly error: unknown }> {
    let said = '';
    try {
      for await (const part of parts) said += JSON.stringify(part);
      return { said, error: undefined };
    } catch (error) {
      return { said, error };
    }
  }

  test.each(ways)('%s reaches every library as its own error, never as a finished answer', async (how) => {
    upstream.script('cloud', { kind: 'breaks', after: 3, how });
    const openai = new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });
    const anthropic = new Anthropic({ baseURL: system.httpUrl, apiKey: 'none', maxRetries: 0 });
    const code = how === 'stall' ? 'deadline' : 'truncated';
    const [chat, responses, message, overBus, overGrpc, json] = await Promise.all([
      openai.chat.completions.create({ model: 'code', messages, stream: true }, { headers }).then(reading),
      openai.responses.create({ model: 'code', input: 'Hello', stream: true }, { headers }).then(reading),
      anthropic.messages.create({ model: 'code', max_tokens: 50, messages, stream: true }, { headers }).then(reading),
      reading((clients['nats'] as TaskClient).stream(half)),
      reading((clients['grpc'] as TaskClient).stream(half)),
      jsonStream({ type: 'code', input: 'Hello', timeout_ms: 2_500 }, `broken-${how}`),
    ]);
    for (const { said } of [chat, responses, message, overBus, overGrpc]) {
      expect(said).toContain('piece 0');
      expect(said).not.toMatch(/"finish_reason":"|response\.completed|message_stop|"kind":"end"/);
    }
    expect(chat.error).toBeInstanceOf(OpenAI.APIError);
    expect(responses.error).toBeInstanceOf(OpenAI.APIError);
    expect(message.error).toBeInstanceOf(Anthropic.APIError);
    expect([chat.error, responses.error, overBus.error, overGrpc.error]).toMatchObject([
      { code },
      { code },
      { code },
      { code },
    ]);
    expect(message.error).toMatchObject({ error: { error: { code } } });
    expect(json.at(-1)).toMatchObject({ kind: 'error', error: { code } });
  });
  afterAll(() => upstream.script('cloud', { kind: 'answer' }));

  async function jsonStream(task: object, token: string): Promise<{ kind: string }[]> {
    const parts = nats.subscribe(`_INBOX.acme.${token}`);
    nats.publish('will.v1.json.stream.acme', JSON.stringify(task), { reply: `_INBOX.acme.${token}` });
    const all: { kind: string }[] = [];
    for await (const part of parts) {
      all.push(part.json());
      if (['end', 'error'].includes(all.at(-1)?.kind ?? '')) break;
    }
    return all;
  }
});

test('vendors’ own libraries get answers of real models through HTTP', async () => {
  const openai = new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: system.httpUrl, apiKey: 'none', maxRetries: 0 });
  const response = await openai.responses.create({ model: 'code', input: 'Hello' });
  expect(response.output_text).toContain('quick brown fox');
  const message = await anthropic.messages
    .stream({ model: 'Tiny', max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] })
    .finalMessage();
  expect(message).toMatchObject({ model: 'tiny' });
  expect(message.usage.output_tokens).toBeLessThanOrEqual(20);
  // A model of random weights may end by itself right at its maximum.
  expect(['max_tokens', 'end_turn']).toContain(message.stop_reason);
});

function chatWithImage(url: string): object {
  return {
    type: 'code',
    input: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] },
  };
}

/** The first example of a guide in one language. */
async function exampleOf(guide: string, language: string): Promise<string> {
  const text = await readFile(new URL(`../../docs/guides/${guide}`, import.meta.url), 'utf8');
  const example = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? '';
  expect(example).toContain('nats://127.0.0.1:4222');
  return example;
}

/** What a program of its own prints. */
async function runs(program: string): Promise<string> {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd,
  });
  return stdout;
}
