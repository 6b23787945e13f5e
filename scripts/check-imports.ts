// Checks who imports whom, and that nobody reaches past a public entry or out of a pure place. Prints how much it read.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { parseAst } from 'vitest/node';
import { root } from './paths.ts';

/** Which of our packages each may import; `core` may be imported by all and imports nothing. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  contracts: ['core'],
  runtime: ['core'],
  observe: ['runtime', 'core'],
  store: ['core'],
  bus: ['contracts', 'core'],
  'bus-server': ['bus', 'core'],
  providers: ['runtime', 'core'],
  extension: ['providers', 'core'],
  client: ['bus', 'contracts', 'core'],
  console: [],
  operator: ['bus', 'contracts', 'core'],
  cli: ['operator', 'client', 'bus', 'bus-server', 'providers', 'store', 'contracts', 'core'],
  testkit: ['contracts', 'core'],
};
const serviceAllowed = [
  'console',
  'bus',
  'store',
  'providers',
  'extension',
  'runtime',
  'observe',
  'client',
  'operator',
  'contracts',
  'core',
];

/** Where requests may leave this machine's programs, besides the listeners of the product itself. */
const egress =
  /^(packages\/providers\/src\/egress|packages\/observe\/|services\/gateway\/|services\/console\/|packages\/console\/src\/app\/|packages\/testkit\/|scripts\/|test\/)/;
const networkModules = new Set([
  'undici',
  'node:http',
  'node:https',
  'node:http2',
  'node:net',
  'node:tls',
  'node:dgram',
]);

/** Calls that make a rule depend on more than its arguments. */
const impure = new Set(['Date.now', 'Math.random', 'performance.now', 'crypto.randomUUID', 'crypto.getRandomValues']);
const impureGlobals = new Set(['process', 'globalThis', 'setTimeout', 'setInterval', 'fetch', 'console']);

export interface ImportReport {
  readonly files: number;
  readonly imports: number;
  readonly problems: readonly string[];
}

interface SourceFile {
  /** Path from the repository, with slashes. */
  readonly path: string;
  readonly imports: readonly string[];
  /** `a.b` member accesses and free names that are called, and `new Date()` without an argument. */
  readonly uses: readonly string[];
}

/** Reads every source file below a folder laid out as this repository is. */
export function checkImports(base: string = root): ImportReport {
  const files = globSync(
    ['packages/*/src/**/*.{ts,tsx}', 'services/*/src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts'],
    {
      cwd: base,
      exclude: ['**/node_modules/**', '**/dist/**', '**/src/gen/**'],
    },
  )
    .sort()
    .map((path) => readSource(base, path));
  const problems = [...files.flatMap((file) => problemsOf(file)), ...cyclesIn(files)];
  return { files: files.length, imports: files.reduce((sum, { imports }) => sum + imports.length, 0), problems };
}

function readSource(base: string, path: string): SourceFile {
  const imports: string[] = [];
  const uses: string[] = [];
  walk(
    parseAst(readFileSync(join(base, path), 'utf8'), { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node,
    (node) => {
      const source = node['source'] as Node | undefined;
      if (source && typeof source['value'] === 'string') imports.push(source['value']);
      const use = useOf(node);
      if (use) uses.push(use);
    },
  );
  return { path: path.split(sep).join('/'), imports, uses };
}

type Node = Readonly<Record<string, unknown>>;

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && 'type' in child) walk(child as Node, visit);
    }
  }
}

function useOf(node: Node): string | undefined {
  const name = (of: unknown): string => ((of as Node | undefined)?.['name'] as string | undefined) ?? '';
  if (node['type'] === 'MemberExpression') return `${name(node['object'])}.${name(node['property'])}`;
  if (node['type'] === 'CallExpression') return name(node['callee']);
  if (node['type'] !== 'NewExpression' || name(node['callee']) !== 'Date') return undefined;
  return (node['arguments'] as unknown[]).length === 0 ? 'new Date()' : undefined;
}

function problemsOf(file: SourceFile): string[] {
  const home = homeOf(file.path);
  const isTest = /\.test\.ts$|\/testing\/|^test\//.test(file.path);
  const found = file.imports.flatMap((specifier) => problemOfImport(file.path, home, isTest, specifier) ?? []);
  if (home === 'packages/core' && !isTest) found.push(...impurities(file));
  if (!isTest && !egress.test(file.path) && file.uses.includes('fetch'))
    found.push('fetch(): requests leave by egress');
  return found.map((problem) => `${file.path}: ${problem}`);
}

const homeOf = (path: string): string =>
  path.startsWith('packages/') || path.startsWith('services/')
    ? path.split('/').slice(0, 2).join('/')
    : (path.split('/')[0] ?? '');

function impurities({ uses }: SourceFile): string[] {
  return uses
    .filter((use) => use === 'new Date()' || impure.has(use) || impureGlobals.has(use.split('.')[0] ?? ''))
    .map((use) => `${use} in core: time, chance and the world are arguments`);
}

function problemOfImport(path: string, home: string, isTest: boolean, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return problemOfRelative(path, home, specifier);
  if (specifier.startsWith('@will/')) return problemOfPackage(home, isTest, specifier);
  if (home === 'packages/core' && !isTest) return `imports ${specifier}: core imports nothing`;
  if (networkModules.has(specifier) && !isTest && !egress.test(path))
    return `imports ${specifier}: requests leave by packages/providers/src/egress`;
  return undefined;
}

function problemOfRelative(path: string, home: string, specifier: string): string | undefined {
  const target = join(dirname(path), specifier).split(sep).join('/');
  if (homeOf(target) === home || home === 'scripts') return undefined;
  // Locks on data, and limits whose holders die, are tried there by putting the services' own parts together in another way.
  // Clients' libraries talk there to the gateway with scripted tasks.
  if (
    /^test\/(policy|limits|attacks|simulation|routing|clients|console)\//.test(path) &&
    target.startsWith('services/')
  )
    return undefined;
  if (path.startsWith('test/simulation/') && target.startsWith('packages/store/')) return undefined;
  return `imports ${target}: outside its own folder, use the package's name`;
}

function problemOfPackage(home: string, isTest: boolean, specifier: string): string | undefined {
  const [, name = '', ...rest] = specifier.split('/');
  if (rest.length > 0) return `imports ${specifier}: packages are imported by their public entry`;
  if (!(name in allowed)) return `imports ${specifier}: services meet in contracts, nobody imports them`;
  if (home === 'test' || home === 'scripts') return undefined;
  const may = home.startsWith('services/') ? serviceAllowed : (allowed[home.slice('packages/'.length)] ?? []);
  if (may.includes(name) || (isTest && name === 'testkit')) return undefined;
  return `imports ${specifier}: may import ${may.length === 0 ? 'nothing' : may.join(', ')}`;
}

/** Files that import each other in a ring, each ring once. */
function cyclesIn(files: readonly SourceFile[]): string[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      found.push(`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
      return;
    }
    state.set(path, 'open');
    for (const target of targetsOf(known.get(path))) if (known.has(target)) visit(target, [...trail, path]);
    state.set(path, 'done');
  };
  for (const { path } of files) visit(path, []);
  return found;
}

function targetsOf(file: SourceFile | undefined): string[] {
  return (file?.imports ?? [])
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) =>
      relative('/', resolve('/', dirname((file as SourceFile).path), specifier))
        .split(sep)
        .join('/'),
    );
}
