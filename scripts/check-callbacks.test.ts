import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkCallbacks } from './check-callbacks.ts';

function found(text: string, path = 'services/router/src/a.ts') {
  const base = mkdtempSync(join(tmpdir(), 'will-callbacks-'));
  try {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), text);
    return checkCallbacks(base);
  } finally {
    rmSync(base, { recursive: true });
  }
}

test.each([
  'setTimeout(() => this.work(), 5);',
  'setInterval(work, 5);',
  'setImmediate(() => { work(); });',
  'queueMicrotask(() => void work());',
  'const timer: NodeJS.Timeout = setTimeout(async () => work(), 5);',
])('a bare callback is found: %s', (text) => {
  expect(found(text)).toEqual({
    callbacks: 1,
    problems: [expect.stringMatching(/^services\/router\/src\/a\.ts:1: set|queue/) as string],
  });
});

test.each([
  'setTimeout(contained(() => this.work()), 5);',
  'setInterval(contain(work, report), 5);',
  'await new Promise((resolve) => setTimeout(resolve, 5));',
  'setTimeout(() => resolve(false), 5);',
  'setTimeout(due.resolve, 5);',
])('one that is guarded, or only settles a promise, is not: %s', (text) => {
  expect(found(text)).toEqual({ callbacks: 1, problems: [] });
});

test('tests may do as they like', () => {
  expect(found('setTimeout(work, 5);', 'services/router/src/a.test.ts')).toEqual({ callbacks: 0, problems: [] });
});
