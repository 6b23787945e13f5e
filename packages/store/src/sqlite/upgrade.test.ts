import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { callRecord, intent, namedSet, newTask } from '../contract/samples.ts';
import { newFile } from './new-file.ts';
import { openCallLog, openDocumentStore, openTaskStore } from './open.ts';

// Files as the first release wrote them (schema 1), as SQL. This release brings them up to date when it opens them.

async function onOldFile(kind: 'calls' | 'documents' | 'tasks', body: (path: string) => Promise<void>): Promise<void> {
  const file = await newFile();
  try {
    mkdirSync(dirname(file.path), { recursive: true });
    const database = new DatabaseSync(file.path);
    database.exec(readFileSync(new URL(`./__fixtures__/${kind}-of-the-first-release.sql`, import.meta.url), 'utf8'));
    expect(database.prepare('SELECT version FROM store_schema').get()).toEqual({ version: 1 });
    database.close();
    await body(file.path);
  } finally {
    await file.remove();
  }
}

test('a call log of the first release keeps every call, decision and intent, and gets its sums', () =>
  onOldFile('calls', async (path) => {
    const log = await openCallLog(path);
    const late = callRecord({
      attemptId: 'attempt-2',
      taskId: 'task-2',
      client: 'globex',
      outcome: 'Timeout',
      status: 'Deadline',
      costNanoUsd: undefined,
      price: undefined,
      usage: undefined,
      startedAtMs: 90_000_000,
    });
    expect(await log.calls({}, 10)).toEqual([late, callRecord()]);
    expect(await log.decision({ taskId: 'task-1' })).toMatchObject({
      decision: { decisionId: 'decision-1', seed: 2n ** 63n + 1n, order: ['gpt-4', 'llama'] },
      set: { setId: 'set-1', set: { facts: namedSet().set.facts } },
    });
    expect((await log.openIntents(6, 10)).map(({ record }) => record.attemptId)).toEqual(['attempt-3']);
    const usage = await log.usage({ by: ['client'], fromMs: 0, toMs: 1e9 });
    const sums = usage.map(({ client, calls, costNanoUsd, unknownCosts }) => [
      client,
      calls,
      costNanoUsd,
      unknownCosts,
    ]);
    expect(sums).toEqual([
      ['acmelegal', 1, 1_234_567n, 0],
      ['globex', 1, 0n, 1],
    ]);
    // And it goes on.
    const again = [
      { kind: 'intent', intent: intent('new', 9) } as const,
      { kind: 'call', record: callRecord() } as const,
    ];
    expect(await log.ingest(again)).toEqual({ added: 0, replaced: 0 });
    expect(await log.erase('acmelegal', 10)).toBe(1);
    expect(await log.decision({ taskId: 'task-1' })).toBeUndefined();
    await log.close();
  }));

test('documents of the first release keep their revisions', () =>
  onOldFile('documents', async (path) => {
    const store = await openDocumentStore(path);
    expect(await store.current()).toMatchObject({ revision: 2, documents: [{ revision: 2, author: 'ada' }] });
    expect((await store.history('route', 'code')).map(({ document }) => document?.body)).toMatchObject([
      { steps: [{ model: 'new' }] },
      { steps: [{ model: 'old' }] },
    ]);
    const change = { upserts: [], removals: [], author: 'bob', note: '', atMs: 9 };
    expect(await store.commit({ ...change, expectedRevision: 2 })).toBe(3);
    await store.close();
  }));

test('tasks of the first release go on where they were', () =>
  onOldFile('tasks', async (path) => {
    const store = await openTaskStore(path);
    expect(await store.get('acmelegal', 'task-1')).toMatchObject({
      ...newTask({ project: '' }),
      state: 'running',
      fence: 1,
    });
    const ending = { client: 'acmelegal', taskId: 'task-1', fence: 1, atMs: 5, result: Uint8Array.of(1) };
    expect(await store.finish({ ...ending, state: 'succeeded' })).toMatchObject({ kind: 'finished' });
    await store.close();
  }));
