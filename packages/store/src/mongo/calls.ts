import type { CallRecord, DecisionRecord, NamedSet } from '@will/core';
import { type Collection, type Db, type Filter, MongoServerError, type Sort } from 'mongodb';
import type {
  CallFilter,
  CallLog,
  Ingested,
  KeptContent,
  LogEvent,
  LogSize,
  Repriced,
  RepriceQuery,
} from '../call-log.ts';
import { charged } from '../charged.ts';
import { parse, stringify } from '../json.ts';
import { mergeFacts } from '../merge-facts.ts';
import { netted, type Netted } from '../netted.ts';
import type { DecisionBasis, NewSeal, Seal, SealedGroup, SealLeaf } from '../seals/seal.ts';
import { dayMs, hourMs } from '../usage.ts';
import { Batches } from './batches.ts';
import { recordOf, type CallDocument } from './call-document.ts';
import { commandLimitMs, openMongo, type MongoPlace, type MongoSchema } from './connect.ts';
import { duplicatesIn, storeErrorOf } from './failures.ts';
import { InTurns } from './in-turns.ts';
import { usageFrom, type RollupDocument } from './rollups.ts';
import { makeSealIndexes, MongoSeals } from './seals.ts';

interface IntentDocument {
  readonly _id: string;
  readonly deadlineMs: number;
  readonly client: string;
  /** JSON. */
  readonly record: string;
}
interface DecisionDocument {
  readonly _id: string;
  readonly taskId: string;
  readonly setId: string;
  readonly atMs: number;
  readonly client: string;
  /** JSON. */
  readonly body: string;
}
type ContentDocument = Omit<KeptContent, 'attemptId'> & { readonly _id: string };
interface SetDocument {
  readonly _id: string;
  readonly client: string;
  readonly validUntilMs: number;
  /** JSON; they stand in the body too. */
  readonly facts: string;
  /** JSON. */
  readonly body: string;
}

/** What calls are filtered by stands in the indexes too, so that a filter which fits few calls fetches no others. */
const filterIndexes = [
  { narrow: 'startedAtMs_-1', wide: { startedAtMs: -1, taskType: 1, outcome: 1 } },
  { narrow: 'client_1_startedAtMs_-1', wide: { client: 1, startedAtMs: -1, model: 1, outcome: 1, taskType: 1 } },
  { narrow: 'model_1_startedAtMs_-1', wide: { model: 1, startedAtMs: -1, outcome: 1, taskType: 1, client: 1 } },
] as const;

/** Repeating a migration meets an index that is gone already. */
function ignoreMissingIndex(error: unknown): void {
  const indexNotFound = 27;
  if (!(error instanceof MongoServerError) || error.code !== indexNotFound) throw error;
}

/** Steps that make and change the collections of the call log. */
export const callSchema: MongoSchema = {
  kind: 'calls',
  migrations: [
    async (database) => {
      const calls = database.collection('calls');
      await calls.createIndex({ startedAtMs: -1 });
      await calls.createIndex({ client: 1, startedAtMs: -1 });
      await calls.createIndex({ model: 1, startedAtMs: -1 });
      await calls.createIndex({ taskId: 1 });
      await calls.createIndex({ decisionId: 1 });
      await database.collection('intents').createIndex({ deadlineMs: 1 });
      await database.collection('decisions').createIndex({ taskId: 1, atMs: -1 });
      await database.collection('decisions').createIndex({ atMs: -1 });
      await database.collection('rollups').createIndex({ rollup: 1, spanMs: 1, startMs: 1 });
    },
    async (database) => {
      await database.collection('contents').createIndex({ untilMs: 1 });
      await database.collection('contents').createIndex({ client: 1 });
    },
    makeSealIndexes,
    async (database) => {
      const calls = database.collection('calls');
      for (const { narrow, wide } of filterIndexes) {
        await calls.createIndex(wide);
        await calls.dropIndex(narrow).catch(ignoreMissingIndex);
      }
    },
    async (database) => {
      await database.collection('calls').createIndex({ outcome: 1, startedAtMs: -1 });
    },
  ],
};

/** How often to look for what processes that died left half done. */
const pollIntervalMs = 60_000;
const maxTime = { maxTimeMS: commandLimitMs };
const writing = 'writing';

/** Opens the call log in MongoDB. @throws {StoreError} it cannot be reached. */
export async function openMongoCallLog(place: MongoPlace): Promise<CallLog> {
  const { database, close } = await openMongo(place, callSchema);
  return new MongoCalls(new Batches(database, place.abandonedAfterMs), database, close);
}

class MongoCalls implements CallLog {
  readonly #database: Db;
  readonly #calls: Collection<CallDocument>;
  readonly #intents: Collection<IntentDocument>;
  readonly #decisions: Collection<DecisionDocument>;
  readonly #sets: Collection<SetDocument>;
  readonly #contents: Collection<ContentDocument>;
  readonly #rollups: Collection<RollupDocument>;
  readonly #batches: Batches;
  readonly #seals: MongoSeals;
  readonly #turns = new InTurns();
  readonly #disconnect: () => Promise<void>;
  #lookedAtMs = 0;

  constructor(batches: Batches, database: Db, disconnect: () => Promise<void>) {
    this.#database = database;
    this.#calls = database.collection('calls');
    this.#intents = database.collection('intents');
    this.#decisions = database.collection('decisions');
    this.#sets = database.collection('ranked_sets');
    this.#contents = database.collection('contents');
    this.#rollups = database.collection('rollups');
    this.#batches = batches;
    this.#seals = new MongoSeals(database);
    this.#disconnect = disconnect;
  }

  ingest(events: readonly LogEvent[]): Promise<Ingested> {
    return this.#inTurn(async () => {
      await this.#finishAbandoned();
      const { calls, intents, decisions, sets } = netted(events);
      // Sets and decisions hang on nothing, so they go at the same time.
      const [counts] = await Promise.all([
        this.#batches.write(calls),
        insertNew(this.#sets, sets.map(setDocument)),
        insertNew(this.#decisions, decisions.map(decisionDocument)),
      ]);
      await this.#closeIntents(calls);
      await this.#openIntents(intents);
      return counts;
    });
  }

  calls(filter: CallFilter, limit: number): Promise<readonly CallRecord[]> {
    return wrapped(async () => {
      const found = await this.#calls.find(conditionsOf(filter), maxTime).sort(newestFirst).limit(limit).toArray();
      return found.map((document) => recordOf(document._id, document));
    });
  }

  decision(by: { readonly decisionId: string } | { readonly taskId: string }): ReturnType<CallLog['decision']> {
    return wrapped(async () => {
      const found = await this.#decisions.findOne('decisionId' in by ? { _id: by.decisionId } : { taskId: by.taskId }, {
        ...maxTime,
        sort: { atMs: -1, _id: 1 },
      });
      if (!found) return undefined;
      const set = await this.#sets.findOne({ _id: found.setId }, maxTime);
      return {
        decision: parse<DecisionRecord>(found.body),
        set: set ? { setId: set._id, set: parse<NamedSet['set']>(set.body) } : undefined,
      };
    });
  }

  recentFacts(sinceMs: number, maxDecisions: number, maxSets: number): ReturnType<CallLog['recentFacts']> {
    return wrapped(async () => {
      const decisions = await this.#decisions
        .find({ atMs: { $gte: sinceMs } }, { ...maxTime, projection: { setId: 1, atMs: 1 } })
        .sort({ atMs: -1 })
        .limit(maxDecisions + 1)
        .toArray();
      const bySet = countBySet(decisions.slice(0, maxDecisions));
      const examined = bySet.slice(0, maxSets);
      const sets = await this.#sets
        .find({ _id: { $in: examined.map(([setId]) => setId) } }, { ...maxTime, projection: { facts: 1 } })
        .toArray();
      const factsOf = new Map(sets.map(({ _id, facts }) => [_id, facts]));
      const counted = examined.flatMap(([setId, count]) => {
        const facts = factsOf.get(setId);
        return facts === undefined ? [] : [{ facts, decisions: count }];
      });
      return {
        recent: mergeFacts(counted),
        isPartial: bySet.length > maxSets || decisions.length > maxDecisions,
      };
    });
  }

  usage(question: Parameters<CallLog['usage']>[0]): ReturnType<CallLog['usage']> {
    return wrapped(() => usageFrom(this.#rollups, question));
  }

  reprice({ model, fromMs, toMs, prices }: RepriceQuery, limit: number, after: string): Promise<Repriced> {
    return this.#inTurn(async () => {
      const filter = { model, startedAtMs: { $lt: toMs }, $or: startingAfter(after, fromMs) };
      const found = await this.#calls.find(filter, maxTime).sort(oldestFirst).limit(limit).toArray();
      const changes = found.flatMap((from) => {
        const record = recordOf(from._id, from);
        const to = charged(record, prices);
        return to ? [{ from, to, addedNanoUsd: (to.costNanoUsd ?? 0n) - (record.costNanoUsd ?? 0n) }] : [];
      });
      await this.#batches.change(changes);
      const last = found.at(-1);
      return {
        examined: found.length,
        changed: changes.length,
        addedNanoUsd: changes.reduce((sum, { addedNanoUsd }) => sum + addedNanoUsd, 0n),
        next: last && found.length === limit ? `${last.startedAtMs}:${last._id}` : undefined,
      };
    });
  }

  openIntents(beforeMs: number, limit: number): ReturnType<CallLog['openIntents']> {
    return wrapped(async () => {
      const found = await this.#intents
        .find({ deadlineMs: { $lt: beforeMs } }, maxTime)
        .sort({ deadlineMs: 1, _id: 1 })
        .limit(limit)
        .toArray();
      return found.map(({ record, deadlineMs }) => ({ record: parse<CallRecord>(record), deadlineMs }));
    });
  }

  keepContent({ attemptId: _id, ...content }: KeptContent): Promise<void> {
    return wrapped(() => insertNew(this.#contents, [{ _id, ...content }]));
  }

  content(attemptId: string): Promise<KeptContent | undefined> {
    return wrapped(async () => {
      const found = await this.#contents.findOne({ _id: attemptId }, maxTime);
      if (!found) return undefined;
      const { _id, ...content } = found;
      return { attemptId: _id, ...content };
    });
  }

  dropContent(untilMs: number): Promise<number> {
    return wrapped(async () => (await this.#contents.deleteMany({ untilMs: { $lte: untilMs } })).deletedCount);
  }

  size(): Promise<LogSize> {
    return wrapped(async () => {
      const [calls, stats] = await Promise.all([
        this.#calls.estimatedDocumentCount(maxTime),
        this.#database.command({ dbStats: 1, ...maxTime }),
      ]);
      return { calls, bytes: Number(stats['dataSize'] ?? 0) + Number(stats['indexSize'] ?? 0) };
    });
  }

  startOfOldest(count: number): Promise<number | undefined> {
    return wrapped(async () => {
      const options = { ...maxTime, projection: { startedAtMs: 1 } };
      const [oldest] = await this.#calls.find({}, options).sort({ startedAtMs: 1 }).skip(count).limit(1).toArray();
      return oldest?.startedAtMs;
    });
  }

  prune(beforeMs: number, limit: number): Promise<number> {
    return this.#inTurn(async () => {
      const removed =
        (await removeSome(this.#calls, { startedAtMs: { $lt: beforeMs } }, limit)) +
        (await removeSome(this.#decisions, { atMs: { $lt: beforeMs } }, limit));
      if (removed === 0) {
        await this.#intents.deleteMany({ deadlineMs: { $lt: beforeMs } });
        await this.#sets.deleteMany({ validUntilMs: { $lt: beforeMs } });
      }
      return removed;
    });
  }

  pruneSums(beforeMs: number): Promise<number> {
    return this.#inTurn(async () => {
      let removed = 0;
      for (const spanMs of [hourMs, dayMs])
        removed += (await this.#rollups.deleteMany({ spanMs, startMs: { $lte: beforeMs - spanMs } })).deletedCount;
      return removed;
    });
  }

  erase(client: string, limit: number): Promise<number> {
    return this.#inTurn(async () => {
      await this.#decisions.deleteMany({ client });
      await this.#sets.deleteMany({ client });
      await this.#intents.deleteMany({ client });
      await this.#contents.deleteMany({ client });
      await this.#rollups.deleteMany({ rollup: { $in: ['clients', 'tags'] }, client });
      await this.#seals.erase(client);
      return removeSome(this.#calls, { client }, limit);
    });
  }

  unsealed(beforeMs: number, limit: number): Promise<readonly CallRecord[]> {
    return wrapped(() => this.#seals.unsealed(beforeMs, limit));
  }

  basisOf(decisionIds: readonly string[]): Promise<readonly DecisionBasis[]> {
    return wrapped(() => this.#seals.basisOf(decisionIds));
  }

  addSeal(seal: NewSeal): Promise<boolean> {
    return this.#inTurn(() => this.#seals.addSeal(seal));
  }

  lastSeal(): Promise<Seal | undefined> {
    return wrapped(() => this.#seals.lastSeal());
  }

  sealsAfter(number: number, fromMs: number, toMs: number, limit: number): Promise<readonly Seal[]> {
    return wrapped(() => this.#seals.sealsAfter(number, fromMs, toMs, limit));
  }

  leavesOf(number: number): Promise<readonly SealLeaf[]> {
    return wrapped(() => this.#seals.leavesOf(number));
  }

  sealedGroup(number: number, key: string): Promise<SealedGroup | undefined> {
    return wrapped(() => this.#seals.sealedGroup(number, key));
  }

  unconfirmedSeals(limit: number): Promise<readonly Seal[]> {
    return wrapped(() => this.#seals.unconfirmedSeals(limit));
  }

  confirmSeal(number: number): Promise<void> {
    return wrapped(() => this.#seals.confirmSeal(number));
  }

  expireSeals(beforeMs: number): Promise<readonly number[]> {
    return this.#inTurn(() => this.#seals.expireSeals(beforeMs));
  }

  async close(): Promise<void> {
    await this.#turns.ended();
    await this.#disconnect();
  }

  /** What writes goes one after the other. */
  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    return wrapped(() => this.#turns.take(writing, body));
  }

  async #finishAbandoned(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.#lookedAtMs < pollIntervalMs) return;
    await this.#batches.finishAbandoned(nowMs);
    this.#lookedAtMs = nowMs;
  }

  async #closeIntents(calls: Netted['calls']): Promise<void> {
    if (calls.length > 0) await this.#intents.deleteMany({ _id: { $in: calls.map(({ attemptId }) => attemptId) } });
  }

  async #openIntents(intents: Netted['intents']): Promise<void> {
    if (intents.length === 0) return;
    const ids = intents.map(({ record }) => record.attemptId);
    const ended = this.#calls.find({ _id: { $in: ids } }, { ...maxTime, projection: { _id: 1 } });
    const closed = new Set((await ended.toArray()).map(({ _id }) => _id));
    const documents = intents
      .filter(({ record }) => !closed.has(record.attemptId))
      .map(({ record, deadlineMs }) => ({
        _id: record.attemptId,
        client: record.client,
        deadlineMs,
        record: stringify(record),
      }));
    await insertNew(this.#intents, documents);
  }
}

const setDocument = ({ setId, set }: Netted['sets'][number]): SetDocument => ({
  _id: setId,
  client: set.facts.client,
  validUntilMs: set.validUntilMs,
  facts: stringify(set.facts),
  body: stringify(set),
});

function decisionDocument(decision: Netted['decisions'][number]): DecisionDocument {
  const { decisionId: _id, taskId, setId, atMs, client } = decision;
  return { _id, taskId, setId, atMs, client, body: stringify(decision) };
}

async function wrapped<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw storeErrorOf(error);
  }
}

/** Those whose id is taken stay as they are. */
async function insertNew<Stored extends { readonly _id: string }>(
  collection: Collection<Stored>,
  documents: readonly Stored[],
): Promise<void> {
  if (documents.length === 0) return;
  try {
    await collection.insertMany(documents as never, { ordered: false });
  } catch (error) {
    duplicatesIn(error);
  }
}

/** Returns how many went. Their ids are asked for first, since a removal itself knows no limit. */
async function removeSome<Stored extends { readonly _id: string }>(
  collection: Collection<Stored>,
  filter: Filter<Stored>,
  limit: number,
): Promise<number> {
  const found = await collection
    .find(filter, { ...maxTime, projection: { _id: 1 } })
    .limit(limit)
    .toArray();
  if (found.length === 0) return 0;
  const ids = found.map(({ _id }) => _id);
  return (await collection.deleteMany({ _id: { $in: ids } } as Filter<Stored>)).deletedCount;
}

const newestFirst: Sort = { startedAtMs: -1, _id: -1 };
const oldestFirst: Sort = { startedAtMs: 1, _id: 1 };

function conditionsOf({ fromMs, toMs, behind, ...equal }: CallFilter): Filter<CallDocument> {
  const asked = Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined));
  const started = { ...(fromMs !== undefined && { $gte: fromMs }), ...(toMs !== undefined && { $lt: toMs }) };
  return {
    ...asked,
    ...(Object.keys(started).length > 0 && { startedAtMs: started }),
    ...(behind && {
      $or: [
        { startedAtMs: { $lt: behind.startedAtMs } },
        { startedAtMs: behind.startedAtMs, _id: { $lt: behind.attemptId } },
      ],
    }),
  };
}

/** Where the part before ended: its last start and attempt. */
function startingAfter(after: string, fromMs: number): Filter<CallDocument>[] {
  if (after === '') return [{ startedAtMs: { $gte: fromMs } }];
  const [start = '', attempt = ''] = after.split(':');
  const atMs = Number(start);
  return [{ startedAtMs: { $gt: atMs } }, { startedAtMs: atMs, _id: { $gt: attempt } }];
}

/** Sets with how often they were decided on; newest decision first, then by name. */
function countBySet(decisions: readonly Pick<DecisionDocument, 'setId' | 'atMs'>[]): readonly [string, number][] {
  const counts = new Map<string, number>();
  for (const { setId } of decisions) counts.set(setId, (counts.get(setId) ?? 0) + 1);
  return [...counts];
}
