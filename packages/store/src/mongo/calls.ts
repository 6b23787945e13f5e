import type { CallRecord } from '@will/core';
import type { Collection, Db, Filter, Sort } from 'mongodb';
import type { CallFilter, CallLog, Ingested, LogEvent, LogSize, Repriced, RepriceQuery } from '../call-log.ts';
import { charged } from '../charged.ts';
import { netted } from '../netted.ts';
import type { SealStore } from '../seals/seal.ts';
import { dayMs, hourMs } from '../usage.ts';
import { Batches } from './batches.ts';
import { removeSome } from './bulk.ts';
import { recordOf, type CallDocument } from './call-document.ts';
import { callSchema } from './call-schema.ts';
import { commandLimitMs, openMongo, type MongoPlace } from './connect.ts';
import { MongoContents } from './contents.ts';
import { MongoDecisions } from './decisions.ts';
import { wrapped } from './failures.ts';
import { InTurns } from './in-turns.ts';
import { MongoIntents } from './intents.ts';
import { usageFrom, type RollupDocument } from './rollups.ts';
import { MongoSeals } from './seals.ts';

/** How often to look for what processes that died left half done. */
const pollIntervalMs = 60_000;
const maxTime = { maxTimeMS: commandLimitMs };
const writing = 'writing';

interface Parts {
  readonly intents: MongoIntents;
  readonly decisions: MongoDecisions;
  readonly contents: MongoContents;
  readonly seals: MongoSeals;
}

/** Opens the call log in MongoDB. @throws {StoreError} it cannot be reached. */
export async function openMongoCallLog(place: MongoPlace): Promise<CallLog> {
  const { database, close } = await openMongo(place, callSchema);
  const turns = new InTurns();
  // What writes goes one after the other.
  const inTurn = <T>(body: () => Promise<T>): Promise<T> => wrapped(() => turns.take(writing, body));
  const [intents, decisions] = [new MongoIntents(database), new MongoDecisions(database)];
  const [contents, seals] = [new MongoContents(database), new MongoSeals(database)];
  const batches = new Batches(database, place.abandonedAfterMs);
  const calls = new MongoCalls(database, batches, { intents, decisions, contents, seals });
  return {
    ingest: (events) => inTurn(() => calls.ingest(events)),
    calls: (filter, limit) => wrapped(() => calls.find(filter, limit)),
    decision: (by) => wrapped(() => decisions.decision(by)),
    recentFacts: (sinceMs, maxDecisions, maxSets) =>
      wrapped(() => decisions.recentFacts(sinceMs, maxDecisions, maxSets)),
    usage: (question) => wrapped(() => calls.usage(question)),
    reprice: (query, limit, after) => inTurn(() => calls.reprice(query, limit, after)),
    openIntents: (beforeMs, limit) => wrapped(() => intents.open(beforeMs, limit)),
    keepContent: (content) => wrapped(() => contents.keep(content)),
    content: (attemptId) => wrapped(() => contents.find(attemptId)),
    dropContent: (untilMs) => wrapped(() => contents.drop(untilMs)),
    size: () => wrapped(() => calls.size()),
    startOfOldest: (count) => wrapped(() => calls.startOfOldest(count)),
    prune: (beforeMs, limit) => inTurn(() => calls.prune(beforeMs, limit)),
    pruneSums: (beforeMs) => inTurn(() => calls.pruneSums(beforeMs)),
    erase: (client, limit) => inTurn(() => calls.erase(client, limit)),
    ...sealOperations(seals, inTurn),
    async close() {
      await turns.ended();
      await close();
    },
  };
}

type Wrapper = typeof wrapped;

const sealOperations = (seals: MongoSeals, inTurn: Wrapper): SealStore => ({
  unsealed: (beforeMs, limit) => wrapped(() => seals.unsealed(beforeMs, limit)),
  basisOf: (decisionIds) => wrapped(() => seals.basisOf(decisionIds)),
  addSeal: (seal) => inTurn(() => seals.addSeal(seal)),
  lastSeal: () => wrapped(() => seals.lastSeal()),
  sealsAfter: (number, fromMs, toMs, limit) => wrapped(() => seals.sealsAfter(number, fromMs, toMs, limit)),
  leavesOf: (number) => wrapped(() => seals.leavesOf(number)),
  sealedGroup: (number, key) => wrapped(() => seals.sealedGroup(number, key)),
  unconfirmedSeals: (limit) => wrapped(() => seals.unconfirmedSeals(limit)),
  confirmSeal: (number) => wrapped(() => seals.confirmSeal(number)),
  expireSeals: (beforeMs) => inTurn(() => seals.expireSeals(beforeMs)),
});

/** Calls with their sums, and what is done to them and all that hangs on them. */
class MongoCalls {
  readonly #database: Db;
  readonly #calls: Collection<CallDocument>;
  readonly #rollups: Collection<RollupDocument>;
  readonly #batches: Batches;
  readonly #parts: Parts;
  #lookedAtMs = 0;

  constructor(database: Db, batches: Batches, parts: Parts) {
    this.#database = database;
    this.#calls = database.collection('calls');
    this.#rollups = database.collection('rollups');
    this.#batches = batches;
    this.#parts = parts;
  }

  async ingest(events: readonly LogEvent[]): Promise<Ingested> {
    await this.#finishAbandoned();
    const { intents, decisions } = this.#parts;
    const written = netted(events);
    const [counts] = await Promise.all([this.#batches.write(written.calls), decisions.add(written)]);
    await intents.close(written.calls);
    await intents.add(written.intents);
    return counts;
  }

  async find(filter: CallFilter, limit: number): Promise<readonly CallRecord[]> {
    const found = await this.#calls.find(conditionsOf(filter), maxTime).sort(newestFirst).limit(limit).toArray();
    return found.map((document) => recordOf(document._id, document));
  }

  usage(question: Parameters<CallLog['usage']>[0]): ReturnType<CallLog['usage']> {
    return usageFrom(this.#rollups, question);
  }

  async reprice({ model, fromMs, toMs, prices }: RepriceQuery, limit: number, after: string): Promise<Repriced> {
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
  }

  async size(): Promise<LogSize> {
    const [calls, stats] = await Promise.all([
      this.#calls.estimatedDocumentCount(maxTime),
      this.#database.command({ dbStats: 1, ...maxTime }),
    ]);
    return { calls, bytes: Number(stats['dataSize'] ?? 0) + Number(stats['indexSize'] ?? 0) };
  }

  async startOfOldest(count: number): Promise<number | undefined> {
    const options = { ...maxTime, projection: { startedAtMs: 1 } };
    const [oldest] = await this.#calls.find({}, options).sort({ startedAtMs: 1 }).skip(count).limit(1).toArray();
    return oldest?.startedAtMs;
  }

  async prune(beforeMs: number, limit: number): Promise<number> {
    const { intents, decisions } = this.#parts;
    const removed =
      (await removeSome(this.#calls, { startedAtMs: { $lt: beforeMs } }, limit)) +
      (await decisions.prune(beforeMs, limit));
    if (removed === 0) {
      await intents.prune(beforeMs);
      await decisions.pruneSets(beforeMs);
    }
    return removed;
  }

  async pruneSums(beforeMs: number): Promise<number> {
    let removed = 0;
    for (const spanMs of [hourMs, dayMs])
      removed += (await this.#rollups.deleteMany({ spanMs, startMs: { $lte: beforeMs - spanMs } })).deletedCount;
    return removed;
  }

  async erase(client: string, limit: number): Promise<number> {
    const { intents, decisions, contents, seals } = this.#parts;
    await decisions.erase(client);
    await intents.erase(client);
    await contents.erase(client);
    await this.#rollups.deleteMany({ rollup: { $in: ['clients', 'tags'] }, client });
    await seals.erase(client);
    return removeSome(this.#calls, { client }, limit);
  }

  async #finishAbandoned(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.#lookedAtMs < pollIntervalMs) return;
    await this.#batches.finishAbandoned(nowMs);
    this.#lookedAtMs = nowMs;
  }
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
