import { parseArgs } from 'node:util';
import { countFaulted, type FaultedCalls, upperBound95 } from './faulted-calls.ts';
import { cutCables } from './cable-cuts.ts';
import { whyNoCable } from './cable.ts';
import { runWithLittleCpu } from './little-cpu.ts';
import { netWorlds } from './net-worlds.ts';

/**
 * Disturbs the connections between processes and nats-server while tasks run, and counts what was paid twice.
 *
 *   npm run net-faults -- [--only restart,slow] [--calls 20000] [--lanes 200] [--cuts 5] [--cpu-calls 10000]
 *
 * `--only` takes parts of the names that are printed. `--calls` is how many tasks must have been under way at a fault, of
 * each kind. `--cuts` is how often the cable of a worker is cut, and `--cpu-calls` how many calls a worker with a tenth of
 * a processor makes. The exit code is 1 where a task called a provider twice without a cut cable, or a worker was taken for
 * dead that had little of a processor.
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    calls: { type: 'string', default: '20000' },
    lanes: { type: 'string', default: '200' },
    cuts: { type: 'string', default: '5' },
    'cpu-calls': { type: 'string', default: '10000' },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const [calls, lanes] = [numberOf('calls', options.calls), numberOf('lanes', options.lanes)];
const [cuts, cpuCalls] = [numberOf('cuts', options.cuts), numberOf('cpu-calls', options['cpu-calls'])];
const kinds: Readonly<Record<string, () => Promise<void>>> = {
  ...Object.fromEntries(Object.keys(netWorlds).map((name) => [name, () => printFaulted(name)])),
  'cable cut': printCuts,
  'little processor time': printLittleCpu,
};
const wanted = options.only.split(',');
const chosen = Object.entries(kinds).filter(([name]) => wanted.some((part) => name.includes(part)));
if (chosen.length === 0) fail(`--only ${options.only} must be in some of: ${Object.keys(kinds).join('; ')}`);

for (const [, print] of chosen) await print();
process.exit();

async function printFaulted(name: string): Promise<void> {
  const world = await (netWorlds[name] ?? fail(`no world ${name}`))();
  const startedMs = performance.now();
  try {
    const result = await countFaulted(world, { calls, lanes });
    if (result.secondCalls > 0) process.exitCode = 1;
    say(`${name}: ${told(result)}, ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  } finally {
    await world.stop();
  }
}

async function printCuts(): Promise<void> {
  const why = whyNoCable();
  if (why !== undefined) return say(`cable cut: left out, since ${why}`);
  await cutCables(cuts, say);
}

async function printLittleCpu(): Promise<void> {
  const { falseDeaths, secondCalls, line } = await runWithLittleCpu(cpuCalls);
  if (falseDeaths > 0 || secondCalls > 0) process.exitCode = 1;
  say(line);
}

function told({ faulted, faults, tasks, answered, secondCalls, notPreferred, errors }: FaultedCalls): string {
  const bound = secondCalls === 0 ? ` (95 %: below ${(100 * upperBound95(faulted)).toPrecision(2)} %)` : '';
  const wrong = [...errors].map(([what, times]) => `${times} × ${what}`).join(', ');
  return [
    `${secondCalls} second calls in ${faulted} faulted calls${bound}`,
    `${faults} faults`,
    `${answered} of ${tasks} tasks answered`,
    `${notPreferred} calls of another model`,
    `callers were told: ${wrong || 'no error'}`,
  ].join(', ');
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : fail(`--${name} ${text} must be a whole number above 0`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
