import { randomUUID } from 'node:crypto';
import {
  MongoClient,
  type CommandStartedEvent,
  type Db,
  type DbOptions,
  type MongoClientOptions,
  MongoServerSelectionError,
} from 'mongodb';
import { StoreError } from '../errors.ts';
import { identityOf, missingBehaviours, neededBehaviours } from './behaviours.ts';
import { isDuplicate, storeErrorOf } from './failures.ts';

/** Reads and single commands end within this, on the server as well. */
export const commandLimitMs = 10_000;

/**
 * What a deployment is promised, whatever the address says: a write is acknowledged once a majority has it on disk, a
 * read sees only such writes, and nothing waits for ever. A write whose acknowledgement took longer may have happened.
 */
const promised: MongoClientOptions = {
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 5_000 },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  retryWrites: true,
  retryReads: true,
  serverSelectionTimeoutMS: 2_000,
  // The timeout of the heartbeat as well: a server on a busy machine that says nothing for some seconds is not gone.
  connectTimeoutMS: 30_000,
  socketTimeoutMS: 30_000,
  waitQueueTimeoutMS: 5_000,
  maxPoolSize: 10,
  ignoreUndefined: true,
  useBigInt64: true,
  appName: 'will',
};

/** The database of an address that names none. */
const defaultDatabase = 'will';

/** Address and name of a database. */
export interface MongoPlace {
  /** As in the driver's documentation; the database is its path, or `will`. */
  readonly uri: string;
  /** So long is a server waited for that is not there yet. Default 0: one look, which takes two seconds. */
  readonly reachWithinMs?: number;
  /** A batch that stands still for longer is another process's to finish. Default 120,000. */
  readonly abandonedAfterMs?: number;
  /** Told of every command that is sent. */
  readonly onCommand?: (command: CommandStartedEvent) => void;
}

/** Steps that make and change a store's collections. */
export interface MongoSchema {
  readonly kind: 'documents' | 'calls' | 'tasks';
  /** What leads from each version to the next. Repeating one is safe; never edited once released, only added to. */
  readonly migrations: readonly ((database: Db) => Promise<void>)[];
}

/** An open database. */
export interface OpenMongo {
  readonly database: Db;
  /** Random, made with the store. */
  readonly incarnation: string;
  close(): Promise<void>;
}

interface StoreDocument {
  readonly _id: string;
  readonly version: number;
  readonly incarnation: string;
}

/** Connects, tries a server that is new here, and brings the schema of one kind of store up to date. @throws {StoreError} */
export async function openMongo(place: MongoPlace, schema: MongoSchema): Promise<OpenMongo> {
  const { database, close } = await connectTo(place);
  try {
    await tryServer(database);
    return { database, incarnation: await migrate(database, schema), close };
  } catch (error) {
    await close();
    throw storeErrorOf(error);
  }
}

/** Connects to the database as it is. @throws {StoreError} */
export async function connectTo(place: MongoPlace): Promise<Omit<OpenMongo, 'incarnation'>> {
  const { uri, reachWithinMs = 0 } = place;
  const client = await reached(place, performance.now() + reachWithinMs);
  // Said again for the database: what the address says of journals would win over the client's.
  const { writeConcern, readConcern, readPreference } = promised;
  const database = client.db(nameOfDatabase(uri), { writeConcern, readConcern, readPreference } as DbOptions);
  return { database, close: () => client.close() };
}

/** Services and their database often start together. @throws {StoreError} */
async function reached(place: MongoPlace, untilMs: number): Promise<MongoClient> {
  const client = clientOf(place.uri, place.onCommand !== undefined);
  if (place.onCommand) client.on('commandStarted', place.onCommand);
  try {
    return await client.connect();
  } catch (error) {
    await client.close();
    if (!(error instanceof MongoServerSelectionError) || performance.now() >= untilMs) throw storeErrorOf(error);
    return reached(place, untilMs);
  }
}

function clientOf(uri: string, monitorCommands: boolean): MongoClient {
  try {
    return new MongoClient(uri, { ...promised, monitorCommands });
  } catch (cause) {
    // The driver's text may repeat the address, and that may hold a password.
    throw new StoreError('unavailable', 'WILL_MONGODB_URI is no address of MongoDB (mongodb://… or mongodb+srv://…)', {
      cause,
    });
  }
}

/** The driver's own default is `test`. */
const nameOfDatabase = (uri: string): string =>
  /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1] ?? defaultDatabase;

/** Many servers speak the protocol and differ in what they do. What was found of one release is kept beside the stores. */
async function tryServer(database: Db): Promise<void> {
  const servers = database.collection<{ _id: string; triedAtMs: number }>('servers');
  // Found again where another release of Will needs more.
  const _id = `${neededBehaviours.length} behaviours of ${await identityOf(database)}`;
  if (await servers.findOne({ _id }, { maxTimeMS: commandLimitMs })) return;
  const missing = await missingBehaviours(database);
  if (missing.length > 0) {
    const lacks = missing.map((name) => `- ${name}`).join('\n');
    const advice = 'Use one of the servers in docs/operations/stores.md, or files (WILL_MONGODB_URI unset).';
    throw new StoreError(
      'unavailable',
      `the server of WILL_MONGODB_URI (${_id.replace(/^.* of /, '')}) lacks:\n${lacks}\n${advice}`,
    );
  }
  await servers.updateOne({ _id }, { $set: { triedAtMs: Date.now() } }, { upsert: true });
}

async function migrate(database: Db, { kind, migrations }: MongoSchema): Promise<string> {
  const stores = database.collection<StoreDocument>('stores');
  const { version, incarnation } = await storeOf(database, kind);
  if (version > migrations.length) {
    const known = `has schema ${version}; this release knows ${migrations.length} and would damage it`;
    throw new StoreError('unavailable', `the store of ${kind} in ${database.databaseName} ${known}`);
  }
  for (const [index, migration] of [...migrations.entries()].slice(version)) {
    await migration(database);
    // Another process that migrates at the same time does the same; the version only rises.
    await stores.updateOne({ _id: kind, version: index }, { $set: { version: index + 1 } });
  }
  return incarnation;
}

async function storeOf(database: Db, kind: string): Promise<StoreDocument> {
  const stores = database.collection<StoreDocument>('stores');
  try {
    const made = { $setOnInsert: { version: 0, incarnation: randomUUID() } };
    const options = { upsert: true, returnDocument: 'after', maxTimeMS: commandLimitMs } as const;
    const store = await stores.findOneAndUpdate({ _id: kind }, made, options);
    if (store) return store;
  } catch (error) {
    // Two that open a new store at once.
    if (!isDuplicate(error)) throw error;
  }
  const store = await stores.findOne({ _id: kind }, { maxTimeMS: commandLimitMs });
  if (!store) throw new StoreError('unavailable', `the store of ${kind} cannot be made in ${database.databaseName}`);
  return store;
}
