import { parseArgs } from 'node:util';
import { startAdminWorld } from './admin-world.ts';
import { prepareEdits, runEdits } from './edits.ts';

/**
 * Random edits of documents on recorded traffic: the tasks that the preview says move are those that move, at the money
 * that it says.
 *
 *   npm run console:edits -- [--edits 100] [--seed 1]
 *
 * Exit code 1: a set of moved tasks was another one, or the money was more than 2 % off.
 */
const { values } = parseArgs({
  options: { edits: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
});
const world = await startAdminWorld();
try {
  await prepareEdits(world);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const figures = await runEdits(world, Number(values.edits), Number(values.seed), say);
  say(JSON.stringify(figures, undefined, 2));
  process.exitCode = figures.wrong.length === 0 && figures.worstMoneyShare <= 0.02 ? 0 : 1;
} finally {
  await world.stop();
}
