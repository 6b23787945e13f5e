import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { plantedBugs, planted, type PlantedBug } from './bugs.ts';

/**
 * Plants bugs, one at a time, in a copy of the last commit, and runs the suites that must notice each.
 *
 *   npm run planted -- [--only durable,bills]
 *
 * `--only` takes parts of the names. Prints one line for each bug, and ends with code 1 where one was not noticed.
 */
const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const wanted = options.only.split(',');
const chosen = plantedBugs.filter(({ name }) => wanted.some((part) => name.includes(part)));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const root = fileURLToPath(new URL('../..', import.meta.url));
const copy = join(tmpdir(), `will-planted-${process.pid}`);

await run(root, 'git', 'worktree', 'add', '--detach', '--force', copy, 'HEAD');
try {
  await symlink(join(root, '.cache'), join(copy, '.cache'));
  if ((await run(copy, 'pnpm', 'install', '--frozen-lockfile', '--prefer-offline')) !== 0)
    throw new Error('the packages of the copy could not be installed');
  let unseen = 0;
  for (const bug of chosen) {
    const isSeen = await isNoticed(bug);
    if (!isSeen) unseen += 1;
    say(`${isSeen ? 'noticed' : 'NOT NOTICED'}: ${bug.name} (${bug.suites.map(({ file }) => file).join(', ')})`);
  }
  say(`${chosen.length - unseen} of ${chosen.length} planted bugs were noticed`);
  if (unseen > 0) process.exitCode = 1;
} finally {
  await run(root, 'git', 'worktree', 'remove', '--force', copy);
}

async function isNoticed(bug: PlantedBug): Promise<boolean> {
  const file = join(copy, bug.file);
  const text = await readFile(file, 'utf8');
  await writeFile(file, planted(bug, text));
  try {
    for (const { project, file: suite } of bug.suites)
      if ((await run(copy, 'vitest', 'run', '--project', project, suite)) !== 0) return true;
    return false;
  } finally {
    await writeFile(file, text);
  }
}

async function run(cwd: string, program: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { cwd, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
