import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A work tree of another commit of this repository, below `.cache/`, with its packages installed. */
export function checkoutOf(commit: string): string {
  const sha = execFileSync('git', ['rev-parse', '--short=12', commit], { cwd: root, encoding: 'utf8' }).trim();
  const folder = join(root, '.cache', `release-${sha}`);
  if (!existsSync(folder))
    execFileSync('git', ['worktree', 'add', '--detach', folder, sha], { cwd: root, stdio: 'ignore' });
  const ready = spawnSync(process.execPath, ['scripts/run.mjs', 'ready'], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (ready.status !== 0) throw new Error(`the packages of ${sha} could not be installed`);
  return folder;
}
