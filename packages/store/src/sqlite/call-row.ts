import type { DataClass, Outcome, Price, Priority, RecordWriter, Usage } from '@will/core';
import { recordWriters, writerRank, type CallRecord } from '@will/core';
import type { Counted } from '../usage.ts';
import { plainCellsOf, plainColumns, plainFieldsOf, type PlainRow } from '../gen/plain-columns.ts';

// A call record as a row and back.

/** Columns of special fields. The order of the names is the order of the values in {@link rowOf}. */
const specialColumns = [
  'attempt_id',
  'writer_rank',
  'task_id',
  'decision_id',
  'revision',
  'data_class',
  'priority',
  'started_at_ms',
  'outcome',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'reasoning_tokens',
  'is_usage_estimated',
  'cost_nano_usd',
  'price_input',
  'price_output',
  'cache_write_tokens',
  'audio_input_tokens',
  'audio_output_tokens',
  'images',
  'price_more',
  'vendor_code',
  'cache_write_1h_tokens',
  'image_input_tokens',
  'image_output_tokens',
  'cost_tags',
] as const;

/** All columns, in the order of the values in {@link rowOf}. */
export const columnNames = [...specialColumns, ...(Object.keys(plainColumns) as (keyof PlainRow)[])];

/** Money may be wider than a JavaScript number, so it comes out as text. */
export const selected = columnNames
  .map((name) => (name === 'cost_nano_usd' ? 'CAST(cost_nano_usd AS TEXT) AS cost_nano_usd' : name))
  .join(', ');

const flag = (value: boolean): number => (value ? 1 : 0);

/** The parts of a price beyond its two rates; most say nothing. */
export function morePrice({ input: _input, output: _output, ...more }: Price): string | null {
  return Object.keys(more).length === 0 ? null : JSON.stringify(more);
}

/** A value that JSON knows. */
export type Cell = string | number | null;

/** Money that is wider than a JavaScript number goes as text; its column makes an integer of it. */
const moneyCell = (amount: bigint): Cell => {
  const number = Number(amount);
  return Number.isSafeInteger(number) ? number : String(amount);
};

/** Makes the row of a call record. */
export function rowOf(record: CallRecord): Cell[] {
  const { usage, price } = record;
  return [
    record.attemptId,
    writerRank(record.writtenBy),
    record.taskId,
    record.decisionId ?? null,
    record.revision,
    record.dataClass ?? null,
    record.priority,
    record.startedAtMs,
    record.outcome,
    usage?.inputTokens ?? null,
    usage?.outputTokens ?? null,
    usage?.cachedInputTokens ?? null,
    usage?.reasoningTokens ?? null,
    usage ? flag(usage.estimated) : null,
    record.costNanoUsd === undefined ? null : moneyCell(record.costNanoUsd),
    price?.input ?? null,
    price?.output ?? null,
    usage?.cacheWriteTokens ?? null,
    usage?.audioInputTokens ?? null,
    usage?.audioOutputTokens ?? null,
    usage?.images ?? null,
    price ? morePrice(price) : null,
    record.vendorCode ?? null,
    usage?.cacheWrite1hTokens ?? null,
    usage?.imageInputTokens ?? null,
    usage?.imageOutputTokens ?? null,
    record.costTags ? JSON.stringify(record.costTags) : null,
    ...plainCellsOf(record),
  ];
}

type Text = 'attempt_id' | 'task_id' | 'priority' | 'outcome';
type Count = 'writer_rank' | 'revision' | 'started_at_ms';
type OptionalCount =
  | 'input_tokens'
  | 'output_tokens'
  | 'cached_input_tokens'
  | 'reasoning_tokens'
  | 'is_usage_estimated'
  | 'cache_write_tokens'
  | 'audio_input_tokens'
  | 'audio_output_tokens'
  | 'images'
  | 'price_input'
  | 'price_output'
  | 'cache_write_1h_tokens'
  | 'image_input_tokens'
  | 'image_output_tokens';

/** A row of the table of calls. */
export type CallRow = PlainRow & {
  readonly [K in (typeof specialColumns)[number]]: K extends Text
    ? string
    : K extends Count
      ? number
      : K extends OptionalCount
        ? number | null
        : string | null;
};

/** Reads a call record out of its row. */
export function recordOf(row: CallRow): CallRecord {
  return {
    ...plainFieldsOf(row),
    attemptId: row.attempt_id,
    taskId: row.task_id,
    decisionId: row.decision_id ?? undefined,
    revision: row.revision,
    dataClass: (row.data_class ?? undefined) as DataClass | undefined,
    priority: row.priority as Priority,
    startedAtMs: row.started_at_ms,
    outcome: row.outcome as Outcome,
    ...(row.vendor_code !== null && { vendorCode: row.vendor_code }),
    usage: usageOf((column) => row[column]),
    costNanoUsd: row.cost_nano_usd === null ? undefined : BigInt(row.cost_nano_usd),
    price: priceOf((column) => row[column]),
    writtenBy: writerOf(row.writer_rank),
    ...tagsOf(row.cost_tags),
  };
}

/** Reads a column of one row. */
type Get = <C extends Column>(column: C) => CallRow[C];

function priceOf(get: Get): Price | undefined {
  const [input, output, more] = [get('price_input'), get('price_output'), get('price_more')];
  if (input === null || output === null) return undefined;
  return { input, output, ...(more !== null && (JSON.parse(more) as object)) };
}

const tagsOf = (json: string | null): Pick<CallRecord, 'costTags'> =>
  json === null ? {} : { costTags: JSON.parse(json) as string[] };

function usageOf(get: Get): CallRecord['usage'] {
  const estimated = get('is_usage_estimated');
  if (estimated === null) return undefined;
  const stated = (name: keyof Usage, column: OptionalCount): Partial<Usage> => {
    const count = get(column);
    return count === null ? {} : { [name]: count };
  };
  return {
    inputTokens: get('input_tokens') ?? 0,
    outputTokens: get('output_tokens') ?? 0,
    cachedInputTokens: get('cached_input_tokens') ?? 0,
    reasoningTokens: get('reasoning_tokens') ?? 0,
    ...stated('cacheWriteTokens', 'cache_write_tokens'),
    ...stated('audioInputTokens', 'audio_input_tokens'),
    ...stated('audioOutputTokens', 'audio_output_tokens'),
    ...stated('cacheWrite1hTokens', 'cache_write_1h_tokens'),
    ...stated('imageInputTokens', 'image_input_tokens'),
    ...stated('imageOutputTokens', 'image_output_tokens'),
    ...stated('images', 'images'),
    estimated: estimated === 1,
  };
}

const writerOf = (rank: number): RecordWriter =>
  recordWriters.find((writer) => writerRank(writer) === rank) ?? 'telemetry';

type Column = (typeof columnNames)[number];
const places = Object.fromEntries(columnNames.map((name, place) => [name, place])) as Readonly<Record<Column, number>>;

/** The part of a row that is summed up. */
export function countedOf(row: readonly Cell[]): Counted {
  const get: Get = <C extends Column>(column: C) => (row[places[column]] ?? null) as CallRow[C];
  const usage = usageOf(get);
  const cost = get('cost_nano_usd');
  const isCached = (usage?.cachedInputTokens ?? 0) + (usage?.cacheWriteTokens ?? 0) > 0;
  return {
    client: get('client'),
    model: get('model') ?? undefined,
    taskType: get('task_type'),
    outcome: get('outcome') as Outcome,
    attempt: get('attempt'),
    startedAtMs: get('started_at_ms'),
    durationMs: get('duration_ms'),
    costNanoUsd: cost === null ? undefined : BigInt(cost),
    usage,
    // Only what caches saved depends on it.
    price: isCached ? priceOf(get) : undefined,
    ...tagsOf(get('cost_tags')),
  };
}
