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
const storeThread = join(root, 'packages/store/src/sqlite/thread.ts');
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
  const input = { ...Object.fromEntries(programs.map((name) => [name, sourceOf(name)])), thread: storeThread };
  const plugins = [grpcAsItIs, ownPlaces(new Map(Object.entries(input).map(([name, source]) => [source, name])))];
  const bundle = await rolldown({ input, platform: 'node', plugins, logLevel: 'silent' });
  await bundle.write({ dir: draft, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
  await bundle.close();
  await rename(draft, folder).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
}

/** protobufjs looks for `require` at run time, which no bundle has. */
const grpcAsItIs: Plugin = {
  name: 'grpc-as-it-is',
  resolveId: {
    filter: { id: /^@grpc\// },
    async handler(id, importer, options) {
      const found = await this.resolve(id, importer, { ...options, skipSelf: true });
      const isRequired = options.kind === 'require-call';
      return found && { id: isRequired ? found.id : pathToFileURL(found.id).href, external: 'absolute' };
    },
  },
};

/**
 * Modules find child processes and data files beside their sources, and the thread of a store beside the bundles. What Node
 * was started with is told by its name: the code of a program may stand in another file of the bundle, beside others'.
 */
const ownPlaces = (programNames: ReadonlyMap<string, string>): Plugin => ({
  name: 'own-places',
  transform: {
    filter: { code: /import\.meta\.(url|dirname|filename|main)|__dirname|__filename/ },
    handler: (code, id) =>
      code
        .replace(/\bimport\.meta\.main\b/g, isStartedAs(programNames.get(id)))
        .replace("new URL('./thread.ts', import.meta.url)", "new URL('./thread.mjs', import.meta['url'])")
        .replace(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(id).href))
        .replace(/\bimport\.meta\.dirname\b|\b__dirname\b/g, JSON.stringify(dirname(id)))
        .replace(/\bimport\.meta\.filename\b|\b__filename\b/g, JSON.stringify(id)),
  },
});

const isStartedAs = (name: string | undefined): string =>
  name === undefined ? 'false' : `(process.argv[1] ?? '').endsWith(${JSON.stringify(`${name}.mjs`)})`;

/** Of everything that a bundle is made of: every file of the sources, and how the packages name their entries. */
function hashOfSources(): string {
  const hash = createHash('sha256').update(process.version);
  const add = (file: string): void => void hash.update(file).update(readFileSync(file));
  for (const file of ['pnpm-lock.yaml', 'test/support/bundled-programs.ts']) add(join(root, file));
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
