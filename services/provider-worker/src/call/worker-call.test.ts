import { create, toBinary } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { failureOf, type Model } from '@will/core';
import type { ContentDelta, ModelConnection, ProviderOutcome } from '@will/providers';
import { exactClock, modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import type { IncomingCall, StartClock } from '../ports.ts';
import { CallIndex } from './call-index.ts';
import { StartWindow } from './start-window.ts';
import { WholeAsStream } from './whole-as-stream.ts';
import { WorkerCall } from './worker-call.ts';

const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: false };

/** A call whose answer comes whole, and which may not speak before it is told to. */
function heldCall(answersWhen: Promise<void>) {
  return callOn({
    async run() {
      await answersWhen;
      return { ok: true, finish: 'stop', usage, output: { text: 'made' } };
    },
  });
}

function callOn(
  connection: Pick<ModelConnection, 'run' | 'takesAttachments'>,
  over: {
    readonly mayCommit?: boolean;
    readonly model?: Model;
    readonly nowMs?: () => number;
    readonly clock?: StartClock;
  } = {},
) {
  const words: string[] = [];
  const frames: string[] = [];
  const records: wire.CallRecord[] = [];
  const asked: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
  let asks = 0;
  const errors: string[] = [];
  const request = create(wire.CallRequestSchema, {
    attemptId: 'a',
    taskId: 't',
    attempt: 2,
    mayCommit: over.mayCommit ?? false,
    inputKind: 'chat',
    deadlineUnixMs: BigInt(Date.now() + 60_000),
    startUntilUnixMs: BigInt(Date.now() + 500),
    facts: { client: 'acme' },
  });
  const incoming: IncomingCall = {
    request,
    dataClass: 'open',
    toCaller(frame) {
      toBinary(wire.FrameSchema, frame);
      frames.push(frame.kind.case ?? '');
    },
    toRouter({ case: word = '' }) {
      words.push(word);
      if (word === 'readyToCommit') asked[asks++]?.resolve();
    },
    endToRouter({ case: word = '' }) {
      words.push(word);
      return { sayAgain: () => words.push(word) };
    },
  };
  const call = new WorkerCall(
    {
      calls: new CallIndex(),
      style: undefined,
      window: new StartWindow(over.clock ?? exactClock(), incoming),
      workerId: 'w',
      maxOutputTokens: undefined,
      model: over.model ?? modelFor({}),
      connection: connection as ModelConnection,
      wholeAsStream: new WholeAsStream(),
      payloads: { get: () => Promise.reject(new Error('no payload')) },
      hooks: [],
      facts: undefined,
      authorizeAgain: () => undefined,
      onError: (what) => errors.push(what),
      taskType: undefined,
      nowMs: over.nowMs ?? Date.now,
      record(record) {
        toBinary(wire.CallRecordSchema, record);
        records.push(record);
      },
      keepContent: undefined,
      onFirstContent: () => {},
      onChunk: () => {},
      onOutcome: () => {},
    },
    incoming,
  );
  return { call, words, frames, records, asked, errors };
}

test('a call that may not commit yet asks again, since its word or the answer may have been lost', async () => {
  const { call, words, frames, records, asked } = heldCall(Promise.resolve());
  const over = call.run();
  await asked[0]?.promise;
  expect(frames).toEqual([]);
  await asked[1]?.promise;
  call.commit();
  await over;
  expect(words).toEqual(['accepted', 'readyToCommit', 'readyToCommit', 'ended']);
  expect(frames).toEqual(['end']);
  expect(records).toMatchObject([{ status: 'Success' }]);
});

test('an answer that comes although its call was given up waits for nobody’s word', async () => {
  const answer = Promise.withResolvers<void>();
  const { call, words, frames, records } = heldCall(answer.promise);
  const over = call.run();
  call.cancel();
  answer.resolve();
  await over;
  expect(words).toEqual(['accepted', 'ended']);
  expect(frames).toEqual([]);
  expect(records).toMatchObject([{ status: 'Cancelled' }]);
});

const answering = (outcome: object, ...deltas: object[]): Pick<ModelConnection, 'run'> => ({
  run(_call, onDelta) {
    for (const delta of deltas) onDelta(delta as ContentDelta);
    return Promise.resolve(outcome as ProviderOutcome);
  },
});
const whole = { ok: true, finish: 'stop', usage, output: { text: 'made' } };

test.each([
  ['throws', { run: () => Promise.reject(new Error('a bug')) }],
  ['gives text that is no text', answering({ ...whole, output: { text: 7 } })],
  ['streams text that is no text', answering({ ...whole, output: undefined }, { text: 7 })],
  ['gives no outcome at all', answering(undefined as unknown as object)],
])('a provider that %s fails its own call, which is told, recorded and logged once', async (_what, connection) => {
  const { call, words, records, errors } = callOn(connection, { mayCommit: true });
  await call.run();
  expect(words.at(-1)).toBe('ended');
  expect(words.filter((word) => word === 'ended')).toHaveLength(1);
  expect(records).toMatchObject([
    { status: 'ProviderError', reason: 'the provider failed in a way that it should not' },
  ]);
  expect(errors).toHaveLength(1);
});

test('a call costs what was the price when it began, also where another hour’s price came before its end', async () => {
  const clock = { nowMs: Date.UTC(2026, 0, 5, 11, 59, 59) };
  const hours = [{ from: '12:00', to: '13:00', input: 50, output: 50 }];
  const model = modelFor({ prices: { input: 1, output: 1, hours } });
  const run = async (): Promise<ProviderOutcome> => {
    clock.nowMs += 60_000;
    return whole as ProviderOutcome;
  };
  const options = { mayCommit: true, model, nowMs: () => clock.nowMs };
  const first = callOn({ run }, options);
  await first.call.run();
  const second = callOn({ run }, options);
  await second.call.run();
  const costs = [first, second].map(({ records }) => records[0]?.costNanoUsd);
  expect(costs).toEqual([2_000n, 100_000n]);
});

test.each([2.5, -1, 2 ** 32, Number.NaN])(
  'a provider that counts %d tokens has answered all the same, and its count is estimated',
  async (inputTokens) => {
    const { call, frames, records, errors } = callOn(answering({ ...whole, usage: { ...usage, inputTokens } }), {
      mayCommit: true,
    });
    await call.run();
    expect(frames).toEqual(['end']);
    expect(records).toMatchObject([{ status: 'Success', usage: { estimated: true } }]);
    expect(errors).toEqual([]);
  },
);

test('a call that its router takes back is no cancellation of the caller, and nobody’s failure', async () => {
  const answer = Promise.withResolvers<void>();
  const { call, words, records } = heldCall(answer.promise);
  const over = call.run();
  call.revoke();
  answer.resolve();
  await over;
  expect(words).toEqual(['accepted', 'ended']);
  expect(records).toMatchObject([{ status: 'Busy', reason: 'its router wants no more of it' }]);
});

test('a request that a standstill held up leaves after its router says that it is still wanted, and only then', async () => {
  for (const isWanted of [true, false]) {
    let [offsetMs, stoodStillMs, left] = [0, 0, 0];
    const nowMs = (): number => Date.now() + offsetMs;
    const clock = { ...exactClock(nowMs), stoodStillMs: () => stoodStillMs };
    const { call, words, records } = callOn(
      {
        async run({ mayLeave }) {
          if (left === 0 && offsetMs === 0) [offsetMs, stoodStillMs] = [2_000, 2_000];
          if (mayLeave?.() === false) {
            stoodStillMs = 0;
            setImmediate(() => (isWanted ? call.start(nowMs() + 500) : call.cancel()));
            return { ok: false, failure: failureOf('connection'), usage: undefined };
          }
          left += 1;
          return { ok: true, finish: 'stop', usage, output: { text: 'made' } };
        },
      },
      { mayCommit: true, clock },
    );
    await call.run();
    expect(left).toBe(isWanted ? 1 : 0);
    expect(words).toEqual(['accepted', 'confirmStart', 'ended']);
    expect(records).toMatchObject([{ status: isWanted ? 'Success' : 'Cancelled' }]);
  }
});
