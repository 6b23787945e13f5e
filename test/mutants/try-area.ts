import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

/** Quick tests try mutants first: what they notice costs the slow ones nothing. */
const slowestMs = [50, 500, 1_000_000];
/** A mutant that is tried for so long is in a loop without an end. */
const maxTrialMs = 180_000;

/** Runs the tests of an area with each mutant that was not noticed before. What is noticed is kept at once. */
export async function tryArea(area: Area): Promise<TriedArea> {
  const { code, mutants } = await instrument(area);
  const known = await KnownResults.open(area.name, mutants);
  const linesFile = join(resultsFolder, `${area.name}.lines`);
  const lines: RunLine[] = [];
  const take = (): boolean => {
    const taken = takeLines(linesFile);
    for (const line of taken) if ('noticed' in line) known.add(line.noticed, line.by);
    const last = taken.at(-1);
    // The process ended, or did not come to an end, with it.
    if (last && 'trying' in last) known.add(last.trying, last.by);
    known.save();
    lines.push(...taken);
    return last !== undefined && 'trying' in last;
  };
  take();
  for (const slowest of slowestMs) {
    do await runTests({ tests: area.tests, code, noticed: known.noticed(), linesFile, slowestMs: slowest });
    while (take());
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

function takeLines(file: string): readonly RunLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  rmSync(file);
  return lines.map((line) => JSON.parse(line) as RunLine);
}

async function runTests(run: Run): Promise<void> {
  const runFile = `${run.linesFile}.run`;
  writeFileSync(runFile, JSON.stringify(run));
  writeFileSync(run.linesFile, '');
  const child = spawn('vitest', ['run', '--config', 'test/mutants/vitest.config.ts'], {
    cwd: root,
    env: { ...process.env, WILL_MUTANTS_RUN: runFile },
    stdio: 'ignore',
    detached: true,
  });
  const watch = setInterval(() => {
    const isTrying = readFileSync(run.linesFile, 'utf8').split('\n').at(-2)?.includes('"trying"') ?? false;
    if (isTrying && Date.now() - statSync(run.linesFile).mtimeMs > maxTrialMs) endAll(child.pid);
  }, 5_000);
  const stop = (): void => endAll(child.pid);
  process.once('exit', stop);
  await once(child, 'exit');
  process.off('exit', stop);
  clearInterval(watch);
}

/** A program and what it started. */
function endAll(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
