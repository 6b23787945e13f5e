import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { callOf } from '../contract.ts';
import type { EgressListener } from '../egress/index.ts';
import type { ModelCall } from '../port.ts';
import { anthropicForm } from './anthropic-form.ts';
import { ChatCall } from './chat-call.ts';
import { openAiForm } from './openai-form.ts';
import { events, startChat, type StartedChat } from './testing.ts';

// How a chat ends, in virtual time: each way once, with what it leaves behind.

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const chunk = (delta: object, finish: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const hi = events(chunk({ content: 'Hi' }));
const stop = events(chunk({}, 'stop'));
const done = 'data: [DONE]\n\n';
const usage = { prompt_tokens: 5, completion_tokens: 7 };
const wholeAnswer = JSON.stringify({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] });

const begin = (over: Partial<ModelCall> = {}): StartedChat => {
  const chat = startChat(openAiForm, { firstContentTimeoutMs: 30_000, idleTimeoutMs: 10_000, ...over });
  chat.upstream.started(200, {});
  return chat;
};
const tell = ({ upstream }: StartedChat, text: string): void => upstream.data(Buffer.from(text));

const success = 'stop';
test.each<[string, (chat: StartedChat) => void, string, number]>([
  [
    'a whole answer',
    (chat) => {
      tell(chat, wholeAnswer);
      chat.upstream.ended();
    },
    success,
    0,
  ],
  ['the marker', (chat) => tell(chat, hi + stop + done), success, 0],
  [
    'the end of the body after the last word',
    (chat) => {
      tell(chat, hi + stop);
      chat.upstream.ended();
    },
    success,
    0,
  ],
  [
    'a second of silence after the last word',
    (chat) => {
      tell(chat, hi + stop);
      vi.advanceTimersByTime(1_000);
    },
    success,
    1,
  ],
  [
    'a broken connection after the last word',
    (chat) => {
      tell(chat, hi + stop);
      chat.upstream.failed('ECONNRESET');
    },
    success,
    0,
  ],
  [
    'the end of the body before the last word',
    (chat) => {
      tell(chat, hi);
      chat.upstream.ended();
    },
    'truncated',
    1,
  ],
  [
    'half an event at the end',
    (chat) => {
      tell(chat, `${hi}data: {"choi`);
      chat.upstream.ended();
    },
    'truncated',
    1,
  ],
  [
    'the vendor’s error after the last word',
    (chat) => tell(chat, hi + stop + events({ error: { message: 'no' } })),
    'server_error',
    1,
  ],
  ['an event that is no JSON', (chat) => tell(chat, `${hi}data: {"choi\n\n`), 'bad_response', 1],
  ['a broken connection before content', (chat) => chat.upstream.failed('ECONNRESET'), 'connection', 1],
  [
    'a broken connection after events without content',
    (chat) => {
      tell(chat, events(chunk({ role: 'assistant' })));
      chat.upstream.failed('ECONNRESET');
    },
    'connection',
    1,
  ],
  [
    'a broken connection after content',
    (chat) => {
      tell(chat, hi);
      chat.upstream.failed('ECONNRESET');
    },
    'truncated',
    1,
  ],
  [
    'the network’s own timeout after content',
    (chat) => {
      tell(chat, hi);
      chat.upstream.failed('UND_ERR_BODY_TIMEOUT');
    },
    'stalled',
    1,
  ],
  [
    'an answer that is too large',
    (chat) => {
      tell(chat, hi);
      chat.upstream.failed('ETOOLARGE');
    },
    'bad_response',
    1,
  ],
  ['a cancellation before content', (chat) => chat.abort('cancelled'), 'cancelled', 1],
  [
    'a deadline within the answer',
    (chat) => {
      tell(chat, hi);
      chat.abort('deadline');
    },
    'deadline',
    1,
  ],
  ['no first content in time', () => vi.advanceTimersByTime(30_000), 'first_token_timeout', 1],
  [
    'no first content in time beside a heartbeat',
    (chat) => {
      for (let n = 0; n < 6; n += 1) {
        tell(chat, `: still here\n\n${events(chunk({ role: 'assistant' }))}`);
        vi.advanceTimersByTime(5_000);
      }
    },
    'first_token_timeout',
    1,
  ],
  [
    'a silence within the answer',
    (chat) => {
      tell(chat, hi);
      vi.advanceTimersByTime(9_999);
      tell(chat, ':\n');
      vi.advanceTimersByTime(10_000);
    },
    'stalled',
    1,
  ],
])('%s ends a chat once, and nothing of it is left', async (_what, end, expected, aborts) => {
  const chat = begin();
  expect(vi.getTimerCount()).toBe(1);
  expect(getEventListeners(chat.signal, 'abort')).toHaveLength(1);
  end(chat);
  const outcome = await chat.outcome;
  expect(outcome.ok ? outcome.finish : outcome.failure.reason).toBe(expected);
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(chat.signal, 'abort')).toHaveLength(0);
  expect(chat.abortsOfConnection()).toBe(aborts);
  const { length } = chat.deltas;
  tell(chat, hi + stop + done);
  chat.upstream.failed('ECONNRESET');
  chat.upstream.ended();
  expect([vi.getTimerCount(), chat.abortsOfConnection(), chat.deltas.length]).toEqual([0, aborts, length]);
});

test.each([
  ['a silence that is shorter than each timeout', 9_999, 30],
  ['more silence before the first content than is allowed within the answer', 29_999, 1],
])('%s ends no chat', async (_what, gapMs, pieces) => {
  const chat = begin();
  for (let n = 0; n < pieces; n += 1) {
    vi.advanceTimersByTime(gapMs);
    tell(chat, hi);
  }
  tell(chat, stop + done);
  expect(await chat.outcome).toMatchObject({ ok: true, finish: 'stop' });
  expect(chat.deltas).toHaveLength(pieces);
});

test('usage that comes within a second after the last word is counted, however often something comes', async () => {
  const chat = begin();
  tell(chat, hi + stop);
  for (const text of [': wait\n\n', events({ choices: [], usage }), ':\n\n']) {
    vi.advanceTimersByTime(999);
    tell(chat, text);
  }
  expect(chat.abortsOfConnection()).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect((await chat.outcome).usage).toMatchObject({ inputTokens: 5, outputTokens: 7, estimated: false });
});

test('a caller that ends the call as content comes gets no more of it', async () => {
  const call = (id: string): object => ({ index: id, id, function: { name: 'look', arguments: '{}' } });
  const chat = startChat(
    openAiForm,
    {},
    { onDelta: ({ abort, deltas: { length } }) => void (length === 1 && abort('cancelled')) },
  );
  chat.upstream.started(200, {});
  tell(
    chat,
    events(chunk({ content: 'Hi', tool_calls: [call('a')] }), chunk({ tool_calls: [call('b')] }, 'stop')) + done,
  );
  expect(await chat.outcome).toMatchObject({ ok: false, failure: { reason: 'cancelled' } });
  expect(chat.deltas).toEqual([{ text: 'Hi' }]);
  expect(vi.getTimerCount()).toBe(0);
});

test('the request leaves as it was made, held to the longer timeout, with the question whether it may', () => {
  const mayLeave = (): boolean => true;
  const sent = (firstContentTimeoutMs: number, idleTimeoutMs: number) =>
    startChat(openAiForm, { firstContentTimeoutMs, idleTimeoutMs, mayLeave }).sent;
  expect(sent(5_000, 2_000)).toEqual({
    method: 'POST',
    path: '/',
    headers: {},
    headersTimeoutMs: 1_000,
    idleTimeoutMs: 5_000,
    mayLeave,
  });
  expect(sent(2_000, 5_000).idleTimeoutMs).toBe(5_000);
});

test('a way out that fails at once ends the call', async () => {
  const egress = {
    send: (_request: unknown, listener: EgressListener) => {
      listener.failed('ECONNREFUSED');
      return { abort: () => {} };
    },
    close: () => Promise.resolve(),
  };
  const request = { method: 'POST', path: '/', headers: {}, headersTimeoutMs: 1, idleTimeoutMs: 1 } as const;
  const asked = { request, form: openAiForm(), origin: 'test' };
  const { outcome } = new ChatCall(egress, asked, callOf(), () => {}, new AbortController().signal);
  expect(await outcome).toMatchObject({ ok: false, failure: { reason: 'connection' } });
});

/** The failure or the success of what came with a status, in pieces. */
async function endOf(status: number, ...pieces: readonly (string | Uint8Array)[]) {
  const chat = startChat(openAiForm, { stream: false });
  chat.upstream.started(status, { 'retry-after': '3' });
  for (const piece of pieces) chat.upstream.data(Buffer.from(piece as string));
  chat.upstream.ended();
  const outcome = await chat.outcome;
  return outcome.ok ? outcome.output : outcome.failure;
}

test('64 KiB of an answer that is no success are read, and no more', async () => {
  const bounds = [64 * 1_024, 64 * 1_024 + 1];
  const code = '{"error":{"code":"context_length_exceeded"}}';
  const reasons = bounds.map((bytes) => endOf(400, ' '.repeat(bytes - code.length), code));
  expect(await Promise.all(reasons)).toMatchObject([{ reason: 'context_length' }, { reason: 'bad_request' }]);
  expect(await endOf(429, 'data: {}')).toMatchObject({ reason: 'rate_limit', httpStatus: 429, retryAfterMs: 3_000 });
});

const bom = new Uint8Array([0xef, 0xbb, 0xbf]);
test.each<[string, (string | Uint8Array)[]]>([
  ['JSON in one piece', [wholeAnswer]],
  ['JSON in many pieces', [...wholeAnswer]],
  ['JSON behind blanks and a byte order mark', [bom, '\r\n\t', ' ', wholeAnswer]],
  ['JSON behind blanks in one piece', [`\n${wholeAnswer}`]],
  ['events that begin with data', [hi, stop, done]],
  ['events that begin with their name', ['event: message\n', hi, stop, done]],
  ['events that begin with an id', ['id: 1\n', hi, stop, done]],
  ['events that begin with a pause', ['retry: 1\n', hi, stop, done]],
  ['events that begin with a comment', [':\n', hi, stop, done]],
  ['events behind blanks and a byte order mark', [bom, '\r\n', '\n'.repeat(9), hi, stop, done]],
  ['events behind a line of blanks', [' \n', hi, stop, done]],
  ['events without their last lines’ ends', [hi, stop.trimEnd()]],
  ['events whose first byte comes alone', [...(hi + stop)]],
])('%s are an answer', async (_what, pieces) => {
  expect(await endOf(200, ...pieces)).toMatchObject({ text: 'Hi' });
  expect(await endOf(201, ...pieces)).toMatchObject({ text: 'Hi' });
});

test.each([
  ['nothing', []],
  ['blanks', [' ', '\n']],
  ['text', ['Hi']],
  ['a byte that begins nothing', ['\x00']],
  ['an event without content and reason', [events(chunk({})), done]],
  ['a line that never ends', ['data: ', 'x'.repeat(1_024 * 1_024)]],
])('%s is no answer', async (_what, pieces) => {
  expect(await endOf(200, ...pieces)).toMatchObject({ reason: 'bad_response', httpStatus: 200 });
});

test('too large an answer says so, and a filter’s refusal has the status of its answer', async () => {
  const chat = begin();
  chat.upstream.failed('ETOOLARGE');
  expect(await chat.outcome).toMatchObject({ failure: { message: expect.stringContaining('(answer too large)') } });
  expect(await endOf(201, events(chunk({}, 'content_filter')), done)).toMatchObject({
    reason: 'content_filter',
    httpStatus: 201,
  });
  expect(await endOf(201, 'data: ', 'x'.repeat(1_024 * 1_024))).toMatchObject({ httpStatus: 201 });
});

test('an end without content but for length is a success of nothing', async () => {
  expect(await endOf(200, events(chunk({}, 'length')), done)).toEqual({});
});

test('a success tells what served it, and what its headers say of spent limits', async () => {
  const chat = startChat(openAiForm);
  const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '7s' };
  chat.upstream.started(200, headers);
  tell(chat, events({ ...chunk({ content: 'Hi' }, 'stop'), model: 'gpt-4-0613' }) + done);
  expect(await chat.outcome).toMatchObject({ ok: true, servedVersion: 'gpt-4-0613', spentForMs: 7_000 });
  const unnamed = begin();
  tell(unnamed, hi + stop + done);
  expect(await unnamed.outcome).not.toHaveProperty('servedVersion');
});

/** The contract's short chat comes to 15 tokens by its length. */
const inputTokens = 15;
const details = { prompt_tokens: 5, completion_tokens: 7, completion_tokens_details: { reasoning_tokens: 2 } };
test.each<[string, string, object | undefined]>([
  ['before anything came', '', undefined],
  ['after an event without content', events(chunk({})), undefined],
  ['after content', events(chunk({ content: 'x'.repeat(9) })), { inputTokens, outputTokens: 3, estimated: true }],
  [
    'after counts that were not the last',
    events({ ...chunk({ content: 'x'.repeat(9) }), usage: details }),
    { inputTokens: 5, outputTokens: 3, reasoningTokens: 0, estimated: true },
  ],
  [
    'after counts without content',
    events({ choices: [], usage: details }),
    { inputTokens: 5, outputTokens: 0, reasoningTokens: 0, estimated: true },
  ],
  [
    'after the last word and its counts',
    events({ ...chunk({ content: 'Hi' }, 'stop'), usage: details }),
    { inputTokens: 5, outputTokens: 7, reasoningTokens: 2, estimated: false },
  ],
])('a failure %s is paid as far as it is known', async (_when, came, expected) => {
  const chat = begin();
  tell(chat, came + events({ error: { message: 'the server had an error' } }));
  const { ok, usage: paid } = await chat.outcome;
  expect(ok).toBe(false);
  if (expected) expect(paid).toMatchObject(expected);
  else expect(paid).toBeUndefined();
});

test('an abort is paid by the size of the call where nothing is known, and else by what was stated', async () => {
  const chat = begin();
  chat.abort('cancelled');
  expect((await chat.outcome).usage).toMatchObject({ inputTokens, outputTokens: 0, estimated: true });
  const counted = startChat(anthropicForm);
  counted.upstream.started(200, {});
  tell(counted, events({ type: 'message_start', message: { usage: { input_tokens: 70, output_tokens: 1 } } }));
  counted.abort('cancelled');
  expect((await counted.outcome).usage).toMatchObject({ inputTokens: 70, outputTokens: 0, estimated: true });
});

test('counts that are larger than what came can be are not believed', async () => {
  const outputOf = async (completion_tokens: number, maxOutputTokens: number) => {
    const chat = begin({ maxOutputTokens });
    const stream = events({ ...chunk({ content: 'Hi' }, 'stop'), usage: { ...usage, completion_tokens } }) + done;
    tell(chat, stream);
    const { usage: paid } = await chat.outcome;
    return { bytes: stream.length, outputTokens: paid?.outputTokens, estimated: paid?.estimated };
  };
  expect(await outputOf(1_000, 1_000)).toMatchObject({ outputTokens: 1_000, estimated: false });
  expect(await outputOf(1_001, 1_000)).toMatchObject({ outputTokens: 1, estimated: true });
  // No token is shorter than a byte: more than came cannot be, whatever was asked for.
  const { bytes } = await outputOf(100, 1);
  expect(await outputOf(bytes, 1)).toMatchObject({ outputTokens: bytes, estimated: false });
  expect(await outputOf(bytes + 1, 1)).toMatchObject({ outputTokens: 1, estimated: true });
});
