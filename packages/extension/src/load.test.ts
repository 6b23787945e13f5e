import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadExtensions } from './load.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-extension-'));
  const module = (name: string, text: string) => writeFile(join(folder, name), text);
  await module(
    'a.mjs',
    "export default { name: 'a', hooks: [{ name: 'first' }], providers: [{ name: 'p', open() {} }] };",
  );
  await module(
    'b.mjs',
    "export default { name: 'b', hooks: [{ name: 'second' }], ranking: { name: 'r', order: () => [] } };",
  );
  await module(
    'twice.mjs',
    "export default { name: 'c', providers: [{ name: 'p', open() {} }], ranking: { name: 's', order: () => [] } };",
  );
  await module('none.mjs', 'export const name = 1;');
  await module('broken.mjs', "throw new Error('no luck');");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('nothing is loaded where nothing is named', async () => {
  expect(await loadExtensions(undefined, folder)).toEqual({ names: [], providers: [], hooks: [], ranking: undefined });
});

test('modules are loaded in their order, and what they add stands together', async () => {
  const { names, hooks, providers, ranking } = await loadExtensions(' ./a.mjs, ./b.mjs,', folder);
  expect(names).toEqual(['a', 'b']);
  expect(hooks.map(({ name }) => name)).toEqual(['first', 'second']);
  expect([providers.map(({ name }) => name), ranking?.name]).toEqual([['p'], 'r']);
});

test.each([
  ['./missing.mjs', 'cannot be loaded'],
  ['./broken.mjs', 'no luck'],
  ['./none.mjs', 'no default export with a name'],
  ['@acme/not-there', 'is not installed where'],
  ['./a.mjs,./twice.mjs', 'two extensions bring provider p'],
  ['./b.mjs,./twice.mjs', 'two rankings: r, s'],
])('%s is refused with the reason', async (setting, why) => {
  await expect(loadExtensions(setting, folder)).rejects.toThrow(why);
});
