import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ReplayingUpstream, type SeenRequest, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// Telemetry and the nats-server are killed again and again under load; what the upstream saw is what the log holds.
// WILL_RECORDS_ROUNDS=50 kills each of them 50 times.

const rounds = Number(process.env['WILL_RECORDS_ROUNDS'] ?? 1);
const tasksBetween = 50;
const atOnce = 8;

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Counted', endpoint, tags: 'text_gen' }),
        routeDocument('text_gen', 'Counted'),
      ),
    },
  });
  await system.untilServed('counted');
  upstream.script('counted', { kind: 'answer', chunks: 3, gapMs: 10 });
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

test('records are the upstream’s own log, one to one, through kills of telemetry and of the nats-server', {
  timeout: 60_000 + rounds * 20_000,
}, async () => {
  const { done, failed } = await loadThroughKills();
  const { seen, recorded, records, summed } = await untilSettled();
  process.stdout.write(
    `${rounds} kills of each: ${done} tasks done, ${failed} failed at their caller; ${upstream.requests.length} calls seen by the upstream, ${records} records with those that never reached it\n`,
  );
  expect(recorded).toEqual(seen);
  expect(upstream.requests.length).toBeGreaterThanOrEqual(done);
  expect(summed).toBe(records);
});

interface Load {
  readonly done: number;
  /** As tasks may while the server is away. */
  readonly failed: number;
}

/** Runs tasks, eight at once, and kills meanwhile; ends after the last round. */
async function loadThroughKills(): Promise<Load> {
  const load = { done: 0, failed: 0, isOver: false };
  let number = 0;
  const runner = async (): Promise<void> => {
    while (!load.isOver) {
      const taskId = `task-${number++}`;
      const task = { type: 'text_gen', taskId, input: taskId, timeoutMs: 20_000 };
      const isDone = await system.client.run(task).then(
        () => true,
        () => false,
      );
      load[isDone ? 'done' : 'failed'] += 1;
      // While the server is away all would fail at once.
      if (!isDone) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const runners = Array.from({ length: atOnce }, runner);
  const further = async (): Promise<void> => {
    const until = load.done + tasksBetween;
    while (load.done < until) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  for (let round = 0; round < rounds; round += 1) {
    await further();
    await killTelemetry();
    await further();
    await killServer();
  }
  await further();
  load.isOver = true;
  await Promise.all(runners);
  return load;
}

async function killTelemetry(): Promise<void> {
  await system.of('telemetry').at(-1)?.kill();
  await system.add('telemetry');
}

async function killServer(): Promise<void> {
  await system.nats.kill();
  await system.nats.restart();
}

const taskOf = ({ body }: SeenRequest): string => /task-\d+/.exec(JSON.stringify(body))?.[0] ?? 'unknown';

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

interface Line {
  readonly task_id: string;
  readonly attempt_id: string;
  readonly written_by: string;
}

/**
 * Calls by task, as the upstream saw them and as workers recorded them, and how many records there are in all beside what
 * the sums say; as soon as all agree, at the latest after 30 s. A call whose caller was told of the lost server may still
 * reach the upstream after it.
 */
async function untilSettled() {
  const giveUpMs = performance.now() + 30_000;
  for (let exports = 0; ; exports += 1) {
    const lines = await exported(join(system.dataDir, `calls-${exports}.jsonl`));
    // An attempt that never reached the upstream is the router's to record.
    const recorded = countBy(lines.filter((line) => line.written_by === 'worker').map((line) => line.task_id));
    const seen = countBy(upstream.requests.map(taskOf));
    const summed = await callsInSums();
    const isSettled = summed === lines.length && isDeepStrictEqual(seen, recorded);
    if (isSettled || performance.now() > giveUpMs) return { seen, recorded, records: lines.length, summed };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function exported(file: string): Promise<readonly Line[]> {
  await willmAt(system.nats.url)('logs', 'export', '--format', 'jsonl', '--model', 'counted', '--out', file);
  const texts = (await readFile(file, 'utf8')).split('\n').filter((text) => text !== '');
  const lines = texts.map((text) => JSON.parse(text) as Line);
  expect(new Set(lines.map((line) => line.attempt_id)).size).toBe(lines.length);
  return lines;
}

async function callsInSums(): Promise<number> {
  const { out } = await willmAt(system.nats.url)('usage', '--by', 'model', '--model', 'counted', '--json');
  const { groups } = JSON.parse(out) as { groups: readonly { calls: number }[] };
  return groups[0]?.calls ?? 0;
}
