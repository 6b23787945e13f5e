import { randomUUID } from 'node:crypto';
import { writerRank, type CallRecord } from '@will/core';
import type { Collection, Db } from 'mongodb';
import { Increments } from '../usage.ts';
import {
  countChanges,
  documentOf,
  unsealed,
  versionsOf,
  type CallDocument,
  type CallVersion,
} from './call-document.ts';
import { commandLimitMs } from './connect.ts';
import { duplicatesIn } from './failures.ts';
import { addToRollups, type RollupDocument } from './rollups.ts';

/** A batch that is being written. It stands here until the sums hold it. */
interface BatchDocument {
  readonly _id: string;
  readonly writer: string;
  readonly number: number;
  readonly atMs: number;
  /** Attempts that it may touch. */
  readonly attempts: readonly string[];
}

/** What a batch wrote: records that it added just now, and attempts of which only their documents can tell. */
interface Written {
  readonly added: readonly CallRecord[];
  readonly others: readonly string[];
}

/** A batch older than this belongs to a process that died. A command ends long before. */
const defaultAbandonedAfterMs = 120_000;

const maxTime = { maxTimeMS: commandLimitMs };

/**
 * Records and their sums without transactions. Each batch is announced, then its records are written with its name on
 * them, then what they change is added to the sums, then the announcement is removed. A process that dies in between
 * leaves an announcement; the one that finds it reads from the records what the batch did and adds just that, once.
 * Batches of one writer come one after the other.
 */
export class Batches {
  readonly writer = randomUUID();
  readonly #calls: Collection<CallDocument>;
  readonly #batches: Collection<BatchDocument>;
  readonly #rollups: Collection<RollupDocument>;
  readonly #abandonedAfterMs: number;
  #number = 0;
  /** What must be done before the next batch, after an error. */
  #unfinished: (() => Promise<void>) | undefined;

  constructor(database: Db, abandonedAfterMs = defaultAbandonedAfterMs) {
    this.#abandonedAfterMs = abandonedAfterMs;
    this.#calls = database.collection('calls');
    this.#batches = database.collection('batches');
    this.#rollups = database.collection('rollups');
  }

  /** Writes records and their sums. After an error it is not known what of them is there; repeating it is safe. */
  async write(records: readonly CallRecord[]): Promise<{ added: number; replaced: number }> {
    const counts = { added: 0, replaced: 0 };
    if (records.length === 0) return counts;
    await this.#inBatch(
      records.map(({ attemptId }) => attemptId),
      async (batch) => {
        const { added, replaced, present } = await this.#put(records, batch);
        Object.assign(counts, { added: added.length, replaced });
        return { added, others: present.map(({ attemptId }) => attemptId) };
      },
    );
    return counts;
  }

  /** Puts other records in the place of those that are there, as long as nobody else did. */
  async change(changes: readonly { readonly from: CallDocument; readonly to: CallRecord }[]): Promise<void> {
    if (changes.length === 0) return;
    const open = new Set((await this.#batches.find({}, { ...maxTime, projection: { _id: 1 } }).toArray()).map(nameOf));
    await this.#inBatch(
      changes.map(({ from }) => from._id),
      async (batch) => {
        const replacements = changes.map(({ from, to }) => ({
          replaceOne: {
            filter: { _id: from._id, batch: from.batch },
            replacement: asSealedAs(from, documentOf(to, batch, stillNeeded(from, open))),
          },
        }));
        await this.#calls.bulkWrite(replacements, { ordered: false });
        return { added: [], others: changes.map(({ from }) => from._id) };
      },
    );
  }

  /** Finishes what processes that died left half done. */
  async finishAbandoned(nowMs: number): Promise<void> {
    const abandoned = await this.#batches
      .find({ atMs: { $lt: nowMs - this.#abandonedAfterMs } }, maxTime)
      .sort({ writer: 1, number: 1 })
      .toArray();
    for (const batch of abandoned)
      if (batch.writer !== this.writer) await this.#settle(batch, { added: [], others: batch.attempts }, false);
  }

  async #inBatch(attempts: readonly string[], write: (batch: string) => Promise<Written>): Promise<void> {
    await this.#unfinished?.();
    this.#number += 1;
    const { writer } = this;
    const batch = { _id: `${writer}.${this.#number}`, writer, number: this.#number, atMs: Date.now(), attempts };
    let isFirst = true;
    const body = async (): Promise<void> => {
      await this.#batches.updateOne({ _id: batch._id }, { $setOnInsert: batch }, { upsert: true });
      const written = await write(batch._id);
      // After half of its time somebody else may soon take it for abandoned.
      const isOurs = isFirst && Date.now() - batch.atMs < this.#abandonedAfterMs / 2;
      isFirst = false;
      await this.#settle(batch, written, isOurs);
      this.#unfinished = undefined;
    };
    this.#unfinished = body;
    await body();
  }

  /** Adds to the sums what the batch did, reading it where it is not known, and is done with it. */
  async #settle({ _id, writer, number }: BatchDocument, { added, others }: Written, isFirst: boolean): Promise<void> {
    const increments = new Increments();
    for (const record of added) increments.count(record, 1);
    if (others.length > 0) {
      const documents = this.#calls.find({ _id: { $in: [...others] } }, maxTime);
      for await (const document of documents) countChanges(document, _id, increments);
    }
    await addToRollups(this.#rollups, { writer, number, isFirst }, increments);
    await this.#batches.deleteOne({ _id });
  }

  /** Puts each record in its place unless a better one is there. */
  async #put(
    records: readonly CallRecord[],
    batch: string,
  ): Promise<{ added: readonly CallRecord[]; replaced: number; present: readonly CallRecord[] }> {
    const present = await this.#insert(records, batch);
    let replaced = 0;
    for (const record of present) if (await this.#replaceLesser(record, batch)) replaced += 1;
    const others = new Set(present);
    return { added: records.filter((record) => !others.has(record)), replaced, present };
  }

  /** Returns the records whose attempt has one already. */
  async #insert(records: readonly CallRecord[], batch: string): Promise<readonly CallRecord[]> {
    try {
      await this.#calls.insertMany(
        records.map((record) => unsealed(documentOf(record, batch), record)),
        { ordered: false },
      );
      return [];
    } catch (error) {
      return duplicatesIn(error).map((index) => records[index] as CallRecord);
    }
  }

  async #replaceLesser(record: CallRecord, batch: string): Promise<boolean> {
    for (;;) {
      const present = await this.#calls.findOne({ _id: record.attemptId }, maxTime);
      if (!present || present.rank >= writerRank(record.writtenBy)) return false;
      const replacement = unsealed(documentOf(record, batch, versionsOf(present)), record);
      const { matchedCount } = await this.#calls.replaceOne({ _id: present._id, batch: present.batch }, replacement);
      // Otherwise somebody else replaced it in between: look again.
      if (matchedCount === 1) return true;
    }
  }
}

/** A call that is repriced is sealed as much as before: a seal holds no cost. */
const asSealedAs = ({ unsealedMs }: CallDocument, to: CallDocument): CallDocument =>
  unsealedMs === undefined ? to : { ...to, unsealedMs };

const nameOf = ({ _id }: { readonly _id: string }): string => _id;

/** Earlier versions are kept only while a batch that wrote or replaced them is not in the sums yet. */
function stillNeeded(document: CallDocument, open: ReadonlySet<string>): readonly CallVersion[] {
  const versions = versionsOf(document);
  return versions.filter(({ batch }, index) => {
    const next = versions[index + 1];
    return next === undefined || open.has(batch) || open.has(next.batch);
  });
}
