import { open, type FileHandle } from 'node:fs/promises';
import type { Bus } from '@will/bus';
import type { wire } from '@will/contracts';
import { callColumns, csvLine, jsonLine, pageOfCalls } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
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
  if (options.format === 'csv') await write(`${callColumns.map(([name]) => name).join(',')}\n`);
  let exported = 0;
  let last: wire.CallRecord | undefined;
  for (;;) {
    const calls = await pageOfCalls(bus, questionOf(options), last, callsPerPage);
    if (calls.length === 0) return exported;
    await write(calls.map((call) => `${line(call)}\n`).join(''));
    exported += calls.length;
    last = calls.at(-1);
  }
}
