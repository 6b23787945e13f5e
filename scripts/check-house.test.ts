import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkHouse } from './check-house.ts';
import { checkProse } from './check-prose.ts';

function below<T>(files: Readonly<Record<string, string>>, check: (base: string) => T): T {
  const base = mkdtempSync(join(tmpdir(), 'will-house-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(base, path)), { recursive: true });
      writeFileSync(join(base, path), text);
    }
    return check(base);
  } finally {
    rmSync(base, { recursive: true });
  }
}

const source = 'services/router/src/a.ts';
const problemsOf = (text: string, path = source): readonly string[] =>
  below({ [path]: text }, checkHouse).problems.filter((problem) => !problem.startsWith('functions: p99'));
const steps = (count: number): string => 'step();\n'.repeat(count);

test.each([
  ['a file', '\n'.repeat(460), '460 lines, at most 450'],
  ['a function', `const f = () => {\n${steps(90)}};`, 'a function of 92 lines, at most 80'],
  [
    'a class',
    `class A {\n${Array.from({ length: 21 }, (_, n) => `m${n}() {}\n`).join('')}}`,
    'a class of 21 methods, at most 20',
  ],
  ['a docstring', '/** Whether it may. */\nexport const f = 1;', 'a docstring starts with the noun or the verb'],
  ['an export', 'export const f = 1;', 'of exports want a docstring'],
])('%s that breaks a rule is found', (_what, text, expected) => {
  expect(problemsOf(text)).toContainEqual(expect.stringContaining(expected) as string);
});

test.each([
  ['a list of values', `const f = () => [\n${'1,\n'.repeat(90)}];`],
  ['a suite of tests', `describe('a', () => {\n${"test('b', () => {});\n".repeat(90)}});`],
])('%s is as long as it is', (_what, text) => {
  expect(problemsOf(text)).toEqual([]);
});

test('a type name that is exported twice is found, with both places', () => {
  const text = '/** A thing. */\nexport interface Thing {}\n';
  const { problems } = below({ [source]: text, 'packages/bus/src/b.ts': text }, checkHouse);
  expect(problems).toEqual([`type Thing is exported 2 times: packages/bus/src/b.ts:2, ${source}:2`]);
});

test('a line and a sentence that are too long are found; tables and code are as long as they are', () => {
  const long = 'word '.repeat(40);
  const { problems } = below({ 'docs/a.md': `${long}.\n\n| ${long} |\n\n\`\`\`\n${long}\n\`\`\`\n` }, checkProse);
  expect(problems).toContain('docs/a.md:1: 201 characters, at most 120');
  expect(problems).toContainEqual(expect.stringContaining('p99 40 words') as string);
  expect(problems.filter((problem) => problem.includes('characters'))).toHaveLength(1);
});
