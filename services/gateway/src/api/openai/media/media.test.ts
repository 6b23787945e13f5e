import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { OpenAIEmbeddings } from '@langchain/openai';
import { vectorsToBytes } from '@will/core';
import { embedMany } from 'ai';
import OpenAI, { APIUserAbortError } from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fails, hangs, result, type Script } from '../../../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../../../testing/test-server.ts';

let server: TestServer;
let openai: OpenAI;
beforeAll(async () => {
  server = await startTestServer();
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 0 });
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = vectors;
  server.tasks.requests.length = 0;
});

const inputOf = (n = 0) =>
  JSON.parse(Buffer.from(server.tasks.requests[n]?.input as Uint8Array).toString()) as Record<string, unknown>;

/** Two numbers for each text: its length and a half. */
const vectors: Script = (request) => {
  const { input } = JSON.parse(Buffer.from(request.input as Uint8Array).toString()) as { input: string[] };
  return result(request, {
    output: JSON.stringify({ count: input.length, dimensions: 2 }),
    data: vectorsToBytes(input.map((text) => [text.length, 0.5])),
  });
};

test('openai gets embeddings, as numbers and as it asks for them by itself', async () => {
  for (const format of [undefined, 'float'] as const) {
    const answer = await openai.embeddings.create({
      model: 'embedding',
      input: ['a', 'bcd'],
      ...(format && { encoding_format: format }),
    });
    expect(answer.data.map(({ embedding }) => embedding)).toEqual([
      [1, 0.5],
      [3, 0.5],
    ]);
    expect(answer.usage).toEqual({ prompt_tokens: 7, total_tokens: 7 });
  }
  expect(server.tasks.requests[0]).toMatchObject({
    type: 'embedding',
    inputKind: 'embedding',
    inputModalities: ['text'],
    outputModalities: ['embedding'],
  });
  expect(inputOf()).toEqual({ input: ['a', 'bcd'] });
});

test('@ai-sdk/openai-compatible gets embeddings', async () => {
  const provider = createOpenAICompatible({ name: 'will', baseURL: `${server.url}/v1` });
  const { embeddings, usage } = await embedMany({
    model: provider.embeddingModel('embedding'),
    values: ['a', 'bcd'],
    maxRetries: 0,
  });
  expect(embeddings).toEqual([
    [1, 0.5],
    [3, 0.5],
  ]);
  expect(usage.tokens).toBe(7);
});

test('@langchain/openai gets embeddings', async () => {
  const model = new OpenAIEmbeddings({
    model: 'embedding',
    apiKey: 'unused',
    maxRetries: 0,
    configuration: { baseURL: `${server.url}/v1` },
  });
  expect(await model.embedDocuments(['a', 'bcd'])).toEqual([
    [1, 0.5],
    [3, 0.5],
  ]);
});

test('a model is pinned, facts and metadata count, and the type stays what the route is for', async () => {
  const pinned = { model: 'GPT-4', input: 'a', metadata: { will_project: 'p' } };
  await openai.embeddings.create(pinned, {
    headers: { 'x-will-data-class': 'customer', 'x-will-client': 'AcmeLegal' },
  });
  expect(server.tasks.requests[0]).toMatchObject({
    model: 'gpt-4',
    client: 'acmelegal',
    project: 'p',
    dataClass: 'customer',
    outputModalities: ['embedding'],
  });
});

test('a transcription carries the recording and what was said about it', async () => {
  server.tasks.script = (request) => result(request, { output: 'said' });
  const file = new File([Buffer.from('RIFF')], 'a.wav', { type: 'audio/wav' });
  const asked = { model: 'auto', file, language: 'nb', temperature: 0.5, prompt: 'names' };
  const answer = await openai.audio.transcriptions.create(asked);
  expect(answer).toMatchObject({ text: 'said', usage: { type: 'tokens', total_tokens: 10 } });
  expect(server.tasks.requests[0]).toMatchObject({ type: 'transcription', inputModalities: ['audio'] });
  expect(inputOf()).toEqual({
    audio: Buffer.from('RIFF').toString('base64'),
    file_name: 'a.wav',
    media_type: 'audio/wav',
    language: 'nb',
    prompt: 'names',
    temperature: 0.5,
  });
});

test('a transcript with times comes as the vendor made it', async () => {
  const verbose = { task: 'transcribe', text: 'said', duration: 1.5, words: [{ word: 'said', start: 0, end: 1 }] };
  server.tasks.script = (request) => result(request, { output: JSON.stringify(verbose) });
  const file = new File([Buffer.from('RIFF')], 'a.wav', { type: 'audio/wav' });
  const answer = await openai.audio.transcriptions.create({
    model: 'auto',
    file,
    response_format: 'verbose_json',
    timestamp_granularities: ['word', 'segment'],
  });
  expect(answer).toEqual(verbose);
  expect(inputOf()).toMatchObject({ format: 'verbose_json', timestamps: ['word', 'segment'] });
  const subtitles = '1\n00:00:00,000 --> 00:00:01,000\nsaid\n';
  server.tasks.script = (request) => result(request, { output: subtitles });
  expect(await openai.audio.transcriptions.create({ model: 'auto', file, response_format: 'srt' })).toBe(subtitles);
});

test('several images come each by itself', async () => {
  const data = Buffer.from('onethree');
  server.tasks.script = (request) => result(request, { output: '{"sizes":[3,5]}', data, dataType: 'image/png' });
  const answer = await openai.images.generate({ model: 'auto', prompt: 'p', n: 2 });
  expect(answer.data?.map(({ b64_json: image }) => Buffer.from(image ?? '', 'base64').toString())).toEqual([
    'one',
    'three',
  ]);
  expect(inputOf()).toEqual({ prompt: 'p', n: 2 });
});

const form = (fields: Readonly<Record<string, string | File>>): FormData => {
  const built = new FormData();
  for (const [name, value] of Object.entries(fields)) built.set(name, value);
  return built;
};
const sound = new File(['x'], 'a.wav');

test.each([
  ['no file', form({ model: 'auto' }), 'file'],
  ['a wish that cannot be honoured', form({ model: 'auto', file: sound, store: 'true' }), 'store'],
  ['a form that is not offered', form({ model: 'auto', file: sound, response_format: 'html' }), 'response_format'],
  [
    'times in a form that has none',
    form({ model: 'auto', file: sound, 'timestamp_granularities[]': 'word' }),
    'timestamp_granularities[]',
  ],
  ['no model', form({ file: sound }), 'model'],
  ['metadata', form({ model: 'auto', file: sound, metadata: '{"will_client": "acme"}' }), 'metadata'],
  ['flat metadata', form({ model: 'auto', file: sound, 'metadata[Will-Client]': 'acme' }), 'metadata'],
])('a transcription with %s is refused', async (_what, body, param) => {
  const response = await fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', body });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param } });
  expect(server.tasks.requests).toEqual([]);
});

test('a form that is none, or JSON where a form belongs, is refused', async () => {
  const send = async (type: string): Promise<number> =>
    (
      await fetch(`${server.url}/v1/audio/transcriptions`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: '{}',
      })
    ).status;
  expect(await send('multipart/form-data; boundary=x')).toBe(400);
  expect(await send('application/json')).toBe(415);
});

test.each([
  ['/v1/embeddings', { input: [[1, 2]] }, 'input'],
  ['/v1/embeddings', { input: [[1, 'a']] }, 'input.0.1'],
  ['/v1/embeddings', { input: 'a', dimensions: 0 }, 'dimensions'],
  ['/v1/images/generations', { prompt: 'p', n: 11 }, 'n'],
  ['/v1/images/generations', { prompt: 'p', response_format: 'url' }, 'response_format'],
  ['/v1/audio/speech', { input: 'a', voice: 'v', response_format: 'midi' }, 'response_format'],
  ['/v1/rerank', { query: 'q', documents: [] }, 'documents'],
])('%s refuses %j', async (path, fields, param) => {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', ...fields }),
  });
  expect([response.status, ((await response.json()) as { error: { param: string } }).error.param]).toEqual([
    400,
    param,
  ]);
});

test('an answer that does not fit the question is a bad gateway, not a good answer', async () => {
  server.tasks.script = (request) => result(request, { output: '{"count":1,"dimensions":2}', data: new Uint8Array(8) });
  await expect(openai.embeddings.create({ model: 'embedding', input: ['a', 'b'] })).rejects.toMatchObject({
    status: 502,
    code: 'bad_answer',
  });
});

test('errors and aborts are those of chats', async () => {
  server.tasks.script = fails('blocked', 'because');
  await expect(openai.embeddings.create({ model: 'embedding', input: 'a' })).rejects.toBeInstanceOf(
    OpenAI.PermissionDeniedError,
  );
  await expect(openai.embeddings.create({ model: 'code', input: 'a' })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  const script = hangs();
  server.tasks.script = script;
  const abort = new AbortController();
  const answer = openai.audio.speech.create({ model: 'auto', voice: 'v', input: 'a' }, { signal: abort.signal });
  await script.begun;
  abort.abort();
  await expect(answer).rejects.toBeInstanceOf(APIUserAbortError);
  await script.cancelled;
});
