import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storesAt, type StoredTask, type TaskStore } from '@will/store';
import { afterAll, beforeAll, beforeEach } from 'vitest';

/** The store of a test file, in a folder of its own, and empty before each test. */
export function useTaskStore(): () => TaskStore {
  let folder: string;
  let store: TaskStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'will-tasks-'));
    store = await storesAt({ dataDir: folder, mongodbUri: undefined }).tasks();
  });
  beforeEach(() => empty(store));
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return () => store;
}

/** @throws {Error} no such task is stored. */
export async function storedIn(store: TaskStore, client: string, taskId: string): Promise<StoredTask> {
  const task = await store.get(client, taskId);
  if (!task) throw new Error(`${taskId} is not stored`);
  return task;
}

async function empty(store: TaskStore): Promise<void> {
  const result = new Uint8Array();
  for (const { client, taskId } of await store.withoutMessageSince(Number.MAX_SAFE_INTEGER, 1_000)) {
    const claim = await store.claim(client, taskId);
    const fence = claim.kind === 'claimed' ? claim.task.fence : 0;
    await store.finish({ client, taskId, fence, state: 'cancelled', result, atMs: 0 });
  }
  await store.drop(Number.MAX_SAFE_INTEGER, 1_000);
}
