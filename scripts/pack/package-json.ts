import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../paths.ts';
import type { InstallablePackage } from './packages.ts';

interface Workspace {
  readonly catalog: Readonly<Record<string, string>>;
}
interface Product {
  readonly version: string;
  readonly license: string;
}

/** What npm is told of a package. `repository`: where the sources are published, which provenance is bound to. */
export function packageJson(
  described: InstallablePackage,
  dependencies: ReadonlySet<string>,
  repository: string | undefined,
): Readonly<Record<string, unknown>> {
  const { version, license } = readProduct();
  const hasCommands = Object.keys(described.commands).length > 0;
  return {
    name: described.name,
    version,
    description: described.description,
    keywords: described.keywords,
    license,
    ...(repository && {
      repository: { type: 'git', url: repository, directory: described.folder },
      publishConfig: { access: 'public', provenance: true },
    }),
    type: 'module',
    engines: { node: '>=20' },
    ...(hasCommands
      ? { bin: mapValues(described.commands, (module) => `dist/${module}.js`) }
      : { sideEffects: false, exports: { ...exportsOf(described), './package.json': './package.json' } }),
    files: ['dist', ...Object.values(described.files).filter((place) => !place.startsWith('dist'))],
    dependencies: Object.fromEntries([...dependencies].toSorted().map((name) => [name, versionOf(name)])),
  };
}

const exportsOf = ({ exports, files }: InstallablePackage): Readonly<Record<string, unknown>> => ({
  ...mapValues(exports, (module) => ({ types: `./dist/${module}.d.ts`, default: `./dist/${module}.js` })),
  ...Object.fromEntries(
    Object.values(files)
      .filter((place) => !place.startsWith('dist'))
      .map((place) => [`./${place}/*`, `./${place}/*`]),
  ),
});

const readProduct = (): Product => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Product;

/** The version that the product is tested with, or a later one that promises to be the same. */
function versionOf(name: string): string {
  const { catalog } = parse(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')) as Workspace;
  const version = catalog[name];
  if (version === undefined) throw new Error(`${name} is imported and stands in no catalog of pnpm-workspace.yaml`);
  return `^${version}`;
}

const mapValues = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
