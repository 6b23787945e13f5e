import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, whatever that is. */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  try {
    const { stdout, stderr } = await execute(program, [...args], { cwd, env: { ...process.env, ...env } });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    return {
      code: typeof code === 'number' ? code : -1,
      out: stdout,
      err: `${stderr}${code === undefined ? String(error) : ''}`,
    };
  }
}

/** Builds every package as `npm run pack` does. Resolves with the folder of the archives. */
export async function packInto(folder: string): Promise<string> {
  const out = join(folder, 'packed');
  const { code, err } = await run(process.execPath, [join(root, 'scripts/pack.ts'), '--out', out], root);
  if (code !== 0) throw new Error(err);
  return out;
}

export const archiveOf = (packed: string, name: string): string => join(packed, `will-${name}-0.1.0.tgz`);

/** An example in a folder of its own, outside the repository. */
export async function projectOf(example: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'will-project-'));
  await cp(join(root, 'examples', example), folder, { recursive: true });
  return folder;
}

/** Unpacks archives as an install does, without a registry: what they depend on is what this repository has. */
export async function unpackInto(project: string, archives: readonly string[]): Promise<void> {
  for (const archive of archives) {
    const name = /will-([a-z]+)-[^/]*$/.exec(archive)?.[1] ?? '';
    const folder = join(project, 'node_modules/@will', name);
    await mkdir(folder, { recursive: true });
    await execute('tar', ['-xzf', archive, '--strip-components', '1', '-C', folder]);
    const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
    for (const each of Object.keys(dependencies)) await link(project, each);
  }
  await link(project, '@types/node');
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

async function link(project: string, name: string): Promise<void> {
  const place = join(project, 'node_modules', name);
  if (existsSync(place)) return;
  await mkdir(dirname(place), { recursive: true });
  const places = ['node_modules/.pnpm/node_modules', 'node_modules'].map((folder) => join(root, folder, name));
  await symlink(places.find((folder) => existsSync(folder)) ?? '', place);
}

/** Every Node of another major version that this machine has, by version: the packages run on all of them. */
export async function nodesOnPath(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'node');
    if (!existsSync(program)) continue;
    const { out } = await run(program, ['--version'], root);
    const version = out.trim();
    if (version !== '' && !found.has(version)) found.set(version, program);
  }
  return found;
}
