import { dataClassFromWire, priorityFromWire, recordCacheSavings, type wire } from '@will/contracts';

type Cell = string | number | bigint | boolean | undefined;

/** The columns of the CSV, and the fields of the JSON lines. What is not known is empty, or left out. */
export const callColumns: readonly (readonly [name: string, value: (call: wire.CallRecord) => Cell])[] = [
  ['started_at', (call) => new Date(Number(call.startedUnixMs)).toISOString()],
  ['attempt_id', (call) => call.attemptId],
  ['task_id', (call) => call.taskId],
  ['decision_id', (call) => call.decisionId],
  ['attempt', (call) => call.attempt],
  ['revision', (call) => call.revision],
  ['client', (call) => call.client],
  ['project', (call) => call.project],
  ['reflex', (call) => call.reflex],
  ['task_type', (call) => call.taskType],
  ['priority', (call) => priorityFromWire(call.priority)],
  ['data_class', (call) => dataClassFromWire(call.dataClass)],
  ['model', (call) => call.model],
  ['model_name', (call) => call.modelName],
  ['model_version', (call) => call.modelVersion],
  ['provider', (call) => call.provider],
  ['outcome', (call) => call.outcome],
  ['status', (call) => call.status],
  ['reason', (call) => call.reason],
  ['http_status', (call) => (call.httpStatus === 0 ? undefined : call.httpStatus)],
  ['vendor_code', (call) => call.vendorCode],
  ['finish', (call) => call.finish],
  ['duration_ms', (call) => call.durationMs],
  ['first_content_ms', (call) => call.firstContentMs],
  ['input_tokens', (call) => call.usage?.inputTokens],
  ['output_tokens', (call) => call.usage?.outputTokens],
  ['cached_input_tokens', (call) => call.usage?.cachedInputTokens],
  ['reasoning_tokens', (call) => call.usage?.reasoningTokens],
  ['is_usage_estimated', (call) => call.usage?.estimated],
  ['output_chars', (call) => call.outputChars],
  ['cost_nano_usd', (call) => call.costNanoUsd],
  ['streamed', (call) => call.streamed],
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
