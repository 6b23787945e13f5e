import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { connectBus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { type AnyDocument, compileSnapshot, type Snapshot } from '@will/core';
import { storesAt, type TaskStore } from '@will/store';
import { startNatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveNaming } from './adapters/bus-naming.ts';
import { outcomeBytes } from './durable-task.ts';
import { tasksNaming } from './tasks-naming.ts';

let folder: string;
let store: TaskStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-naming-'));
  store = await storesAt({ dataDir: folder, mongodbUri: undefined }).tasks();
  await insert('acme', 'one', { project: 'night', model: 'GPT Four' });
  await insert('acme', 'two', { project: 'night' });
  await insert('acme', 'ended', { project: 'night', model: 'gpt-4' });
  await insert('beta', 'three', { model: 'gone' });
  await store.claim('acme', 'two');
  await store.messaged('acme', 'one', Date.now() + 3_600_000);
  const claim = await store.claim('acme', 'ended');
  const fence = claim.kind === 'claimed' ? claim.task.fence : -1;
  const failure = create(wire.FailureSchema, { message: 'failed' });
  const ending = { client: 'acme', taskId: 'ended', fence, result: outcomeBytes({ failure }), atMs: 2_000 };
  await store.finish({ ...ending, state: 'failed' });
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function insert(client: string, taskId: string, more: MessageInitShape<typeof wire.TaskSchema>): Promise<void> {
  const task = create(wire.TaskSchema, { taskId, type: 'text_gen', ...more });
  await store.insert({
    client,
    taskId,
    idempotencyKey: taskId,
    bodyHash: taskId,
    type: 'text_gen',
    project: '',
    priority: 'background',
    createdAtMs: 1_000,
    deadlineMs: 9e12,
    body: toBinary(wire.SubmitRequestSchema, create(wire.SubmitRequestSchema, { task })),
  });
}

function documents(): Snapshot {
  const model: AnyDocument = {
    kind: 'model',
    body: {
      name: 'GPT Four',
      slug: 'gpt-4',
      aliases: [],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai',
      capabilities: [],
      tier: 'standard',
    },
  };
  const compiled = compileSnapshot(1, [model]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

const asked = { clients: ['acme', 'nobody'], projects: ['night', 'day'], models: ['gpt-4', 'gone', 'other'] };

test('tasks that have not ended are counted by client, project and model, deferred ones and other names included', async () => {
  expect(await tasksNaming(store, documents(), asked)).toEqual([
    { kind: 'client', slug: 'acme', waiting: 1, running: 1, isPartial: false },
    { kind: 'project', slug: 'night', waiting: 1, running: 1, isPartial: false },
    { kind: 'model', slug: 'gpt-4', waiting: 1, running: 0, isPartial: false },
    { kind: 'model', slug: 'gone', waiting: 1, running: 0, isPartial: false },
  ]);
});

test('where more tasks wait than are looked at, each document that was asked for may be named', async () => {
  const [some] = await store.withoutMessageSince(Number.MAX_SAFE_INTEGER, 1);
  if (!some) throw new Error('no task waits');
  const full = {
    list: async () => Array.from({ length: 100 }, () => some),
    withoutMessageSince: async (_sinceMs: number, limit: number) => Array.from({ length: limit }, () => some),
  };
  const found = await tasksNaming(full, documents(), { clients: ['x'], projects: ['y'], models: ['z'] });
  expect(found.map(({ kind, isPartial }) => [kind, isPartial])).toEqual([
    ['client', true],
    ['project', true],
    ['model', true],
  ]);
});

test('the registry is answered over the bus, also when it asks what cannot be read or the store fails', async () => {
  const server = await startNatsServer();
  const errors: string[] = [];
  const connect = (name: string) => connectBus({ servers: server.url, processId: name, inboxScope: name });
  const [ours, theirs] = [await connect('tasks'), await connect('registry')];
  let isBroken = false;
  const flaky: TaskStore = {
    ...store,
    list: (...args) => (isBroken ? Promise.reject(new Error('the disk is full')) : store.list(...args)),
    withoutMessageSince: (...args) => store.withoutMessageSince(...args),
  };
  const serving = serveNaming(ours, flaky, { current: documents() }, (what) => errors.push(what));
  await ours.connection.flush();
  const ask = async (bytes: Uint8Array): Promise<wire.TasksNamingResponse> =>
    fromBinary(wire.TasksNamingResponseSchema, await theirs.request(subjects.tasksNaming, bytes, 5_000));
  const question = toBinary(wire.TasksNamingRequestSchema, create(wire.TasksNamingRequestSchema, asked));
  try {
    expect((await ask(question)).naming).toHaveLength(4);
    expect((await ask(Uint8Array.of(255, 255))).error).not.toBe('');
    isBroken = true;
    expect((await ask(question)).error).toBe('the disk is full');
    expect(errors).toHaveLength(2);
  } finally {
    await serving.stop();
    await Promise.all([ours.close(), theirs.close()]);
    await server.stop();
  }
});
