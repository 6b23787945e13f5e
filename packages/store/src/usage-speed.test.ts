import { startMongoServer } from '@will/testkit';
import { expect, test } from 'vitest';
import type { CallFilter, CallLog } from './call-log.ts';
import { generatedCall } from './contract/generated-call.ts';
import { newDatabase } from './mongo/new-database.ts';
import { openMongoCallLog } from './mongo/open.ts';
import { newFile } from './sqlite/new-file.ts';
import { openCallLog } from './sqlite/open.ts';
import { dayMs, hourMs, type UsageDimension } from './usage.ts';

// WILL_USAGE_RECORDS=10000000 takes about half an hour and 6 GB of disk; everyday runs are content with fewer. A server for
// tests may hold its data in memory: WILL_USAGE_MONGODB_RECORDS=60000 makes most of the rows that ten million would.
const records = Number(process.env['WILL_USAGE_RECORDS'] ?? 10_000);
const mongoRecords = Number(process.env['WILL_USAGE_MONGODB_RECORDS'] ?? 2_000);
const batch = 500;
const days = 30;
const firstMs = Date.parse('2026-10-01T00:00:00Z');
const questions: readonly UsageDimension[][] = [
  ['model'],
  ['day', 'model'],
  ['client'],
  ['taskType', 'outcome'],
  ['hour', 'taskType'],
  [],
];

const hour = { fromMs: firstMs + 5 * dayMs, toMs: firstMs + 5 * dayMs + hourMs };
/** What an operator looks for: the first ones fit no call. The aim is 150 ms on a quiet machine. */
const rareFilters: Readonly<Record<string, CallFilter>> = {
  'client, model, outcome': { client: 'client-3', model: 'model-5', outcome: 'Blocked', taskType: 'none' },
  'client, outcome': { client: 'client-3', outcome: 'Blocked', taskType: 'none' },
  outcome: { outcome: 'Blocked' },
  type: { taskType: 'none' },
  'type, hour': { taskType: 'type-1', ...hour },
  'client, model': { client: 'client-3', model: 'model-5' },
};

/** Takes calls of a month in, asks for overviews of it, and prints how long each took: the aim is 100 ms on a quiet machine. */
async function overviews(name: string, log: CallLog, count: number): Promise<void> {
  let nanoUsd = 0n;
  const beganMs = performance.now();
  for (let number = 0; number < count; number += batch) {
    const some = Array.from({ length: Math.min(batch, count - number) }, (_, index) =>
      generatedCall(number + index, firstMs + Math.floor(((number + index) / count) * days * dayMs)),
    );
    nanoUsd += some.reduce((sum, { costNanoUsd = 0n }) => sum + costNanoUsd, 0n);
    await log.ingest(some.map((record) => ({ kind: 'call', record })));
  }
  const perSecond = Math.round(count / ((performance.now() - beganMs) / 1_000));
  const figures: Record<string, number> = {};
  for (const by of questions) {
    const question = { by, fromMs: firstMs, toMs: firstMs + days * dayMs };
    await log.usage(question);
    const askedMs = performance.now();
    const groups = await log.usage(question);
    figures[by.join(' × ') || 'all'] = Math.round(10 * (performance.now() - askedMs)) / 10;
    expect(groups.reduce((sum, { calls }) => sum + calls, 0)).toBe(count);
    expect(groups.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n)).toBe(nanoUsd);
  }
  const filters: Record<string, number> = {};
  for (const [what, filter] of Object.entries(rareFilters)) {
    await log.calls(filter, 100);
    const askedMs = performance.now();
    expect((await log.calls(filter, 100)).length).toBeLessThanOrEqual(100);
    filters[what] = Math.round(10 * (performance.now() - askedMs)) / 10;
  }
  process.stdout.write(`calls among ${count}, ${name}, ms: ${JSON.stringify(filters)}\n`);
  process.stdout.write(
    `usage of ${count} calls, ${name}, ms: ${JSON.stringify(figures)}; ${perSecond} records/s taken in\n`,
  );
}

test('SQLite: an overview of all calls comes out of the sums, and every call is in it', {
  timeout: 7_200_000,
}, async () => {
  const file = await newFile();
  const log = await openCallLog(file.path);
  try {
    await overviews('SQLite', log, records);
  } finally {
    await log.close();
    await file.remove();
  }
});

test('MongoDB: the same', { timeout: 3_600_000 }, async () => {
  const server = await startMongoServer();
  const database = newDatabase(server.uri);
  const log = await openMongoCallLog({ uri: database.uri });
  try {
    await overviews(`MongoDB (${server.name})`, log, mongoRecords);
  } finally {
    await log.close();
    await database.remove();
    await server.stop();
  }
});
