import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { BSON, type Db, type Document } from 'mongodb';
import { StoreError } from '../errors.ts';
import { connectTo } from '../mongo/connect.ts';
import { readManifest, writeManifest, type Manifest } from './manifest.ts';

/**
 * What announces batches and holds sums comes before the calls: of what is taken in meanwhile, a copy may hold calls whose
 * sums it lacks, and never sums of calls that it lacks.
 */
const collections = [
  'stores',
  'revisions',
  'tasks',
  'rollups',
  'batches',
  'intents',
  'ranked_sets',
  'decisions',
  'calls',
  'seals',
  'seal_groups',
];
const documentsPerInsert = 1_000;
/** Numbers keep their BSON type, which is more than JavaScript's own tell. */
const asStored = { batchSize: documentsPerInsert, promoteValues: false, useBigInt64: false };
const fileOf = (collection: string): string => `${collection}.jsonl.gz`;

/** Copies every collection, one document a line in MongoDB's extended JSON. Not of one instant, unless nothing writes. */
export async function backUpMongo(uri: string, folder: string): Promise<Manifest> {
  const { database, close } = await connectTo({ uri });
  try {
    const present = new Set((await database.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
    const taken = collections.filter((name) => present.has(name));
    if (taken.length === 0)
      throw new StoreError('not_found', `the database ${database.databaseName} holds none of the stores`);
    for (const name of taken) await copyOut(database, name, join(folder, fileOf(name)));
    return await writeManifest(folder, 'mongodb', taken.map(fileOf));
  } finally {
    await close();
  }
}

async function copyOut(database: Db, name: string, path: string): Promise<void> {
  async function* lines(): AsyncGenerator<string> {
    for await (const document of database.collection(name).find({}, asStored))
      yield `${BSON.EJSON.stringify(document, { relaxed: false })}\n`;
  }
  await pipeline(Readable.from(lines()), createGzip(), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
}

/** Puts the collections back where there are none. Indexes are made when a service opens the store. */
export async function restoreMongo(uri: string, folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder, 'mongodb');
  const { database, close } = await connectTo({ uri });
  try {
    for (const name of collections) {
      if ((await database.collection(name).findOne({})) !== null)
        throw new StoreError(
          'conflict',
          `${database.databaseName}.${name} holds documents; restore into an empty database`,
        );
    }
    // What says that there is a store comes last.
    for (const name of [...collections].reverse()) {
      if (manifest.files.some((file) => file.name === fileOf(name)))
        await copyIn(database, name, join(folder, fileOf(name)));
    }
    return manifest;
  } finally {
    await close();
  }
}

async function copyIn(database: Db, name: string, path: string): Promise<void> {
  const collection = database.collection(name);
  let waiting: Document[] = [];
  const insert = async (): Promise<void> => {
    if (waiting.length > 0) await collection.insertMany(waiting);
    waiting = [];
  };
  for await (const line of createInterface({ input: createReadStream(path).pipe(createGunzip()) })) {
    waiting.push(BSON.EJSON.parse(line, { relaxed: false }) as Document);
    if (waiting.length >= documentsPerInsert) await insert();
  }
  await insert();
}
