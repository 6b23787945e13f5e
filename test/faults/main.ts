import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { invariants, type Invariant } from './checker.ts';
import { runWithFaults, type RunReport } from './run.ts';
import { faultInWords } from './schedule.ts';

/**
 * Many systems, each under the faults of its own seed, and one checker over all their logs.
 *
 *   npm run faults -- [--seed 1] [--faults 40] [--minutes 45] [--state faults.json]
 *
 * Goes on with the next seed until the time is up. With a state file, seeds that were done before are not done again.
 * Ends with a table, and with exit code 1 where an invariant broke.
 */
const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '40' },
    minutes: { type: 'string', default: '45' },
    state: { type: 'string' },
  },
});
const [firstSeed, faultCount, minutes] = [options.seed, options.faults, options.minutes].map(Number) as [
  number,
  number,
  number,
];
for (const [name, value] of Object.entries({ seed: firstSeed, faults: faultCount, minutes }))
  if (!(value > 0)) fail(`--${name} must be a number above 0`);

type Done = Pick<RunReport, 'seed' | 'violations' | 'counts'> & { readonly faults: readonly string[] };
const done: Done[] = readState();
const untilMs = Date.now() + minutes * 60_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

for (let seed = firstSeed; Date.now() < untilMs; seed += 1) {
  if (done.some((one) => one.seed === seed)) continue;
  const report = await runWithFaults(seed, faultCount);
  done.push({ ...report, faults: report.faults.map(faultInWords) });
  if (options.state !== undefined) writeFileSync(options.state, JSON.stringify(done, undefined, 1));
  const { tasks, succeeded, durable, calls } = report.counts;
  say(`seed ${seed}: ${tasks} tasks, ${succeeded} succeeded, ${durable} durable, ${calls} calls: ${verdict(report)}`);
  for (const { invariant, evidence } of report.violations) say(`  ${invariant}: ${evidence}`);
  if (report.violations.length > 0) say(`  again: npm run faults -- --seed ${seed} --faults ${faultCount} --minutes 1`);
}

say('\ninvariant  meaning                                                               broke in seeds');
for (const [invariant, { meaning }] of Object.entries(invariants)) {
  const seeds = done.filter(({ violations }) => violations.some((one) => one.invariant === (invariant as Invariant)));
  say(`${invariant.padEnd(9)}  ${meaning.padEnd(68)}  ${seeds.map(({ seed }) => seed).join(', ') || 'none'}`);
}
say('\nfault              times');
const kinds = done.flatMap(({ faults }) =>
  faults.map((fault) => fault.replace(/^[\d.]+ s: /, '').replace(/ for .*/, '')),
);
for (const kind of [...new Set(kinds)].toSorted())
  say(`${kind.padEnd(24)}  ${kinds.filter((one) => one === kind).length}`);
process.exit(done.some(({ violations }) => violations.length > 0) ? 1 : 0);

function readState(): Done[] {
  if (options.state === undefined) return [];
  try {
    return JSON.parse(readFileSync(options.state, 'utf8')) as Done[];
  } catch {
    return [];
  }
}

function verdict({ violations }: RunReport): string {
  return violations.length === 0 ? 'nothing broke' : `${violations.length} violations`;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
