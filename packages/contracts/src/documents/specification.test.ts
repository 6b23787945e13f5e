import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const root = new URL('../../../../', import.meta.url);

/** The text of a file, or of all tests in a folder. */
async function sourceOf(path: string): Promise<string> {
  if (path.endsWith('.ts')) return readFile(new URL(path, root), 'utf8');
  const isTest = (name: string): boolean => name.endsWith(path.startsWith('test/acceptance') ? '.ts' : '.test.ts');
  const names = (await readdir(new URL(path, root), { recursive: true })).filter(isTest);
  return (await Promise.all(names.map((name) => readFile(new URL(`${path}/${name}`, root), 'utf8')))).join('\n');
}

test('every test that the table of the specification names exists', async () => {
  const page = await readFile(new URL('docs/reference/specification.md', root), 'utf8');
  const places = [...page.matchAll(/`(\w+)`\s=\s(?:the tests in )?((?:packages|services|test)\/[\w./-]*\w)/g)];
  const sources = new Map<string, string>();
  for (const [, name, path] of places)
    sources.set(name as string, (await sourceOf(path as string)).replaceAll("\\'", "'"));
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| line'));
  expect(rows.filter((row) => !row.includes(' | acceptance: '))).toEqual([]);
  const named = rows
    .flatMap((line) => (line.split(' | ').at(-1) ?? '').replace(/\s*\|$/, '').split('; '))
    .flatMap((reference) => {
      const [, name, title] = /^(\w+): (.+)$/.exec(reference) ?? [];
      return name !== undefined && title !== undefined && sources.has(name) ? [{ name, title }] : [];
    });
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(({ name, title }) => !sources.get(name)?.includes(title));
  expect(missing).toEqual([]);
});
