import { type ChildProcess, spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { killAndTime } from './kill-times.ts';
import { isClean, type Stalled, type StallResult, type StallRow, stalledOnes, StallWorld } from './stall-world.ts';

/**
 * Stops each process in turn while tasks run, and counts who answered them and what was paid.
 *
 *   npm run stalls -- [--only router,nats-server] [--tasks 20,100] [--busy 16] [--kills 100]
 *
 * Each is stopped for 0.15, 0.4, 1 and 2 s, once and periodically, with plain and streamed tasks. `--busy` keeps so many
 * other processes computing meanwhile. `--kills` kills so many of each kind instead, and tells how soon that was known.
 * The last line says `100 % … 0 errors`, or what failed; then the exit code is 1, as where 1 in 100 deaths was unknown for
 * more than a second.
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: stalledOnes.join(',') },
    tasks: { type: 'string', default: '20,100' },
    busy: { type: 'string', default: '0' },
    kills: { type: 'string', default: '0' },
  },
});
const maxUnknownMs = 1_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const stalled = options.only.split(',').map((name) => {
  const known = stalledOnes.find((one) => one === name);
  return known ?? fail(`--only ${name} must be some of ${stalledOnes.join(',')}`);
});
const [busy, kills] = [numberOf('busy', options.busy), numberOf('kills', options.kills)];
const taskCounts = options.tasks.split(',').map((text) => numberOf('tasks', text));

const hogs = Array.from({ length: busy }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
const world = await StallWorld.start();
let hasFailed = false;
try {
  if (kills > 0) await printKills(kills);
  else await printStalls();
} finally {
  await world.stop();
  for (const hog of hogs) endOf(hog);
}
process.exit(hasFailed ? 1 : 0);

async function printStalls(): Promise<void> {
  say('stalled          for     how           tasks             preferred  provider calls  errors  slowest');
  const results: StallResult[] = [];
  for (const row of rowsOf(stalled, taskCounts)) {
    const result = await world.run(row);
    results.push(result);
    say(line(result));
  }
  const total = results.reduce((sum, { row }) => sum + row.tasks, 0);
  const bad = results.filter((result) => !isClean(result));
  hasFailed = bad.length > 0;
  if (busy > 0) say(`load average ${loadavg()[0]?.toFixed(1)} with ${busy} others that compute`);
  if (hasFailed) {
    say('');
    for (const result of bad) say(`failed: ${line(result)}`);
    const errors = bad.reduce((sum, one) => sum + [...one.errors.values()].reduce((a, b) => a + b, 0), 0);
    const preferred = results.reduce((sum, { byPreferred }) => sum + byPreferred, 0);
    say(
      `${((100 * preferred) / total).toFixed(1)} % by the preferred model, ${errors} errors, ${bad.length} rows failed`,
    );
  } else say(`100 % of ${total} tasks answered by the preferred model, provider calls = tasks, 0 errors`);
}

async function printKills(count: number): Promise<void> {
  for (const service of ['provider-worker', 'router', 'gateway'] as const) {
    const timesMs = (await killAndTime(world.system, service, count)).toSorted((a, b) => a - b);
    const at = (share: number): string => `${Math.round(timesMs[Math.ceil(share * timesMs.length) - 1] ?? 0)} ms`;
    if ((timesMs[Math.ceil(0.99 * count) - 1] ?? 0) > maxUnknownMs) hasFailed = true;
    say(`${service}: ${count} killed, known after ${at(0.5)} (median), ${at(0.99)} (p99), ${at(1)} (max)`);
  }
}

function rowsOf(who: readonly Stalled[], counts: readonly number[]): StallRow[] {
  return who.flatMap((one) =>
    [150, 400, 1_000, 2_000].flatMap((stallMs) =>
      (['once', 'periodically'] as const).flatMap((how) =>
        counts.flatMap((tasks) =>
          [false, true].map((isStreamed) => ({ stalled: one, stallMs, how, tasks, isStreamed })),
        ),
      ),
    ),
  );
}

function line({ row, byPreferred, providerCalls, errors, maxMs }: StallResult): string {
  const tasks = `${row.tasks} ${row.isStreamed ? 'streamed' : 'plain'}`;
  const told = [...errors].map(([what, times]) => `${times} × ${what}`).join(', ');
  return [
    row.stalled.padEnd(15),
    `${row.stallMs / 1_000} s`.padEnd(6),
    row.how.padEnd(12),
    tasks.padEnd(16),
    String(byPreferred).padStart(9),
    String(providerCalls).padStart(14),
    (told || '0').padStart(6),
    `${Math.round(maxMs)} ms`.padStart(9),
  ].join('  ');
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value >= 0 ? value : fail(`--${name} ${text} must be a whole number`);
}

function endOf(hog: ChildProcess): void {
  hog.kill('SIGKILL');
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
