import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFolder } from './read-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), '.will-folder-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a folder that Kubernetes mounts has each file once: its links count, its hidden copies do not', async () => {
  await mkdir(join(folder, '..2026_11_29'));
  await writeFile(join(folder, '..2026_11_29', 'models.yaml'), 'kind: model');
  await symlink('..2026_11_29', join(folder, '..data'));
  await symlink(join('..data', 'models.yaml'), join(folder, 'models.yaml'));
  expect(await readFolder(folder)).toEqual([{ path: join(folder, 'models.yaml'), text: 'kind: model' }]);
});

test('files below a folder come by path, hidden ones do not', async () => {
  await mkdir(join(folder, 'b', '.git'), { recursive: true });
  for (const path of ['c.yaml', '.d.yaml', 'b/a.yaml', 'b/.git/e.yaml']) await writeFile(join(folder, path), path);
  expect((await readFolder(folder)).map(({ text }) => text)).toEqual(['b/a.yaml', 'c.yaml']);
});
