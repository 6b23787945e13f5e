import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startMongoServer, type MongoServer } from '@will/testkit';
import { MongoClient, type CommandStartedEvent } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callRecord, decision, intent, namedSet, newTask, routeDocument } from '../contract/samples.ts';
import type { UsageDimension } from '../usage.ts';
import { lackOf, missingBehaviours, neededBehaviours } from './behaviours.ts';
import { newDatabase } from './new-database.ts';
import { openMongoCallLog, openMongoDocumentStore, openMongoTaskStore } from './open.ts';

let server: MongoServer;
beforeAll(async () => {
  server = await startMongoServer();
});
afterAll(() => server.stop());

async function onDatabase(body: (uri: string) => Promise<void>): Promise<void> {
  const database = newDatabase(server.uri);
  try {
    await body(database.uri);
  } finally {
    await database.remove();
  }
}

test('the server behaves as the adapters need; what it is and what it lacks is told', () =>
  onDatabase(async (uri) => {
    const client = await MongoClient.connect(uri, { useBigInt64: true });
    try {
      const missing = await missingBehaviours(client.db());
      const lacks = await lackOf(client.db());
      const lines = [
        `MongoDB stores were tested on ${server.name}`,
        ...neededBehaviours.map(({ name }) => `  ${missing.includes(name) ? 'LACKS' : 'holds'}: ${name}`),
        ...lacks.map((lack) => `  NOT PROVED, this server lacks ${lack}`),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
      expect(missing).toEqual([]);
      expect(await client.db().collections()).toEqual([]);
    } finally {
      await client.close();
    }
  }));

test('a server that lacks something is named with what it lacks, and one that was tried is not tried again', () =>
  onDatabase(async (uri) => {
    const client = await MongoClient.connect(uri, { useBigInt64: true });
    try {
      const withoutIndexes = new Proxy(client.db(), {
        get: (database, name) =>
          name === 'collection'
            ? (collection: string) => Object.assign(database.collection(collection), { createIndex: async () => '' })
            : Reflect.get(database, name, database),
      });
      expect(await missingBehaviours(withoutIndexes)).toEqual([
        'a unique index on two fields refuses the second document',
      ]);
    } finally {
      await client.close();
    }
    const trials: string[] = [];
    const onCommand = ({ command }: CommandStartedEvent): void =>
      void trials.push(...Object.values(command).filter((value) => String(value).startsWith('will_trial_')));
    await (await openMongoCallLog({ uri, onCommand })).close();
    expect(trials.length).toBeGreaterThan(0);
    trials.length = 0;
    await (await openMongoTaskStore({ uri, onCommand })).close();
    expect(trials).toEqual([]);
  }));

const writes = new Set(['insert', 'update', 'delete', 'findAndModify', 'createIndexes']);
const reads = new Set(['find', 'aggregate', 'count']);

test('every write waits for a majority and its journals, with a limit; every read is limited too', () =>
  onDatabase(async (uri) => {
    const commands: CommandStartedEvent[] = [];
    // What the address asks for is less; it does not count.
    const place = {
      uri: `${uri}?w=0&journal=false`,
      onCommand: (command: CommandStartedEvent) => commands.push(command),
    };
    const [documents, calls, tasks] = [
      await openMongoDocumentStore(place),
      await openMongoCallLog(place),
      await openMongoTaskStore(place),
    ];
    try {
      const change = { removals: [], author: 'ada', note: '', atMs: 1 };
      await documents.commit({ ...change, expectedRevision: 0, upserts: [routeDocument('code', 'gpt-4')] });
      await documents.markPublished(1);
      await Promise.all([
        documents.current(),
        documents.at(1),
        documents.history('route', 'code'),
        documents.revisions(1),
      ]);
      await calls.ingest([
        { kind: 'intent', intent: intent('open', 5) },
        { kind: 'call', record: callRecord({ writtenBy: 'router' }) },
        { kind: 'decision', decision: decision() },
        { kind: 'set', set: namedSet() },
      ]);
      await calls.ingest([{ kind: 'call', record: callRecord() }]);
      await Promise.all([calls.calls({}, 5), calls.decision({ taskId: 'task-1' }), calls.openIntents(9, 5)]);
      await calls.recentFacts(0, 5, 5);
      await calls.usage({ by: ['model'], fromMs: 0, toMs: 9e9 });
      const prices = { price: { input: 1, output: 1 }, priceHours: [] };
      await calls.reprice({ model: 'gpt-4', fromMs: 0, toMs: 9e9, prices }, 5, '');
      await tasks.insert(newTask());
      await tasks.claim('acmelegal', 'task-1');
      await tasks.messaged('acmelegal', 'task-1', 5);
      const ending = { client: 'acmelegal', taskId: 'task-1', fence: 1, atMs: 5 } as const;
      await tasks.finish({ ...ending, state: 'succeeded', result: Uint8Array.of(1) });
      await Promise.all([tasks.list({}, 1), tasks.withoutMessageSince(1, 1), tasks.get('acmelegal', 'task-1')]);
    } finally {
      await Promise.all([documents.close(), calls.close(), tasks.close()]);
    }
    const written = commands.filter(({ commandName }) => writes.has(commandName));
    const ofTrial = ({ command }: CommandStartedEvent): boolean =>
      JSON.stringify(Object.values(command)[0]).includes('will_trial_');
    const read = commands.filter((command) => reads.has(command.commandName) && !ofTrial(command));
    expect(new Set(written.map(({ commandName }) => commandName))).toEqual(writes);
    for (const { command } of written)
      expect(command['writeConcern']).toMatchObject({ w: 'majority', j: true, wtimeout: 5_000 });
    expect(read.length).toBeGreaterThan(10);
    for (const { command } of read) expect(command['maxTimeMS']).toBe(10_000);
    for (const { command } of read) expect(command['readConcern']).toEqual({ level: 'majority' });
  }));

test('the same submission through two processes at once is one task, and no conflict', () =>
  onDatabase(async (uri) => {
    const stores = await Promise.all([openMongoTaskStore({ uri }), openMongoTaskStore({ uri })]);
    try {
      for (let n = 0; n < 40; n += 1) {
        const task = newTask({ taskId: `task-${n}`, idempotencyKey: `key-${n}` });
        const told = await Promise.all(stores.map((store) => store.insert(task)));
        expect(told.map(({ kind }) => kind).sort()).toEqual(['inserted', 'repeated']);
      }
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  }));

test('whatever a killed process left half done is in the sums exactly once', () =>
  onDatabase(async (uri) => {
    // It opens the log before the first writer dies and looks for abandoned batches only when it takes something in.
    for (let round = 0; round < 4; round += 1) await writeUntilKilled(uri, round * 3, 3 + round);
    const log = await openMongoCallLog({ uri, abandonedAfterMs: 0 });
    try {
      await log.ingest([{ kind: 'call', record: callRecord({ attemptId: 'last', costNanoUsd: 3n }) }]);
      const calls = await log.calls({}, 10_000);
      for (const by of [['model'], ['client'], ['hour', 'outcome']] as UsageDimension[][]) {
        const groups = await log.usage({ by, fromMs: 0, toMs: 86_400_000 });
        const [counted, cost] = [
          groups.reduce((sum, group) => sum + group.calls, 0),
          groups.reduce((sum, group) => sum + group.costNanoUsd, 0n),
        ];
        expect([by, counted, cost]).toEqual([by, calls.length, 3n * BigInt(calls.length)]);
      }
    } finally {
      await log.close();
    }
  }));

/** Kills a writer in the middle of whatever it does after so many batches. */
async function writeUntilKilled(uri: string, first: number, batches: number): Promise<void> {
  const writer = fork(fileURLToPath(new URL('./killed-writer.ts', import.meta.url)), [uri, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(writer, 'exit');
  let seen = 0;
  for await (const chunk of writer.stdout ?? []) {
    seen += String(chunk).split('\n').length - 1;
    // A few milliseconds into the next batch, at another step of it each time.
    if (seen >= batches) setTimeout(() => writer.kill('SIGKILL'), seen % 5);
  }
  await exited;
}

test('a store of the first schema is brought up to date by the one that opens it, also by two at once, and keeps what it holds', () =>
  onDatabase(async (uri) => {
    const old = await openMongoCallLog({ uri });
    await old.ingest([{ kind: 'call', record: callRecord() }]);
    await old.close();
    const client = await MongoClient.connect(uri);
    try {
      const stores = client.db().collection<{ _id: string; version: number }>('stores');
      const now = (await stores.findOne({ _id: 'calls' }))?.version;
      // As the first schema left it: without what came later.
      await client.db().dropCollection('contents');
      await client
        .db()
        .collection('calls')
        .updateMany({}, { $rename: { status: 'status' } });
      await stores.updateOne({ _id: 'calls' }, { $set: { version: 1 } });
      const [one, other] = await Promise.all([openMongoCallLog({ uri }), openMongoCallLog({ uri })]);
      expect(await other.calls({}, 10)).toEqual([callRecord()]);
      expect((await one.usage({ by: [], fromMs: 0, toMs: 9e9 }))[0]?.calls).toBe(1);
      expect((await stores.findOne({ _id: 'calls' }))?.version).toBe(now);
      const indexes = await client.db().collection('contents').indexes();
      expect(new Set(indexes.map(({ key }) => Object.keys(key)[0]))).toEqual(new Set(['_id', 'untilMs', 'client']));
      await Promise.all([one.close(), other.close()]);
    } finally {
      await client.close();
    }
  }));

test('a store of a newer release is left alone', () =>
  onDatabase(async (uri) => {
    await (await openMongoCallLog({ uri })).close();
    const client = await MongoClient.connect(uri);
    await client
      .db()
      .collection('stores')
      .updateOne({ _id: 'calls' as never }, { $set: { version: 99 } });
    await client.close();
    await expect(openMongoCallLog({ uri })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /^the store of calls in will_test_\S+ has schema 99; this release knows \d+/,
      ) as string,
    });
  }));

test('an address that is none, or answers nothing, is refused in words that hold no password', async () => {
  await expect(openMongoCallLog({ uri: 'mongo://ada:secret@host/x' })).rejects.toMatchObject({
    code: 'unavailable',
    message: 'WILL_MONGODB_URI is no address of MongoDB (mongodb://… or mongodb+srv://…)',
  });
  const silent = openMongoCallLog({ uri: 'mongodb://ada:secret@127.0.0.1:9/x' });
  await expect(silent).rejects.toMatchObject({ code: 'unavailable' });
  await expect(silent).rejects.not.toThrow('secret');
});

test('a store waits for a server that is not there yet', () =>
  onDatabase(async (uri) => {
    const address = new URL(uri);
    const [host, serverPort] = [address.hostname, Number(address.port)];
    let isThere = false;
    const relay = createServer((socket) => {
      if (!isThere) return void socket.destroy();
      const onward = connect(serverPort, host);
      const end = (): void => void (socket.destroy(), onward.destroy());
      for (const side of [socket, onward]) side.on('error', end).on('close', end);
      socket.pipe(onward).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    address.port = String((relay.address() as AddressInfo).port);
    const opening = openMongoTaskStore({ uri: address.href, reachWithinMs: 40_000 });
    // One look takes two seconds.
    const first = await Promise.race([opening, new Promise((resolve) => setTimeout(resolve, 2_500, 'waiting'))]);
    expect(first).toBe('waiting');
    isThere = true;
    await (await opening).close();
    relay.close();
  }));
