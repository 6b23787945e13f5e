import { randomUUID } from 'node:crypto';
import { MongoBulkWriteError, type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { isDuplicate } from './failures.ts';

/** Collections of one trial, by their name within it. */
type Scratch = <Shape extends Document>(name: string) => Collection<Shape>;

interface Behaviour {
  readonly name: string;
  /** @throws {MongoServerError} the server does not know what it was asked */
  readonly holds: (scratch: Scratch) => Promise<boolean>;
}

interface Counted {
  readonly _id: string;
  readonly n: bigint;
}

/**
 * Behaviours that the adapters need of a server beyond reading and writing documents, each tried on the server itself.
 */
export const neededBehaviours: readonly Behaviour[] = [
  {
    name: 'an id is taken once, also when many insert it at the same time',
    holds: async (scratch) => (await winners(10, () => scratch<{ _id: string }>('ids').insertOne({ _id: 'x' }))) === 1,
  },
  {
    name: 'a unique index on two fields refuses the second document',
    async holds(scratch) {
      const collection = scratch('unique');
      await collection.createIndex({ a: 1, b: 1 }, { unique: true });
      return (await winners(10, () => collection.insertOne({ a: 1, b: 1 }))) === 1;
    },
  },
  {
    name: 'an unordered insert goes on after a duplicate and tells its place',
    async holds(scratch) {
      const collection = scratch<{ _id: number }>('unordered');
      await collection.insertOne({ _id: 2 });
      const error = await collection.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }], { ordered: false }).catch(itself);
      const places = error instanceof MongoBulkWriteError ? [error.writeErrors].flat().map(({ index }) => index) : [];
      return places.join() === '1' && (await collection.countDocuments()) === 3;
    },
  },
  {
    name: 'increments are whole 64-bit numbers, exact above 2^53, and make the document that is not there',
    async holds(scratch) {
      const collection = scratch<Counted>('sums');
      const add = (n: bigint): Promise<unknown> =>
        collection.updateOne({ _id: 'x' }, { $inc: { n: n as never } }, { upsert: true });
      await add(2n ** 60n);
      await Promise.all(Array.from({ length: 10 }, () => add(1n)));
      await add(-3n);
      return BigInt((await collection.findOne({ _id: 'x' }))?.n ?? 0) === 2n ** 60n + 7n;
    },
  },
  {
    name: 'an upsert whose condition does not fit meets its own id instead of adding twice',
    async holds(scratch) {
      const collection = scratch<{ _id: string; batch: number; n: number }>('guards');
      const add = (): Promise<unknown> =>
        collection.updateOne({ _id: 'x', batch: { $lt: 1 } }, { $inc: { n: 1 }, $set: { batch: 1 } }, { upsert: true });
      await add();
      const error = await add().catch(itself);
      return isDuplicate(error) && (await collection.findOne({ _id: 'x' }))?.n === 1;
    },
  },
  {
    name: 'of many conditional updates of one document exactly one succeeds, and is told what came of it',
    async holds(scratch) {
      const collection = scratch<{ _id: string; fence: number }>('fences');
      await collection.insertOne({ _id: 'x', fence: 0 });
      const claims = Array.from({ length: 10 }, () =>
        collection.findOneAndUpdate({ _id: 'x', fence: 0 }, { $inc: { fence: 1 } }, { returnDocument: 'after' }),
      );
      return (await Promise.all(claims)).filter((after) => after?.fence === 1).length === 1;
    },
  },
  {
    name: 'a value is found among those of a list; results come sorted by two fields, and no more than asked for',
    async holds(scratch) {
      const collection = scratch<{ _id: number; keys: string[]; at: number }>('lists');
      const of = (_id: number, key: string, at: number): { _id: number; keys: string[]; at: number } => ({
        _id,
        keys: ['z', key],
        at,
      });
      await collection.insertMany([of(1, 'a', 5), of(2, 'b', 5), of(3, 'a', 5), of(4, 'a', 9)]);
      const found = await collection.find({ keys: 'a' }).sort({ at: -1, _id: -1 }).limit(2).toArray();
      return found.map(({ _id }) => _id).join() === '4,3';
    },
  },
  {
    name: 'a bulk of conditional updates and upserts is done in one command',
    async holds(scratch) {
      const collection = scratch<{ _id: string; n: number; at?: number }>('bulk');
      await collection.insertOne({ _id: 'x', n: 1 });
      const update = { $inc: { n: 1 }, $set: { at: 5 } };
      const updates = ['x', 'y'].map((_id) => ({ updateOne: { filter: { _id }, update, upsert: true } }));
      await collection.bulkWrite(updates, { ordered: false });
      const found = await collection.find().sort({ _id: 1 }).toArray();
      return found.map(({ _id, n, at }) => `${_id} ${n} ${at}`).join() === 'x 2 5,y 1 5';
    },
  },
  {
    name: 'a field that is absent is told from one that is there, in conditions and after it was taken away',
    async holds(scratch) {
      const collection = scratch<{ _id: number; dead?: string }>('absent');
      await collection.insertMany([{ _id: 1, dead: 'yes' }, { _id: 2 }, { _id: 3, dead: 'no' }]);
      await collection.updateOne({ _id: 3 }, { $unset: { dead: true } });
      const filter = { $or: [{ dead: { $exists: false }, _id: { $gte: 3 } }, { dead: { $ne: 'no', $exists: true } }] };
      const found = await collection.find(filter).sort({ _id: 1 }).toArray();
      return found.map(({ _id }) => _id).join() === '1,3';
    },
  },
];

/** The names of needed behaviours that a server does not show. It leaves nothing behind. */
export async function missingBehaviours(database: Db): Promise<readonly string[]> {
  const prefix = `will_trial_${randomUUID().slice(0, 8)}_`;
  const used = new Set<string>();
  const scratch: Scratch = (name) => {
    used.add(prefix + name);
    return database.collection(prefix + name);
  };
  try {
    const missing: string[] = [];
    for (const behaviour of neededBehaviours) if (!(await isShown(behaviour, scratch))) missing.push(behaviour.name);
    return missing;
  } finally {
    for (const name of used) await database.dropCollection(name).catch(() => {});
  }
}

/** A server that says no lacks it. A connection that is lost says nothing of the server. */
async function isShown({ holds }: Behaviour, scratch: Scratch): Promise<boolean> {
  try {
    return await holds(scratch);
  } catch (error) {
    if (error instanceof MongoServerError) return false;
    throw error;
  }
}

/** The name that a server gives itself; another text means another release, which is tried anew. */
export async function identityOf(database: Db): Promise<string> {
  const { version, gitVersion, ferretdb, ferretdbVersion } = await database.admin().command({ buildInfo: 1 });
  const parts = [version, gitVersion, ferretdbVersion ?? ferretdb?.version];
  return parts.filter((part) => typeof part === 'string' && part !== '').join(' ');
}

/** For tests: what a deployment has beyond the needed, and this server lacks. */
export async function lackOf(database: Db): Promise<readonly string[]> {
  const hello = await database
    .admin()
    .command({ hello: 1 })
    .catch(() => database.admin().command({ ismaster: 1 }));
  return [
    ...(hello['setName'] === undefined
      ? ['a replica set: a majority is this one server, and fail-over is not proved']
      : []),
    ...(hello['logicalSessionTimeoutMinutes'] === undefined
      ? ['sessions: the driver does not repeat a write by itself']
      : []),
  ];
}

/** How many of equal attempts succeed while the others meet a duplicate. */
async function winners(attempts: number, attempt: () => Promise<unknown>): Promise<number> {
  const ends = await Promise.allSettled(Array.from({ length: attempts }, attempt));
  const losers = ends.filter((end) => end.status === 'rejected' && isDuplicate(end.reason)).length;
  return losers === attempts - 1 ? attempts - losers : 0;
}

const itself = (error: unknown): unknown => error;
