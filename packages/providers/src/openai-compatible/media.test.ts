import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { vectorBytes, vectorOf } from '@will/core';
import { modelFor } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callOf, reasonOf, runCall } from '../contract.ts';
import type { ModelConnection } from '../port.ts';
import { mediaRequest } from './media-request.ts';
import { openAiCompatible } from './index.ts';

let server: Server;
let connection: ModelConnection;
let answer: { status?: number; type?: string; body: string | Buffer } | 'silent';
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (answer === 'silent') return;
    response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'application/json' });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  connection = await openAiCompatible.open(modelFor({ name: 'media', slug: 'media', endpoint }));
});
afterAll(async () => {
  await connection.close();
  server.closeAllConnections();
  server.close();
});

const call = (inputKind: string, input: object) =>
  callOf({ inputKind, input: Buffer.from(JSON.stringify(input)), stream: false });
const embedding = () => call('embedding', { input: ['a', 'b'] });

test('vectors stand at the index that was told, and usage is counted', async () => {
  answer = {
    body: '{"data":[{"index":1,"embedding":[2,0.5]},{"index":0,"embedding":[1,0.25]}],"usage":{"prompt_tokens":9}}',
  };
  const { outcome } = await runCall(connection, embedding());
  if (!outcome.ok) throw new Error(JSON.stringify(outcome));
  expect(outcome.usage).toMatchObject({ inputTokens: 9, outputTokens: 0, estimated: false });
  expect(outcome.output?.text).toBe('{"count":2,"dimensions":2}');
  expect(vectorBytes(outcome.output?.data ?? new Uint8Array(0), 2).map(vectorOf)).toEqual([
    [1, 0.25],
    [2, 0.5],
  ]);
});

test.each([
  ['too few', '{"data":[{"index":0,"embedding":[1]}]}'],
  ['the same twice', '{"data":[{"index":1,"embedding":[1]},{"index":1,"embedding":[1]}]}'],
  ['of different lengths', '{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}'],
  ['that are no numbers', '{"data":[{"index":0,"embedding":["1"]},{"index":1,"embedding":[1]}]}'],
  ['that are empty', '{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}'],
  ['that cannot be read', '{"data":'],
])('vectors %s are a bad response', async (_what, body) => {
  answer = { body };
  expect(reasonOf(await runCall(connection, embedding()))).toBe('bad_response');
});

test('a ranking that names a document that is not there is a bad response', async () => {
  answer = { body: '{"results":[{"index":2,"relevance_score":1}]}' };
  expect(reasonOf(await runCall(connection, call('rerank', { query: 'q', documents: ['a', 'b'] })))).toBe(
    'bad_response',
  );
});

test('sound comes whole, with its type', async () => {
  const sound = Buffer.alloc(1_200_000, 1);
  sound[1_199_999] = 9;
  answer = { type: 'audio/mpeg', body: sound };
  const { outcome } = await runCall(connection, call('speech', { text: 'a', voice: 'v', format: 'mp3' }));
  if (!outcome.ok) throw new Error(outcome.failure.message);
  expect(outcome.output?.dataType).toBe('audio/mpeg');
  expect(sound.equals(outcome.output?.data ?? new Uint8Array(0))).toBe(true);
});

test('an error in JSON where sound was due, and a refusal, are failures', async () => {
  answer = { body: '{"error":{"message":"no"}}' };
  const speech = call('speech', { text: 'a', voice: 'v', format: 'mp3' });
  expect(reasonOf(await runCall(connection, speech))).toBe('bad_response');
  answer = { status: 429, body: '{"error":{"message":"slow down","type":"rate_limit_error"}}' };
  expect(reasonOf(await runCall(connection, speech))).toBe('rate_limit');
});

test('an abort ends the call at once', async () => {
  answer = 'silent';
  const abort = new AbortController();
  const running = runCall(connection, embedding(), abort.signal);
  setImmediate(() => abort.abort('cancelled'));
  expect(reasonOf(await running)).toBe('cancelled');
});

test.each([
  ['embedding', { input: 'a' }],
  ['transcription', { audio: '???', file_name: 'a' }],
  ['speech', { text: 'a', voice: 'v' }],
  ['hologram', {}],
])('an input that is no %s is a bad request, before anything is sent', async (kind, input) => {
  expect(await mediaRequest(kind, Buffer.from(JSON.stringify(input)), 'm')).toBeUndefined();
  expect(reasonOf(await runCall(connection, call(kind, input)))).toBe('bad_request');
});

test('a recording is not billed by its bytes where the provider counts nothing', async () => {
  answer = { body: '{"text":"said so","usage":{"type":"duration","seconds":3}}' };
  const audio = Buffer.alloc(400_000, 1).toString('base64');
  const { outcome } = await runCall(connection, call('transcription', { audio, file_name: 'a.wav', prompt: 'four' }));
  expect(outcome).toMatchObject({ ok: true, usage: { inputTokens: 1, outputTokens: 2, estimated: true } });
});

test.each([
  ['srt', 'text/plain', '1\n00:00:00,000 --> 00:00:01,000\nsaid\n'],
  ['vtt', 'text/vtt', 'WEBVTT\n\n00:00.000 --> 00:01.000\nsaid\n'],
  ['verbose_json', 'application/json', '{"text":"said","words":[{"word":"said","start":0,"end":1}]}'],
])('a transcript as %s is given on as it came', async (format, type, body) => {
  answer = { type, body };
  const { outcome } = await runCall(
    connection,
    call('transcription', { audio: 'UklGRg==', file_name: 'a.wav', format }),
  );
  expect(outcome).toMatchObject({ ok: true, output: { text: body } });
});

test('every image that came is counted, also where fewer came than were asked for', async () => {
  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  answer = { body: JSON.stringify({ data: [{ b64_json: b64('one') }, { b64_json: b64('three') }] }) };
  const { outcome } = await runCall(connection, call('image', { prompt: 'p', n: 3 }));
  expect(outcome).toMatchObject({ ok: true, usage: { images: 2 }, output: { text: '{"sizes":[3,5]}' } });
  expect(outcome.ok && Buffer.from(outcome.output?.data ?? []).toString()).toBe('onethree');
});
