import { parseArgs } from 'node:util';
import { areaNamed, areas } from './areas.ts';
import { reasonOf } from './survivors.ts';
import { type TriedMutant, tryArea } from './try-area.ts';

/**
 * Changes the code, one small thing at a time, and runs the tests that must notice.
 *
 *   npm run mutants -- [--area core,auth] [--every 10] [--offset 3] [--file chat/answer] [--list]
 *
 * A run that was interrupted goes on where it was. `--every 10` tries one mutant of ten, which estimates the score;
 * `--offset 3` takes the fourth of each ten. `--file` tries only files whose path contains it.
 * `--list` prints each mutant that no test noticed. Ends with code 1 where fewer than nine of ten were noticed.
 */
const { values: options } = parseArgs({
  options: {
    area: { type: 'string', default: areas.map(({ name }) => name).join() },
    every: { type: 'string', default: '1' },
    offset: { type: 'string', default: '0' },
    file: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
  },
});
const every = wholeNumber('every', 1);
const sample = { every, offset: wholeNumber('offset', 0, every - 1), file: options.file };
const aim = 0.9;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

for (const area of options.area.split(',').map(areaNamed)) {
  const { mutants, onceOnly } = await tryArea(area, sample);
  const tried = mutants.filter(({ end }) => end !== 'at load');
  const survivors = tried.filter(({ end }) => end !== 'noticed');
  const explained = survivors.filter((mutant) => reasonOf(mutant) !== undefined);
  const score = 1 - survivors.length / tried.length;
  say(
    `${area.name}: ${tried.length - survivors.length} of ${tried.length} mutants noticed ` +
      `(${(score * 100).toFixed(1)} %), ${survivors.length} survive, ${explained.length} of them with a reason; ` +
      `${mutants.length - tried.length} act only at load`,
  );
  for (const test of onceOnly) say(`  fails when it runs twice: ${test}`);
  if (options.list) for (const mutant of survivors) say(`  ${describe(mutant)}`);
  if (score < aim) process.exitCode = 1;
}

function wholeNumber(name: 'every' | 'offset', min: number, max = 1_000): number {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} ${options[name]} must be a whole number from ${min} to ${max}`);
}

function describe(mutant: TriedMutant): string {
  const { file, line, operator, from, to, end } = mutant;
  return `${file}:${line} ${end} ${operator}: ${short(from)} → ${short(to)} (${reasonOf(mutant) ?? 'no reason'})`;
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
