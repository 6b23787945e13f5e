import { join } from 'node:path';
import type { CallRecord } from '@will/core';
import { openCallLog, StoreError, type CallLog, type LogEvent } from '@will/store';
import { factsFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { eventsFromWire } from './adapters/events-from-wire.ts';
import { batchOf, callEvent, intentEvent, newFolder, wireRecord } from './samples.ts';
import { graceMs, Telemetry, type TelemetryDeps } from './service.ts';
import { inTurn } from './turns.ts';

const read = (...kinds: Parameters<typeof batchOf>): readonly LogEvent[] =>
  eventsFromWire(batchOf(...kinds), (error) => {
    throw error;
  });

const history = { untilTaken: async () => true, erase: async () => 0 };

async function onTelemetry(
  body: (telemetry: Telemetry, log: CallLog, clock: { readUntilMs: number | undefined }) => Promise<void>,
): Promise<void> {
  const folder = await newFolder();
  const log = await openCallLog(join(folder.path, 'telemetry.sqlite'));
  const clock: { readUntilMs: number | undefined } = { readUntilMs: 0 };
  const progress = { readUntilMs: async () => clock.readUntilMs };
  try {
    const absences = { deadAmong: () => new Set(['worker-dead']) };
    await body(new Telemetry({ log, progress, history, absences, inTurn: inTurn(), onError: failOn }), log, clock);
  } finally {
    await log.close();
    await folder.remove();
  }
}
const failOn = (_: string, error: unknown): void => {
  throw error;
};

const deliveryOf = (events: readonly LogEvent[]) => ({ bytes: 100, read: () => events });

const take = (telemetry: Telemetry, events: readonly LogEvent[]): Promise<void> =>
  new Promise((resolve) => telemetry.take({ ...deliveryOf(events), done: resolve }));

test('an attempt whose end nobody saw is closed after its deadline and grace, at its reserve', () =>
  onTelemetry(async (telemetry, _, clock) => {
    const usage = {
      $typeName: 'will.v1.Usage' as const,
      inputTokens: 1_000,
      outputTokens: 500,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      cacheWriteTokens: 0,
      audioInputTokens: 0,
      audioOutputTokens: 0,
      cacheWrite1hTokens: 0,
      imageInputTokens: 0,
      imageOutputTokens: 0,
      images: 0,
      estimated: true,
    };
    const started = wireRecord({ startedUnixMs: 1_000n, usage, priceInput: 2_000_000n, priceOutput: 4_000_000n });
    await take(telemetry, read(intentEvent(started, 61_000)));
    clock.readUntilMs = 61_000 + graceMs;
    expect(await telemetry.sweep()).toBe(0);
    clock.readUntilMs += 1;
    expect(await telemetry.sweep()).toBe(1);
    expect(await telemetry.sweep()).toBe(0);
    expect(await telemetry.calls({ limit: 0 })).toMatchObject([
      {
        attemptId: started.attemptId,
        outcome: 'Timeout',
        status: 'Unknown',
        durationMs: 60_000,
        costNanoUsd: 4_000n,
        writtenBy: 'telemetry',
      },
    ]);
  }));

test('an attempt whose worker died is closed without waiting for the end of a long deadline', () =>
  onTelemetry(async (telemetry, _, clock) => {
    const [ofDead, ofLiving] = ['worker-dead', 'worker-2'].map((workerId) =>
      wireRecord({ startedUnixMs: 1_000n, workerId }),
    ) as [ReturnType<typeof wireRecord>, ReturnType<typeof wireRecord>];
    await take(telemetry, read(intentEvent(ofDead, 86_400_000), intentEvent(ofLiving, 86_400_000)));
    clock.readUntilMs = 41_000;
    expect(await telemetry.sweep()).toBe(1);
    expect(await telemetry.calls({ limit: 0 })).toMatchObject([
      { attemptId: ofDead.attemptId, status: 'Unknown', durationMs: 40_000 },
    ]);
    await take(telemetry, read(callEvent(ofLiving)));
  }));

test('a record that comes after all takes the place of Unknown', () =>
  onTelemetry(async (telemetry, _, clock) => {
    const record = wireRecord();
    await take(telemetry, read(intentEvent(record, 2_000)));
    clock.readUntilMs = 100_000;
    expect(await telemetry.sweep()).toBe(1);
    await take(telemetry, read(callEvent(record)));
    expect(await telemetry.sweep()).toBe(0);
    expect(await telemetry.calls({ limit: 0 })).toMatchObject([{ outcome: 'Success', writtenBy: 'worker' }]);
  }));

test('time does not pass while nobody knows how far the stream was read', () =>
  onTelemetry(async (telemetry, log, clock) => {
    await take(telemetry, read(intentEvent(wireRecord(), 2_000)));
    clock.readUntilMs = undefined;
    expect(await telemetry.sweep()).toBe(0);
    expect(await log.openIntents(Number.MAX_SAFE_INTEGER, 10)).toHaveLength(1);
  }));

test('thousands of open attempts are closed in one sweep', () =>
  onTelemetry(async (telemetry, _, clock) => {
    await take(telemetry, read(...Array.from({ length: 1_234 }, () => intentEvent(wireRecord(), 2_000))));
    clock.readUntilMs = 100_000;
    expect(await telemetry.sweep()).toBe(1_234);
  }));

test('a delivery is done only after its batch was committed', () =>
  onTelemetry(async (telemetry, log) => {
    const seen: number[] = [];
    const deliveries = Array.from({ length: 40 }, () => read(callEvent(wireRecord())));
    await Promise.all(
      deliveries.map(async (events) => {
        await take(telemetry, events);
        seen.push((await log.calls({ taskId: taskOf(events) }, 10)).length);
      }),
    );
    expect(seen).toEqual(deliveries.map(() => 1));
  }));

const taskOf = ([event]: readonly LogEvent[]): string => (event?.kind === 'call' ? event.record.taskId : '');

test('a delivery that could not be stored is not done, and the error is told', async () => {
  const told: unknown[] = [];
  const full = new StoreError('full', 'the disk is full');
  const log = { ingest: () => Promise.reject(full) } as unknown as CallLog;
  const deps: TelemetryDeps = {
    log,
    progress: { readUntilMs: async () => 0 },
    history,
    absences: { deadAmong: () => new Set() },
    inTurn: inTurn(),
    onError: (_, error) => told.push(error),
  };
  const telemetry = new Telemetry(deps);
  let isDone = false;
  telemetry.take({ ...deliveryOf(read(callEvent(wireRecord()))), done: () => (isDone = true) });
  await telemetry.drain();
  expect({ isDone, told }).toEqual({ isDone: false, told: [full] });
});

test('draining stores what was still gathered', () =>
  onTelemetry(async (telemetry, log) => {
    let isDone = false;
    telemetry.take({ ...deliveryOf(read(callEvent(wireRecord()))), done: () => (isDone = true) });
    await telemetry.drain();
    expect(isDone).toBe(true);
    expect(await log.calls({}, 10)).toHaveLength(1);
  }));

test.each([
  [{ limit: 1_001 }, 'limit 1001 must be between 1 and 1000, or 0 for 20'],
  [{ limit: -1 }, 'limit -1 must be between 1 and 1000, or 0 for 20'],
  [{ limit: 5, fromMs: 9, toMs: 8 }, 'from 9 must not be after to 8'],
  [{ limit: 5, outcome: 'success' }, 'outcome "success" must be one of Success, Timeout, Blocked'],
])('the question %o is refused and the message says what was allowed', (question, message) =>
  onTelemetry(async (telemetry) => {
    await expect(telemetry.calls(question)).rejects.toMatchObject({ name: 'QuestionError', message });
  }),
);

test('without a limit twenty calls come', () =>
  onTelemetry(async (telemetry) => {
    await take(telemetry, read(...Array.from({ length: 25 }, () => callEvent(wireRecord()))));
    expect(await telemetry.calls({ limit: 0 })).toHaveLength(20);
    expect((await telemetry.calls({ limit: 1_000, outcome: 'Success' })) satisfies readonly CallRecord[]).toHaveLength(
      25,
    );
  }));

test('a decision that is not known, or not named, is refused in words', () =>
  onTelemetry(async (telemetry) => {
    await expect(telemetry.decision({})).rejects.toThrow('a decision id or a task id is needed');
    await expect(telemetry.decision({ taskId: 'x' })).rejects.toThrow('no decision is known of "x"');
  }));

test('the facts of late decisions are told, and a question without an instant is refused', () =>
  onTelemetry(async (telemetry, log) => {
    const facts = factsFor({ taskType: 'code', client: 'acme' });
    const set = {
      revision: 1,
      facts,
      dataClass: 'open',
      candidates: [],
      exclusions: [],
      notes: [],
      scheduleEdgeMs: undefined,
      validUntilMs: 0,
      decidedAtMs: 0,
      waitMs: 200,
    } as const;
    const decided = {
      taskId: 't',
      setId: 's',
      revision: 1,
      order: [],
      skipped: [],
      seed: 1n,
      live: [],
      stateDigest: 'empty',
      setDecidedAtMs: 0,
      client: 'acme',
      taskType: 'code',
    };
    await log.ingest([
      { kind: 'set', set: { setId: 's', set } },
      { kind: 'decision', decision: { ...decided, decisionId: 'early', atMs: 5 } },
      { kind: 'decision', decision: { ...decided, decisionId: 'late', atMs: 10 } },
    ]);
    expect(await telemetry.recentFacts(6)).toEqual({ recent: [{ facts, decisions: 1 }], isPartial: false });
    await expect(telemetry.recentFacts(undefined)).rejects.toThrow('an instant is needed');
  }));

test('an erasure takes what is under way first, and without that erases nothing', async () => {
  const done: string[] = [];
  const state = { isTaken: false };
  const telemetry = new Telemetry({
    log: { erase: async () => (done.push('calls'), done.length > 2 ? 0 : 1_000) } as unknown as CallLog,
    progress: { readUntilMs: async () => 0 },
    history: {
      untilTaken: async () => state.isTaken,
      erase: async (client) => (done.push(`events of ${client}`), 3),
    },
    absences: { deadAmong: () => new Set() },
    inTurn: inTurn(),
    onError: failOn,
  });
  await expect(telemetry.erase('gone')).rejects.toThrow(/nothing was erased, try again/);
  expect(done).toEqual([]);
  state.isTaken = true;
  expect(await telemetry.erase('gone')).toEqual({ calls: 2_000, batches: 3 });
  expect(done).toEqual(['calls', 'calls', 'calls', 'events of gone']);
});
