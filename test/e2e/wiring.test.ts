import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { willmAt } from '../support/willm.ts';

// What services do each minute and each hour, and what an answer waits for: nobody asks for it, so nobody misses it soon.

const dayMs = 24 * 3_600_000;
const keptDays = 40;

let upstream: ReplayingUpstream;
let system: System;
beforeAll(async () => {
  upstream = await startReplayingUpstream();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'plain', endpoint: `${upstream.url}/v1` }),
        'kind: client\nname: test\nkeep_content_hours: 2',
        routeDocument('text_gen', 'plain'),
      ),
    },
    counts: { tasks: 1 },
  });
  await system.untilServed('plain');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

/** A process whose clock is so many days ahead, a few seconds before the seventh minute of an hour. */
const ahead = (days: number): Readonly<Record<string, string>> => {
  const now = Date.now();
  const untilSeventhMinuteMs = 7 * 60_000 - (now % 3_600_000);
  return {
    NODE_OPTIONS: `--import=${fileURLToPath(new URL('../support/clock-ahead.ts', import.meta.url))}`,
    WILL_TEST_CLOCK_AHEAD_MS: String(days * dayMs + untilSeventhMinuteMs - 8_000),
  };
};

function keptContents(): number {
  const store = new DatabaseSync(join(system.dataDir, 'telemetry.sqlite'), { readOnly: true });
  try {
    return Number(store.prepare('SELECT count(*) AS n FROM contents').get()?.['n']);
  } finally {
    store.close();
  }
}

test('kept content goes after its time, and calls after their days', async () => {
  const { taskId } = await system.client.run({ type: 'text_gen', input: 'canary-kept' });
  const [call] = await callsOf(system, { taskId }, 1);
  const willm = willmAt(system.nats.url);
  const isStored = async (): Promise<boolean> => (await willm('logs', 'content', call?.attemptId ?? '')).code === 0;
  await until(isStored, 'what was said is kept');
  await system.of('telemetry')[0]?.stop();
  // A day: the row of the content goes, and is not only hidden; the call stays.
  const later = await system.add('telemetry', ahead(1));
  await until(async () => keptContents() === 0, 'content is dropped');
  expect(await callsOf(system, { taskId }, 1)).toHaveLength(1);
  await later.stop();
  const muchLater = await system.add('telemetry', ahead(keptDays));
  await until(async () => (await callsOf(system, { taskId }, 0)).length === 0, 'the call is pruned');
  await muchLater.stop();
  await system.add('telemetry');
});

test('a durable task is forgotten a month after its end', async () => {
  const { client } = system;
  const { taskId } = await client.submit({ type: 'text_gen', input: 'Hello' });
  await client.result(taskId, { timeoutMs: 20_000 });
  await system.of('tasks')[0]?.stop();
  await system.add('tasks', ahead(keptDays));
  const isForgotten = async (): Promise<boolean> =>
    client.task(taskId).then(
      () => false,
      (error: { readonly code?: string }) => error.code === 'unknown_task',
    );
  await until(isForgotten, 'the task is forgotten');
});

test('a change is in the audit log when its answer is there', async () => {
  const willm = willmAt(system.nats.url);
  const created = await willm('keys', 'create', '--client', 'test');
  expect(created.code).toBe(0);
  const id = created.out.trim().split('-')[2];
  const { out } = await willm('audit', 'ls', '--json');
  expect(JSON.parse(out)).toContainEqual(expect.objectContaining({ object: id }));
});
