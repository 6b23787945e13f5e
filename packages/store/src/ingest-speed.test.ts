import { startMongoServer } from '@will/testkit';
import { expect, test } from 'vitest';
import type { CallLog } from './call-log.ts';
import { generatedCall } from './contract/generated-call.ts';
import { newDatabase } from './mongo/new-database.ts';
import { openMongoCallLog } from './mongo/open.ts';
import { newFile } from './sqlite/new-file.ts';
import { openCallLog } from './sqlite/open.ts';

// WILL_INGEST_SECONDS=60 is the full size, with the bound. Everyday runs share their machine with others: they hold only what
// a record costs, and that none is lost.
const seconds = Number(process.env['WILL_INGEST_SECONDS'] ?? 1);
const isFullSize = seconds >= 60;
const perBatch = 500;
const nowMs = Date.parse('2026-11-23T00:00:00Z');

interface Figures {
  readonly perSecond: number;
  readonly slowestSecond: number;
  readonly cpuUsPerRecord: number;
  readonly records: number;
}

/** Takes batches in one after the other, as telemetry does, for so many seconds. */
async function ingestFor(log: CallLog): Promise<Figures> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const bySecond: number[] = [];
  let records = 0;
  for (let elapsedMs = 0; elapsedMs < seconds * 1_000; elapsedMs = performance.now() - began) {
    const batch = Array.from({ length: perBatch }, (_, index) => generatedCall(records + index, nowMs + records));
    await log.ingest(batch.map((record) => ({ kind: 'call', record })));
    records += perBatch;
    const second = Math.floor(elapsedMs / 1_000);
    bySecond[second] = (bySecond[second] ?? 0) + perBatch;
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: Math.round(records / ((performance.now() - began) / 1_000)),
    slowestSecond: Math.min(...Array.from(bySecond, (count) => count ?? 0)),
    cpuUsPerRecord: Math.round((10 * (user + system)) / records) / 10,
    records,
  };
}

async function measured(name: string, log: CallLog): Promise<Figures> {
  const figures = await ingestFor(log);
  const [all] = await log.usage({ by: [], fromMs: 0, toMs: nowMs * 2 });
  expect(all?.calls).toBe(figures.records);
  process.stdout.write(`records taken in for ${seconds} s, ${name}: ${JSON.stringify(figures)}\n`);
  return figures;
}

test('SQLite takes in 20,000 records a second, sums and indexes included', { timeout: 600_000 }, async () => {
  const file = await newFile();
  const log = await openCallLog(file.path);
  try {
    const { perSecond, cpuUsPerRecord } = await measured('SQLite', log);
    expect(cpuUsPerRecord).toBeLessThan(1_000);
    if (isFullSize) expect(perSecond).toBeGreaterThan(20_000);
  } finally {
    await log.close();
    await file.remove();
  }
});

test('MongoDB takes in what its server can; the figure tells which one it was', { timeout: 600_000 }, async () => {
  const server = await startMongoServer();
  const database = newDatabase(server.uri);
  const log = await openMongoCallLog({ uri: database.uri });
  try {
    const { perSecond } = await measured(`MongoDB (${server.name})`, log);
    expect(perSecond).toBeGreaterThan(isFullSize ? 50 : 0);
  } finally {
    await log.close();
    await database.remove();
    await server.stop();
  }
});
