import { readFile, readlink } from 'node:fs/promises';

export interface Measured {
  readonly calls: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  /** Processor time per call in µs, by process name. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** Of the machine's time, what processes took that are not of the run. */
  readonly foreignShare: number;
}

/** Runs `call` over and over, `concurrency` at once, for some time after a warm-up. */
export async function measure(
  call: () => Promise<unknown>,
  options: {
    concurrency: number;
    seconds: number;
    warmupCalls: number;
    pids: Readonly<Record<string, number>>;
    /** All processes of the run. Default: `pids` and this one. */
    everybody?: Readonly<Record<string, number>>;
  },
): Promise<Measured> {
  for (let done = 0; done < options.warmupCalls; done += options.concurrency) {
    await Promise.allSettled(Array.from({ length: options.concurrency }, call));
  }
  const everybody = options.everybody ?? { ...options.pids, load: process.pid };
  const [before, machineBefore] = [await cpuOf(options.pids), await machineOf(everybody)];
  const startedMs = performance.now();
  const endMs = startedMs + options.seconds * 1000;
  const times: number[] = [];
  let failed = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const from = performance.now();
      try {
        await call();
        times.push(performance.now() - from);
      } catch {
        failed += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, loop));
  const seconds = (performance.now() - startedMs) / 1000;
  const [after, machineAfter] = [await cpuOf(options.pids), await machineOf(everybody)];
  times.sort((a, b) => a - b);
  return {
    calls: times.length,
    failed,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    perSecond: times.length / seconds,
    cpuUs: Object.fromEntries(
      Object.keys(options.pids).map((name) => [
        name,
        ((after[name] ?? 0) - (before[name] ?? 0)) / Math.max(1, times.length),
      ]),
    ),
    foreignShare: Math.max(
      0,
      (machineAfter.foreignUs - machineBefore.foreignUs) / (machineAfter.totalUs - machineBefore.totalUs),
    ),
  };
}

export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

/** Clock ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const tickUs = 10_000;

async function cpuOf(pids: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const entries = Object.entries(pids).map(async ([name, pid]) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // The name in parentheses may hold spaces; the fields after it are counted from the state.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [name, (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickUs] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Resident memory in MiB by process name. */
export async function memoryOf(pids: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const entries = Object.entries(pids).map(async ([name, pid]) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    return [name, Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Memory in MiB that processes take together: what is each one's own, and the pages of each program once, which all
 * processes that run it share. The sum of {@link memoryOf} counts Node's program as often as there are processes.
 */
export async function memoryTogether(pids: Readonly<Record<string, number>>): Promise<number> {
  const programKiB = new Map<string, number>();
  let ownKiB = 0;
  for (const pid of Object.values(pids)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const program = await readlink(`/proc/${pid}/exe`).catch(() => '');
    const kiB = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    ownKiB += kiB('RssAnon') + kiB('RssShmem');
    programKiB.set(program, Math.max(programKiB.get(program) ?? 0, kiB('RssFile')));
  }
  return Math.round([...programKiB.values()].reduce((sum, one) => sum + one, ownKiB) / 1024);
}

/** Time of all cores since the machine started, and what of it others used than the processes of the run. */
async function machineOf(
  everybody: Readonly<Record<string, number>>,
): Promise<{ readonly totalUs: number; readonly foreignUs: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8').catch(() => '')).split('\n');
  // user, nice, system, idle, iowait, irq, softirq, steal; guests are within user.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, count) => sum + count, 0);
  const unused = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  const unique = Object.fromEntries([...new Set(Object.values(everybody))].map((pid) => [pid, pid]));
  const ownUs = Object.values(await cpuOf(unique)).reduce((sum, us) => sum + us, 0);
  return { totalUs: total * tickUs, foreignUs: (total - unused) * tickUs - ownUs };
}

const stableShare = 0.03;
const maxWarmUpMs = 120_000;

/** Calls until so many went, or until the CPU per call stays the same for three seconds: the engine compiles what is hot. */
export async function warmUp(
  call: () => Promise<unknown>,
  { calls, pids }: { readonly calls: number; readonly pids: Readonly<Record<string, number>> },
): Promise<void> {
  const endMs = performance.now() + maxWarmUpMs;
  let done = 0;
  let last: number[] = [];
  while (done < calls && performance.now() < endMs) {
    const measured = await measure(call, { concurrency: 32, seconds: 1, warmupCalls: 0, pids });
    done += measured.calls;
    last = [...last, Object.values(measured.cpuUs).reduce((sum, us) => sum + us, 0)].slice(-4);
    const isStable = last.length === 4 && Math.max(...last) - Math.min(...last) < stableShare * Math.max(...last);
    if (measured.calls === 0 || isStable) return;
  }
}
