import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const root = new URL('../../../../', import.meta.url);

test('every test that the table of the specification names exists', async () => {
  const page = await readFile(new URL('docs/reference/specification.md', root), 'utf8');
  const files = new Map(
    [...page.matchAll(/`(\w+)`\s=\s([\w./-]+\.ts)/g)].map(([, name, path]) => [name as string, path as string]),
  );
  const named = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| line'))
    .flatMap((line) => (line.split(' | ').at(-1) ?? '').replace(/\.? \*Later\*.*|\s*\|$/g, '').split('; '))
    .flatMap((reference) => {
      const [, name, title] = /^(\w+): (.+)$/.exec(reference) ?? [];
      return name !== undefined && title !== undefined && files.has(name) ? [{ name, title }] : [];
    });
  expect(named.length).toBeGreaterThan(50);
  for (const { name, title } of named) {
    const source = (await readFile(new URL(files.get(name) as string, root), 'utf8')).replaceAll("\\'", "'");
    expect(`${name}: ${title}: ${source.includes(title)}`).toBe(`${name}: ${title}: true`);
  }
});
