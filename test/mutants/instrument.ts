import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Area, cacheDir, root } from './areas.ts';
import { whyLeftOut } from './wording.ts';

/** One change of a file. */
export interface Mutant {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly operator: string;
  readonly from: string;
  readonly to: string;
}

/** Modules that hold all their mutants at once, each behind a switch that is asked when it runs. */
export interface Instrumented {
  readonly code: Readonly<Record<string, string>>;
  readonly mutants: readonly Mutant[];
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is used here of `@stryker-mutator/instrumenter`. Lines count from 0. */
interface StrykerInstrumenter {
  instrument(
    files: readonly { readonly name: string; readonly content: string; readonly mutate: true }[],
    options: object,
  ): Promise<{
    readonly files: readonly { readonly name: string; readonly content: string }[];
    readonly mutants: readonly {
      readonly id: string;
      readonly fileName: string;
      readonly mutatorName: string;
      readonly replacement: string;
      readonly location: { readonly start: Place; readonly end: Place };
      readonly statusReason?: string;
    }[];
  }>;
}

const version = '10.1.1';
const place = join(cacheDir, `stryker-instrumenter-${version}`);
const servesTests = ['**/*.test.ts', '**/testing/**', '**/testing.ts'];
const silent = { debug: () => {}, info: () => {}, warn: () => {}, isDebugEnabled: () => false };

export async function instrument({ code }: Area): Promise<Instrumented> {
  const leftOut = code.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1));
  const names = globSync([...code], { cwd: root, exclude: [...servesTests, ...leftOut] }).map((name) =>
    name.replaceAll('\\', '/'),
  );
  const files = await Promise.all(
    names
      .toSorted()
      .map(async (name) => ({ name, content: await readFile(join(root, name), 'utf8'), mutate: true as const })),
  );
  const options = { plugins: null, excludedMutations: [], ignorers: [{ shouldIgnore: whyLeftOut }] };
  const made = await (await bringInstrumenter()).instrument(files, options);
  const sources = new Map(files.map(({ name, content }) => [name, content]));
  return {
    code: Object.fromEntries(made.files.map(({ name, content }) => [name, content])),
    mutants: made.mutants
      .filter(({ statusReason }) => statusReason === undefined)
      .map(({ id, fileName, mutatorName, replacement, location: { start, end } }) => ({
        id,
        file: fileName,
        line: start.line + 1,
        operator: mutatorName,
        from: between(sources.get(fileName) ?? '', start, end),
        to: replacement,
      })),
  };
}

/** Brings the pinned version from npm, once; it is no dependency of this repository. */
async function bringInstrumenter(): Promise<StrykerInstrumenter> {
  const name = '@stryker-mutator/instrumenter';
  if (!existsSync(place)) {
    const draft = `${place}.${process.pid}`;
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'package.json'), '{"private":true}\n');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', '--loglevel=error'];
    const args = ['install', '--prefix', draft, ...flags, `${name}@${version}`];
    await promisify(execFile)('npm', args, { cwd: draft });
    await rename(draft, place);
  }
  const main = pathToFileURL(join(place, 'node_modules', name, 'dist/src/index.js')).href;
  const { Instrumenter } = (await import(main)) as { Instrumenter: new (logger: object) => StrykerInstrumenter };
  return new Instrumenter(silent);
}

function between(source: string, start: Place, end: Place): string {
  const lines = source.split('\n').slice(start.line, end.line + 1);
  const last = lines.length - 1;
  return lines
    .map((line, at) => line.slice(at === 0 ? start.column : 0, at === last ? end.column : undefined))
    .join('\n');
}
