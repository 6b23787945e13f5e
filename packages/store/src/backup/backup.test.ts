import { appendFile, chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startMongoServer, type MongoServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callRecord, decision, intent, namedSet, newTask, routeDocument } from '../contract/samples.ts';
import { newDatabase } from '../mongo/new-database.ts';
import { storesAt, type StoreSettings } from '../open.ts';
import { backUpStores, restoreStores } from './backup.ts';

let server: MongoServer;
beforeAll(async () => {
  server = await startMongoServer();
});
afterAll(() => server.stop());

/** Two installations and a folder for backups. */
async function onPlaces(
  kind: 'SQLite' | 'MongoDB',
  body: (from: StoreSettings, to: StoreSettings, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'will-backup-'));
  const databases = kind === 'MongoDB' ? [newDatabase(server.uri), newDatabase(server.uri)] : [];
  const place = (name: string, number: number): StoreSettings => ({
    dataDir: join(folder, name),
    mongodbUri: databases[number]?.uri,
  });
  try {
    await body(place('from', 0), place('to', 1), join(folder, 'backup'));
  } finally {
    await Promise.all(databases.map((database) => database.remove()));
    await rm(folder, { recursive: true });
  }
}

const said = {
  attemptId: 'attempt-1',
  taskId: 'task-1',
  client: 'acmelegal',
  inputKind: 'chat',
  input: 'said-in-the-call',
  output: '',
  isCut: false,
  untilMs: 1e15,
};

async function fill(settings: StoreSettings): Promise<() => Promise<void>> {
  const stores = storesAt(settings);
  const [documents, calls, tasks] = [await stores.documents(), await stores.calls(), await stores.tasks()];
  const change = { removals: [], author: 'ada', note: 'why', atMs: 1 };
  await documents.commit({ ...change, expectedRevision: 0, upserts: [routeDocument('code', 'old')] });
  await documents.commit({ ...change, expectedRevision: 1, upserts: [routeDocument('code', 'new')] });
  await calls.ingest([
    { kind: 'call', record: callRecord({ costNanoUsd: 2n ** 60n }) },
    { kind: 'intent', intent: intent('open', 5) },
    { kind: 'decision', decision: decision() },
    { kind: 'set', set: namedSet() },
  ]);
  await calls.keepContent(said);
  await tasks.insert(newTask());
  await tasks.claim('acmelegal', 'task-1');
  return async () => {
    await Promise.all([documents.close(), calls.close(), tasks.close()]);
  };
}

/** Everything that can be asked of the stores. */
async function told(settings: StoreSettings): Promise<unknown> {
  const stores = storesAt(settings);
  const [documents, calls, tasks] = [await stores.documents(), await stores.calls(), await stores.tasks()];
  try {
    return {
      incarnation: documents.incarnation,
      current: await documents.current(),
      history: await documents.history('route', 'code'),
      unpublished: await documents.unpublished(),
      calls: await calls.calls({}, 10),
      decision: await calls.decision({ taskId: 'task-1' }),
      intents: await calls.openIntents(100, 10),
      usage: await calls.usage({ by: ['model', 'hour'], fromMs: 0, toMs: 1e10 }),
      tasks: await tasks.list({}, 10),
    };
  } finally {
    await Promise.all([documents.close(), calls.close(), tasks.close()]);
  }
}

test.each(['SQLite', 'MongoDB'] as const)('%s: what was backed up while in use comes back whole elsewhere', (kind) =>
  onPlaces(kind, async (from, to, folder) => {
    const close = await fill(from);
    const manifest = await backUpStores(from, folder);
    await close();
    expect(manifest.files.length).toBeGreaterThanOrEqual(3);
    for (const name of await readdir(folder)) expect(await isPrivate(join(folder, name))).toBe(true);
    // As older releases wrote them.
    for (const { name } of manifest.files) await chmod(join(folder, name), 0o644);
    await restoreStores(to, folder);
    if (kind === 'SQLite')
      for (const { name } of manifest.files) expect(await isPrivate(join(to.dataDir, name))).toBe(true);
    expect(await told(to)).toEqual(await told(from));
    for (const { name } of manifest.files) expect(await readWhole(join(folder, name))).not.toContain(said.input);
    // What came back goes on.
    await (await goesOn(to))();
  }),
);

const isPrivate = async (path: string): Promise<boolean> => ((await stat(path)).mode & 0o077) === 0;

async function readWhole(path: string): Promise<string> {
  const bytes = await readFile(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
}

async function goesOn(settings: StoreSettings): Promise<() => Promise<void>> {
  const calls = await storesAt(settings).calls();
  await calls.ingest([{ kind: 'call', record: callRecord({ attemptId: 'later', costNanoUsd: 5n }) }]);
  const [all] = await calls.usage({ by: [], fromMs: 0, toMs: 1e10 });
  expect(all).toMatchObject({ calls: 2, unknownCosts: 1, costNanoUsd: 5n });
  return () => calls.close();
}

test.each(['SQLite', 'MongoDB'] as const)(
  '%s: nothing is overwritten, neither by a backup nor by what it brings back, and a damaged one is refused',
  (kind) =>
    onPlaces(kind, async (from, _, folder) => {
      await (await fill(from))();
      await backUpStores(from, folder);
      await expect(backUpStores(from, folder)).rejects.toMatchObject({
        code: 'conflict',
        message: `${folder} is not empty`,
      });
      const before = await told(from);
      await expect(restoreStores(from, folder)).rejects.toMatchObject({ code: 'conflict' });
      expect(await told(from)).toEqual(before);
      const [name = ''] = (await readdir(folder)).filter((file) => file !== 'manifest.json');
      await appendFile(join(folder, name), 'x');
      const damaged = { code: 'corrupt', message: `${join(folder, name)} is not the file that was backed up` };
      await expect(restoreStores({ ...from, dataDir: join(folder, 'x') }, folder)).rejects.toMatchObject(damaged);
    }),
);

test('a backup of one kind does not go into the other, and a folder that is none is refused', () =>
  onPlaces('SQLite', async (from, to, folder) => {
    await (await fill(from))();
    await backUpStores(from, folder);
    const other = { dataDir: to.dataDir, mongodbUri: server.uri };
    await expect(restoreStores(other, folder)).rejects.toMatchObject({
      message: `${folder} is a backup of sqlite; it goes back into sqlite only`,
    });
    await expect(restoreStores(to, from.dataDir)).rejects.toMatchObject({ code: 'not_found' });
  }));
