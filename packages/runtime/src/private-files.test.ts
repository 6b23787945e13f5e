import { chmod, link, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeDataFolder } from './private-files.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'will-private-'));
});
afterAll(() => rm(base, { recursive: true }));

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

async function opened(path: string, isFolder = false): Promise<string> {
  await (isFolder ? mkdir(path, { recursive: true }) : writeFile(path, 'x'));
  await chmod(path, isFolder ? 0o755 : 0o644);
  return path;
}

test('what others could read in a data folder is closed to them, once', async () => {
  const folder = await opened(join(base, 'will'), true);
  const files = [];
  for (const name of ['registry.sqlite', 'telemetry.sqlite-wal', 'tasks.sqlite.lock-journal', 'audit.jsonl'])
    files.push(await opened(join(folder, name)));
  await opened(join(folder, 'nats/jetstream'), true);
  await chmod(join(folder, 'nats'), 0o755);
  files.push(await opened(join(folder, 'nats/jetstream/msgs.blk')));
  expect(await closeDataFolder(folder)).toBe(files.length + 3);
  for (const file of files) expect(await modeOf(file)).toBe('600');
  for (const path of [folder, join(folder, 'nats'), join(folder, 'nats/jetstream')])
    expect(await modeOf(path)).toBe('700');
  expect(await closeDataFolder(folder)).toBe(0);
});

test('what is not ours, or is a file of another place too, stays as it is', async () => {
  const folder = await opened(join(base, 'shared'), true);
  await opened(join(folder, 'models'), true);
  const other = await opened(join(folder, 'thesis.txt'));
  const cached = await opened(join(base, 'cached.gguf'));
  await link(cached, join(folder, 'models/first-run.gguf'));
  await symlink(cached, join(folder, 'models/other.gguf'));
  expect(await closeDataFolder(folder)).toBe(1);
  expect(await Promise.all([folder, other, cached].map(modeOf))).toEqual(['755', '644', '644']);
  expect(await closeDataFolder(join(base, 'nowhere'))).toBe(0);
});
