import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readAssets } from './assets.ts';
import { buildConsole } from './build.ts';

test('the console weighs at most 60 KB when it loads first, and names no other host', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'will-console-'));
  const { firstLoadBytes, gzipBytes } = await buildConsole(folder);
  expect(firstLoadBytes).toBeGreaterThan(5_000);
  expect(firstLoadBytes).toBeLessThan(60_000);
  const assets = await readAssets(folder);
  expect(assets.size).toBe(gzipBytes.size);
  const page = gunzipSync(assets.get('/index.html')?.bytes ?? '').toString();
  // No text within the page is run, and all that it loads is its own.
  expect(page).not.toMatch(/<script(?![^>]* src="\/)|style="|https?:/);
  for (const [, path] of page.matchAll(/(?:src|href)="(\/[^"]+)"/g)) expect(assets.has(path ?? '')).toBe(true);
  await rm(folder, { recursive: true });
});
