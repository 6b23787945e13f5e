import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

// Each service, and willm, as one file: loading a thousand modules is two thirds of what the start of a service costs. The
// image runs these, and so do the tests of the whole product, which start some four hundred.
//
//   node scripts/bundle.ts [FOLDER]

/** Names of the services. */
export const servicesIn = (root: string): readonly string[] =>
  readdirSync(join(root, 'services')).filter((name) => existsSync(sourceOf(root, name)));

/** Where the image has the program of a service, or `willm`. */
export const programInImage = (name: string): string => `programs/${name}.mjs`;

const sourceOf = (root: string, name: string): string =>
  join(root, name === 'willm' ? 'packages/cli/src/main.ts' : `services/${name}/src/main.ts`);

/**
 * Writes `<program>.mjs` for each program, and what they share, into a folder. Their child processes and data files stay
 * where the sources are, so the folder is good for this place of the sources only.
 */
export async function bundle(root: string, folder: string): Promise<void> {
  const programs = [...servicesIn(root), 'willm'];
  const thread = join(root, 'packages/store/src/sqlite/thread.ts');
  const input = { ...Object.fromEntries(programs.map((name) => [name, sourceOf(root, name)])), thread };
  const plugins = [
    grpcAsItIs,
    ownPlaces(new Map(Object.entries(input).map(([name, source]) => [source, name]))),
    latin1,
  ];
  const build = await rolldown({ input, platform: 'node', plugins, logLevel: 'silent' });
  const names = { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' };
  await build.write({
    dir: folder,
    format: 'esm',
    ...names,
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await build.close();
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

/** A process keeps the text of its programs, with two bytes for each character where one of them needs two. */
const latin1: Plugin = {
  name: 'latin1',
  generateBundle(_options, files) {
    for (const file of Object.values(files))
      if (file.type === 'chunk') file.code = file.code.replace(/[^\0-\xff]/g, escaped);
  },
};

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

const isStartedAs = (name: string | undefined): string =>
  name === undefined ? 'false' : `(process.argv[1] ?? '').endsWith(${JSON.stringify(`${name}.mjs`)})`;

if (import.meta.main) await bundle(join(import.meta.dirname, '..'), process.argv[2] ?? 'programs');
