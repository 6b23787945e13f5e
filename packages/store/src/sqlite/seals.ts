import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { writerRank, type Candidate } from '@will/core';
import type { Seal, SealedState, SealLeaf, SealStore } from '../seals/seal.ts';
import { recordOf, selected, type CallRow } from './call-row.ts';
import { overwriting } from './overwriting.ts';
import type { Synchronous } from './protocol.ts';

/** Records of before this migration are in no seal: nobody watched over them. */
export const sealMigration = `ALTER TABLE calls ADD COLUMN unsealed_ms INTEGER;
  CREATE INDEX calls_unsealed ON calls(unsealed_ms, number) WHERE unsealed_ms IS NOT NULL;
  CREATE TABLE seals (
    number INTEGER PRIMARY KEY,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    root TEXT NOT NULL,
    records INTEGER NOT NULL,
    clients INTEGER NOT NULL,
    is_confirmed INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX seals_unconfirmed ON seals(number) WHERE is_confirmed = 0;
  CREATE TABLE seal_groups (
    seal INTEGER NOT NULL,
    key TEXT NOT NULL,
    client TEXT,
    records INTEGER NOT NULL,
    root TEXT NOT NULL,
    state TEXT NOT NULL,
    salt TEXT NOT NULL,
    body BLOB,
    PRIMARY KEY (seal, key)
  ) STRICT;
  CREATE INDEX seal_groups_by_client ON seal_groups(client);
  CREATE INDEX seal_groups_kept ON seal_groups(seal) WHERE state = 'kept'`;

type Row = Readonly<Record<string, SQLOutputValue>>;

/** Digests of what the log held, and the records behind them. */
export function sealOperations(database: DatabaseSync): Synchronous<SealStore> {
  const unsealed = database.prepare(
    `SELECT ${selected} FROM calls WHERE unsealed_ms < ? ORDER BY unsealed_ms, number LIMIT ?`,
  );
  const setOf = database.prepare(
    `SELECT d.set_id AS set_id, json_extract(s.body, '$.candidates') AS candidates
     FROM decisions d JOIN ranked_sets s USING (set_id) WHERE d.decision_id = ?`,
  );
  const addSeal = database.prepare('INSERT INTO seals VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING');
  const addGroup = database.prepare("INSERT INTO seal_groups VALUES (?, ?, ?, ?, ?, 'kept', ?, ?)");
  const markSealed = database.prepare('UPDATE calls SET unsealed_ms = NULL WHERE attempt_id = ? AND writer_rank = ?');
  const last = database.prepare('SELECT * FROM seals ORDER BY number DESC LIMIT 1');
  const after = database.prepare(
    'SELECT * FROM seals WHERE number > ? AND to_ms > ? AND from_ms < ? ORDER BY number LIMIT ?',
  );
  const leaves = database.prepare('SELECT key, records, root FROM seal_groups WHERE seal = ? ORDER BY key');
  const group = database.prepare('SELECT * FROM seal_groups WHERE seal = ? AND key = ?');
  const unconfirmed = database.prepare('SELECT * FROM seals WHERE is_confirmed = 0 ORDER BY number LIMIT ?');
  const confirm = database.prepare('UPDATE seals SET is_confirmed = 1 WHERE number = ?');
  const expiring = database.prepare(
    `SELECT DISTINCT seal FROM seal_groups JOIN seals ON number = seal WHERE state = 'kept' AND to_ms <= ? ORDER BY seal`,
  );
  const expire = database.prepare(
    `UPDATE seal_groups SET client = NULL, state = 'expired', salt = '', body = NULL WHERE seal = ? AND state = 'kept'`,
  );

  return {
    unsealed: (beforeMs, limit) => (unsealed.all(beforeMs, limit) as unknown as CallRow[]).map(recordOf),

    basisOf: (decisionIds) =>
      decisionIds.flatMap((decisionId) => {
        const row = setOf.get(decisionId);
        if (!row) return [];
        return [
          {
            decisionId,
            setId: row['set_id'] as string,
            candidates: JSON.parse(row['candidates'] as string) as Candidate[],
          },
        ];
      }),

    addSeal({ seal, groups, sealed }) {
      const { number, fromMs, toMs, root, records, clients } = seal;
      if (addSeal.run(number, fromMs, toMs, root, records, clients).changes === 0) return false;
      for (const one of groups) addGroup.run(number, one.key, one.client, one.records, one.root, one.salt, one.body);
      for (const { attemptId, writtenBy } of sealed) markSealed.run(attemptId, writerRank(writtenBy));
      return true;
    },

    lastSeal() {
      const row = last.get();
      return row && sealOf(row);
    },

    sealsAfter: (number, fromMs, toMs, limit) => after.all(number, fromMs, toMs, limit).map(sealOf),

    leavesOf: (number) => leaves.all(number).map(leafOf),

    sealedGroup(number, key) {
      const row = group.get(number, key);
      if (!row) return undefined;
      const state = row['state'] as SealedState;
      return {
        ...leafOf(row),
        state,
        salt: row['salt'] as string,
        body: (row['body'] ?? undefined) as Uint8Array | undefined,
      };
    },

    unconfirmedSeals: (limit) => unconfirmed.all(limit).map(sealOf),

    confirmSeal: (number) => void confirm.run(number),

    expireSeals: (beforeMs) =>
      overwriting(database, () => {
        const numbers = expiring.all(beforeMs).map((row) => row['seal'] as number);
        for (const number of numbers) expire.run(number);
        return numbers;
      }),
  };
}

const sealOf = (row: Row): Seal => ({
  number: row['number'] as number,
  fromMs: row['from_ms'] as number,
  toMs: row['to_ms'] as number,
  root: row['root'] as string,
  records: row['records'] as number,
  clients: row['clients'] as number,
});

const leafOf = (row: Row): SealLeaf => ({
  key: row['key'] as string,
  records: row['records'] as number,
  root: row['root'] as string,
});
