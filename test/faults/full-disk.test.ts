import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newId } from '@will/contracts';
import { type NatsServer, type ReplayingUpstream, startNatsServer, startReplayingUpstream } from '@will/testkit';
import { expect, test } from 'vitest';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';
import { type Logs, type TaskLine, violationsIn } from './checker.ts';
import { recordsIn, seenCalls } from './read-logs.ts';
import { documentsOf, rulesOf } from './world.ts';

// The disk of the nats-server fills up, is enlarged, and the server is started again, as the operations page says. Its
// store is on a tmpfs of its own, which shrinks to what is used and grows again: nothing else on the machine fills.

const run = promisify(execFile);
const client = 'one';
const timeoutMs = 120_000;
/** What the streams reserve is more than it ever holds; a tmpfs takes memory only for what is written. */
const roomy = '8g';
const submissionsWhileFull = 40;
/** Each is far more than the rest of the last page that is free. */
const largeInput = 'x'.repeat(32_000);

type Line = TaskLine & {
  readonly acceptedAs: string[];
  readonly ends: { atMs: number; code: string; output: string }[];
};

test('a full disk of the bus loses no accepted task, and all goes on once there is room and it was started again', async ({
  skip,
}) => {
  const disk = await mountSmallDisk();
  if (typeof disk === 'string') return skip(`no tmpfs can be mounted here: ${disk}`);
  let upstream: ReplayingUpstream | undefined;
  let nats: NatsServer | undefined;
  let system: System | undefined;
  try {
    upstream = await startReplayingUpstream();
    for (const model of ['flaky', 'steady', 'capped'])
      upstream.script(model, { kind: 'answer', echo: true, delayMs: 20, chunks: 1, gapMs: 0 });
    nats = await startNatsServer({ storeFolder: disk.folder });
    system = await startSystem({ documents: documentsOf(upstream.url), natsUrl: nats.url, counts: { tasks: 1 } });
    await system.untilServed('flaky', 'steady');
    const lines: Line[] = [];
    const before = await submitAll(system, lines, 10);
    expect(before.accepted, 'with room, all are accepted').toBe(10);

    await disk.fill();
    const full = await submitAll(system, lines, submissionsWhileFull);
    const freeBytes = await disk.freeBytes();
    expect(freeBytes, 'the disk was full').toBeLessThan(largeInput.length);
    process.stdout.write(`full disk: the slowest submission was answered after ${full.slowestMs.toFixed(0)} ms\n`);

    await disk.grow();
    await nats.kill();
    await nats.restart();
    const calmMs = Date.now();
    await system.untilServed('flaky', 'steady');
    const after = await submitUntilAccepted(system, lines);
    expect(after, 'submissions are accepted again').toBeLessThan(60_000);
    await readEnds(system, lines);

    const violations = await untilClean(system, upstream, lines, calmMs);
    process.stdout.write(
      `full disk: ${freeBytes} bytes were free; of ${submissionsWhileFull} submissions ${full.accepted} were accepted, the slowest answer took ${full.slowestMs} ms; accepted again after ${after} ms\n`,
    );
    expect(violations).toEqual([]);
  } finally {
    await disk.grow();
    await system?.stop();
    await nats?.stop();
    await upstream?.close();
    await disk.unmount();
  }
});

interface SmallDisk {
  readonly folder: string;
  /** Leaves no more room than what is used. */
  fill(): Promise<void>;
  grow(): Promise<void>;
  freeBytes(): Promise<number>;
  unmount(): Promise<void>;
}

/** A disk, or why there is none. */
async function mountSmallDisk(): Promise<SmallDisk | string> {
  const folder = await mkdtemp(join(tmpdir(), 'will-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${roomy}`, 'tmpfs', folder]);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    return (error as Error).message.trim();
  }
  const resize = async (size: string): Promise<void> =>
    void (await run('mount', ['-o', `remount,size=${size}`, folder]));
  return {
    folder,
    async fill() {
      // What is written between the look and the change makes it fail: it is looked again.
      for (let left = 20; ; left -= 1) {
        const { blocks, bfree, bsize } = await statfs(folder);
        try {
          return await resize(String((blocks - bfree) * bsize));
        } catch (error) {
          if (left === 0) throw error;
        }
      }
    },
    grow: () => resize(roomy),
    async freeBytes() {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    async unmount() {
      await run('umount', [folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Submits so many tasks, ten at once. Each that is refused stays in the log, as one that was never accepted. */
async function submitAll(
  system: System,
  lines: Line[],
  count: number,
): Promise<{ readonly accepted: number; readonly slowestMs: number }> {
  let accepted = 0;
  let slowestMs = 0;
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const startedMs = Date.now();
      if (await submit(system, lines)) accepted += 1;
      slowestMs = Math.max(slowestMs, Date.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: 10 }, lane));
  return { accepted, slowestMs };
}

async function submit(system: System, lines: Line[]): Promise<boolean> {
  const taskId = newId();
  const startedMs = Date.now();
  const deadlineMs = startedMs + timeoutMs;
  const line: Line = {
    taskId,
    client,
    type: 'plain',
    lane: 'durable',
    startedMs,
    deadlineMs,
    acceptedAs: [],
    ends: [],
  };
  lines.push(line);
  // The upstream answers with the input, so that the head of it names the task.
  const accepted = await system.client
    .submit({ client, taskId, type: 'plain', input: `${taskId} ${largeInput}`, priority: 'normal', timeoutMs })
    .catch(() => undefined);
  if (accepted) line.acceptedAs.push(accepted.taskId);
  return accepted !== undefined;
}

/** How long it took until one was accepted, in milliseconds. */
async function submitUntilAccepted(system: System, lines: Line[]): Promise<number> {
  const startedMs = Date.now();
  while (!(await submit(system, lines))) {
    if (Date.now() - startedMs > 60_000) break;
    await pause(200);
  }
  return Date.now() - startedMs;
}

/** Reads the end of each accepted task twice. */
async function readEnds(system: System, lines: readonly Line[]): Promise<void> {
  const untilMs = Date.now() + 75_000;
  const readers = lines
    .filter(({ acceptedAs }) => acceptedAs.length > 0)
    .map(async ({ taskId, ends }) => {
      while (ends.length < 2 && Date.now() < untilMs) {
        const found = await system.client.task(taskId, { client, waitMs: 5_000 }).catch(() => undefined);
        if (found?.finishedUnixMs === undefined) await pause(200);
        else
          ends.push({
            atMs: found.finishedUnixMs,
            code: found.failure?.code ?? 'Success',
            output: found.failure?.message ?? headOf(found.result?.output ?? ''),
          });
      }
    });
  await Promise.all(readers);
}

/** What breaks, and the tasks that did not succeed; records may take a moment to arrive. */
async function untilClean(
  system: System,
  upstream: ReplayingUpstream,
  lines: readonly Line[],
  calmMs: number,
): Promise<readonly string[]> {
  const giveUpMs = Date.now() + 30_000;
  for (let round = 0; ; round += 1) {
    const logs = await logsOf(system, upstream, { lines, calmMs, round });
    const found = violationsIn(logs).map(({ invariant, evidence }) => `${invariant}: ${evidence}`);
    const failed = lines.flatMap(({ taskId, ends }) =>
      ends.some(({ code }) => code !== 'Success') ? [`${taskId} failed: ${ends[0]?.code} ${ends[0]?.output}`] : [],
    );
    if (found.length + failed.length === 0 || Date.now() > giveUpMs) return [...found, ...failed];
    await pause(500);
  }
}

async function logsOf(
  system: System,
  upstream: ReplayingUpstream,
  { lines, calmMs, round }: { readonly lines: readonly Line[]; readonly calmMs: number; readonly round: number },
): Promise<Logs> {
  const file = join(system.dataDir, `full-disk-${round}.jsonl`);
  const willm = willmAt(system.nats.url);
  await willm('logs', 'export', '--format', 'jsonl', '--out', file);
  const audit = await willm('audit', 'verify');
  const text = await readFile(file, 'utf8').catch(() => '');
  return {
    rules: rulesOf(1),
    tasks: lines,
    seen: seenCalls(upstream).map((call) => ({ ...call, taskId: headOf(call.taskId) })),
    records: recordsIn(text),
    cooldowns: [],
    used: {},
    calmMs,
    auditFault: audit.code === 0 ? '' : audit.err + audit.out,
    leaks: [],
  };
}

const headOf = (text: string): string => text.split(' ')[0] ?? '';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
