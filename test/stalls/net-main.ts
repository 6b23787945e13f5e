import { parseArgs } from 'node:util';
import { countFaulted, type FaultedCalls, upperBound95 } from './faulted-calls.ts';
import { netWorlds } from './net-worlds.ts';

/**
 * Disturbs the connections between processes and nats-server while tasks run, and counts what was paid twice.
 *
 *   npm run net-faults -- [--only restart,slow] [--calls 20000] [--lanes 200]
 *
 * `--only` takes parts of the names that are printed. `--calls` is how many tasks must have been under way at a fault, of
 * each kind. The exit code is 1 where some task called a provider twice.
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    calls: { type: 'string', default: '20000' },
    lanes: { type: 'string', default: '200' },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const [calls, lanes] = [numberOf('calls', options.calls), numberOf('lanes', options.lanes)];
const wanted = options.only.split(',');
const chosen = Object.entries(netWorlds).filter(([name]) => wanted.some((part) => name.includes(part)));
if (chosen.length === 0) fail(`--only ${options.only} must be in some of: ${Object.keys(netWorlds).join('; ')}`);

for (const [name, start] of chosen) {
  const world = await start();
  const startedMs = performance.now();
  try {
    const result = await countFaulted(world, { calls, lanes });
    if (result.secondCalls > 0) process.exitCode = 1;
    say(`${name}: ${told(result)}, ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  } finally {
    await world.stop();
  }
}
process.exit();

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
