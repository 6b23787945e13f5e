import { Binary, type Collection, type Db } from 'mongodb';
import { writerRank, type CallRecord, type Candidate, type NamedSet } from '@will/core';
import { parse } from '../json.ts';
import type { NewGroup, NewSeal, Seal, SealedGroup, SealedState, SealLeaf, SealStore } from '../seals/seal.ts';
import { recordOf, type CallDocument } from './call-document.ts';
import { commandLimitMs } from './connect.ts';
import { isDuplicate } from './failures.ts';

export type SealDocument = Omit<Seal, 'number'> & {
  readonly _id: number;
  /** Groups of this seal carry it: those of one that lost the race for its number belong to no seal. */
  readonly token: string;
  readonly isConfirmed: boolean;
};

interface GroupDocument {
  readonly _id: string;
  readonly token: string;
  readonly key: string;
  /** Null: it was erased, or is past its age. */
  readonly client: string | null;
  readonly records: number;
  readonly root: string;
  readonly state: SealedState;
  readonly salt: string;
  readonly body: Binary | null;
}

const maxTime = { maxTimeMS: commandLimitMs };
const idsPerCommand = 1_000;
const gone = { client: null, salt: '', body: null };

/** Makes what the queries below need. Repeating it is safe. */
export async function makeSealIndexes(database: Db): Promise<void> {
  await database.collection('calls').createIndex({ unsealedMs: 1 }, { sparse: true });
  await database.collection('seals').createIndex({ isConfirmed: 1 });
  await database.collection('seal_groups').createIndex({ client: 1 });
  await database.collection('seal_groups').createIndex({ token: 1, key: 1 });
}

/** Digests of what the log held, and the records behind them. Without transactions: a seal counts once its own document is there. */
export class MongoSeals implements SealStore {
  readonly #calls: Collection<CallDocument>;
  readonly #decisions: Collection<{ readonly _id: string; readonly setId: string }>;
  readonly #sets: Collection<{ readonly _id: string; readonly body: string }>;
  readonly #seals: Collection<SealDocument>;
  readonly #groups: Collection<GroupDocument>;

  constructor(database: Db) {
    this.#calls = database.collection('calls');
    this.#decisions = database.collection('decisions');
    this.#sets = database.collection('ranked_sets');
    this.#seals = database.collection('seals');
    this.#groups = database.collection('seal_groups');
  }

  async unsealed(beforeMs: number, limit: number): Promise<readonly CallRecord[]> {
    const oldest = this.#calls.find({ unsealedMs: { $lt: beforeMs } }, maxTime).sort({ unsealedMs: 1, _id: 1 });
    return (await oldest.limit(limit).toArray()).map((document) => recordOf(document._id, document));
  }

  async basisOf(decisionIds: readonly string[]): ReturnType<SealStore['basisOf']> {
    const decisions = await this.#decisions
      .find({ _id: { $in: [...decisionIds] } }, { ...maxTime, projection: { setId: 1 } })
      .toArray();
    const setIds = [...new Set(decisions.map(({ setId }) => setId))];
    const sets = await this.#sets.find({ _id: { $in: setIds } }, { ...maxTime, projection: { body: 1 } }).toArray();
    const candidatesOf = new Map(sets.map(({ _id, body }) => [_id, parse<NamedSet['set']>(body).candidates]));
    return decisions.flatMap(({ _id: decisionId, setId }) => {
      const candidates: readonly Candidate[] | undefined = candidatesOf.get(setId);
      return candidates ? [{ decisionId, setId, candidates }] : [];
    });
  }

  async addSeal({ seal: { number, ...seal }, groups, sealed }: NewSeal): Promise<boolean> {
    const token = crypto.randomUUID();
    if (groups.length > 0) await this.#groups.insertMany(groups.map((group) => documentOf(group, token)));
    try {
      await this.#seals.insertOne({ _id: number, ...seal, token, isConfirmed: false });
    } catch (error) {
      // After any other error the seal may be there; then its records are sealed once more, which is harmless.
      if (!isDuplicate(error)) throw error;
      await this.#groups.deleteMany({ token });
      return false;
    }
    for (const [rank, ids] of Map.groupBy(sealed, ({ writtenBy }) => writerRank(writtenBy)))
      for (let from = 0; from < ids.length; from += idsPerCommand) {
        const some = ids.slice(from, from + idsPerCommand).map(({ attemptId }) => attemptId);
        await this.#calls.updateMany({ _id: { $in: some }, rank }, { $unset: { unsealedMs: '' } });
      }
    return true;
  }

  async lastSeal(): Promise<Seal | undefined> {
    const [last] = await this.#seals.find({}, maxTime).sort({ _id: -1 }).limit(1).toArray();
    return last && sealOf(last);
  }

  async sealsAfter(number: number, fromMs: number, toMs: number, limit: number): Promise<readonly Seal[]> {
    const within = { _id: { $gt: number }, toMs: { $gt: fromMs }, fromMs: { $lt: toMs } };
    return (await this.#seals.find(within, maxTime).sort({ _id: 1 }).limit(limit).toArray()).map(sealOf);
  }

  async leavesOf(number: number): Promise<readonly SealLeaf[]> {
    const token = await this.#tokenOf(number);
    const found = this.#groups.find({ token }, { ...maxTime, projection: { key: 1, records: 1, root: 1 } });
    return (await found.sort({ key: 1 }).toArray()).map(leafOf);
  }

  async sealedGroup(number: number, key: string): Promise<SealedGroup | undefined> {
    const found = await this.#groups.findOne({ token: await this.#tokenOf(number), key }, maxTime);
    return found ? { ...leafOf(found), state: found.state, salt: found.salt, body: found.body?.buffer } : undefined;
  }

  async unconfirmedSeals(limit: number): Promise<readonly Seal[]> {
    const found = this.#seals.find({ isConfirmed: false }, maxTime).sort({ _id: 1 }).limit(limit);
    return (await found.toArray()).map(sealOf);
  }

  async confirmSeal(number: number): Promise<void> {
    await this.#seals.updateOne({ _id: number }, { $set: { isConfirmed: true } });
  }

  async expireSeals(beforeMs: number): Promise<readonly number[]> {
    const old = await this.#seals
      .find({ toMs: { $lte: beforeMs } }, maxTime)
      .sort({ _id: 1 })
      .toArray();
    const numbers: number[] = [];
    for (const { _id, token } of old) {
      const kept = { token, state: 'kept' as const };
      const { modifiedCount } = await this.#groups.updateMany(kept, { $set: { ...gone, state: 'expired' } });
      if (modifiedCount > 0) numbers.push(_id);
    }
    return numbers;
  }

  /** Removes what names a client; its leaves stay. */
  async erase(client: string): Promise<void> {
    await this.#groups.updateMany({ client }, { $set: { ...gone, state: 'erased' } });
  }

  async #tokenOf(number: number): Promise<string> {
    const seal = await this.#seals.findOne({ _id: number }, { ...maxTime, projection: { token: 1 } });
    return seal?.token ?? '';
  }
}

const documentOf = ({ key, client, records, root, salt, body }: NewGroup, token: string): GroupDocument => ({
  _id: `${token}.${key}`,
  token,
  key,
  client,
  records,
  root,
  state: 'kept',
  salt,
  body: new Binary(body),
});

const sealOf = ({ _id: number, fromMs, toMs, root, records, clients }: SealDocument): Seal => ({
  number,
  fromMs,
  toMs,
  root,
  records,
  clients,
});

const leafOf = ({ key, records, root }: SealLeaf): SealLeaf => ({ key, records, root });
