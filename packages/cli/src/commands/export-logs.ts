import { open, type FileHandle } from 'node:fs/promises';
import type { Bus } from '@will/bus';
import { dataClassFromWire, priorityFromWire, subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { type CallOptions, questionOf } from './logs.ts';

export interface ExportLogsOptions extends CallOptions {
  readonly format: 'csv' | 'jsonl';
  /** A file; absent: stdout. */
  readonly out?: string;
}

const callsPerPage = 500;

/** `willm logs export`: every call that fits, newest first, one line each; page by page, so of any number. */
export async function exportLogs(terminal: Terminal, options: ExportLogsOptions): Promise<ExitCode> {
  const file = options.out === undefined ? undefined : await openFile(options.out);
  const write = async (text: string): Promise<void> => {
    if (file) await file.appendFile(text);
    else terminal.content(text);
  };
  try {
    const exported = await withBus(terminal, (bus) => exportPages(bus, options, write));
    if (options.out !== undefined) terminal.err(`${exported} calls written to ${options.out}\n`);
  } finally {
    await file?.close();
  }
  return exitCodes.success;
}

/** What is there is not overwritten. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CliError(exitCodes.failed, `${path} cannot be made (${code ?? 'unknown'})`, { cause });
  }
}

async function exportPages(
  bus: Bus,
  options: ExportLogsOptions,
  write: (text: string) => Promise<void>,
): Promise<number> {
  const line = options.format === 'csv' ? csvLine : jsonLine;
  if (options.format === 'csv') await write(`${columns.map(([name]) => name).join(',')}\n`);
  let exported = 0;
  let last: wire.CallRecord | undefined;
  for (;;) {
    const calls = await pageBehind(bus, options, last);
    if (calls.length === 0) return exported;
    await write(calls.map((call) => `${line(call)}\n`).join(''));
    exported += calls.length;
    last = calls.at(-1);
  }
}

/** Smaller and smaller pages, where calls are too large to fit one message together. */
async function pageBehind(
  bus: Bus,
  options: CallOptions,
  last: wire.CallRecord | undefined,
): Promise<readonly wire.CallRecord[]> {
  for (let limit = callsPerPage; ; limit = Math.ceil(limit / 4)) {
    const question = {
      ...questionOf(options),
      limit,
      behindStartedUnixMs: last?.startedUnixMs ?? 0n,
      behindAttemptId: last?.attemptId ?? '',
    };
    const answer = await ask(
      bus,
      subjects.telemetry('calls'),
      [wire.QueryCallsRequestSchema, question],
      wire.QueryCallsResponseSchema,
      30_000,
    );
    if (answer.error === '') return answer.calls;
    if (limit === 1 || !answer.error.includes('ask for fewer')) throw new CliError(exitCodes.failed, answer.error);
  }
}

type Cell = string | number | bigint | boolean | undefined;

/** The columns of the CSV, and the fields of the JSON lines. What is not known is empty, or left out. */
const columns: readonly (readonly [name: string, value: (call: wire.CallRecord) => Cell])[] = [
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
  ['fine', (call) => call.fine],
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
];

const csvLine = (call: wire.CallRecord): string => columns.map(([, value]) => csvCell(value(call))).join(',');

/** RFC 4180. A text that a spreadsheet would take for a formula is led by an apostrophe. */
export function csvCell(value: Cell): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const jsonLine = (call: wire.CallRecord): string =>
  JSON.stringify(
    Object.fromEntries(
      columns.flatMap(([name, value]) => {
        const cell = value(call);
        if (cell === undefined || cell === '') return [];
        return [[name, typeof cell === 'bigint' ? jsonNumber(cell) : cell]];
      }),
    ),
  );

/** Wider than a JSON reader's numbers: as text. */
const jsonNumber = (value: bigint): number | string =>
  Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
