// Finds callbacks of timers that nobody guards: what one throws would end the whole process. Prints how many it read.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vitest/node';
import { root } from './paths.ts';

const sources = ['services/*/src/**/*.ts', 'packages/{bus,client,observe,operator,providers,runtime}/src/**/*.ts'];
/** Callbacks that call nothing which could throw, in the hottest places. */
const exempt: ReadonlySet<string> = new Set([
  'packages/bus/src/liveness/loop-watch.ts',
  'packages/bus/src/connection/coalesce-writes.ts',
  'packages/bus/src/access/refusals.ts',
  'packages/runtime/src/contained.ts',
]);
const tests = /(\.test\.ts$|\/testing\/|\/testing\.ts$|\/gen\/|\/contract)/;

const timers = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']);
/** Of runtime, and of core. */
const guards = new Set(['contained', 'contain']);
/** Functions that only settle a promise, and so cannot throw. */
const settlers = /^(resolve|reject|settle|[a-z]+\.resolve|[a-z]+\.reject)$/;

export interface CallbacksFound {
  readonly callbacks: number;
  readonly problems: readonly string[];
}

type Node = Readonly<Record<string, unknown>>;

/** Every timer below a folder laid out as this repository is must go through `contained`, or only settle a promise. */
export function checkCallbacks(base: string = root): CallbacksFound {
  let callbacks = 0;
  const problems: string[] = [];
  for (const path of globSync(sources, { cwd: base }).sort()) {
    if (tests.test(path) || exempt.has(path)) continue;
    const text = readFileSync(join(base, path), 'utf8');
    for (const { name, callback, at } of timersIn(text)) {
      callbacks += 1;
      if (isSafe(callback)) continue;
      const line = text.slice(0, at).split('\n').length;
      problems.push(`${path}:${line}: ${name}: wrap what it calls in contained(…), so that its failure stays its own`);
    }
  }
  return { callbacks, problems };
}

interface Timer {
  readonly name: string;
  readonly callback: Node | undefined;
  readonly at: number;
}

function timersIn(text: string): readonly Timer[] {
  const found: Timer[] = [];
  walk(parseAst(text, { lang: 'ts' }) as unknown as Node, (node) => {
    if (node['type'] !== 'CallExpression') return;
    const name = nameOf(node['callee']);
    if (!timers.has(name)) return;
    const [callback] = node['arguments'] as Node[];
    found.push({ name, callback, at: node['start'] as number });
  });
  return found;
}

function isSafe(callback: Node | undefined): boolean {
  // Of `node:timers/promises`: a promise, which somebody awaits.
  if (!callback) return true;
  if (callback['type'] === 'CallExpression') return guards.has(nameOf(callback['callee']));
  if (settlers.test(nameOf(callback))) return true;
  const body = callback['body'] as Node | undefined;
  return callback['type'] === 'ArrowFunctionExpression' && body?.['type'] === 'CallExpression' && settles(body);
}

/** `resolve(false)`, `reject(new Error(…))`. */
const settles = (call: Node): boolean => settlers.test(nameOf(call['callee']));

/** `name`, `object.name`, '' of what has neither. */
function nameOf(node: unknown): string {
  const { name, object, property } = (node ?? {}) as { name?: string; object?: unknown; property?: unknown };
  return name ?? (object && property ? `${nameOf(object)}.${nameOf(property)}` : '');
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof child === 'object' && child !== null && 'type' in child) walk(child as Node, visit);
}
