import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { CallRecord, DecisionRecord, NamedSet } from '@will/core';
import type { CallFilter, CallLog, LogEvent } from '../call-log.ts';
import { parse, stringify, stringifyDecision, stringifyRecord } from '../json.ts';
import { mergeFacts, type CountedFacts } from '../merge-facts.ts';
import { netted } from '../netted.ts';
import { Increments } from '../usage.ts';
import { columnNames, countedOf, recordOf, rowOf, selected, type CallRow, type Cell } from './call-row.ts';
import type { Schema } from './database.ts';
import type { Synchronous } from './protocol.ts';
import { plainColumns } from '../gen/plain-columns.ts';
import { contentOperations } from './contents.ts';
import { pruningOperations } from './prune.ts';
import { prepareRepricing } from './reprice.ts';
import { cacheMigration, hoursMigration, prepareRollups, rollupMigration, usageFrom } from './rollups.ts';
import { sealMigration, sealOperations } from './seals.ts';

/** Operations of the call log in its thread. */
export type CallOperations = Omit<Synchronous<CallLog>, 'ingest'> & {
  readonly ingest: (written: Written) => { added: number; replaced: number };
};

/** A batch as it goes to the thread: written out already, for text goes over faster than objects. */
export interface Written {
  /** JSON of rows. */
  readonly calls: string;
  readonly intents: readonly (readonly [attemptId: string, deadlineMs: number, record: string])[];
  readonly decisions: readonly (readonly [id: string, taskId: string, setId: string, atMs: number, body: string])[];
  readonly sets: readonly (readonly [setId: string, body: string])[];
}

/**
 * The part of a batch that is written, on this side of the thread: an intent whose record came with it does not go
 * over at all.
 */
export function writtenOf(events: readonly LogEvent[]): Written {
  const { calls, intents, decisions, sets } = netted(events);
  return {
    calls: JSON.stringify(calls.map(rowOf)),
    intents: intents.map(({ record, deadlineMs }) => [record.attemptId, deadlineMs, stringifyRecord(record)]),
    decisions: decisions.map((decision) => {
      const { decisionId, taskId, setId, atMs } = decision;
      return [decisionId, taskId, setId, atMs, stringifyDecision(decision)];
    }),
    sets: sets.map(({ setId, set }) => [setId, stringify(set)]),
  };
}

/**
 * What calls are filtered by stands in the indexes too, so that a filter which fits few calls, or none, reads no rows but
 * those that fit: a tenth of the time among a million.
 */
const wideIndexes = `DROP INDEX calls_by_time; DROP INDEX calls_by_client; DROP INDEX calls_by_model;
  CREATE INDEX calls_by_time ON calls(started_at_ms, task_type, outcome);
  CREATE INDEX calls_by_client ON calls(client, started_at_ms, model, outcome, task_type);
  CREATE INDEX calls_by_model ON calls(model, started_at_ms, outcome, task_type, client)`;

/**
 * NORMAL: the log is a copy of the stream, which itself does not wait for the disk. A killed process loses nothing; a
 * power cut may lose the last moments, which the stream still keeps for days. It saves a disk wait per batch.
 */
export const callSchema: Schema = {
  kind: 'calls',
  added: { table: 'calls', columns: plainColumns },
  synchronous: 'NORMAL',
  migrations: [
    `CREATE TABLE calls (
       number INTEGER PRIMARY KEY,
       attempt_id TEXT NOT NULL UNIQUE,
       writer_rank INTEGER NOT NULL,
       task_id TEXT NOT NULL,
       decision_id TEXT,
       attempt INTEGER NOT NULL,
       revision INTEGER NOT NULL,
       client TEXT NOT NULL,
       project TEXT,
       reflex TEXT,
       task_type TEXT NOT NULL,
       model TEXT,
       model_name TEXT,
       model_version TEXT,
       provider TEXT,
       worker_id TEXT,
       data_class TEXT,
       priority TEXT NOT NULL,
       started_at_ms INTEGER NOT NULL,
       duration_ms INTEGER NOT NULL,
       first_content_ms INTEGER,
       outcome TEXT NOT NULL,
       fine TEXT NOT NULL,
       reason TEXT,
       finish TEXT,
       input_tokens INTEGER,
       output_tokens INTEGER,
       cached_input_tokens INTEGER,
       reasoning_tokens INTEGER,
       is_usage_estimated INTEGER,
       output_chars INTEGER NOT NULL,
       cost_nano_usd INTEGER,
       price_input INTEGER,
       price_output INTEGER,
       is_streamed INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX calls_by_time ON calls(started_at_ms);
     CREATE INDEX calls_by_client ON calls(client, started_at_ms);
     CREATE INDEX calls_by_model ON calls(model, started_at_ms);
     CREATE INDEX calls_by_task ON calls(task_id);
     CREATE INDEX calls_by_decision ON calls(decision_id);
     CREATE TABLE intents (
       attempt_id TEXT PRIMARY KEY,
       deadline_ms INTEGER NOT NULL,
       record TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX intents_by_deadline ON intents(deadline_ms);
     CREATE TABLE decisions (
       decision_id TEXT PRIMARY KEY,
       task_id TEXT NOT NULL,
       set_id TEXT NOT NULL,
       at_ms INTEGER NOT NULL,
       body TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX decisions_by_task ON decisions(task_id, at_ms);
     CREATE TABLE ranked_sets (set_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    'CREATE INDEX decisions_by_time ON decisions(at_ms, set_id)',
    `ALTER TABLE calls ADD COLUMN cache_write_tokens INTEGER;
     ALTER TABLE calls ADD COLUMN audio_input_tokens INTEGER;
     ALTER TABLE calls ADD COLUMN audio_output_tokens INTEGER;
     ALTER TABLE calls ADD COLUMN images INTEGER;
     ALTER TABLE calls ADD COLUMN price_more TEXT`,
    rollupMigration,
    `CREATE TABLE contents (
       attempt_id TEXT PRIMARY KEY,
       task_id TEXT NOT NULL,
       client TEXT NOT NULL,
       input_kind TEXT NOT NULL,
       input TEXT NOT NULL,
       output TEXT NOT NULL,
       is_cut INTEGER NOT NULL,
       until_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX contents_by_end ON contents(until_ms);
     CREATE INDEX contents_by_client ON contents(client)`,
    `ALTER TABLE calls ADD COLUMN http_status INTEGER;
     ALTER TABLE calls ADD COLUMN vendor_code TEXT`,
    `ALTER TABLE calls ADD COLUMN cache_write_1h_tokens INTEGER;
     ALTER TABLE calls ADD COLUMN image_input_tokens INTEGER;
     ALTER TABLE calls ADD COLUMN image_output_tokens INTEGER`,
    'ALTER TABLE calls RENAME COLUMN fine TO status',
    cacheMigration,
    sealMigration,
    wideIndexes,
    'CREATE INDEX calls_by_outcome ON calls(outcome, started_at_ms)',
    hoursMigration,
  ],
};

const conditions: Readonly<Record<keyof CallFilter, string>> = {
  client: 'client = ?',
  project: 'project = ?',
  model: 'model = ?',
  taskType: 'task_type = ?',
  outcome: 'outcome = ?',
  reflex: 'reflex = ?',
  taskId: 'task_id = ?',
  decisionId: 'decision_id = ?',
  fromMs: 'started_at_ms >= ?',
  toMs: 'started_at_ms < ?',
  behind: '(started_at_ms, attempt_id) < (?, ?)',
};

/** Operations of the call log on one connection. */
export function callOperations(database: DatabaseSync): CallOperations {
  const ingestion = prepareIngestion(database);
  const queries = new Map<string, StatementSync>();
  const openIntents = database.prepare(
    'SELECT deadline_ms, record FROM intents WHERE deadline_ms < ? ORDER BY deadline_ms, attempt_id LIMIT ?',
  );
  const decisionById = database.prepare('SELECT body FROM decisions WHERE decision_id = ?');
  const decisionByTask = database.prepare(
    'SELECT body FROM decisions WHERE task_id = ? ORDER BY at_ms DESC, decision_id LIMIT 1',
  );
  const setById = database.prepare('SELECT body FROM ranked_sets WHERE set_id = ?');

  // Counted in the index alone; only the sets themselves are read.
  const recentSets = database.prepare(
    `SELECT set_id, decisions, newest_ms, json_extract(body, '$.facts') AS facts FROM
       (SELECT set_id, count(*) AS decisions, max(at_ms) AS newest_ms FROM
         (SELECT set_id, at_ms FROM decisions WHERE at_ms >= ? ORDER BY at_ms DESC LIMIT ?)
        GROUP BY set_id ORDER BY newest_ms DESC, set_id LIMIT ?)
     LEFT JOIN ranked_sets USING (set_id) ORDER BY newest_ms DESC, set_id`,
  );
  const countSince = database.prepare('SELECT count(*) AS n FROM (SELECT 1 FROM decisions WHERE at_ms >= ? LIMIT ?)');

  const query = (where: string): StatementSync => {
    const known = queries.get(where);
    if (known) return known;
    const sql = `SELECT ${selected} FROM calls ${where} ORDER BY started_at_ms DESC, attempt_id DESC LIMIT ?`;
    const prepared = database.prepare(sql);
    queries.set(where, prepared);
    return prepared;
  };

  return {
    ingest: (written) => ingest(ingestion, written),

    calls(filter, limit) {
      const asked = (Object.keys(conditions) as (keyof CallFilter)[]).filter((key) => filter[key] !== undefined);
      const where = asked.length === 0 ? '' : `WHERE ${asked.map((key) => conditions[key]).join(' AND ')}`;
      const parameters = asked.flatMap((key) => valuesOf(filter, key));
      return (query(where).all(...parameters, limit) as unknown as CallRow[]).map(recordOf);
    },

    decision(by) {
      const row = 'decisionId' in by ? decisionById.get(by.decisionId) : decisionByTask.get(by.taskId);
      if (!row) return undefined;
      const decision = parse<DecisionRecord>(row['body'] as string);
      const set = setById.get(decision.setId);
      return { decision, set: set && { setId: decision.setId, set: parse<NamedSet['set']>(set['body'] as string) } };
    },

    recentFacts(sinceMs, maxDecisions, maxSets) {
      const rows = recentSets.all(sinceMs, maxDecisions, maxSets + 1);
      const seen = countSince.get(sinceMs, maxDecisions + 1)?.['n'] as number;
      return {
        recent: mergeFacts(rows.slice(0, maxSets).flatMap(countedFacts)),
        isPartial: rows.length > maxSets || seen > maxDecisions,
      };
    },

    usage: (question) => usageFrom(database, question),

    reprice: prepareRepricing(database, ingestion.addToRollups),

    ...contentOperations(database),
    ...pruningOperations(database),
    ...sealOperations(database),

    openIntents: (beforeMs, limit) =>
      openIntents.all(beforeMs, limit).map((row) => ({
        record: parse<CallRecord>(row['record'] as string),
        deadlineMs: row['deadline_ms'] as number,
      })),
  };
}

function valuesOf({ behind, ...equal }: CallFilter, key: keyof CallFilter): SQLInputValue[] {
  if (key !== 'behind') return [equal[key] as SQLInputValue];
  return behind ? [behind.startedAtMs, behind.attemptId] : [];
}

/** Nothing where the set itself is not here: it is on its way, or was lost. */
function countedFacts(row: Readonly<Record<string, SQLOutputValue>>): CountedFacts[] {
  const { facts, decisions } = row;
  return typeof facts === 'string' ? [{ facts, decisions: decisions as number }] : [];
}

type Ingestion = ReturnType<typeof prepareIngestion>;

function prepareIngestion(database: DatabaseSync) {
  // Without numbers: SQLite searches all parameters for one that has a number, for each value of each row.
  const places = columnNames.map(() => '?').join(', ');
  const addCall = database.prepare(
    `INSERT INTO calls (${columnNames.join(', ')}, unsealed_ms) VALUES (${places}, ?)
     ON CONFLICT (attempt_id) DO NOTHING`,
  );
  const start = columnNames.indexOf('started_at_ms');
  return {
    addCall: (row: readonly Cell[]) => addCall.run(...row, row[start] ?? null),
    removeLesser: database.prepare(`DELETE FROM calls WHERE attempt_id = ? AND writer_rank < ? RETURNING ${selected}`),
    addToRollups: prepareRollups(database),
    addIntent: database.prepare(
      `INSERT INTO intents SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM calls WHERE attempt_id = ?1)
       ON CONFLICT DO NOTHING`,
    ),
    closeIntent: database.prepare('DELETE FROM intents WHERE attempt_id = ?'),
    addDecision: database.prepare('INSERT INTO decisions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    addSet: database.prepare('INSERT INTO ranked_sets VALUES (?, ?) ON CONFLICT DO NOTHING'),
  };
}

function ingest(into: Ingestion, written: Written): { added: number; replaced: number } {
  for (const row of written.sets) into.addSet.run(...row);
  for (const row of written.decisions) into.addDecision.run(...row);
  for (const row of written.intents) into.addIntent.run(...row);
  const counts = { added: 0, replaced: 0 };
  const increments = new Increments();
  for (const row of JSON.parse(written.calls) as Cell[][]) {
    const change = addCall(into, row, increments);
    if (change !== 'known') counts[change] += 1;
    into.closeIntent.run(row[0] ?? null);
  }
  into.addToRollups(increments);
  return counts;
}

function addCall(into: Ingestion, row: readonly Cell[], increments: Increments): 'added' | 'replaced' | 'known' {
  if (into.addCall(row).changes === 1) {
    increments.count(countedOf(row), 1);
    return 'added';
  }
  const [attemptId = null, rank = null] = row;
  const lesser = into.removeLesser.get(attemptId, rank);
  if (!lesser) return 'known';
  into.addCall(row);
  increments.count(recordOf(lesser as unknown as CallRow), -1);
  increments.count(countedOf(row), 1);
  return 'replaced';
}
