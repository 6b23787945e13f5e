import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as wire from '../messages.ts';
import { anyMessage } from '../testing/any-message.ts';
import { EventBatchWriter } from './event-batch.ts';
import { readEvents, type WantedEvents } from './read-events.ts';

const eventOf = (kind: wire.Event['kind']): wire.Event => create(wire.EventSchema, { kind });

const words = fc.oneof(fc.constantFrom('', 'acme', 'gpt-4'), fc.string({ maxLength: 200, unit: 'grapheme' }));
const id = fc.string({ minLength: 1, maxLength: 64, unit: fc.constantFrom(...'ab01_-') });
const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1), fc.nat());
const int64 = fc.oneof(
  fc.constantFrom(0n, 1_800_000_000_000n, 2n ** 53n, -1n),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
);
const uint64 = fc.oneof(fc.constantFrom(0n, 2n ** 32n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const call = anyMessage(wire.CallRecordSchema);
const decision = fc.record({
  decisionId: id,
  taskId: id,
  setId: words,
  revision: uint64,
  atUnixMs: int64,
  order: fc.array(words, { maxLength: 3 }),
  skipped: fc.array(fc.record({ model: words, reason: words }), { maxLength: 2 }),
  seed: uint64,
  client: words,
  taskType: words,
  live: fc.array(fc.record({ model: words, unserved: words, coolingUntilUnixMs: int64 }), { maxLength: 2 }),
  stateDigest: words,
  setDecidedUnixMs: int64,
  ignoredFields: fc.array(words, { maxLength: 2 }),
  notices: fc.array(words, { maxLength: 2 }),
  session: maybe(
    fc.record({
      lastModel: words,
      costs: fc.array(
        fc.record({ model: words, heldTokens: uint32, costNanoUsd: maybe(int64), meanNanoUsd: maybe(int64) }),
        {
          maxLength: 2,
        },
      ),
    }),
  ),
});
const event: fc.Arbitrary<wire.Event> = fc.oneof(
  call.map((value) => eventOf({ case: 'call', value })),
  decision.map((value) => eventOf({ case: 'decision', value: create(wire.DecisionRecordSchema, value) })),
  fc.tuple(call, int64).map(([value, deadlineUnixMs]) => intentOf(value, deadlineUnixMs)),
  words.map((setId) => eventOf({ case: 'rankedSet', value: create(wire.RankedSetSchema, { setId }) })),
  fc.constant(eventOf({ case: undefined })),
);

/** As a router writes it: nothing of its end is known. */
function intentOf(record: wire.CallRecord, deadlineUnixMs: bigint): wire.Event {
  const known = wire.CallRecordSchema.fields.filter(
    ({ localName }) => localName in wire.CallScopeSchema.field || localName in wire.IntentRowSchema.field,
  );
  const begun = Object.fromEntries(known.map(({ localName }) => [localName, record[localName as keyof typeof record]]));
  return eventOf({
    case: 'intent',
    value: create(wire.AttemptIntentSchema, { record: create(wire.CallRecordSchema, begun), deadlineUnixMs }),
  });
}

function read(data: Uint8Array, wanted?: WantedEvents): wire.Event['kind'][] {
  const told: wire.Event['kind'][] = [];
  readEvents(data, (kind) => told.push(kind), wanted);
  return told;
}

/** As protobuf-es sees it: rows and whole messages are the same when they encode alike. */
const bytesOf = (kind: wire.Event['kind']): string =>
  Buffer.from(toBinary(wire.EventSchema, eventOf(kind))).toString('hex');

function batchOf(events: readonly wire.Event[]): Uint8Array {
  const writer = new EventBatchWriter('me');
  for (const one of events) writer.add(one);
  return writer.take();
}

test('events come out of a batch as they went in, in their order', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      const told = read(batchOf(events));
      expect(told.map(bytesOf)).toEqual(events.map(({ kind }) => bytesOf(kind)));
    }),
    { numRuns: 300 },
  );
});

test.each(wire.CallRecordSchema.fields.map(({ localName }) => localName))(
  'calls that differ in `%s` alone come out of a batch as they went in',
  (name) => {
    let different = 0;
    fc.assert(
      fc.property(call, (other) => {
        const changed = { ...sample(), [name]: other[name as keyof wire.CallRecord] };
        const kinds = [sample(), changed, sample()].map((value) => ({ case: 'call' as const, value }));
        const expected = kinds.map(bytesOf);
        expect(read(batchOf(kinds.map(eventOf))).map(bytesOf)).toEqual(expected);
        if (expected[0] !== expected[1]) different += 1;
      }),
      { numRuns: 30 },
    );
    expect(different).toBeGreaterThan(0);
  },
);

test('what a batch writes is what its schema says, to every other reader', () => {
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 4 }), (calls) => {
      const batch = fromBinary(wire.EventBatchSchema, batchOf(calls.map((value) => eventOf({ case: 'call', value }))));
      expect(batch.source).toBe('me');
      expect(batch.calls.map(({ scope }) => batch.callScopes[scope]?.client)).toEqual(
        calls.map(({ client }) => client.toWellFormed()),
      );
      const ids = ({
        attemptId,
        taskId,
        startedUnixMs,
        usage: used,
      }: (typeof batch.calls)[number] | wire.CallRecord) => [
        attemptId.toWellFormed(),
        taskId.toWellFormed(),
        startedUnixMs,
        used,
      ];
      expect(batch.calls.map(ids)).toEqual(calls.map(ids));
    }),
    { numRuns: 200 },
  );
});

test('a batch of an earlier release, whose events stand whole, is read alike', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 5 }), (events) => {
      const batch = toBinary(wire.EventBatchSchema, create(wire.EventBatchSchema, { source: 'old', events }));
      expect(read(batch).map(bytesOf)).toEqual(events.map(({ kind }) => bytesOf(kind)));
    }),
    { numRuns: 200 },
  );
});

const sample = (stated: MessageInitShape<typeof wire.CallRecordSchema> = {}): wire.CallRecord =>
  create(wire.CallRecordSchema, {
    attemptId: '0mjz1k2dAAAAAAAAAAAAAAAAAAAAAA',
    taskId: '0mjz1k2dBAAAAAAAAAAAAAAAAAAAAA',
    decisionId: '0mjz1k2dCAAAAAAAAAAAAAAAAAAAAA',
    client: 'acmelegal',
    taskType: 'text_gen',
    model: 'gpt-4',
    modelName: 'GPT-4',
    provider: 'openai-compatible',
    workerId: 'provider-worker-0mjz1k2d',
    startedUnixMs: 1_800_000_000_000n,
    durationMs: 812,
    outcome: 'Success',
    status: 'Success',
    finish: 'stop',
    usage: create(wire.UsageSchema, { inputTokens: 120, outputTokens: 48 }),
    costNanoUsd: 1_234_567n,
    priceInput: 2_500n,
    priceOutput: 10_000n,
    writtenBy: 'worker',
    ...stated,
  });

test('a call and its intent share their decision’s ids, and names stand once', () => {
  const { attemptId, taskId, decisionId } = sample();
  const decided = create(wire.DecisionRecordSchema, { decisionId, taskId, setId: 's'.repeat(43), order: ['gpt-4'] });
  const calls = Array.from({ length: 50 }, (_, n) => [
    eventOf({ case: 'decision', value: { ...decided, decisionId: `${decisionId}${n}` } }),
    intentOf(sample({ attemptId: `${attemptId}${n}`, decisionId: `${decisionId}${n}` }), 9n),
  ]).flat();
  expect(batchOf(calls).length / 50).toBeLessThan(180);
  const results = calls.map(() => eventOf({ case: 'call', value: sample() }));
  expect(batchOf(results).length / results.length).toBeLessThan(140);
});

test('a reader that wants only calls is told only calls', () => {
  const decided = create(wire.DecisionRecordSchema, { decisionId: 'd', taskId: 't' });
  const events = [
    eventOf({ case: 'decision', value: decided }),
    intentOf(sample({ taskId: 't', decisionId: 'd' }), 9n),
    eventOf({ case: 'rankedSet', value: create(wire.RankedSetSchema) }),
    eventOf({ case: 'call', value: sample() }),
  ];
  expect(read(batchOf(events), { call: true }).map((kind) => kind.case)).toEqual(['call']);
  const [intent] = read(batchOf(events), { intent: true });
  expect(intent?.case === 'intent' && intent.value.record?.taskId).toBe('t');
});

test('an event that cannot be encoded leaves the batch as it was', () => {
  const writer = new EventBatchWriter('me');
  writer.add(eventOf({ case: 'call', value: sample({ attemptId: 'one' }) }));
  expect(() => writer.add(eventOf({ case: 'call', value: sample({ durationMs: -1 }) }))).toThrow(
    '-1 is no unsigned integer',
  );
  writer.add(eventOf({ case: 'call', value: sample({ attemptId: 'two' }) }));
  const told = read(writer.take());
  expect(told.map(({ value }) => (value as wire.CallRecord).attemptId)).toEqual(['one', 'two']);
});

test('a row whose scope is not there has no id', () => {
  const batch = create(wire.EventBatchSchema, {
    calls: [create(wire.CallRowSchema, { attemptId: 'a', scope: 3 })],
    intents: [create(wire.IntentRowSchema, { attemptId: 'a', scope: 3 })],
    decisions: [create(wire.DecisionRowSchema, { decisionId: 'd', scope: 3 })],
  });
  const told = read(toBinary(wire.EventBatchSchema, batch));
  expect(told.map(({ value }) => value)).toMatchObject([{ attemptId: '' }, { deadlineUnixMs: 0n }, { decisionId: '' }]);
});

test('random bytes are told or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      try {
        read(data);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 3_000 },
  );
});
