import { overwriting } from './overwriting.ts';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Priority } from '@will/core';
import { StoreError } from '../errors.ts';
import type { StoredTask, TaskFilter, TaskState, TaskStore } from '../tasks.ts';
import type { Schema } from './database.ts';
import type { Synchronous } from './protocol.ts';

/** Operations on tasks in their thread. */
export type TaskOperations = Synchronous<TaskStore>;

/** FULL: an accepted task is promised, also through a power cut. */
export const taskSchema: Schema = {
  kind: 'tasks',
  synchronous: 'FULL',
  migrations: [
    `CREATE TABLE tasks (
       number INTEGER PRIMARY KEY,
       client TEXT NOT NULL,
       task_id TEXT NOT NULL,
       idempotency_key TEXT NOT NULL,
       body_hash TEXT NOT NULL,
       type TEXT NOT NULL,
       priority TEXT NOT NULL,
       created_at_ms INTEGER NOT NULL,
       deadline_ms INTEGER NOT NULL,
       body BLOB NOT NULL,
       state TEXT NOT NULL,
       fence INTEGER NOT NULL,
       messaged_at_ms INTEGER,
       finished_at_ms INTEGER,
       result BLOB,
       UNIQUE (client, task_id),
       UNIQUE (client, idempotency_key)
     ) STRICT;
     CREATE INDEX tasks_by_time ON tasks(created_at_ms);
     CREATE INDEX tasks_by_client ON tasks(client, created_at_ms);
     CREATE INDEX tasks_by_state ON tasks(state, created_at_ms);
     CREATE INDEX tasks_unfinished ON tasks(coalesce(messaged_at_ms, created_at_ms)) WHERE finished_at_ms IS NULL`,
    'CREATE INDEX tasks_finished ON tasks(finished_at_ms) WHERE finished_at_ms IS NOT NULL',
    `ALTER TABLE tasks ADD COLUMN is_published INTEGER NOT NULL DEFAULT 0;
     UPDATE tasks SET is_published = 1 WHERE finished_at_ms IS NOT NULL;
     CREATE INDEX tasks_unpublished ON tasks(finished_at_ms) WHERE finished_at_ms IS NOT NULL AND is_published = 0`,
    `ALTER TABLE tasks ADD COLUMN dead_reason TEXT;
     CREATE INDEX tasks_dead ON tasks(client, created_at_ms) WHERE dead_reason IS NOT NULL`,
    `ALTER TABLE tasks ADD COLUMN project TEXT NOT NULL DEFAULT ''`,
    'ALTER TABLE tasks ADD COLUMN idle_pickups INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE tasks ADD COLUMN waits_for TEXT',
  ],
};

function statementsOf(database: DatabaseSync) {
  const byId = database.prepare('SELECT * FROM tasks WHERE client = ? AND task_id = ?');
  const byKey = database.prepare('SELECT * FROM tasks WHERE client = ? AND idempotency_key = ?');
  const add = database.prepare(
    `INSERT INTO tasks (client, task_id, idempotency_key, body_hash, type, priority, created_at_ms, deadline_ms, body,
       project, state, fence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0)`,
  );
  const raiseFence = database.prepare(
    `UPDATE tasks SET fence = fence + 1, state = 'running' WHERE client = ? AND task_id = ? AND finished_at_ms IS NULL`,
  );
  const end = database.prepare(
    `UPDATE tasks SET state = ?, result = ?, finished_at_ms = ?, dead_reason = ?
     WHERE client = ? AND task_id = ? AND finished_at_ms IS NULL AND fence = ?`,
  );
  const revive = database.prepare(
    `UPDATE tasks SET state = 'waiting', result = NULL, finished_at_ms = NULL, dead_reason = NULL, is_published = 0,
       messaged_at_ms = ?, deadline_ms = ?, waits_for = NULL
     WHERE client = ? AND task_id = ? AND dead_reason IS NOT NULL AND length(body) > 0`,
  );
  const noteMessage = database.prepare(
    `UPDATE tasks SET messaged_at_ms = ?, idle_pickups = idle_pickups + ?, waits_for = ?
     WHERE client = ? AND task_id = ?`,
  );
  const silent = database.prepare(
    `SELECT * FROM tasks WHERE finished_at_ms IS NULL AND coalesce(messaged_at_ms, created_at_ms) < ?
     ORDER BY coalesce(messaged_at_ms, created_at_ms), number LIMIT ?`,
  );
  const countUnfinished = database.prepare(
    'SELECT priority, count(*) AS tasks FROM tasks WHERE finished_at_ms IS NULL GROUP BY priority',
  );
  const notePublished = database.prepare('UPDATE tasks SET is_published = 1 WHERE client = ? AND task_id = ?');
  const silentEnds = database.prepare(
    `SELECT * FROM tasks WHERE finished_at_ms IS NOT NULL AND is_published = 0 AND finished_at_ms < ?
     ORDER BY finished_at_ms, number LIMIT ?`,
  );
  const ended = 'SELECT number FROM tasks WHERE finished_at_ms < ?';
  const empty = database.prepare(
    `UPDATE tasks SET body = x'', result = NULL
     WHERE number IN (${ended} AND (length(body) > 0 OR result IS NOT NULL) LIMIT ?)`,
  );
  const remove = database.prepare(`DELETE FROM tasks WHERE number IN (${ended} LIMIT ?)`);
  const eraseEnded = database.prepare(
    `DELETE FROM tasks WHERE number IN
       (SELECT number FROM tasks WHERE client = ? AND finished_at_ms IS NOT NULL LIMIT ?)`,
  );
  const lists = listStatements(database);
  return {
    byId,
    byKey,
    add,
    raiseFence,
    end,
    revive,
    noteMessage,
    silent,
    countUnfinished,
    notePublished,
    silentEnds,
    empty,
    remove,
    eraseEnded,
    lists,
  };
}

/** The operations of {@link TaskStore} on one connection. */
export function taskOperations(database: DatabaseSync): TaskOperations {
  const sql = statementsOf(database);
  const find = (statement: StatementSync, client: string, key: string): StoredTask | undefined => {
    const row = statement.get(client, key);
    return row && taskOf(row as unknown as TaskRow);
  };

  return {
    insert(task) {
      const { client, taskId, idempotencyKey, bodyHash } = task;
      const sameKey = find(sql.byKey, client, idempotencyKey);
      if (sameKey) return { kind: sameKey.bodyHash === bodyHash ? 'repeated' : 'conflict', task: sameKey };
      const sameId = find(sql.byId, client, taskId);
      if (sameId) return { kind: 'conflict', task: sameId };
      const { type, priority, createdAtMs, deadlineMs, body, project } = task;
      sql.add.run(client, taskId, idempotencyKey, bodyHash, type, priority, createdAtMs, deadlineMs, body, project);
      return { kind: 'inserted', task: find(sql.byId, client, taskId) as StoredTask };
    },

    get: (client, taskId) => find(sql.byId, client, taskId),

    claim(client, taskId) {
      const isClaimed = sql.raiseFence.run(client, taskId).changes === 1;
      const task = find(sql.byId, client, taskId);
      if (!task) return { kind: 'unknown' };
      return { kind: isClaimed ? 'claimed' : 'finished', task };
    },

    finish({ client, taskId, fence, state, result, atMs, deadReason = null }) {
      const isFinished = sql.end.run(state, result, atMs, deadReason, client, taskId, fence).changes === 1;
      const task = find(sql.byId, client, taskId);
      if (!task) return { kind: 'unknown' };
      if (isFinished) return { kind: 'finished', task };
      return { kind: task.finishedAtMs === undefined ? 'fenced_off' : 'was_finished', task };
    },

    requeue(client, taskId, atMs, deadlineMs) {
      const isRequeued = sql.revive.run(atMs, deadlineMs, client, taskId).changes === 1;
      const task = find(sql.byId, client, taskId);
      if (!task) return { kind: 'unknown' };
      return { kind: isRequeued ? 'requeued' : 'refused', task };
    },

    list: (filter, limit) =>
      sql
        .lists(filter)
        .all(...parametersOf(filter), limit)
        .map((row) => taskOf(row as unknown as TaskRow)),

    messaged(client, taskId, atMs, idlePickups = 0, waitsFor) {
      if (sql.noteMessage.run(atMs, idlePickups, waitsFor ?? null, client, taskId).changes === 0)
        throw new StoreError('not_found', `client ${client} has no task ${taskId}`);
    },

    unfinished: () =>
      Object.fromEntries(sql.countUnfinished.all().map(({ priority, tasks }) => [String(priority), Number(tasks)])),
    withoutMessageSince: (sinceMs, limit) =>
      sql.silent.all(sinceMs, limit).map((row) => taskOf(row as unknown as TaskRow)),
    published: (client, taskId) => void sql.notePublished.run(client, taskId),
    unpublished: (endedBeforeMs, limit) =>
      sql.silentEnds.all(endedBeforeMs, limit).map((row) => taskOf(row as unknown as TaskRow)),
    dropContent: (endedBeforeMs, limit) => Number(sql.empty.run(endedBeforeMs, limit).changes),
    drop: (endedBeforeMs, limit) => Number(sql.remove.run(endedBeforeMs, limit).changes),
    erase: (client, limit) => overwriting(database, () => Number(sql.eraseEnded.run(client, limit).changes)),
  };
}

const parametersOf = ({ client, projects = [], state }: TaskFilter): readonly SQLInputValue[] =>
  [client, projects.length === 0 ? undefined : JSON.stringify(projects), state].filter((value) => value !== undefined);

function listStatements(database: DatabaseSync): (filter: TaskFilter) => StatementSync {
  const prepare = (where: string): StatementSync =>
    database.prepare(`SELECT * FROM tasks ${where} ORDER BY created_at_ms DESC, number DESC LIMIT ?`);
  const statements = new Map<string, StatementSync>();
  return ({ client, projects = [], state, dead }) => {
    const conditions = [
      ...(client === undefined ? [] : ['client = ?']),
      ...(projects.length === 0 ? [] : ['project IN (SELECT value FROM json_each(?))']),
      ...(state === undefined ? [] : ['state = ?']),
      ...(dead ? ['dead_reason IS NOT NULL'] : []),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const statement = statements.get(where) ?? prepare(where);
    statements.set(where, statement);
    return statement;
  };
}

interface TaskRow {
  readonly client: string;
  readonly task_id: string;
  readonly idempotency_key: string;
  readonly body_hash: string;
  readonly type: string;
  readonly project: string;
  readonly priority: string;
  readonly created_at_ms: number;
  readonly deadline_ms: number;
  readonly body: Uint8Array;
  readonly state: string;
  readonly fence: number;
  readonly idle_pickups: number;
  readonly messaged_at_ms: number | null;
  readonly waits_for: string | null;
  readonly finished_at_ms: number | null;
  readonly result: Uint8Array | null;
  readonly dead_reason: string | null;
}

const taskOf = (row: TaskRow): StoredTask => ({
  client: row.client,
  taskId: row.task_id,
  idempotencyKey: row.idempotency_key,
  bodyHash: row.body_hash,
  type: row.type,
  project: row.project,
  priority: row.priority as Priority,
  createdAtMs: row.created_at_ms,
  deadlineMs: row.deadline_ms,
  body: row.body,
  state: row.state as TaskState,
  fence: row.fence,
  idlePickups: row.idle_pickups,
  messagedAtMs: row.messaged_at_ms ?? undefined,
  waitsFor: row.waits_for ?? undefined,
  finishedAtMs: row.finished_at_ms ?? undefined,
  result: row.result ?? undefined,
  deadReason: row.dead_reason ?? undefined,
});
