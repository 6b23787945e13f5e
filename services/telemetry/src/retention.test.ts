import { join } from 'node:path';
import { dayMs, openCallLog, type CallLog, type LogEvent } from '@will/store';
import { expect, test } from 'vitest';
import { eventsFromWire } from './adapters/events-from-wire.ts';
import { Retention, type RetentionSettings } from './retention.ts';
import { batchOf, callEvent, newFolder, wireRecord } from './samples.ts';

const nowMs = Date.parse('2026-11-23T12:00:00Z');

async function onLog(body: (log: CallLog) => Promise<void>): Promise<void> {
  const folder = await newFolder();
  const log = await openCallLog(join(folder.path, 'telemetry.sqlite'));
  try {
    await body(log);
  } finally {
    await log.close();
    await folder.remove();
  }
}

const startedAt = (...starts: readonly number[]): readonly LogEvent[] =>
  eventsFromWire(
    batchOf(...starts.map((startMs) => callEvent(wireRecord({ startedUnixMs: BigInt(startMs) })))),
    (error) => {
      throw error;
    },
  );

const keep = (log: CallLog, settings: Partial<RetentionSettings>): Promise<void> =>
  new Retention(
    { log, sealing: { expire: async (beforeMs) => void (await log.expireSeals(beforeMs)) } },
    { logDays: 30, logMaxMb: 0, usageDays: 730, ...settings },
    {
      nowMs: () => nowMs,
      logger: { info: () => {} },
      onError: (_, error) => {
        throw error;
      },
    },
  ).run();

test('calls go by their age and leave their sums, which go by an age of their own', () =>
  onLog(async (log) => {
    const all = { by: [], fromMs: 0, toMs: nowMs };
    await log.ingest(startedAt(nowMs - 40 * dayMs, nowMs - 31 * dayMs, nowMs - 29 * dayMs));
    await keep(log, {});
    expect(await log.calls({}, 10)).toHaveLength(1);
    expect((await log.usage(all))[0]?.calls).toBe(3);
    await keep(log, { usageDays: 35 });
    expect((await log.usage(all))[0]?.calls).toBe(2);
  }));

test('when the log takes more than it may, the oldest go until it fits', () =>
  onLog(async (log) => {
    for (let part = 0; part < 20; part += 1)
      await log.ingest(startedAt(...Array.from({ length: 500 }, (_, n) => nowMs - 10_000 + part * 500 + n)));
    const before = await log.size();
    expect(before.bytes).toBeGreaterThan(3 * 1024 * 1024);
    await keep(log, { logMaxMb: 3 });
    const after = await log.size();
    expect(after.bytes).toBeLessThanOrEqual(3 * 1024 * 1024);
    expect(after.calls).toBeGreaterThan(2_000);
    // The newest stayed.
    expect((await log.calls({}, 1))[0]?.startedAtMs).toBe(nowMs - 1);
    expect(await log.startOfOldest(0)).toBeGreaterThan(nowMs - 10_000);
  }));
