import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './areas.ts';
import { reasons } from './survivors.ts';

test('each reason why a mutant survives is about code that is there', () => {
  const paths = globSync('{packages,services}/*/src/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'));
  const codeOf = (path: string): string => squeezed(readFileSync(join(root, path), 'utf8'));
  const stale = reasons.filter(
    ({ file, from }) => !paths.some((path) => path.endsWith(file) && codeOf(path).includes(squeezed(from))),
  );
  expect(stale).toEqual([]);
});

const squeezed = (code: string): string => code.replaceAll(/\s+/g, ' ');
