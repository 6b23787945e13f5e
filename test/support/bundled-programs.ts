import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import { bundlesVariable, sourceOf } from './programs.ts';

// Before tests of the whole product: each service and willm as one bundle, built once per state of the sources. Loading a
// thousand modules is two thirds of what the start of a service costs, and the tests start some four hundred.

const root = fileURLToPath(new URL('../../', import.meta.url));
const home = join(root, 'node_modules/.cache/will-programs');
const programs = [...readdirSync(join(root, 'services')), 'willm'].filter((name) => existsSync(sourceOf(name)));
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

/** Beside its place and then renamed: two runs may build at once. */
async function build(folder: string): Promise<void> {
  await mkdir(home, { recursive: true });
  const draft = await mkdtemp(join(home, 'draft-'));
  const input = Object.fromEntries(programs.map((name) => [name, sourceOf(name)]));
  const bundle = await rolldown({ input, platform: 'node', plugins: [ownPlaces], logLevel: 'silent' });
  await bundle.write({ dir: draft, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
  await bundle.close();
  await rename(draft, folder).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
}

/** Modules find threads, child processes and data files beside their sources, wherever they run. */
const ownPlaces: Plugin = {
  name: 'own-places',
  transform: {
    filter: { code: /import\.meta\.(url|dirname|filename)|__dirname|__filename/ },
    handler: (code, id) =>
      code
        .replace(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(id).href))
        .replace(/\bimport\.meta\.dirname\b|\b__dirname\b/g, JSON.stringify(dirname(id)))
        .replace(/\bimport\.meta\.filename\b|\b__filename\b/g, JSON.stringify(id)),
  },
};

function hashOfSources(): string {
  const hash = createHash('sha256');
  const add = (file: string): void => void hash.update(file).update(readFileSync(file));
  for (const file of ['pnpm-lock.yaml', 'test/support/bundled-programs.ts']) add(join(root, file));
  for (const group of ['packages', 'services'])
    for (const name of readdirSync(join(root, group)).toSorted()) {
      const source = join(root, group, name, 'src');
      if (!existsSync(source)) continue;
      for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).toSorted())
        if (/(?<!\.test)\.(ts|json)$/.test(file)) add(join(source, file));
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
