import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Area, root } from './areas.ts';
import { instrument, type Mutant } from './instrument.ts';
import { KnownResults, resultsFolder } from './known.ts';
import type { Run, RunLine } from './run.ts';

/** `at load`: it acts only when its module is loaded, which is before a test could choose it. */
export type End = 'noticed' | 'survived' | 'not met' | 'at load';

export interface TriedMutant extends Mutant {
  readonly end: End;
}

export interface TriedArea {
  readonly mutants: readonly TriedMutant[];
  /** Tests that try no mutants, since they fail when they run twice. */
  readonly onceOnly: readonly string[];
}

/** The mutants of an area that are tried. */
export interface Sample {
  /** Of so many mutants one is tried. */
  readonly every: number;
  /** Which of them: 0 is the first. */
  readonly offset: number;
  /** Only in files whose path contains it. */
  readonly file: string;
}

/** Quick tests try mutants first: what they notice costs the slow ones nothing. Slower tests than these try none. */
const slowestMs = [20, 200, 5_000];

const saveEveryMs = 5_000;

/**
 * Runs the tests of an area with each mutant that was not noticed before. What is noticed is kept within seconds.
 */
export async function tryArea(area: Area, { every, offset, file }: Sample): Promise<TriedArea> {
  const { code, mutants: all } = await instrument(area);
  const isTried = (mutant: Mutant, index: number): boolean => index % every === offset && mutant.file.includes(file);
  const mutants = all.filter(isTried);
  const tried = new Set(mutants);
  const leftOut = all.filter((mutant) => !tried.has(mutant)).map(({ id }) => id);
  const known = await KnownResults.open(area.name, all);
  const linesFile = join(resultsFolder, `${area.name}.lines`);
  const lines: RunLine[] = [];
  const take = (added: readonly RunLine[]): void => {
    for (const line of added) known.add(line);
    known.save();
    lines.push(...added);
  };
  for (const slowest of slowestMs) {
    let last: RunLine | undefined;
    do {
      const { noticed, unnoticed } = known.all();
      const untried = [...noticed, ...leftOut];
      await runTests({ tests: area.tests, code, noticed: untried, unnoticed, linesFile, slowestMs: slowest }, take);
      last = lines.at(-1);
      // The process ended with it.
      if (last && 'trying' in last) take([{ noticed: last.trying, by: last.by }]);
    } while (last && 'trying' in last);
  }
  const met = new Set(lines.flatMap((line) => ('met' in line ? line.met : [])));
  const atLoad = new Set(lines.flatMap((line) => ('met' in line ? line.atLoad : [])));
  const endOf = ({ id }: Mutant): End =>
    known.isNoticed(id) ? 'noticed' : met.has(id) ? 'survived' : atLoad.has(id) ? 'at load' : 'not met';
  return {
    mutants: mutants.map((mutant) => ({ ...mutant, end: endOf(mutant) })),
    onceOnly: [...new Set(lines.flatMap((line) => ('onceOnly' in line ? [line.onceOnly] : [])))],
  };
}

/** Runs the tests. @param take is given the lines that the run appends, in parts. */
async function runTests(run: Run, take: (added: readonly RunLine[]) => void): Promise<void> {
  const runFile = `${run.linesFile}.run`;
  writeFileSync(runFile, JSON.stringify(run));
  writeFileSync(run.linesFile, '');
  let taken = 0;
  const takeNew = (): void => {
    const whole = readFileSync(run.linesFile, 'utf8').split('\n').slice(0, -1);
    take(whole.slice(taken).map((line) => JSON.parse(line) as RunLine));
    taken = whole.length;
  };
  const child = spawn('vitest', ['run', '--config', 'test/mutants/vitest.config.ts'], {
    cwd: root,
    env: { ...process.env, WILL_MUTANTS_RUN: runFile },
    stdio: 'ignore',
    detached: true,
  });
  const saving = setInterval(takeNew, saveEveryMs);
  const stop = (): void => endAll(child.pid);
  process.once('exit', stop);
  await once(child, 'exit');
  process.off('exit', stop);
  clearInterval(saving);
  takeNew();
  rmSync(run.linesFile);
  rmSync(runFile);
}

/** A program and what it started. */
function endAll(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
