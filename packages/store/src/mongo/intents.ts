import type { CallRecord } from '@will/core';
import type { Collection, Db } from 'mongodb';
import type { CallLog } from '../call-log.ts';
import { parse, stringify } from '../json.ts';
import type { Netted } from '../netted.ts';
import { insertNew } from './bulk.ts';
import type { CallDocument } from './call-document.ts';
import { commandLimitMs } from './connect.ts';

interface IntentDocument {
  readonly _id: string;
  readonly deadlineMs: number;
  readonly client: string;
  /** JSON. */
  readonly record: string;
}

const maxTime = { maxTimeMS: commandLimitMs };

/** Attempts that were begun, and of which no record is here. */
export class MongoIntents {
  readonly #intents: Collection<IntentDocument>;
  readonly #calls: Collection<CallDocument>;

  constructor(database: Db) {
    this.#intents = database.collection('intents');
    this.#calls = database.collection('calls');
  }

  async open(beforeMs: number, limit: number): ReturnType<CallLog['openIntents']> {
    const found = await this.#intents
      .find({ deadlineMs: { $lt: beforeMs } }, maxTime)
      .sort({ deadlineMs: 1, _id: 1 })
      .limit(limit)
      .toArray();
    return found.map(({ record, deadlineMs }) => ({ record: parse<CallRecord>(record), deadlineMs }));
  }

  /** Removes those whose record is here now. */
  async close(calls: Netted['calls']): Promise<void> {
    if (calls.length > 0) await this.#intents.deleteMany({ _id: { $in: calls.map(({ attemptId }) => attemptId) } });
  }

  /** Stores those that have no record. */
  async add(intents: Netted['intents']): Promise<void> {
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

  async prune(beforeMs: number): Promise<void> {
    await this.#intents.deleteMany({ deadlineMs: { $lt: beforeMs } });
  }

  async erase(client: string): Promise<void> {
    await this.#intents.deleteMany({ client });
  }
}
