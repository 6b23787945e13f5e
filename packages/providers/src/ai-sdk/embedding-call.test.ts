import { vectorBytes, vectorOf } from '@will/core';
import { expect, test } from 'vitest';
import { callOf } from '../contract.ts';
import type { EgressRequest } from '../egress/index.ts';
import { googleEmbeddings } from '../google/index.ts';
import type { ModelCall, ProviderOutcome } from '../port.ts';
import { type Answered, FakeEgress } from '../testing/fake-egress.ts';
import { embeddingCall } from './embedding-call.ts';

const origin = 'https://g.example';
const gemini = {
  ...googleEmbeddings,
  origin,
  model: (fetch: typeof globalThis.fetch) =>
    googleEmbeddings.model({ baseUrl: `${origin}/v1beta`, apiKey: 'k', model: 'gemini-embedding', fetch }),
};

const bodyOf = ({ body }: EgressRequest) => JSON.parse(String(body)) as Readonly<Record<string, unknown>>;
const json = (value: unknown): Answered => ({ body: JSON.stringify(value) });
/** A vector for each text of a request: its length. */
const vectorsFor = (request: EgressRequest): Answered => {
  const { requests, content } = bodyOf(request) as Record<string, never>;
  const valuesOf = (of: { parts: { text: string }[] }) => ({ values: [of.parts[0]?.text.length, 0.25] });
  return json(
    requests
      ? { embeddings: (requests as { content: never }[]).map((one) => valuesOf(one.content)) }
      : { embedding: valuesOf(content as never) },
  );
};

const callFor = (input: unknown, over: Partial<ModelCall> = {}): ModelCall =>
  callOf({
    inputKind: 'embedding',
    input: Buffer.from(typeof input === 'string' ? input : JSON.stringify(input)),
    stream: false,
    ...over,
  });

async function embed(
  input: unknown,
  answer: (request: EgressRequest) => Answered | undefined = vectorsFor,
  over: Partial<ModelCall> = {},
  signal = new AbortController().signal,
) {
  const egress = new FakeEgress(answer);
  const outcome = await embeddingCall(egress, gemini, callFor(input, over), signal);
  return { outcome, sent: egress.sent };
}

function vectorsOf(outcome: ProviderOutcome): number[][] {
  if (!outcome.ok) throw new Error(outcome.failure.message);
  const { dimensions } = JSON.parse(outcome.output?.text ?? '') as { dimensions: number };
  return vectorBytes(outcome.output?.data ?? new Uint8Array(0), dimensions).map((bytes) => [...vectorOf(bytes)]);
}

test('one text is sent by Gemini’s path for one, with its key and its dimensions', async () => {
  const mayLeave = (): boolean => true;
  const over = { mayLeave, firstContentTimeoutMs: 2_000, idleTimeoutMs: 1_000 };
  const { outcome, sent } = await embed({ input: ['four'], dimensions: 2 }, vectorsFor, over);
  expect(sent).toHaveLength(1);
  const [request] = sent as [EgressRequest];
  expect(request).toMatchObject({
    method: 'POST',
    path: '/v1beta/models/gemini-embedding:embedContent',
    headers: { 'x-goog-api-key': 'k', 'content-type': 'application/json', 'accept-encoding': 'identity' },
    headersTimeoutMs: 2_000,
    idleTimeoutMs: 1_000,
    mayLeave,
  });
  expect(bodyOf(request)).toEqual({
    model: 'models/gemini-embedding',
    content: { parts: [{ text: 'four' }] },
    outputDimensionality: 2,
  });
  expect(outcome).toMatchObject({
    ok: true,
    finish: 'stop',
    usage: { inputTokens: 1, outputTokens: 0, estimated: true },
    output: { text: '{"count":1,"dimensions":2}', dataType: 'application/x-float32' },
  });
  expect(vectorsOf(outcome)).toEqual([[4, 0.25]]);
  expect(bodyOf((await embed({ input: ['four'] })).sent[0] as EgressRequest)).not.toHaveProperty(
    'outputDimensionality',
  );
});

test('many texts are sent a hundred at once, and their vectors and their size are those of all', async () => {
  const input = Array.from({ length: 230 }, (_, n) => 'x'.repeat(n + 1));
  const { outcome, sent } = await embed({ input, dimensions: 2 });
  expect(sent.map(({ path }) => path)).toEqual(
    Array.from({ length: 3 }, () => '/v1beta/models/gemini-embedding:batchEmbedContents'),
  );
  expect(sent.map((request) => (bodyOf(request)['requests'] as object[]).length)).toEqual([100, 100, 30]);
  const sizes = sent.flatMap((request) => bodyOf(request)['requests'] as { outputDimensionality: number }[]);
  expect(new Set(sizes.map(({ outputDimensionality }) => outputDimensionality))).toEqual(new Set([2]));
  expect(vectorsOf(outcome).map(([length]) => length)).toEqual(input.map(({ length }) => length));
  expect(outcome.usage?.inputTokens).toBe(Math.ceil((230 * 231) / 2 / 4));
});

test('the first part that fails is the failure of all, and no more is sent', async () => {
  const input = Array.from({ length: 230 }, () => 'x');
  let asked = 0;
  const limited = { status: 429, headers: { 'retry-after': '3' }, body: '{"error":{"status":"RESOURCE_EXHAUSTED"}}' };
  const { outcome, sent } = await embed({ input }, (request) => ((asked += 1) === 2 ? limited : vectorsFor(request)));
  expect(outcome).toMatchObject({ ok: false, failure: { reason: 'rate_limit', retryAfterMs: 3_000 } });
  expect(sent).toHaveLength(2);
});

test('a call that is ended between two parts sends no more', async () => {
  const abort = new AbortController();
  const input = Array.from({ length: 101 }, () => 'x');
  const answer = (request: EgressRequest): Answered => {
    queueMicrotask(() => queueMicrotask(() => abort.abort('deadline')));
    return vectorsFor(request);
  };
  const { outcome, sent } = await embed({ input }, answer, {}, abort.signal);
  expect(outcome).toMatchObject({ ok: false, failure: { reason: 'deadline' } });
  expect(sent).toHaveLength(1);
});

test('what the headers say of a spent limit is told', async () => {
  const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '7s' };
  const { outcome } = await embed({ input: ['a'] }, (request) => ({ ...vectorsFor(request), headers }));
  expect(outcome).toMatchObject({ ok: true, spentForMs: 7_000 });
});

test.each<[string, readonly string[], unknown]>([
  ['no JSON', ['a'], undefined],
  ['no object', ['a'], 7],
  ['no vector', ['a'], {}],
  ['a vector without values', ['a'], { embedding: {} }],
  ['an empty vector', ['a'], { embedding: { values: [] } }],
  ['values that are no numbers', ['a'], { embedding: { values: [1, '2'] } }],
  ['values that are null', ['a'], { embedding: { values: [null, 1] } }],
  ['too few vectors', ['a', 'b'], { embeddings: [{ values: [1] }] }],
  ['too many vectors', ['a', 'b'], { embeddings: [{ values: [1] }, { values: [2] }, { values: [3] }] }],
  ['vectors of two lengths', ['a', 'b'], { embeddings: [{ values: [1] }, { values: [2, 3] }] }],
  ['vectors that are no list', ['a', 'b'], { embeddings: 7 }],
  ['a vector that is null', ['a', 'b'], { embeddings: [{ values: [1] }, null] }],
])('an answer of %s cannot be read', async (_what, input, answer) => {
  const { outcome } = await embed({ input }, () => (answer === undefined ? { body: '{' } : json(answer)));
  expect(outcome).toMatchObject({ ok: false, failure: { reason: 'bad_response', httpStatus: 200 } });
});

test('parts whose vectors differ in their length are no answer', async () => {
  const input = Array.from({ length: 101 }, () => 'x');
  const { outcome } = await embed({ input }, (request) =>
    request.path.includes('batch') ? vectorsFor(request) : json({ embedding: { values: [1, 2, 3] } }),
  );
  expect(outcome).toMatchObject({ ok: false, failure: { reason: 'bad_response', httpStatus: 200 } });
});

test.each([
  [{ input: [] }, 'the input is no embedding'],
  ['{', 'the input is no embedding'],
  [{ input: [[1, 2]] }, 'ids of tokens are not taken: send texts'],
])('an input of %j is a bad request, and nothing is sent', async (input, detail) => {
  const { outcome, sent } = await embed(input);
  expect(outcome).toMatchObject({ failure: { reason: 'bad_request', message: expect.stringContaining(detail) } });
  expect(sent).toEqual([]);
});
