import { limitCpu } from './cpu-limit.ts';
import { upperBound95 } from './faulted-calls.ts';
import { startWorld } from './net-worlds.ts';

const share = 0.1;
const lanes = 8;
const answerMs = 50;
const timeoutMs = 60_000;

/** What became of calls of a worker that has a tenth of a processor. */
export interface LittleCpu {
  readonly calls: number;
  /** Attempts that were given up as their worker seemed dead, and tasks that ended so. */
  readonly falseDeaths: number;
  /** Provider calls beyond the first of a task. */
  readonly secondCalls: number;
  /** Tasks without an answer, whatever they were told. */
  readonly unanswered: number;
  readonly line: string;
}

export async function runWithLittleCpu(calls: number): Promise<LittleCpu> {
  const world = await startWorld({ counts: { 'provider-worker': 1 } }, { answerMs });
  const [worker] = world.system.of('provider-worker');
  if (!worker) throw new Error('no worker was started');
  const limit = await limitCpu(worker.pid, share);
  const errors = new Map<string, number>();
  const tookMs: number[] = [];
  let [falseDeaths, begun] = [0, 0];
  const one = async (): Promise<void> => {
    const startedMs = performance.now();
    try {
      const { attempts } = await world.system.client.run({ type: 'text_gen', input: 'hello', timeoutMs: timeoutMs });
      if (attempts.some(({ status }) => status === 'WorkerLost')) falseDeaths += 1;
      tookMs.push(performance.now() - startedMs);
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === 'worker_lost') falseDeaths += 1;
      errors.set(`${code}`, (errors.get(`${code}`) ?? 0) + 1);
    }
  };
  const lane = async (): Promise<void> => {
    while (begun < calls) {
      begun += 1;
      await one();
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
    const unanswered = calls - tookMs.length;
    const secondCalls = Math.max(0, world.upstream.requests.length - calls);
    const sorted = tookMs.toSorted((a, b) => a - b);
    const at = (part: number): string => `${Math.round(sorted[Math.ceil(part * sorted.length) - 1] ?? 0)} ms`;
    const bound = falseDeaths === 0 ? ` (95 %: below ${(100 * upperBound95(calls)).toPrecision(2)} %)` : '';
    const told = [...errors].map(([what, times]) => `${times} × ${what}`).join(', ') || 'no error';
    const line =
      `worker with ${share} of a processor by ${limit.how}: ${falseDeaths} false deaths in ${calls} calls${bound}, ` +
      `${secondCalls} second calls, callers were told: ${told}, answers after ${at(0.5)} (median), ${at(0.99)} (p99)`;
    return { calls, falseDeaths, secondCalls, unanswered, line };
  } finally {
    // Else it would take ten times as long to end.
    await worker.kill();
    await limit.remove();
    await world.stop();
  }
}
