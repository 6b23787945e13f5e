import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { decisionToWire, rankedSetToWire, wire } from '@will/contracts';
import { completeCallRecord } from '@will/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchOf, callEvent, intentEvent, wireRecord } from '../samples.ts';
import { eventsFromWire, type MalformedEvent } from './events-from-wire.ts';
import { recordToWire } from './records-to-wire.ts';

function read(data: Uint8Array): { events: ReturnType<typeof eventsFromWire>; malformed: MalformedEvent[] } {
  const malformed: MalformedEvent[] = [];
  return { events: eventsFromWire(data, (error) => malformed.push(error)), malformed };
}

const full = recordToWire(completeCallRecord());

test.each([full, wireRecord({ writtenBy: 'router', decisionId: '', model: '', dataClass: 0 })])(
  'a record survives the way in and out, zero and absent staying apart',
  (record) => {
    const [event] = read(batchOf(callEvent(record))).events;
    expect(event?.kind === 'call' && recordToWire(event.record)).toEqual(record);
  },
);

test('a decision and its set survive the way in and out', () => {
  const decision = create(wire.DecisionRecordSchema, {
    decisionId: 'd1',
    taskId: 't1',
    setId: 's1',
    revision: 4n,
    atUnixMs: 9n,
    order: ['gpt-4'],
    skipped: [{ model: 'llama', reason: 'no worker' }],
    seed: 2n ** 64n - 1n,
    live: [{ model: 'llama', unserved: 'no key', coolingUntilUnixMs: 8n }],
    stateDigest: 'digest',
    setDecidedUnixMs: 7n,
    ignoredFields: ['foo'],
    notices: ['no reflex is nope; it is ignored'],
    client: 'acmelegal',
    taskType: 'code',
  });
  const set = create(wire.RankedSetSchema, {
    setId: 's1',
    revision: 4n,
    dataClass: wire.DataClass.SENSITIVE,
    facts: { taskType: 'code', client: 'acmelegal', priority: wire.Priority.NORMAL, inputTokens: 64 },
    candidates: [{ model: 'gpt-4', why: 'route:primary' }],
    exclusions: [{ model: 'gemini', rule: 'avoid_cloud', detail: 'API' }],
    notes: ['a note'],
    scheduleEdgeUnixMs: 77n,
    validUntilUnixMs: 99n,
    waitMs: 200,
    decidedUnixMs: 5n,
  });
  const { events, malformed } = read(
    batchOf({ case: 'decision', value: decision }, { case: 'rankedSet', value: set }, callEvent(full)),
  );
  expect(malformed).toEqual([]);
  const [first, second] = events;
  expect(first?.kind === 'decision' && decisionToWire(first.decision)).toEqual(decision);
  expect(second?.kind === 'set' && rankedSetToWire(second.set)).toEqual(set);
});

test.each([
  ['attempt id', wireRecord({ attemptId: 'a b' }), 'attempt id "a b" must be 1 to 64 of A-Z a-z 0-9 _ -'],
  ['task id', wireRecord({ taskId: '' }), 'task id "" must be 1 to 64 of A-Z a-z 0-9 _ -'],
  ['writer', wireRecord({ writtenBy: 'me' }), 'writer "me" must be one of worker, router, telemetry'],
  ['outcome', wireRecord({ outcome: '' }), 'outcome "" must be one of Success, Timeout, Blocked'],
  ['revision', wireRecord({ revision: 2n ** 60n }), `revision ${2n ** 60n} must be between 0 and 9007199254740991`],
  ['start', wireRecord({ startedUnixMs: -1n }), 'start -1 must be between 0 and 9007199254740991'],
])('a record with a bad %s is told by its kind and does not take its batch with it', (kind, bad, message) => {
  const { events, malformed } = read(batchOf(callEvent(bad), callEvent(full)));
  expect(malformed).toMatchObject([{ kind, message }]);
  expect(events).toHaveLength(1);
});

test('an intent needs a record and a deadline', () => {
  const bare = create(wire.AttemptIntentSchema, { deadlineUnixMs: 5n });
  const { malformed } = read(batchOf({ case: 'intent', value: bare }, intentEvent(full, 0)));
  expect(malformed.map(({ kind }) => kind)).toEqual(['intent', 'deadline']);
});

test('an event of a kind that a newer service speaks is left out', () => {
  expect(read(batchOf({ case: undefined }, callEvent(full)))).toMatchObject({ events: [{}], malformed: [] });
});

test('random bytes are refused or read, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      try {
        read(data);
      } catch (error) {
        expect(error).toMatchObject({ name: 'MalformedEvent', kind: 'batch' });
      }
    }),
    { numRuns: 2_000 },
  );
});

test('any flipped byte of a good batch gives events, told faults, or a refusal', () => {
  const good = batchOf(callEvent(full), intentEvent(full, 99));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const data = Uint8Array.from(good, (byte, index) => (index === at ? byte ^ flip : byte));
      try {
        const { events } = read(data);
        for (const event of events) if (event.kind === 'call') expect(writeAndRead(event.record)).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ name: 'MalformedEvent', kind: 'batch' });
      }
    }),
    { numRuns: 2_000 },
  );
});

const writeAndRead = (record: Parameters<typeof recordToWire>[0]): boolean =>
  fromBinary(wire.CallRecordSchema, toBinary(wire.CallRecordSchema, recordToWire(record))).attemptId ===
  record.attemptId;
