import { parseArgs } from 'node:util';
import { runStorm, shownFigures } from './storm.ts';

/**
 * Rules on data under faults: random registries over the real bus while workers, routers and policy are stopped,
 * continued, killed and restarted, and documents are applied, removed and renamed.
 *
 *   npm run storm -- [--worlds 200] [--tasks 100] [--freeze-ms 2000] [--seed 1]
 *
 * Exit code 1: a call was forbidden by every rule in force at its start, or began for a task that was over.
 */
const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '200' },
    tasks: { type: 'string', default: '100' },
    'freeze-ms': { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
  },
});
const figures = await runStorm({
  worlds: Number(values.worlds),
  tasksPerWorld: Number(values.tasks),
  maxFreezeMs: Number(values['freeze-ms']),
  seed: Number(values.seed),
  say: (line) => process.stdout.write(`${line}\n`),
});
for (const wrong of [...figures.forbidden, ...figures.afterEnd].slice(0, 20)) process.stdout.write(`${wrong}\n`);
process.stdout.write(`${JSON.stringify(shownFigures(figures))}\n`);
process.exitCode = figures.forbidden.length + figures.afterEnd.length === 0 ? 0 : 1;
