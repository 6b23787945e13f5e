import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import type { ModelConnection } from '@will/providers';
import { modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { WorkerCall } from './worker-call.ts';

const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: false };

/** A call whose answer comes whole, and which may not speak before it is told to. */
function heldCall(answersWhen: Promise<void>) {
  const words: string[] = [];
  const frames: string[] = [];
  const records: wire.CallRecord[] = [];
  const asked: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
  let asks = 0;
  const connection: Pick<ModelConnection, 'run' | 'takesAttachments'> = {
    async run() {
      await answersWhen;
      return { ok: true, finish: 'stop', usage, output: { text: 'made' } };
    },
  };
  const request = create(wire.CallRequestSchema, {
    attemptId: 'a',
    taskId: 't',
    attempt: 2,
    go: false,
    inputKind: 'chat',
    deadlineUnixMs: BigInt(Date.now() + 60_000),
    facts: { client: 'acme' },
  });
  const call = new WorkerCall(
    {
      style: undefined,
      workerId: 'w',
      maxOutputTokens: undefined,
      model: modelFor({}),
      connection: connection as ModelConnection,
      payloads: { get: () => Promise.reject(new Error('no payload')) },
      hooks: [],
      facts: undefined,
      judgeAgain: () => undefined,
      onError: () => {},
      taskType: undefined,
      nowMs: Date.now,
      record: (record) => records.push(record),
      keepContent: undefined,
      onFirstContent: () => {},
      onOutcome: () => {},
    },
    {
      request,
      dataClass: 'open',
      toCaller: ({ kind }) => frames.push(kind.case ?? ''),
      toRouter({ case: word = '' }) {
        words.push(word);
        if (word === 'asksGo') asked[asks++]?.resolve();
      },
    },
  );
  return { call, words, frames, records, asked };
}

test('whoever may not speak yet asks again, since its word or the answer may have been lost', async () => {
  const { call, words, frames, records, asked } = heldCall(Promise.resolve());
  const over = call.run();
  await asked[0]?.promise;
  expect(frames).toEqual([]);
  await asked[1]?.promise;
  call.go();
  await over;
  expect(words).toEqual(['accepted', 'asksGo', 'asksGo', 'ended']);
  expect(frames).toEqual(['end']);
  expect(records).toMatchObject([{ fine: 'Success' }]);
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
  expect(records).toMatchObject([{ fine: 'Cancelled' }]);
});
