// Measures what keeps the code readable: sizes, unique names, docstrings. Prints how much it read and the figures.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vitest/node';
import { root } from './paths.ts';

const limits = { fileLines: 450, functionLines: 80, classMethods: 20, functionLinesP99: 35, documented: 0.9 } as const;

const everything = [
  'packages/*/src/**/*.{ts,tsx}',
  'services/*/src/**/*.ts',
  'test/**/*.ts',
  'scripts/**/*.ts',
  'examples/**/*.ts',
];
const tests =
  /(\.test\.ts$|\.test-double\.ts$|\/testing\/|\/testing\.ts$|\/contract\/|\/contract\.ts$|^test\/|^packages\/testkit\/|^scripts\/|^examples\/)/;

export interface HouseReport {
  readonly files: number;
  /** The figures in one line. */
  readonly figures: string;
  readonly problems: readonly string[];
}

type Node = Readonly<Record<string, unknown>>;

interface Source {
  readonly path: string;
  readonly isTest: boolean;
  readonly lines: number;
  readonly functions: readonly { readonly at: string; readonly lines: number }[];
  readonly classes: readonly { readonly at: string; readonly methods: number }[];
  readonly exports: readonly Exported[];
}

interface Exported {
  readonly at: string;
  readonly name: string;
  readonly isType: boolean;
  /** '' where there is none. */
  readonly doc: string;
}

/** Reads every source file below a folder laid out as this repository is. */
export function checkHouse(base: string = root): HouseReport {
  const paths = globSync(everything, { cwd: base, exclude: ['**/node_modules/**', '**/dist/**', '**/src/gen/**'] });
  const sources = paths.sort().map((path) => readSource(base, path));
  const product = sources.filter(({ isTest }) => !isTest);
  const lengths = product.flatMap(({ functions }) => functions.map(({ lines }) => lines)).sort((a, b) => a - b);
  const p99 = lengths[Math.floor(lengths.length * 0.99)] ?? 0;
  const exported = product.flatMap(({ exports }) => exports);
  const documented = exported.length === 0 ? 1 : exported.filter(({ doc }) => doc !== '').length / exported.length;
  const figures = [
    `${lengths.length} functions of the product, median ${lengths[Math.floor(lengths.length / 2)] ?? 0}, p99 ${p99} lines`,
    `${(documented * 100).toFixed(1)} % of ${exported.length} exports documented`,
  ].join('; ');
  const problems = [...sources.flatMap(tooLarge), ...product.flatMap(headless), ...sameTypeNames(product)];
  if (p99 > limits.functionLinesP99) problems.push(`functions: p99 ${p99} lines, at most ${limits.functionLinesP99}`);
  if (documented < limits.documented)
    problems.push(`at least ${limits.documented * 100} % of exports want a docstring: ${figures}`);
  return { files: sources.length, figures, problems };
}

function tooLarge({ path, lines, functions, classes }: Source): string[] {
  return [
    ...(lines > limits.fileLines ? [`${path}: ${lines} lines, at most ${limits.fileLines}`] : []),
    ...functions
      .filter((found) => found.lines > limits.functionLines)
      .map((found) => `${found.at}: a function of ${found.lines} lines, at most ${limits.functionLines}`),
    ...classes
      .filter(({ methods }) => methods > limits.classMethods)
      .map(({ at, methods }) => `${at}: a class of ${methods} methods, at most ${limits.classMethods}`),
  ];
}

/** A clause without its main sentence: `What is done…`, `Whether it may…`. */
const headlessStart = /^(?:What|Whether|Who|Whose|Whom|Which|How|Why|Where)\b/;

const headless = ({ exports }: Source): string[] =>
  exports
    .filter(({ doc }) => headlessStart.test(doc))
    .map(({ at, name, doc }) => `${at}: ${name}: a docstring starts with the noun or the verb: "${doc.slice(0, 60)}"`);

function sameTypeNames(sources: readonly Source[]): string[] {
  const places = new Map<string, string[]>();
  for (const { exports } of sources)
    for (const { name, isType, at } of exports) if (isType) places.set(name, [...(places.get(name) ?? []), at]);
  return [...places]
    .filter(([, at]) => at.length > 1)
    .map(([name, at]) => `type ${name} is exported ${at.length} times: ${at.join(', ')}`);
}

function readSource(base: string, path: string): Source {
  const text = readFileSync(join(base, path), 'utf8');
  const lineOf = lineCounter(text);
  const functions: Source['functions'][number][] = [];
  const classes: Source['classes'][number][] = [];
  const exports: Exported[] = [];
  const suites = new Set<Node>();
  walk(parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node, (node) => {
    const at = (): string => `${path}:${lineOf(node['start'] as number)}`;
    const linesOf = (of: Node): number => lineOf(of['end'] as number) - lineOf(of['start'] as number) + 1;
    if (suiteCallOf(node) === 'describe') for (const suite of node['arguments'] as Node[]) suites.add(suite);
    if (functionTypes.has(node['type'] as string) && node['body'] && !suites.has(node))
      functions.push({ at: at(), lines: linesOwn(node, linesOf) });
    if (node['type'] === 'ClassBody')
      classes.push({ at: at(), methods: (node['body'] as Node[]).filter(isMethod).length });
    if (node['type'] === 'ExportNamedDeclaration' && node['declaration'])
      exports.push(...exportedBy(node['declaration'] as Node, at(), docBefore(text, node['start'] as number)));
  });
  return {
    path,
    isTest: tests.test(path),
    lines: text.split('\n').length - 1,
    functions,
    classes,
    exports,
  };
}

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

const isMethod = (member: Node): boolean => member['type'] === 'MethodDefinition' && member['kind'] !== 'constructor';

/** Of a function, without what it only lists: literals that hold no function, and tests. */
function linesOwn(node: Node, linesOf: (of: Node) => number): number {
  let lines = linesOf(node);
  const subtract = (child: Node): void => {
    if (isListing(child)) lines -= linesOf(child) - 1;
    else eachChild(child, subtract);
  };
  eachChild(node, subtract);
  return lines;
}

const isListing = (node: Node): boolean =>
  (literals.has(node['type'] as string) && !holdsFunction(node)) || ['describe', 'test'].includes(suiteCallOf(node));

const literals = new Set(['ObjectExpression', 'ArrayExpression', 'TemplateLiteral']);

function holdsFunction(node: Node): boolean {
  let holds = false;
  walk(node, (child) => {
    if (functionTypes.has(child['type'] as string)) holds = true;
  });
  return holds;
}

/** `describe` of `describe.each(…)('…', () => {…})`; '' of what calls nothing. */
function suiteCallOf(node: Node): string {
  if (node['type'] !== 'CallExpression') return '';
  let callee = node['callee'] as Node;
  while (callee['object'] || callee['callee']) callee = (callee['object'] ?? callee['callee']) as Node;
  return (callee['name'] as string | undefined) ?? '';
}

function exportedBy(declaration: Node, at: string, doc: string): Exported[] {
  const type = declaration['type'] as string;
  const isType = /^(?:TSInterface|TSTypeAlias|Class)Declaration$/.test(type);
  const names =
    type === 'VariableDeclaration'
      ? (declaration['declarations'] as Node[]).map((one) => one['id'] as Node)
      : [declaration['id'] as Node];
  return names.map((id) => ({ at, name: String(id['name'] ?? ''), isType, doc }));
}

/** The docstring that ends right before. */
function docBefore(text: string, at: number): string {
  const before = text.slice(0, at).trimEnd();
  if (!before.endsWith('*/')) return '';
  const doc = before.slice(before.lastIndexOf('/**') + 3, -2);
  return doc
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function lineCounter(text: string): (at: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (at) => {
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  eachChild(node, (child) => walk(child, visit));
}

function eachChild(node: Node, visit: (child: Node) => void): void {
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof child === 'object' && child !== null && 'type' in child) visit(child as Node);
}
