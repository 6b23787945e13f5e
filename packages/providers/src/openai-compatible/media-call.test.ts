import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { callOf } from '../contract.ts';
import { FakeEgress } from '../testing/fake-egress.ts';
import { MediaCall } from './media-call.ts';
import type { MediaAnswer } from './media-request.ts';

/** A call that waits for its answer, and what its reader was given. */
function started(answer: MediaAnswer | undefined | Error) {
  const egress = new FakeEgress();
  const abort = new AbortController();
  const given: [string, string][] = [];
  const media = {
    path: '/unused',
    contentType: 'unused',
    body: 'x'.repeat(40),
    textChars: 9,
    read(body: Buffer, contentType: string): MediaAnswer | undefined {
      given.push([body.toString(), contentType]);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const mayLeave = (): boolean => true;
  const call = callOf({ firstContentTimeoutMs: 2_000, idleTimeoutMs: 1_000, mayLeave });
  const { outcome } = new MediaCall(egress, { path: '/v1/m', headers: { a: 'b' } }, media, call, abort.signal);
  const [listener] = egress.listeners;
  if (!listener) throw new Error('nothing was sent');
  return { egress, abort, given, listener, outcome, mayLeave };
}

const content = { text: 'made' };
const whole = { content, usage: { input: [5], output: [7] } };

test('the request leaves as it was made, with its timeouts and the question whether it may', () => {
  const { egress, mayLeave } = started(whole);
  expect(egress.sent).toEqual([
    {
      method: 'POST',
      path: '/v1/m',
      headers: { a: 'b' },
      body: 'x'.repeat(40),
      headersTimeoutMs: 2_000,
      idleTimeoutMs: 1_000,
      mayLeave,
    },
  ]);
});

test('the answer is read whole, by its type, and its usage and images are counted', async () => {
  const { listener, outcome, given, egress, abort } = started({ ...whole, images: 2 });
  listener.started(201, { 'content-type': 'Audio/MPEG' });
  listener.data(Buffer.from('one '));
  listener.data(Buffer.from('two'));
  listener.ended();
  expect(given).toEqual([['one two', 'audio/mpeg']]);
  expect(await outcome).toStrictEqual({
    ok: true,
    finish: 'stop',
    usage: {
      inputTokens: 5,
      outputTokens: 7,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      estimated: false,
      images: 2,
    },
    output: content,
  });
  expect([egress.aborts, getEventListeners(abort.signal, 'abort').length]).toEqual([0, 0]);
});

test('without counts the usage is estimated by the texts, and without a type there is none', async () => {
  const { listener, outcome, given } = started({ content, usage: undefined, outputChars: 5 });
  listener.started(200, { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '7s' });
  listener.ended();
  expect(given).toEqual([['', '']]);
  const usage = { inputTokens: 3, outputTokens: 2, cachedInputTokens: 0, reasoningTokens: 0, estimated: true };
  expect(await outcome).toStrictEqual({ ok: true, finish: 'stop', usage, output: content, spentForMs: 7_000 });
  const silent = started({ content, usage: undefined });
  silent.listener.started(200, {});
  silent.listener.ended();
  expect((await silent.outcome).usage?.outputTokens).toBe(0);
});

type Started = ReturnType<typeof started>;
test.each<[string, MediaAnswer | undefined | Error, (call: Started) => void, object]>([
  [
    'a refusal',
    whole,
    ({ listener }) => {
      listener.started(429, { 'retry-after': '3' });
      listener.data(Buffer.from('{"error":{"code":"insufficient_quota"}}'));
      listener.ended();
    },
    { reason: 'quota', httpStatus: 429, retryAfterMs: 3_000 },
  ],
  [
    'an answer that is none',
    undefined,
    ({ listener }) => {
      listener.started(201, {});
      listener.ended();
    },
    { reason: 'bad_response', httpStatus: 201 },
  ],
  [
    'an answer that its reader fails at',
    new Error('bug'),
    ({ listener }) => {
      listener.started(200, {});
      listener.ended();
    },
    { reason: 'bad_response', httpStatus: 200 },
  ],
  ['a broken connection', whole, ({ listener }) => listener.failed('ECONNRESET'), { reason: 'connection' }],
  [
    'an answer that is too large',
    whole,
    ({ listener }) => listener.failed('ETOOLARGE'),
    { reason: 'bad_response', message: expect.stringContaining('(answer too large)') },
  ],
  ['a deadline', whole, ({ abort }) => abort.abort('deadline'), { reason: 'deadline' }],
  ['a cancellation', whole, ({ abort }) => abort.abort('cancelled'), { reason: 'cancelled' }],
])('%s is the one end of its call', async (_what, answer, end, failure) => {
  const call = started(answer);
  expect(getEventListeners(call.abort.signal, 'abort')).toHaveLength(1);
  end(call);
  expect(await call.outcome).toMatchObject({ ok: false, failure });
  expect([call.egress.aborts, getEventListeners(call.abort.signal, 'abort').length]).toEqual([1, 0]);
  const { length } = call.given;
  call.listener.started(200, {});
  call.listener.data(Buffer.from('late'));
  call.listener.ended();
  call.listener.failed('ECONNRESET');
  expect([call.egress.aborts, call.given.length]).toEqual([1, length]);
});
