import type { DatabaseSync } from 'node:sqlite';
import type { CallLog } from '../call-log.ts';
import { overwriting } from './overwriting.ts';
import type { Synchronous } from './protocol.ts';

type Pruning = Pick<Synchronous<CallLog>, 'size' | 'startOfOldest' | 'prune' | 'pruneSums' | 'erase'>;

/** Operations that remove, by age or by client, and tell how much there is. */
export function pruningOperations(database: DatabaseSync): Pruning {
  const count = database.prepare('SELECT count(*) AS n FROM calls');
  const pages = database.prepare('SELECT * FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()');
  const nthOldest = database.prepare('SELECT started_at_ms FROM calls ORDER BY started_at_ms LIMIT 1 OFFSET ?');
  const pruneCalls = database.prepare(
    'DELETE FROM calls WHERE number IN (SELECT number FROM calls WHERE started_at_ms < ? LIMIT ?)',
  );
  const pruneDecisions = database.prepare(
    'DELETE FROM decisions WHERE decision_id IN (SELECT decision_id FROM decisions WHERE at_ms < ? LIMIT ?)',
  );
  const pruneIntents = database.prepare('DELETE FROM intents WHERE deadline_ms < ?');
  // The one that decides by a set does so before it ends.
  const pruneSets = database.prepare("DELETE FROM ranked_sets WHERE json_extract(body, '$.validUntilMs') < ?");
  const pruneRollups = database.prepare('DELETE FROM rollups WHERE start_ms + span_ms <= ?');
  // A decision of an older release does not say whose it is; its task's calls do.
  const eraseDecisions = database.prepare(
    `DELETE FROM decisions WHERE json_extract(body, '$.client') = ?1
       OR task_id IN (SELECT task_id FROM calls WHERE client = ?1)`,
  );
  const eraseSets = database.prepare("DELETE FROM ranked_sets WHERE json_extract(body, '$.facts.client') = ?");
  const eraseIntents = database.prepare("DELETE FROM intents WHERE json_extract(record, '$.client') = ?");
  const eraseRollups = database.prepare("DELETE FROM rollups WHERE rollup IN ('clients', 'tags') AND client = ?");
  const eraseContents = database.prepare('DELETE FROM contents WHERE client = ?');
  const eraseSealed = database.prepare(
    "UPDATE seal_groups SET client = NULL, state = 'erased', salt = '', body = NULL WHERE client = ?",
  );
  const eraseCalls = database.prepare(
    'DELETE FROM calls WHERE number IN (SELECT number FROM calls WHERE client = ? LIMIT ?)',
  );

  return {
    size() {
      const row = pages.get() as Record<string, number>;
      const used = (row['page_count'] ?? 0) - (row['freelist_count'] ?? 0);
      return { calls: count.get()?.['n'] as number, bytes: used * (row['page_size'] ?? 0) };
    },

    startOfOldest: (behind) => nthOldest.get(behind)?.['started_at_ms'] as number | undefined,

    prune(beforeMs, limit) {
      const removed =
        Number(pruneCalls.run(beforeMs, limit).changes) + Number(pruneDecisions.run(beforeMs, limit).changes);
      if (removed === 0) {
        pruneIntents.run(beforeMs);
        pruneSets.run(beforeMs);
      }
      return removed;
    },

    pruneSums: (beforeMs) => Number(pruneRollups.run(beforeMs).changes),

    erase: (client, limit) =>
      overwriting(database, () => {
        const others = [eraseDecisions, eraseSets, eraseIntents, eraseRollups, eraseContents, eraseSealed];
        for (const erase of others) erase.run(client);
        return Number(eraseCalls.run(client, limit).changes);
      }),
  };
}
