import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { plantedBugs, planted } from './bugs.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

test.each(plantedBugs)('$name can still be planted, and its suites exist', async (bug) => {
  const text = await readFile(pathOf(bug.file), 'utf8');
  expect(planted(bug, text)).not.toBe(text);
  expect(bug.suites.filter(({ file }) => !existsSync(pathOf(file)))).toEqual([]);
});
