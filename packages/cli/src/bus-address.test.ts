import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBus } from './bus-address.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'will-cli-'));
  for (const folder of ['.will', 'data', 'broken']) await mkdir(join(root, folder));
  await writeFile(join(root, '.will', 'run.json'), '{"natsUrl":"nats://127.0.0.1:5001"}');
  await writeFile(join(root, 'data', 'run.json'), '{"natsUrl":"nats://127.0.0.1:5002"}');
  await writeFile(join(root, 'broken', 'run.json'), '{"natsUrl":');
});
afterAll(() => rm(root, { recursive: true }));

test('NATS_URL comes first, then the data folder, then the folder beside the repository, then the usual port', () => {
  expect(findBus({ NATS_URL: 'nats://a:1', WILL_DATA_DIR: join(root, 'data') }, root).url).toBe('nats://a:1');
  expect(findBus({ WILL_DATA_DIR: join(root, 'data') }, root).url).toBe('nats://127.0.0.1:5002');
  expect(findBus({ NATS_URL: '' }, root).url).toBe('nats://127.0.0.1:5001');
  expect(findBus({}, join(root, 'nothing')).url).toBe('nats://127.0.0.1:4222');
});

test('a note that cannot be read counts as none', () => {
  expect(findBus({ WILL_DATA_DIR: join(root, 'broken') }, root).url).toBe('nats://127.0.0.1:4222');
});
