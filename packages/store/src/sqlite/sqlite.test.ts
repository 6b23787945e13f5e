import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { callRecord, newTask } from '../contract/samples.ts';
import { newFile } from './new-file.ts';
import { openCallLog, openDocumentStore, openTaskStore } from './open.ts';

async function onFile(body: (path: string) => Promise<void>): Promise<void> {
  const file = await newFile();
  try {
    await body(file.path);
  } finally {
    await file.remove();
  }
}

test('a second instance on the same file refuses to start and names the file', () =>
  onFile(async (path) => {
    const first = await openTaskStore(path);
    const message = `${path} is in use by another instance; one file serves one process`;
    await expect(openTaskStore(path)).rejects.toMatchObject({ name: 'StoreError', code: 'locked', message });
    await first.insert(newTask());
    await first.close();
    const second = await openTaskStore(path);
    expect(await second.get('acmelegal', 'task-1')).toBeDefined();
    await second.close();
  }));

test('a killed process leaves every answered write behind, and no lock', () =>
  onFile(async (path) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./killed-writer.ts', import.meta.url)), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'readable');
    await expect(openTaskStore(path)).rejects.toMatchObject({ code: 'locked' });
    let answered = 0;
    for await (const line of createInterface(child.stdout)) {
      answered = Number(line);
      if (answered > 20) child.kill('SIGKILL');
    }
    await exited;
    const store = await openTaskStore(path);
    expect((await store.list({}, 100_000)).length).toBeGreaterThanOrEqual(answered);
    await store.close();
  }));

test('a file of another kind is refused and left alone', () =>
  onFile(async (path) => {
    await (await openDocumentStore(path)).close();
    const refused = { code: 'unavailable', message: `${path} holds documents, not calls` };
    await expect(openCallLog(path)).rejects.toMatchObject(refused);
    const again = await openDocumentStore(path);
    expect((await again.current()).revision).toBe(0);
    await again.close();
  }));

test('a file of a newer release is refused', () =>
  onFile(async (path) => {
    await (await openCallLog(path)).close();
    withRaw(path, (database) => database.exec('UPDATE store_schema SET version = 99'));
    await expect(openCallLog(path)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('has schema 99') as unknown,
    });
  }));

const withoutColumns = (...names: string[]): string =>
  names.map((name) => `ALTER TABLE calls DROP COLUMN ${name}`).join('; ');
const columnsAfterSums = [
  'http_status',
  'vendor_code',
  'cache_write_1h_tokens',
  'image_input_tokens',
  'image_output_tokens',
  'cost_tags',
  'unsealed_ms',
];
const withoutSeals = 'DROP INDEX calls_by_outcome; DROP TABLE seal_groups; DROP TABLE seals; DROP INDEX calls_unsealed';

const oldStatus = 'ALTER TABLE calls RENAME COLUMN status TO fine';

const withoutPrices = `${withoutSeals}; `.concat(
  withoutColumns(
    'cache_write_tokens',
    'audio_input_tokens',
    'audio_output_tokens',
    'images',
    'price_more',
    ...columnsAfterSums,
  ),
  `; ${oldStatus}; DROP TABLE rollups; DROP TABLE contents`,
);

test.each([
  ['documents', openDocumentStore, 'versions_by_revision', 2, ''],
  ['calls', openCallLog, 'decisions_by_time', 13, withoutPrices],
] as const)(
  'a file of %s that the first release wrote is brought up to date and keeps what it holds',
  (_, open, index, version, undo) =>
    onFile(async (path) => {
      await (await open(path)).close();
      // As the first release left it: its schema is ours without what came later.
      const old = new DatabaseSync(path);
      old.exec(`DROP INDEX ${index}; ${undo}; UPDATE store_schema SET version = 1`);
      old.close();
      await (await open(path)).close();
      const now = new DatabaseSync(path);
      expect(now.prepare('SELECT version FROM store_schema').get()).toEqual({ version });
      expect(now.prepare('SELECT name FROM sqlite_schema WHERE name = ?').get(index)).toEqual({ name: index });
      now.close();
    }),
);

test('the sums of calls that were there before sums were kept are those that would have been kept', () =>
  onFile(async (path) => {
    const log = await openCallLog(path);
    const records = Array.from({ length: 60 }, (_, index) =>
      callRecord({
        attemptId: `attempt-${index}`,
        client: `client-${index % 3}`,
        model: index % 7 === 0 ? undefined : `model-${index % 4}`,
        outcome: index % 5 === 0 ? 'Timeout' : 'Success',
        costNanoUsd: index % 6 === 0 ? undefined : 10n ** BigInt(index % 17),
        usage: index % 8 === 0 ? undefined : callRecord().usage,
        durationMs: index ** 3,
        startedAtMs: index * 1_000_000,
      }),
    );
    await log.ingest(records.map((record) => ({ kind: 'call', record })));
    const questions = (
      [
        ['hour', 'model', 'taskType', 'outcome'],
        ['hour', 'taskType', 'outcome'],
        ['day', 'model'],
        ['day', 'client', 'model'],
      ] as const
    ).map((by) => ({ by, fromMs: 0, toMs: 1e9 }));
    const kept = await Promise.all(questions.map((question) => log.usage(question)));
    await log.close();
    withRaw(path, (database) =>
      database.exec(
        `${withoutSeals}; DROP TABLE contents; DROP TABLE rollups; ${withoutColumns(...columnsAfterSums)}; ${oldStatus}; UPDATE store_schema SET version = 3`,
      ),
    );
    const again = await openCallLog(path);
    expect(await Promise.all(questions.map((question) => again.usage(question)))).toEqual(kept);
    expect(kept.flat().reduce((sum, { calls }) => sum + calls, 0)).toBe(240);
    await again.close();
  }));

test('a file of before a plain field of calls gets its column, and its calls are without it', () =>
  onFile(async (path) => {
    const log = await openCallLog(path);
    await log.ingest([{ kind: 'call', record: callRecord() }]);
    await log.close();
    withRaw(path, (database) => database.exec(withoutColumns('finish', 'http_status')));
    const again = await openCallLog(path);
    const later = callRecord({ attemptId: 'later', startedAtMs: 2_000_000, httpStatus: 429 });
    await again.ingest([{ kind: 'call', record: later }]);
    expect(await again.calls({}, 2)).toEqual([later, callRecord({ finish: undefined })]);
    await again.close();
    await (await openCallLog(path)).close();
  }));

test('a file that is no database is reported as corrupt', () =>
  onFile(async (path) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'this is no database'.repeat(1_000));
    await expect(openCallLog(path)).rejects.toMatchObject({ code: 'corrupt' });
  }));

test('a folder that cannot be made is reported with the path', async () => {
  await expect(openCallLog('/dev/null/calls.sqlite')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('/dev/null/calls.sqlite') as unknown,
  });
});

test('files are in write-ahead mode, so that tools can read them while they are in use', () =>
  onFile(async (path) => {
    const log = await openCallLog(path);
    await log.ingest([{ kind: 'call', record: callRecord() }]);
    withRaw(path, (database) => {
      expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
      expect(database.prepare('SELECT count(*) AS calls FROM calls').get()).toEqual({ calls: 1 });
    });
    await log.close();
  }));

test('closing waits for what was begun, may be repeated, and what comes later is refused', () =>
  onFile(async (path) => {
    const store = await openTaskStore(path);
    const inserts = Array.from({ length: 600 }, (_, index) =>
      store.insert(newTask({ taskId: `task-${index}`, idempotencyKey: `key-${index}` })),
    );
    const closed = Promise.all([store.close(), store.close()]);
    await expect(store.get('acmelegal', 'task-1')).rejects.toMatchObject({ code: 'unavailable' });
    expect(new Set((await Promise.all(inserts)).map(({ kind }) => kind))).toEqual(new Set(['inserted']));
    await closed;
  }));

test('a request that fails undoes only its own writes, though it shares a transaction', () =>
  onFile(async (path) => {
    const store = await openDocumentStore(path);
    const change = { upserts: [], removals: [], author: 'ada', note: '', atMs: 1 };
    // The first keeps the thread busy, so that the others go over together.
    const ends = await Promise.allSettled([
      store.commit({ ...change, expectedRevision: 0 }),
      store.commit({ ...change, expectedRevision: 1 }),
      store.commit({ ...change, expectedRevision: 1 }),
      store.commit({ ...change, expectedRevision: 2 }),
    ]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect((await store.current()).revision).toBe(3);
    await store.close();
  }));

function withRaw(path: string, body: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(path);
  try {
    body(database);
  } finally {
    database.close();
  }
}
