import { type PlainCallField, plainCallFields, snakeCase } from '@will/core';
import { dataClassFromWire, emptyCallRecord, priorityFromWire, recordCacheSavings, type wire } from '@will/contracts';

type Cell = string | number | bigint | boolean | undefined;

type Column = readonly [name: string, value: (call: wire.CallRecord) => Cell];

/** A field that is exported as it is; an optional one is left out where the wire has nothing. */
const plain = (field: PlainCallField): Column => [
  snakeCase(field),
  plainCallFields[field].startsWith('optional')
    ? (call) => (call[field] === emptyCallRecord[field] ? undefined : call[field])
    : (call) => call[field],
];

/** Programs read these by their place, so new columns come after them. */
const firstColumns: readonly Column[] = [
  ['started_at', (call) => new Date(Number(call.startedUnixMs)).toISOString()],
  ['attempt_id', (call) => call.attemptId],
  ['task_id', (call) => call.taskId],
  ['decision_id', (call) => call.decisionId],
  plain('attempt'),
  ['revision', (call) => call.revision],
  plain('client'),
  plain('project'),
  plain('reflex'),
  plain('taskType'),
  ['priority', (call) => priorityFromWire(call.priority)],
  ['data_class', (call) => dataClassFromWire(call.dataClass)],
  plain('model'),
  plain('modelName'),
  plain('modelVersion'),
  plain('provider'),
  ['outcome', (call) => call.outcome],
  plain('status'),
  plain('reason'),
  plain('httpStatus'),
  ['vendor_code', (call) => call.vendorCode],
  plain('finish'),
  plain('durationMs'),
  plain('firstContentMs'),
  ['input_tokens', (call) => call.usage?.inputTokens],
  ['output_tokens', (call) => call.usage?.outputTokens],
  ['cached_input_tokens', (call) => call.usage?.cachedInputTokens],
  ['reasoning_tokens', (call) => call.usage?.reasoningTokens],
  ['is_usage_estimated', (call) => call.usage?.estimated],
  plain('outputChars'),
  ['cost_nano_usd', (call) => call.costNanoUsd],
  plain('streamed'),
  ['written_by', (call) => call.writtenBy],
  ['cache_write_tokens', (call) => call.usage?.cacheWriteTokens],
  ['cache_write_1h_tokens', (call) => call.usage?.cacheWrite1hTokens],
  ['audio_input_tokens', (call) => call.usage?.audioInputTokens],
  ['audio_output_tokens', (call) => call.usage?.audioOutputTokens],
  ['image_input_tokens', (call) => call.usage?.imageInputTokens],
  ['image_output_tokens', (call) => call.usage?.imageOutputTokens],
  ['is_cost_estimated', (call) => call.isCostEstimated],
  ['cache_savings_nano_usd', recordCacheSavings],
  ['cost_tags', (call) => call.costTags.join(',')],
];
const taken = new Set(['worker_id', ...firstColumns.map(([name]) => name)]);

/** The columns of the CSV, and the fields of the JSON lines. What is not known is empty, or left out. */
export const callColumns: readonly Column[] = [
  ...firstColumns,
  ...(Object.keys(plainCallFields) as PlainCallField[]).map(plain).filter(([name]) => !taken.has(name)),
];

export const csvLine = (call: wire.CallRecord): string =>
  callColumns.map(([, value]) => csvCell(value(call))).join(',');

/** RFC 4180. A text that a spreadsheet would take for a formula is led by an apostrophe. */
export function csvCell(value: Cell): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A call by the names of the columns, without what is not known. */
export const callRow = (call: wire.CallRecord): Readonly<Record<string, string | number | boolean>> =>
  Object.fromEntries(
    callColumns.flatMap(([name, value]) => {
      const cell = value(call);
      if (cell === undefined || cell === '') return [];
      return [[name, typeof cell === 'bigint' ? jsonNumber(cell) : cell]];
    }),
  );

export const jsonLine = (call: wire.CallRecord): string => JSON.stringify(callRow(call));

/** Wider than a JSON reader's numbers: as text. */
export const jsonNumber = (value: bigint): number | string =>
  Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
