import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { latencyBuckets, latencyEdgesMs, type Outcome } from '@will/core';
import {
  addSums,
  dayMs,
  hourMs,
  mergeGroups,
  rollupFor,
  stretchesOf,
  type Increments,
  type Rollup,
  type UsageDimension,
  type UsageGroup,
  type UsageIncrement,
  type UsageQuestion,
} from '../usage.ts';

/** What the table had when it was made; what came later stands in {@link cacheMigration}. */
const firstKeyColumns = ['rollup', 'span_ms', 'start_ms', 'client', 'model', 'task_type', 'outcome'] as const;
const keyColumns = [...firstKeyColumns, 'cost_tag_key', 'cost_tag'] as const;
const firstSumColumns = [
  'calls',
  'successes',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
  'unknown_costs',
  'estimated_usages',
] as const;
const sumColumns = [...firstSumColumns, 'cache_write_tokens', 'cache_write_1h_tokens', 'saved_nano_usd'] as const;
const latencyColumns = Array.from({ length: latencyBuckets }, (_, bucket) => `within_${bucket}`);
const allColumns = [...keyColumns, ...sumColumns, ...latencyColumns];

/** The table, filled from the calls that are there already. */
export const rollupMigration = `
  CREATE TABLE rollups (
    rollup TEXT NOT NULL, span_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL, client TEXT NOT NULL,
    model TEXT NOT NULL, task_type TEXT NOT NULL, outcome TEXT NOT NULL,
    ${[...firstSumColumns, ...latencyColumns].map((column) => `${column} INTEGER NOT NULL`).join(', ')},
    PRIMARY KEY (${firstKeyColumns.join(', ')})
  ) STRICT, WITHOUT ROWID;
  ${filledFromCalls('types', hourMs)};
  ${filledFromCalls('types', dayMs)};
  ${filledFromCalls('clients', dayMs)}`;

/** Cost tags and what caches saved: rows of before hold none. A table's key does not change but by making it anew. */
export const cacheMigration = `
  ALTER TABLE calls ADD COLUMN cost_tags TEXT;
  ALTER TABLE rollups RENAME TO rollups_before;
  CREATE TABLE rollups (
    ${firstKeyColumns.map((column) => `${column} ${column.endsWith('_ms') ? 'INTEGER' : 'TEXT'} NOT NULL`).join(', ')},
    cost_tag_key TEXT NOT NULL, cost_tag TEXT NOT NULL,
    ${[...sumColumns, ...latencyColumns].map((column) => `${column} INTEGER NOT NULL`).join(', ')},
    PRIMARY KEY (${keyColumns.join(', ')})
  ) STRICT, WITHOUT ROWID;
  INSERT INTO rollups (${allColumns.join(', ')}) SELECT ${firstKeyColumns.join(', ')}, '', '',
    ${firstSumColumns.join(', ')}, 0, 0, 0, ${latencyColumns.join(', ')} FROM rollups_before;
  DROP TABLE rollups_before`;

/**
 * Sums by hour × task type × outcome over all models, so that an overview by the hour reads a row where `types` has one
 * for each model. They follow from `types` to the last unit.
 */
export const hoursMigration = `
  INSERT INTO rollups (${allColumns.join(', ')})
    SELECT 'hours', span_ms, start_ms, '', '', task_type, outcome, '', '',
      ${[...sumColumns, ...latencyColumns].map((column) => `sum(${column})`).join(', ')}
    FROM rollups WHERE rollup = 'types' AND span_ms = ${hourMs} GROUP BY start_ms, task_type, outcome`;

function filledFromCalls(rollup: 'types' | 'clients', spanMs: number): string {
  const isOfTypes = rollup === 'types';
  const keys = [
    `'${rollup}'`,
    String(spanMs),
    `started_at_ms - started_at_ms % ${spanMs} AS start_of_row`,
    isOfTypes ? "''" : 'client',
    "ifnull(model, '') AS model_of_row",
    isOfTypes ? 'task_type' : "''",
    isOfTypes ? 'outcome' : "''",
  ];
  const isKnown = 'ifnull(cost_nano_usd <= 1000000000000000, 0)';
  const sums = [
    'count(*)',
    "sum(outcome = 'Success')",
    'sum(ifnull(input_tokens, 0))',
    'sum(ifnull(output_tokens, 0))',
    'sum(ifnull(cached_input_tokens, 0))',
    'sum(ifnull(reasoning_tokens, 0))',
    `sum(iif(${isKnown}, cost_nano_usd, 0))`,
    `sum(NOT ${isKnown} AND attempt > 0)`,
    'sum(ifnull(is_usage_estimated, 0))',
  ];
  const latencies = latencyColumns.map((_, bucket) => {
    const [above, upTo] = [latencyEdgesMs[bucket - 1] ?? -1, latencyEdgesMs[bucket] ?? Number.MAX_SAFE_INTEGER];
    return `sum(outcome = 'Success' AND duration_ms > ${above} AND duration_ms <= ${upTo})`;
  });
  const groups = isOfTypes ? 'start_of_row, model_of_row, task_type, outcome' : 'start_of_row, client, model_of_row';
  return `INSERT INTO rollups SELECT ${[...keys, ...sums, ...latencies].join(', ')} FROM calls GROUP BY ${groups}`;
}

/** Adds what a batch changed. */
export function prepareRollups(database: DatabaseSync): (increments: Increments) => void {
  const added = [...sumColumns, ...latencyColumns].map((column) => `${column} = ${column} + excluded.${column}`);
  const add = database.prepare(
    `INSERT INTO rollups (${allColumns.join(', ')}) VALUES (${allColumns.map(() => '?').join(', ')})
     ON CONFLICT DO UPDATE SET ${added.join(', ')}`,
  );
  return (increments) => {
    for (const { sums, ...row } of [...increments.rows(), ...hoursOf(increments)]) {
      const { rollup, spanMs, startMs, client, model, taskType, outcome, costTagKey, costTag } = row;
      const values: SQLInputValue[] = [rollup, spanMs, startMs, client, model, taskType, outcome, costTagKey, costTag];
      values.push(sums.calls, sums.successes, sums.inputTokens, sums.outputTokens, sums.cachedInputTokens);
      values.push(sums.reasoningTokens, sums.costNanoUsd, sums.unknownCosts, sums.estimatedUsages);
      values.push(sums.cacheWriteTokens, sums.cacheWrite1hTokens, sums.savedNanoUsd);
      add.run(...values, ...sums.latencies);
    }
  };
}

type StoredIncrement = Omit<UsageIncrement, 'rollup'> & { readonly rollup: Rollup | 'hours' };

/** Increments of `types` by the hour, added up over the models. */
function hoursOf(increments: Increments): Iterable<StoredIncrement> {
  const hours = new Map<string, StoredIncrement>();
  for (const row of increments.rows()) {
    if (row.rollup !== 'types' || row.spanMs !== hourMs) continue;
    const key = `${row.startMs}\0${row.taskType}\0${row.outcome}`;
    const present = hours.get(key);
    const sums = present ? addSums(present.sums, row.sums) : row.sums;
    hours.set(key, { ...row, rollup: 'hours', model: '', sums });
  }
  return hours.values();
}

/** The rows that answer with the least reading. */
function storedRollupFor(question: UsageQuestion): Rollup | 'hours' {
  const rollup = rollupFor(question) ?? 'types';
  const { by, model } = question;
  const isOverModels = model === undefined && !by.includes('model');
  return rollup === 'types' && by.includes('hour') && isOverModels ? 'hours' : rollup;
}

const selections: Readonly<Record<Exclude<UsageDimension, 'hour' | 'day'>, string>> = {
  client: 'client',
  model: 'model',
  taskType: 'task_type AS taskType',
  outcome: 'outcome',
  costTag: 'cost_tag AS costTag',
};

/** Answers out of the sums alone; the calls themselves are not examined at. */
export function usageFrom(database: DatabaseSync, question: UsageQuestion): readonly UsageGroup[] {
  const { by, client, model, taskType, outcome, costTagKey } = question;
  const dimensions = by.map((dimension) => selectionOf(dimension));
  const asked = { client, model, task_type: taskType, outcome, cost_tag_key: costTagKey };
  const filters = Object.entries(asked).filter(([, value]) => value !== undefined);
  const sums = sumColumns.map((column) =>
    column.endsWith('_nano_usd') ? `CAST(sum(${column}) AS TEXT) AS ${column}` : `sum(${column}) AS ${column}`,
  );
  const latencies = latencyColumns.map((column) => `sum(${column}) AS ${column}`);
  const query = database.prepare(
    `SELECT ${[...dimensions, ...sums, ...latencies].join(', ')} FROM rollups
     WHERE rollup = ? AND span_ms = ? AND start_ms >= ? AND start_ms < ?
     ${filters.map(([column]) => `AND ${column} = ?`).join(' ')}
     ${dimensions.length === 0 ? 'HAVING count(*) > 0' : `GROUP BY ${dimensions.map((_, index) => index + 1).join(', ')}`}`,
  );
  const values = filters.map(([, value]) => value as string);
  const rows = stretchesOf(question).flatMap(({ spanMs, fromMs, toMs }) =>
    query.all(storedRollupFor(question), spanMs, fromMs, toMs, ...values),
  );
  return mergeGroups(rows.map((row) => groupOf(row, by)));
}

function selectionOf(dimension: UsageDimension): string {
  if (dimension === 'hour') return 'start_ms AS startMs';
  if (dimension === 'day') return `start_ms - start_ms % ${dayMs} AS startMs`;
  return selections[dimension];
}

function groupOf(row: Readonly<Record<string, SQLOutputValue>>, by: readonly UsageDimension[]): UsageGroup {
  const count = (column: (typeof sumColumns)[number]): number => row[column] as number;
  return {
    ...((by.includes('hour') || by.includes('day')) && { startMs: row['startMs'] as number }),
    ...(by.includes('client') && { client: row['client'] as string }),
    ...(by.includes('model') && { model: row['model'] as string }),
    ...(by.includes('taskType') && { taskType: row['taskType'] as string }),
    ...(by.includes('outcome') && { outcome: row['outcome'] as Outcome }),
    ...(by.includes('costTag') && { costTag: row['costTag'] as string }),
    calls: count('calls'),
    successes: count('successes'),
    inputTokens: count('input_tokens'),
    outputTokens: count('output_tokens'),
    cachedInputTokens: count('cached_input_tokens'),
    cacheWriteTokens: count('cache_write_tokens'),
    cacheWrite1hTokens: count('cache_write_1h_tokens'),
    savedNanoUsd: BigInt(row['saved_nano_usd'] as string),
    reasoningTokens: count('reasoning_tokens'),
    costNanoUsd: BigInt(row['cost_nano_usd'] as string),
    unknownCosts: count('unknown_costs'),
    estimatedUsages: count('estimated_usages'),
    latencies: latencyColumns.map((column) => row[column] as number),
  };
}
