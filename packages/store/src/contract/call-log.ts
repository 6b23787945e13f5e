import { writerRank, type CallRecord } from '@will/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallFilter, CallLog, LogEvent } from '../call-log.ts';
import { onStore, type Place } from './place.ts';
import { sealContract } from './seals.ts';
import { blockedRecord, callRecord, decision, intent, namedSet } from './samples.ts';

const call = (record: CallRecord): LogEvent => ({ kind: 'call', record });
const open = (attemptId: string, deadlineMs: number): LogEvent => ({
  kind: 'intent',
  intent: intent(attemptId, deadlineMs),
});

const allTime = { fromMs: 0, toMs: 10_000_000_000 };
const hour = 3_600_000;

/** What every call log promises. */
export function callLogContract(newPlace: () => Promise<Place<CallLog>>): void {
  test('a record comes out as it went in, with and without its optional fields', () =>
    onStore(newPlace, async (log) => {
      const full = callRecord({ attemptId: 'full', startedAtMs: 2 });
      const bare = blockedRecord({ attemptId: 'bare', startedAtMs: 1 });
      expect(await log.ingest([call(full), call(bare)])).toEqual({ added: 2, replaced: 0 });
      expect(await log.calls({}, 10)).toEqual([full, bare]);
    }));

  test('money wider than a JavaScript number is kept to the last digit', () =>
    onStore(newPlace, async (log) => {
      const dear = callRecord({ costNanoUsd: 2n ** 62n + 1n });
      await log.ingest([call(dear)]);
      expect(await log.calls({}, 1)).toEqual([dear]);
    }));

  test('the HTTP status and code of a provider’s failure come out as they went in', () =>
    onStore(newPlace, async (log) => {
      const failed = callRecord({
        status: 'Invalid',
        outcome: 'Blocked',
        httpStatus: 400,
        vendorCode: 'invalid_value',
      });
      await log.ingest([call(failed)]);
      expect(await log.calls({}, 1)).toEqual([failed]);
    }));

  test('a price with all its parts, and rare kinds of tokens, come out as they went in', () =>
    onStore(newPlace, async (log) => {
      const rich = callRecord({
        usage: {
          inputTokens: 900,
          outputTokens: 80,
          cachedInputTokens: 20,
          reasoningTokens: 5,
          cacheWriteTokens: 7,
          cacheWrite1hTokens: 3,
          audioInputTokens: 8,
          audioOutputTokens: 9,
          imageInputTokens: 10,
          imageOutputTokens: 11,
          images: 2,
          estimated: true,
        },
        price: {
          input: 1_250_000_000,
          output: 10_000_000_000,
          cachedInput: 125_000_000,
          cacheWrite1h: 2_500_000_000,
          imageInput: 3_000_000_000,
          image: 40_000_000,
          request: 5,
          tiers: [{ aboveInputTokens: 200_000, input: 2_500_000_000 }],
        },
      });
      await log.ingest([call(rich)]);
      expect(await log.calls({}, 1)).toEqual([rich]);
    }));

  test('the worker has the last word on an attempt, then the router, then telemetry', () =>
    onStore(newPlace, async (log) => {
      const telemetry = callRecord({ writtenBy: 'telemetry', status: 'Unknown' });
      const router = callRecord({ writtenBy: 'router', status: 'WorkerLost' });
      const worker = callRecord({ writtenBy: 'worker' });
      expect(await log.ingest([call(telemetry)])).toEqual({ added: 1, replaced: 0 });
      expect(await log.ingest([call(router)])).toEqual({ added: 0, replaced: 1 });
      expect(await log.ingest([call(worker)])).toEqual({ added: 0, replaced: 1 });
      expect(await log.ingest([call(router), call(telemetry), call(worker)])).toEqual({ added: 0, replaced: 0 });
      expect(await log.calls({}, 10)).toEqual([worker]);
    }));

  test('of equal writers the first record stays', () =>
    onStore(newPlace, async (log) => {
      await log.ingest([call(callRecord({ durationMs: 1 })), call(callRecord({ durationMs: 2 }))]);
      await log.ingest([call(callRecord({ durationMs: 3 }))]);
      expect(await log.calls({}, 10)).toEqual([callRecord({ durationMs: 1 })]);
    }));

  test('an intent is open until a record of its attempt is there, and stays closed when it is repeated', () =>
    onStore(newPlace, async (log) => {
      await log.ingest([open('a', 100), open('b', 50), open('c', 200)]);
      const ids = async (): Promise<unknown> => (await log.openIntents(150, 10)).map(({ record }) => record.attemptId);
      expect(await ids()).toEqual(['b', 'a']);
      await log.ingest([call(callRecord({ attemptId: 'a' }))]);
      await log.ingest([open('a', 100)]);
      expect(await ids()).toEqual(['b']);
      expect(await log.openIntents(50, 10)).toEqual([]);
      expect(await log.openIntents(1_000, 1)).toHaveLength(1);
    }));

  test('an open intent comes out as it went in', () =>
    onStore(newPlace, async (log) => {
      const told = { record: callRecord({ attemptId: 'x', writtenBy: 'router' }), deadlineMs: 5 };
      await log.ingest([{ kind: 'intent', intent: told }]);
      expect(await log.openIntents(6, 1)).toEqual([told]);
    }));

  test('an intent whose record is in the same batch is never open, in whichever order they stand', () =>
    onStore(newPlace, async (log) => {
      const before = [open('a', 1), call(callRecord({ attemptId: 'a' }))];
      const after = [call(callRecord({ attemptId: 'b' })), open('b', 1)];
      await log.ingest([...before, ...after]);
      expect(await log.openIntents(1_000, 10)).toEqual([]);
    }));

  test('a decision is found by its id, and the newest one by its task, with the set it was made of', () =>
    onStore(newPlace, async (log) => {
      const first = decision({ atMs: 1 });
      const second = decision({ decisionId: 'decision-2', atMs: 2, setId: 'set-2' });
      await log.ingest([
        { kind: 'decision', decision: second },
        { kind: 'decision', decision: first },
        { kind: 'set', set: namedSet() },
      ]);
      expect(await log.decision({ decisionId: 'decision-1' })).toEqual({ decision: first, set: namedSet() });
      expect(await log.decision({ taskId: 'task-1' })).toEqual({ decision: second, set: undefined });
      await log.ingest([{ kind: 'set', set: namedSet('set-2') }]);
      expect(await log.decision({ taskId: 'task-1' })).toEqual({ decision: second, set: namedSet('set-2') });
      expect(await log.decision({ taskId: 'task-9' })).toBeUndefined();
    }));

  test('repeated decisions and sets change nothing', () =>
    onStore(newPlace, async (log) => {
      const events: LogEvent[] = [
        { kind: 'decision', decision: decision() },
        { kind: 'set', set: namedSet() },
      ];
      await log.ingest([...events, ...events]);
      await log.ingest([{ kind: 'decision', decision: decision({ order: ['other'] }) }]);
      expect(await log.decision({ taskId: 'task-1' })).toEqual({ decision: decision(), set: namedSet() });
    }));

  test('calls come newest first, and no more than asked for', () =>
    onStore(newPlace, async (log) => {
      const at = (startedAtMs: number): LogEvent => call(callRecord({ attemptId: `at-${startedAtMs}`, startedAtMs }));
      await log.ingest([at(2), at(3)]);
      await log.ingest([at(1), at(4)]);
      expect((await log.calls({}, 3)).map(({ startedAtMs }) => startedAtMs)).toEqual([4, 3, 2]);
      expect((await log.calls({ fromMs: 2, toMs: 4 }, 10)).map(({ startedAtMs }) => startedAtMs)).toEqual([3, 2]);
    }));

  const filters: readonly CallFilter[] = [
    { client: 'other' },
    { project: 'other' },
    { model: 'other' },
    { taskType: 'other' },
    { outcome: 'Timeout' },
    { reflex: 'other' },
    { taskId: 'other' },
    { decisionId: 'other' },
  ];
  test.each(filters)('calls are found by %o, alone and together with all the other fields', (filter) =>
    onStore(newPlace, async (log) => {
      const wanted = callRecord({ attemptId: 'wanted', ...filter });
      await log.ingest([call(callRecord({ attemptId: 'unwanted' })), call(wanted)]);
      expect(await log.calls(filter, 10)).toEqual([wanted]);
      expect(await log.calls({ ...allOf(callRecord()), ...filter }, 10)).toEqual([wanted]);
    }),
  );

  test('everything is still there when the log is opened again', () =>
    onStore(newPlace, async (log, reopen) => {
      await log.ingest([call(callRecord()), open('b', 5)]);
      const again = await reopen();
      expect(await again.calls({}, 10)).toEqual([callRecord()]);
      expect(await again.openIntents(6, 10)).toHaveLength(1);
    }));

  test('any order, repetition and batching of events leaves the same log', () =>
    onStore(newPlace, async (log) => {
      let round = 0;
      const property = fc.asyncProperty(
        fc.array(fc.array(attemptEvent, { maxLength: 8 }), { maxLength: 6 }),
        async (batches) => {
          round += 1;
          const client = `client-${round}`;
          for (const batch of batches) await log.ingest(batch.map((event) => eventOf(event, client)));
          const stored = await log.calls({ client }, 1_000);
          expect(Object.fromEntries(stored.map(({ attemptId, writtenBy }) => [attemptId, writtenBy]))).toEqual(
            Object.fromEntries(bestOf(batches.flat(), client)),
          );
          const intents = await log.openIntents(Number.MAX_SAFE_INTEGER, 100_000);
          const mine = intents.map(({ record }) => record).filter((record) => record.client === client);
          expect(mine.map(({ attemptId }) => attemptId).sort()).toEqual(openOf(batches.flat(), client));
        },
      );
      await fc.assert(property, { numRuns: 200 });
    }));

  test('pages follow each other without a gap or a repeat, also among calls that started at once', () =>
    onStore(newPlace, async (log) => {
      const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
      const starts = [1, 2, 2, 2, 2, 3, 3];
      await log.ingest(ids.map((attemptId, n) => call(callRecord({ attemptId, startedAtMs: starts[n] ?? 0 }))));
      const seen: string[] = [];
      let page = await log.calls({ client: 'acmelegal' }, 2);
      while (page.length > 0) {
        seen.push(...page.map(({ attemptId }) => attemptId));
        const behind = page.at(-1) as CallRecord;
        page = await log.calls({ client: 'acmelegal', behind }, 2);
      }
      expect(seen).toEqual([...ids].reverse());
    }));

  test('what is older than an instant goes in parts, with its decisions, sets and intents; the sums stay', () =>
    onStore(newPlace, async (log) => {
      const at = (atMs: number): LogEvent[] => {
        const ids = { attemptId: `at-${atMs}`, taskId: `task-${atMs}`, decisionId: `d-${atMs}` };
        const { set } = namedSet();
        return [
          call(callRecord({ ...ids, startedAtMs: atMs })),
          { kind: 'decision', decision: decision({ ...ids, atMs, setId: `set-${atMs}` }) },
          { kind: 'set', set: { setId: `set-${atMs}`, set: { ...set, validUntilMs: atMs + 5 } } },
          open(`open-${atMs}`, atMs),
        ];
      };
      await log.ingest([10, 20, 30, 100].flatMap(at));
      expect(await log.startOfOldest(0)).toBe(10);
      expect(await log.startOfOldest(2)).toBe(30);
      expect(await log.startOfOldest(4)).toBeUndefined();
      expect((await log.size()).calls).toBe(4);
      expect((await log.size()).bytes).toBeGreaterThan(0);
      expect(await log.prune(50, 2)).toBe(4);
      expect(await log.prune(50, 2)).toBe(2);
      expect(await log.prune(50, 2)).toBe(0);
      expect((await log.calls({}, 10)).map(({ attemptId }) => attemptId)).toEqual(['at-100']);
      expect(await log.decision({ decisionId: 'd-30' })).toBeUndefined();
      expect(await log.decision({ decisionId: 'd-100' })).toMatchObject({ set: { setId: 'set-100' } });
      expect((await log.openIntents(1_000, 10)).map(({ deadlineMs }) => deadlineMs)).toEqual([100]);
      expect((await log.usage({ by: [], ...allTime }))[0]?.calls).toBe(4);
      expect(await log.pruneSums(24 * hour - 1)).toBeGreaterThan(0);
      expect((await log.usage({ by: ['day'], ...allTime }))[0]?.calls).toBe(4);
      expect(await log.pruneSums(24 * hour)).toBeGreaterThan(0);
      expect(await log.usage({ by: ['day'], ...allTime })).toEqual([]);
    }));

  test('of an erased client nothing is left, and of the others everything', () =>
    onStore(newPlace, async (log) => {
      const of = (client: string): LogEvent[] => {
        const { set } = namedSet();
        const ids = { client, taskId: `task-${client}`, decisionId: `d-${client}` };
        return [
          call(callRecord({ ...ids, attemptId: `1-${client}` })),
          call(callRecord({ ...ids, attemptId: `2-${client}` })),
          { kind: 'decision', decision: decision({ ...ids, setId: `s-${client}` }) },
          { kind: 'set', set: { setId: `s-${client}`, set: { ...set, facts: { ...set.facts, client } } } },
          { kind: 'intent', intent: { record: callRecord({ client, attemptId: `3-${client}` }), deadlineMs: 1 } },
        ];
      };
      await log.ingest([...of('gone'), ...of('stays')]);
      expect(await log.erase('gone', 1)).toBe(1);
      expect(await log.erase('gone', 10)).toBe(1);
      expect(await log.erase('gone', 10)).toBe(0);
      expect((await log.calls({}, 10)).map(({ client }) => client)).toEqual(['stays', 'stays']);
      expect(await log.decision({ taskId: 'task-gone' })).toBeUndefined();
      expect(await log.decision({ taskId: 'task-stays' })).toMatchObject({ set: { setId: 's-stays' } });
      expect((await log.openIntents(10, 10)).map(({ record }) => record.client)).toEqual(['stays']);
      expect((await log.recentFacts(0, 10, 10)).recent.map(({ facts }) => facts.client)).toEqual(['stays']);
      const clients = await log.usage({ by: ['client'], ...allTime });
      expect(clients.map(({ client, calls }) => [client, calls])).toEqual([['stays', 2]]);
      expect((await log.usage({ by: ['model'], ...allTime }))[0]?.calls).toBe(4);
    }));

  test('what was said in a call is kept until its time, the first of an attempt; an erased client’s goes at once', () =>
    onStore(newPlace, async (log) => {
      const kept = (attemptId: string, untilMs: number, client = 'acmelegal') => ({
        attemptId,
        taskId: 'task-1',
        client,
        inputKind: 'chat',
        input: '{"messages":[]}',
        output: 'Grüße',
        isCut: false,
        untilMs,
      });
      await log.keepContent(kept('a', 10));
      await log.keepContent({ ...kept('a', 99), output: 'other' });
      await log.keepContent(kept('b', 20));
      await log.keepContent(kept('c', 30, 'gone'));
      expect(await log.content('a')).toEqual(kept('a', 10));
      expect(await log.content('x')).toBeUndefined();
      expect(await log.dropContent(10)).toBe(1);
      expect(await log.content('a')).toBeUndefined();
      expect(await log.content('b')).toEqual(kept('b', 20));
      await log.erase('gone', 10);
      expect(await log.content('c')).toBeUndefined();
    }));

  test('the facts of late decisions are told once each, with how often, the newest first', () =>
    onStore(newPlace, async (log) => {
      const of = (taskType: string, setId: string): LogEvent => {
        const { set } = namedSet();
        const facts = { ...set.facts, taskType, project: undefined };
        return { kind: 'set', set: { setId, set: { ...set, facts } } };
      };
      const decided = (decisionId: string, setId: string, atMs: number): LogEvent => ({
        kind: 'decision',
        decision: decision({ decisionId, setId, atMs }),
      });
      // Two sets of different revisions have the same facts; one set never came.
      await log.ingest([of('text_gen', 'a'), of('text_gen', 'a2'), of('code', 'b'), of('ocr', 'old')]);
      await log.ingest([
        decided('1', 'a', 100),
        decided('2', 'a2', 101),
        decided('3', 'a2', 102),
        decided('4', 'b', 103),
        decided('5', 'old', 99),
        decided('6', 'lost', 104),
      ]);
      const { recent, isPartial } = await log.recentFacts(100, 100, 100);
      expect(recent.map(({ facts, decisions }) => [facts.taskType, decisions])).toEqual([
        ['code', 1],
        ['text_gen', 3],
      ]);
      expect(recent[0]?.facts).toEqual({ ...namedSet().set.facts, taskType: 'code', project: undefined });
      expect(isPartial).toBe(false);
      expect((await log.recentFacts(100, 2, 100)).isPartial).toBe(true);
      expect(await log.recentFacts(100, 100, 2)).toMatchObject({ recent: [{ decisions: 1 }], isPartial: true });
      expect((await log.recentFacts(100, 100, 4)).isPartial).toBe(false);
      expect(await log.recentFacts(105, 100, 100)).toEqual({ recent: [], isPartial: false });
    }));

  sealContract(newPlace);
}

/** A filter that states every field. */
const allOf = (record: CallRecord): CallFilter => ({
  client: record.client,
  project: record.project ?? '',
  model: record.model ?? '',
  taskType: record.taskType,
  outcome: record.outcome,
  reflex: record.reflex ?? '',
  taskId: record.taskId,
  decisionId: record.decisionId ?? '',
  fromMs: record.startedAtMs,
  toMs: record.startedAtMs + 1,
});

interface AttemptEvent {
  readonly attempt: number;
  readonly what: 'intent' | CallRecord['writtenBy'];
}
const attemptEvent: fc.Arbitrary<AttemptEvent> = fc.record({
  attempt: fc.nat(4),
  what: fc.constantFrom('intent', 'worker', 'router', 'telemetry'),
});

const idOf = (client: string, attempt: number): string => `${client}-${attempt}`;

function eventOf({ attempt, what }: AttemptEvent, client: string): LogEvent {
  const attemptId = idOf(client, attempt);
  if (what !== 'intent') return call(callRecord({ attemptId, client, writtenBy: what }));
  return { kind: 'intent', intent: { record: callRecord({ attemptId, client, writtenBy: 'router' }), deadlineMs: 1 } };
}

function bestOf(events: readonly AttemptEvent[], client: string): ReadonlyMap<string, string> {
  const best = new Map<string, CallRecord['writtenBy']>();
  for (const { attempt, what } of events) {
    if (what === 'intent') continue;
    const present = best.get(idOf(client, attempt));
    if (!present || writerRank(what) > writerRank(present)) best.set(idOf(client, attempt), what);
  }
  return best;
}

function openOf(events: readonly AttemptEvent[], client: string): unknown {
  const of = (isIntent: boolean): Set<string> =>
    new Set(events.filter(({ what }) => (what === 'intent') === isIntent).map(({ attempt }) => idOf(client, attempt)));
  return [...of(true).difference(of(false))].sort();
}
