import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compareWithPinned } from './npm-integrity.mjs';
import { cacheDir, root } from './paths.ts';
import { runProgram } from './run-program.ts';
import { Mendable, say } from './say.ts';

const platforms: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'mac', win32: 'win' };

export interface LlamaBuilds {
  /** Packages with a build of llama.cpp for this machine, the plain processor's first. */
  readonly all: readonly string[];
  /** Those of them that are not installed. */
  readonly missing: readonly string[];
  readonly version: string;
}

/** The builds of llama.cpp that this machine could run, by what the installed node-llama-cpp asks for. */
export function llamaBuilds(): LlamaBuilds {
  const manifest = JSON.parse(readFileSync(join(home(), 'package.json'), 'utf8')) as {
    version: string;
    optionalDependencies: Record<string, string>;
  };
  const machine = `${platforms[process.platform] ?? process.platform}-${process.arch === 'arm' ? 'armv7l' : process.arch}`;
  const all = Object.keys(manifest.optionalDependencies).filter((name) => {
    const build = name.slice('@node-llama-cpp/'.length);
    return build === machine || build.startsWith(`${machine}-`);
  });
  return { all, missing: all.filter((name) => !existsSync(placeOf(name))), version: manifest.version };
}

/**
 * Fetches builds beside the installed packages and links them where node-llama-cpp looks; the lockfile stays as it is.
 * @throws {Mendable} when npm cannot fetch them.
 */
export async function addLlamaBuilds(names: readonly string[], version: string): Promise<void> {
  const store = join(cacheDir, `llama-builds-${version}`);
  await mkdir(store, { recursive: true });
  await writeFile(join(store, 'package.json'), '{"private":true}\n');
  const flags = ['--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const wanted = names.map((name) => `${name}@${version}`);
  const { code } = await runProgram('npm', ['install', '--prefix', store, ...flags, ...wanted], {
    cwd: store,
    shown: true,
  });
  if (code !== 0) throw new Mendable(`npm could not fetch ${wanted.join(', ')} (its reason is above)`);
  const { wrong, unpinned } = compareWithPinned(store);
  if (unpinned.length > 0) say(`taken as the registry gives it, nothing is pinned: ${unpinned.join(', ')}`);
  if (wrong.length > 0) {
    await rm(store, { recursive: true, force: true });
    throw new Mendable(`npm gave other packages than this release was made with: ${wrong.join('; ')}`);
  }
  for (const name of names) {
    await mkdir(dirname(placeOf(name)), { recursive: true });
    await rm(placeOf(name), { recursive: true, force: true });
    await symlink(join(store, 'node_modules', name), placeOf(name), 'dir');
  }
}

/** The lockfile has the builds for Linux; elsewhere the one for this machine is fetched once. */
export async function bringLlamaBuild(): Promise<void> {
  const { all, missing, version } = llamaBuilds();
  const first = all[0];
  if (first === undefined || missing.length < all.length) return;
  say(`fetching the build of llama.cpp for this machine, once: ${first} ${version}`);
  await addLlamaBuilds([first], version);
}

/** node-llama-cpp looks for its builds beside its own folder. */
const placeOf = (name: string): string => join(dirname(home()), name);

const home = (): string => realpathSync(join(root, 'packages/providers/node_modules/node-llama-cpp'));
