import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlesVariable } from './programs.ts';

// Before tests of the whole product: each service and willm as one bundle, built once per state of the sources.

const root = fileURLToPath(new URL('../../', import.meta.url));
const home = join(root, 'node_modules/.cache/will-programs');
const unusedDayMs = 24 * 3_600_000;

/** Run by vitest before the first file of a project. */
export default async function setup(): Promise<void> {
  const folder = join(home, hashOfSources());
  if (!existsSync(folder)) await build(folder);
  const now = new Date();
  await utimes(folder, now, now);
  await removeUnused();
  process.env[bundlesVariable] = folder;
}

interface Bundler {
  bundle(root: string, folder: string): Promise<void>;
}

/** Beside its place and then renamed: two runs may build at once. */
async function build(folder: string): Promise<void> {
  await mkdir(home, { recursive: true });
  const draft = await mkdtemp(join(home, 'draft-'));
  // Not imported: it is no part of the tests' own project.
  const { bundle } = (await import(new URL('../../scripts/bundle.ts', import.meta.url).href)) as Bundler;
  await bundle(root, draft);
  await rename(draft, folder).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
}

/** Of everything that a bundle is made of: every file of the sources, and how the packages name their entries. */
function hashOfSources(): string {
  const hash = createHash('sha256').update(process.version);
  const add = (file: string): void => void hash.update(file).update(readFileSync(file));
  for (const file of ['pnpm-lock.yaml', 'scripts/bundle.ts']) add(join(root, file));
  for (const group of ['packages', 'services'])
    for (const name of readdirSync(join(root, group)).toSorted()) {
      const source = join(root, group, name, 'src');
      if (!existsSync(source)) continue;
      add(join(root, group, name, 'package.json'));
      for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).toSorted())
        if (/(?<!\.test)\.(ts|js|json)$/.test(file)) add(join(source, file));
    }
  return hash.digest('hex').slice(0, 16);
}

async function removeUnused(): Promise<void> {
  for (const name of readdirSync(home)) {
    const folder = join(home, name);
    const used = await stat(folder).catch(() => undefined);
    if (used && Date.now() - used.mtimeMs > unusedDayMs) await rm(folder, { recursive: true, force: true });
  }
}
