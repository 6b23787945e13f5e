import type { DatabaseSync } from 'node:sqlite';
import type { Repriced, RepriceQuery } from '../call-log.ts';
import { charged } from '../charged.ts';
import { Increments } from '../usage.ts';
import { morePrice, recordOf, selected, type CallRow } from './call-row.ts';
import type { prepareRollups } from './rollups.ts';

/** Prepares the statements that reprice calls. */
export function prepareRepricing(database: DatabaseSync, addToRollups: ReturnType<typeof prepareRollups>) {
  // In the order of the index, so that each part begins where the last ended.
  const some = database.prepare(
    `SELECT number, ${selected} FROM calls WHERE model = ? AND started_at_ms < ? AND (started_at_ms, number) > (?, ?)
     ORDER BY started_at_ms, number LIMIT ?`,
  );
  const change = database.prepare(
    'UPDATE calls SET cost_nano_usd = ?, price_input = ?, price_output = ?, price_more = ? WHERE number = ?',
  );
  return ({ model, fromMs, toMs, prices }: RepriceQuery, limit: number, after: string): Repriced => {
    const [afterMs = fromMs, afterNumber = 0] = after === '' ? [] : after.split(':').map(Number);
    const rows = some.all(model, toMs, afterMs, afterNumber, limit);
    const increments = new Increments();
    let [changed, addedNanoUsd] = [0, 0n];
    for (const row of rows) {
      const record = recordOf(row as unknown as CallRow);
      const next = charged(record, prices);
      if (!next) continue;
      const { costNanoUsd: cost, price } = next;
      const more = price ? morePrice(price) : null;
      change.run(cost ?? null, price?.input ?? null, price?.output ?? null, more, row['number'] as number);
      increments.count(record, -1);
      increments.count(next, 1);
      changed += 1;
      addedNanoUsd += (cost ?? 0n) - (record.costNanoUsd ?? 0n);
    }
    addToRollups(increments);
    const last = rows.at(-1);
    const next =
      last && rows.length === limit ? `${String(last['started_at_ms'])}:${String(last['number'])}` : undefined;
    return { examined: rows.length, changed, addedNanoUsd, next };
  };
}
