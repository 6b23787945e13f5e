import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskClient } from '@will/client';
import { newId } from '@will/contracts';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../policy/random.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import type { ServiceName } from '../support/process.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';
import { type End, invariants, type Logs, type TaskLine } from './checker.ts';
import { recordsIn, seenCalls } from './read-logs.ts';

// Durable tasks under load, and deaths among them: each death waits until tasks are on their way. Afterwards what callers
// were told, what the provider saw and what was recorded are compared. `WILL_DURABLE_TASKS` tasks, `WILL_DURABLE_KILLS`
// processes, `WILL_DURABLE_BUS_KILLS` servers of the bus.

const taskCount = Number(process.env['WILL_DURABLE_TASKS'] ?? 60);
const kills = Number(process.env['WILL_DURABLE_KILLS'] ?? 4);
const busKills = Number(process.env['WILL_DURABLE_BUS_KILLS'] ?? 1);
const seed = Number(process.env['WILL_DURABLE_SEED'] ?? 1);
const callMs = 100;
const atOnce = 16;
const submitters = 8;
const victims: readonly ServiceName[] = ['tasks', 'router', 'provider-worker', 'telemetry', 'policy', 'registry'];

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  upstream.script('slow', { kind: 'answer', echo: true, delayMs: callMs });
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'slow', tags: 'slow', endpoint: `${upstream.url}/v1`, concurrency: atOnce }),
        routeDocument('slow', 'slow'),
      ),
    },
    counts: { tasks: 1 },
  });
  await system.untilServed('slow');
});
afterAll(async () => {
  await system?.stop();
  await upstream.close();
});

test.each([
  { what: 'processes', deaths: kills, kill: killOneOfAll },
  { what: 'servers of the bus', deaths: busKills, kill: killBus },
])(
  `${taskCount} durable tasks and $deaths deaths of $what: each task one end, no call two records`,
  async ({ what, deaths, kill }) => {
    upstream.clear();
    const random = new Random(seed);
    const startedMs = Date.now();
    const tasks: TaskLine[] = [];
    const submitting = Promise.all(
      Array.from({ length: submitters }, async () => {
        while (tasks.length < taskCount) {
          const task = lineOf(newId());
          tasks.push(task);
          await submitSurely(system.client, task.taskId);
        }
      }),
    );
    for (let n = 0; n < deaths; n += 1) {
      await untilCalled(((n + 0.5) * taskCount) / (deaths + 1));
      await kill(random);
    }
    const inDeathsMs = Date.now() - startedMs;
    await submitting;
    await system.untilServed('slow');
    const ended = await mapLimited(tasks, readEnds);
    const logs = await untilRecorded(ended);
    expect(found('I1', logs)).toEqual([]);
    expect(found('I2', logs)).toEqual([]);
    // No call has two records. One whose intent and record were both on their way when two deaths met may have none.
    const { lost, doubled } = recordsBesideCalls(logs);
    expect(doubled).toEqual([]);
    expect(lost.length).toBeLessThanOrEqual(Math.max(2 * atOnce, taskCount / 500));
    // The one that was at work on a task died five times: it is given up, as a task that kills each process that runs it would be.
    const givenUp = ended.filter(({ ends }) => ends[0]?.code !== 'Success');
    expect(givenUp.filter(({ ends }) => ends[0]?.code !== 'all_failed')).toEqual([]);
    expect(givenUp.length).toBeLessThanOrEqual(taskCount / 1_000);
    const pickups = ended.reduce((sum, task) => sum + (task.pickups ?? 0), 0);
    process.stdout.write(
      `${taskCount} tasks, ${deaths} deaths of ${what} in ${(inDeathsMs / 1_000).toFixed(1)} s: ${taskCount - givenUp.length} succeeded, ` +
        `${pickups} pickups, ${logs.seen.length} provider calls, ${logs.records.length} records, ${lost.length} tasks with a call that has none\n`,
    );
  },
  1_800_000,
);

async function killOneOfAll(random: Random): Promise<void> {
  const service = random.pick(victims);
  await system.of(service).at(-1)?.kill();
  await system.add(service);
}

async function killBus(): Promise<void> {
  await system.nats.kill();
  await system.nats.restart();
}

const lineOf = (taskId: string): TaskLine => ({
  taskId,
  client: 'test',
  type: 'slow',
  lane: 'durable',
  startedMs: Date.now(),
  deadlineMs: Date.now() + 1_200_000,
  acceptedAs: [taskId],
  ends: [],
});

/** The service may be away: submitting again with the same id is safe. */
async function submitSurely(client: TaskClient, taskId: string): Promise<void> {
  const submission = { taskId, type: 'slow', input: taskId, priority: 'normal', timeoutMs: 1_200_000 } as const;
  for (;;) {
    const isAccepted = await client.submit(submission).then(
      () => true,
      () => false,
    );
    if (isAccepted) return;
    await pause(50);
  }
}

async function untilCalled(times: number): Promise<void> {
  while (upstream.countOf('slow') < times) await upstream.nextRequest('slow');
}

/** Twice, as two readers would. */
async function readEnds(task: TaskLine): Promise<TaskLine> {
  const ends: End[] = [];
  let pickups = 0;
  while (ends.length < 2) {
    const task_ = await system.client.task(task.taskId, { waitMs: 20_000 }).catch(() => undefined);
    if (task_?.finishedUnixMs === undefined) {
      await pause(50);
      continue;
    }
    pickups = task_.pickups;
    const { result, failure, finishedUnixMs: atMs } = task_;
    ends.push({ atMs, code: failure?.code ?? 'Success', output: failure?.message ?? result?.output ?? '' });
  }
  return { ...task, ends, pickups };
}

/** Records of what was under way when its worker died come half a minute later. */
async function untilRecorded(tasks: readonly TaskLine[]): Promise<Pick<Logs, 'tasks' | 'seen' | 'records'>> {
  const ids = new Set(tasks.map(({ taskId }) => taskId));
  const giveUpMs = Date.now() + 90_000;
  for (let round = 0; ; round += 1) {
    const logs = {
      tasks,
      seen: seenCalls(upstream),
      records: (await exportedRecords(round)).filter(({ taskId }) => ids.has(taskId)),
    };
    if (found('I5', logs).length === 0 || Date.now() > giveUpMs) return logs;
    await pause(500);
  }
}

/** Tasks with fewer records than calls of the provider, and with more answers recorded than calls, or a record twice. */
function recordsBesideCalls({ seen, records }: Pick<Logs, 'seen' | 'records'>): { lost: string[]; doubled: string[] } {
  const countsOf = (lines: readonly { readonly taskId: string }[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { taskId } of lines) counts.set(taskId, (counts.get(taskId) ?? 0) + 1);
    return counts;
  };
  const calls = countsOf(seen);
  const recorded = countsOf(records);
  const answered = countsOf(records.filter(({ status }) => status === 'Success'));
  const attempts = records.map(({ attemptId }) => attemptId);
  const once = new Set(attempts);
  return {
    lost: [...calls].filter(([taskId, times]) => times > (recorded.get(taskId) ?? 0)).map(([taskId]) => taskId),
    doubled: [
      ...[...answered].filter(([taskId, times]) => times > (calls.get(taskId) ?? 0)).map(([taskId]) => taskId),
      ...attempts.filter((attemptId) => !once.delete(attemptId)),
    ],
  };
}

const found = (invariant: 'I1' | 'I2' | 'I5', logs: Pick<Logs, 'tasks' | 'seen' | 'records'>): string[] =>
  [...invariants[invariant].check(logs as Logs)].slice(0, 5);

async function exportedRecords(round: number): Promise<Logs['records']> {
  const file = join(system.dataDir, `calls-${round}.jsonl`);
  await willmAt(system.nats.url)('logs', 'export', '--format', 'jsonl', '--out', file);
  return recordsIn(await readFile(file, 'utf8'));
}

/** A few at a time, in order. */
async function mapLimited<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  const lane = async (): Promise<void> => {
    for (const [n, item] of entries) results[n] = await work(item);
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return results;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
