import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For tests: a path in a folder of its own that does not exist yet. */
export async function newFile(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'will-store-'));
  return { path: join(folder, 'data', 'store.sqlite'), remove: () => rm(folder, { recursive: true }) };
}
