import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkImports } from './check-imports.ts';

/** Checks a small repository made of these files. */
async function problemsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const base = await mkdtemp(join(tmpdir(), 'will-imports-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(base, dirname(path)), { recursive: true });
      await writeFile(join(base, path), text);
    }
    const { files: read, problems } = checkImports(base);
    expect(read).toBe(Object.keys(files).length);
    return problems;
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

test('a core that imports, or asks for time and chance, is found', async () => {
  const problems = await problemsOf({
    'packages/core/src/a.ts': `import { readFileSync } from 'node:fs'; import type { Bus } from '@will/bus';`,
    'packages/core/src/b.ts': 'export const now = () => Date.now() + Math.random(); export const day = new Date();',
    'packages/core/src/b.test.ts': `import { test } from 'vitest'; test('x', () => { Date.now(); });`,
    'packages/core/src/c.ts': 'export const at = new Date(0); export const home = process.env;',
  });
  expect(problems).toEqual([
    'packages/core/src/a.ts: imports node:fs: core imports nothing',
    'packages/core/src/a.ts: imports @will/bus: may import nothing',
    expect.stringContaining('b.ts: Date.now in core'),
    expect.stringContaining('b.ts: Math.random in core'),
    expect.stringContaining('b.ts: new Date() in core'),
    expect.stringContaining('c.ts: process.env in core'),
  ]);
});

test('services may not import each other, nor packages what stands above them', async () => {
  const problems = await problemsOf({
    'services/router/src/main.ts': `import '@will/policy/main'; import '@will/policy'; import '@will/bus'; import '@will/testkit';`,
    'services/router/src/main.test.ts': `import '@will/testkit';`,
    'packages/store/src/a.ts': `export * from '@will/contracts';`,
  });
  expect(problems.map((problem) => problem.replace(/: may import.*|: services.*|: packages.*/, ''))).toEqual([
    'packages/store/src/a.ts: imports @will/contracts',
    'services/router/src/main.ts: imports @will/policy/main',
    'services/router/src/main.ts: imports @will/policy',
    'services/router/src/main.ts: imports @will/testkit',
  ]);
});

test("nobody reaches into another package's files", async () => {
  const problems = await problemsOf({
    'packages/bus/src/a.ts': `import '../../core/src/b.ts'; import '@will/core/src/b.ts'; await import('../../core/src/c.ts');`,
  });
  expect(problems).toHaveLength(3);
});

test('requests leave by the egress module only', async () => {
  const problems = await problemsOf({
    'packages/providers/src/egress.ts': `import { Agent } from 'undici';`,
    'packages/providers/src/openai/call.ts': `import { Agent } from 'undici'; import 'node:https'; await fetch('x');`,
    'services/gateway/src/server.ts': `import 'node:http';`,
  });
  expect(problems).toHaveLength(3);
});

test('a ring of imports is found once, types included', async () => {
  const problems = await problemsOf({
    'packages/bus/src/a.ts': `import './b.ts';`,
    'packages/bus/src/b.ts': `import type { C } from './c.ts';`,
    'packages/bus/src/c.ts': `export * from './a.ts';`,
  });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^cycle: /);
});
