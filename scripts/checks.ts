import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shippedFiles } from '@will/bus-server';
import { checkCallbacks } from './check-callbacks.ts';
import { checkHouse } from './check-house.ts';
import { checkImports } from './check-imports.ts';
import { checkProse } from './check-prose.ts';
import { checkSettings } from './check-settings.ts';
import { checkWords } from './check-words.ts';
import { generatedSources } from './generate/sources.ts';
import { root } from './paths.ts';
import { runProgram } from './run-program.ts';
import { messageOf, seconds } from './say.ts';

/** What a check found. One that read nothing has failed, whatever else it says. */
interface Found {
  readonly passed: boolean;
  /** How many of what it looked at, so that looking at nothing cannot pass. */
  readonly read: number;
  readonly of: string;
  /** Shown when it failed. */
  readonly output: string;
}

type Check = readonly [name: string, run: () => Promise<Found>];

const generated = 'packages/contracts/src/gen';

const checks: readonly Check[] = [
  ['types (tsc -b)', types],
  ['lint (oxlint --type-aware)', () => program('oxlint', ['--type-aware'], /on (\d+) files/)],
  ['format (biome)', () => program('biome', ['format', '.'], /Checked (\d+) files/)],
  ['imports', async () => imports()],
  ['callbacks keep their failures', async () => callbacks()],
  ['settings are described', async () => settings()],
  ['sizes, names and docstrings', async () => house()],
  ['words of the glossary', async () => wordsOfGlossary()],
  ['sentences and lines of the documents', async () => prose()],
  ['proto lint (buf)', () => proto(['lint'])],
  [
    'proto breaking (buf, against proto/baseline.binpb)',
    () => proto(['breaking', '--against', 'proto/baseline.binpb']),
  ],
  ['generated code is up to date', generatedCode],
  ['shipped files of the bus are up to date', async () => busFiles()],
];

export interface CheckCounts {
  readonly passed: number;
  readonly failed: number;
}

/** Runs every check, one line each with its time and how much it read; what failed shows its output. */
export async function runChecks(): Promise<CheckCounts> {
  let failed = 0;
  for (const [name, run] of checks) {
    const started = Date.now();
    const { passed, read, of, output } = await run().catch(
      (error: unknown): Found => ({ passed: false, read: 0, of: 'nothing', output: messageOf(error) }),
    );
    const isGood = passed && read > 0;
    console.log(`${isGood ? 'ok    ' : 'FAILED'} ${name}: ${read} ${of}, ${seconds(started)}`);
    if (!isGood) console.log(output.trimEnd().replace(/^/gm, '       '));
    if (!isGood) failed += 1;
  }
  return { passed: checks.length - failed, failed };
}

async function types(): Promise<Found> {
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { references: unknown[] };
  const { code, output } = await runProgram('tsc', ['-b', '--pretty', 'false'], { cwd: root });
  return { passed: code === 0, read: references.length, of: 'projects', output };
}

async function program(name: string, args: readonly string[], count: RegExp): Promise<Found> {
  const { code, output } = await runProgram(name, args, { cwd: root });
  return { passed: code === 0, read: Number(count.exec(output)?.[1] ?? 0), of: 'files', output };
}

async function proto(args: readonly string[]): Promise<Found> {
  const { code, output } = await runProgram('buf', args, { cwd: root });
  return { passed: code === 0, read: protoFiles().length, of: 'files', output };
}

const protoFiles = (): string[] =>
  readdirSync(join(root, 'proto'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.proto'));

function busFiles(): Found {
  const files = [...shippedFiles()];
  const stale = files.filter(([name, text]) => readFileSync(join(root, 'deploy/nats', name), 'utf8') !== text);
  const output = stale.map(([name]) => `deploy/nats/${name} is stale: pnpm run do:bus-files`).join('\n');
  return { passed: stale.length === 0, read: files.length, of: 'files', output };
}

function imports(): Found {
  const { files, imports: read, problems } = checkImports();
  return { passed: problems.length === 0, read, of: `imports in ${files} files`, output: problems.join('\n') };
}

function callbacks(): Found {
  const { callbacks: read, problems } = checkCallbacks();
  return { passed: problems.length === 0, read, of: 'callbacks of timers', output: problems.join('\n') };
}

function wordsOfGlossary(): Found {
  const { files, problems } = checkWords();
  return { passed: problems.length === 0, read: files, of: 'files', output: problems.join('\n') };
}

function house(): Found {
  const { files, figures, problems } = checkHouse();
  return { passed: problems.length === 0, read: files, of: `files (${figures})`, output: problems.join('\n') };
}

function prose(): Found {
  const { sentences, figures, problems } = checkProse();
  return { passed: problems.length === 0, read: sentences, of: `sentences (${figures})`, output: problems.join('\n') };
}

function settings(): Found {
  const { settings: read, problems } = checkSettings();
  return { passed: problems.length === 0, read, of: 'settings', output: problems.join('\n') };
}

/** Generates again and compares. */
async function generatedCode(): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), 'will-generated-'));
  try {
    const { code, output } = await runProgram('buf', ['generate', '-o', folder], { cwd: root });
    if (code !== 0) return { passed: false, read: 0, of: 'files', output };
    const fresh = filesBelow(join(folder, generated));
    const kept = filesBelow(join(root, generated));
    const differing = [...new Set([...fresh.keys(), ...kept.keys()])]
      .filter((name) => fresh.get(name) !== kept.get(name))
      .map((name) => join(generated, name));
    const sources = await generatedSources();
    const stale = [...sources].filter(([path, text]) => textOf(path) !== text).map(([path]) => path);
    const advice = `${[...differing, ...stale].join('\n')}\nrun: npm run generate`;
    const passed = differing.length + stale.length === 0;
    return { passed, read: fresh.size + sources.size, of: 'files', output: advice };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const textOf = (path: string): string | undefined =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;

function filesBelow(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}
