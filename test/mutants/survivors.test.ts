import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './areas.ts';
import { reasons } from './survivors.ts';

test('each reason why a mutant survives is about code that is there', () => {
  const stale = reasons.filter(({ file, from }) => {
    const found = globSync(`{packages,services}/**/${file}`, { cwd: root, exclude: ['**/node_modules'] });
    return !found.some((path) => squeezed(readFileSync(join(root, path), 'utf8')).includes(squeezed(from)));
  });
  expect(stale).toEqual([]);
});

const squeezed = (code: string): string => code.replaceAll(/\s+/g, ' ');
