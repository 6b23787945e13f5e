import type { DatabaseSync } from 'node:sqlite';
import type { CallLog } from '../call-log.ts';
import type { Synchronous } from './protocol.ts';
import { overwriting } from './overwriting.ts';

type Contents = Pick<Synchronous<CallLog>, 'keepContent' | 'content' | 'dropContent'>;

/** Operations on content of calls, of clients that switch that on. */
export function contentOperations(database: DatabaseSync): Contents {
  const add = database.prepare('INSERT INTO contents VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const one = database.prepare('SELECT * FROM contents WHERE attempt_id = ?');
  const drop = database.prepare('DELETE FROM contents WHERE until_ms <= ?');
  return {
    keepContent({ attemptId, taskId, client, inputKind, input, output, isCut, untilMs }) {
      add.run(attemptId, taskId, client, inputKind, input, output, isCut ? 1 : 0, untilMs);
    },

    content(attemptId) {
      const row = one.get(attemptId);
      if (!row) return undefined;
      return {
        attemptId,
        taskId: row['task_id'] as string,
        client: row['client'] as string,
        inputKind: row['input_kind'] as string,
        input: row['input'] as string,
        output: row['output'] as string,
        isCut: row['is_cut'] === 1,
        untilMs: row['until_ms'] as number,
      };
    },

    dropContent: (untilMs) => overwriting(database, () => Number(drop.run(untilMs).changes)),
  };
}
