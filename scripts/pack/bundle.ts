import { existsSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { root } from '../paths.ts';
import type { InstallablePackage } from './packages.ts';

/** Ours go inside; everything else is a dependency. */
const isForeign = (id: string): boolean => !id.startsWith('.') && !id.startsWith('/') && !id.startsWith('@will/');

/** Of all modules only these do anything by being loaded: the others go where nothing of them is used. */
const actsWhenLoaded = /\/(cli\/src\/main|sqlite\/thread)\.ts$|^reflect-metadata$/;

const olderNode = join(root, 'scripts/pack/older-node.ts');
const transform = {
  target: 'node20',
  inject: {
    'Promise.withResolvers': [olderNode, 'withResolvers'] as [string, string],
    'Map.groupBy': [olderNode, 'groupBy'] as [string, string],
  },
};

/** Writes JavaScript with its source maps, and types. Resolves with the names of the packages that they need. */
export async function bundle(described: InstallablePackage, folder: string): Promise<ReadonlySet<string>> {
  const code = await rolldown({
    input: absolute(described.modules),
    platform: 'node',
    external: isForeign,
    // What lies in folders above the repository does not count.
    tsconfig: false,
    treeshake: { moduleSideEffects: (id) => actsWhenLoaded.test(id) },
    transform,
    plugins: [startsBuiltThread],
  });
  const built = await code.write({
    dir: folder,
    format: 'esm',
    sourcemap: true,
    chunkFileNames: '[name].js',
    sourcemapPathTransform: (source, map) => `../${relative(root, resolve(dirname(map), source))}`,
  });
  const typed = Object.values(described.exports).length > 0 ? await bundleTypes(described, folder) : [];
  const chunks = [...built.output.filter((file) => file.type === 'chunk'), ...typed];
  return new Set(chunks.flatMap(({ code: text }) => packagesIn(text)));
}

async function bundleTypes(described: InstallablePackage, folder: string): Promise<readonly OutputChunk[]> {
  const declarations = Object.fromEntries(
    Object.entries(absolute(described.modules)).map(([name, source]) => [name, declarationOf(source)]),
  );
  const types = await rolldown({
    input: declarations,
    platform: 'node',
    external: (id) => isForeign(id) && id !== '@nats-io/nats-core',
    tsconfig: false,
    plugins: [findsDeclarations, dts({ dtsOnly: true })],
    onLog: (level, log, log2) => (level === 'warn' ? log2(level, log) : undefined),
  });
  const { output } = await types.write({ dir: folder, format: 'esm', chunkFileNames: '[name].d.ts' });
  return output.filter((file) => file.type === 'chunk');
}

/** `tsc -b` writes the declarations of a package's sources beside them; generated messages have their own. */
const declarationOf = (source: string): string => source.replace('/src/', '/dist/').replace(/\.ts$/, '.d.ts');

const findsDeclarations: Plugin = {
  name: 'declarations of the workspace',
  resolveId: {
    order: 'pre',
    handler(id, importer) {
      if (id === '@nats-io/nats-core') return join(root, 'scripts/pack/opaque-nats.d.ts');
      const [, ours] = /^@will\/([a-z-]+)$/.exec(id) ?? [];
      if (ours) return join(root, 'packages', ours, 'dist/index.d.ts');
      if (!id.startsWith('.') || importer === undefined) return undefined;
      const path = resolve(dirname(importer), id).replace(/(\.d)?\.[jt]s$/, '.d.ts');
      return [path, path.replace('/dist/', '/src/')].find((candidate) => existsSync(candidate));
    },
  },
};

/** What is started by its path has another name once it is built. */
const startsBuiltThread: Plugin = {
  name: 'path of the built thread',
  transform: {
    filter: { id: /store-thread\.ts$/ },
    handler: (text) =>
      text.replace("new URL('./thread.ts', import.meta.url)", "new URL('./thread.js', import.meta.url)"),
  },
};

const absolute = (modules: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(modules).map(([name, source]) => [name, join(root, source)]));

/** What a written module imports by name; types have lost what only their sources imported. */
const packagesIn = (text: string): string[] =>
  [
    ...text.matchAll(
      /^import\b[^;'"]*['"]([^'"]+)['"]|^export\b[^;'"]*\bfrom ['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm,
    ),
  ]
    .map(([, imported, exported, lazy]) => imported ?? exported ?? lazy ?? '')
    .filter((id) => isForeign(id) && !isBuiltin(id))
    .map((id) =>
      id
        .split('/')
        .slice(0, id.startsWith('@') ? 2 : 1)
        .join('/'),
    );
