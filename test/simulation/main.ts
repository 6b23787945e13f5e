import { parseArgs } from 'node:util';
import { worlds } from './worlds.ts';
import { Violation } from './virtual-time.ts';

/**
 * Runs the simulated faults over many seeds; ends at the first that finds something, and tells what happened.
 *
 *   npm run simulate:faults -- [--seeds 10000] [--from 1] [--world limits] [--all]
 *
 * `--all` goes on after a seed that found something, and lists them.
 */
const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    world: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const chosen = Object.entries(worlds).filter(([name]) => options.world === undefined || name === options.world);
if (chosen.length === 0) throw new Error(`--world ${options.world} must be one of ${Object.keys(worlds).join(', ')}`);
const from = Number(options.from);

for (const [name, { simulate }] of chosen) {
  const startedMs = performance.now();
  const found: number[] = [];
  for (let seed = from; seed < from + Number(options.seeds); seed += 1) {
    try {
      await simulate(seed);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (!options.all) {
        say(`${name}: ${error.message}`);
        process.exit(1);
      }
      found.push(seed);
      say(`${name}, seed ${seed}: ${error.message.split('\n')[0]}`);
      process.exitCode = 1;
    }
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  say(`${name}: seeds ${from} to ${from + Number(options.seeds) - 1}, ${found.length} found something, ${seconds} s`);
}
