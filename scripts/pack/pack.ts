import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { root } from '../paths.ts';
import { runProgram } from '../run-program.ts';
import { bundle } from './bundle.ts';
import { packageJson } from './package-json.ts';
import { type InstallablePackage, installablePackages } from './packages.ts';

export interface PackOptions {
  /** Folder for the packages: each as a folder, and as the archive that npm installs. */
  readonly out: string;
  /** Address of the published sources. Absent: the packages name none and ask for no provenance. */
  readonly repository?: string | undefined;
}

export interface Packed {
  readonly name: string;
  readonly folder: string;
  readonly archive: string;
}

/** Builds every installable package. */
export async function packAll({ out, repository }: PackOptions): Promise<readonly Packed[]> {
  const target = resolve(out);
  mkdirSync(target, { recursive: true });
  await mustEnd('tsc', ['-b', 'packages/client', 'packages/extension', 'packages/contracts'], root);
  const packed: Packed[] = [];
  for (const described of installablePackages) packed.push(await packOne(described, target, repository));
  return packed;
}

async function packOne(described: InstallablePackage, out: string, repository: string | undefined): Promise<Packed> {
  const folder = join(out, basename(described.name));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const dependencies = await bundle(described, join(folder, 'dist'));
  for (const [from, to] of Object.entries(described.files)) copy(from, join(folder, to));
  for (const module of Object.values(described.commands)) chmodSync(join(folder, `dist/${module}.js`), 0o755);
  copy('LICENSE', join(folder, 'LICENSE'));
  copy(`${described.folder}/README.md`, join(folder, 'README.md'));
  const manifest = packageJson(described, dependencies, repository);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const shown = await mustEnd('npm', ['pack', '--json', '--pack-destination', out], folder);
  const [{ filename }] = JSON.parse(shown) as [{ filename: string }];
  return { name: described.name, folder, archive: join(out, filename) };
}

/** Sources and tests beside what is copied stay behind. */
const copy = (from: string, to: string): void =>
  cpSync(join(root, from), to, { recursive: true, filter: (path) => !/\.ts$|\.binpb$/.test(path) });

async function mustEnd(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, output } = await runProgram(program, args, { cwd });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}
