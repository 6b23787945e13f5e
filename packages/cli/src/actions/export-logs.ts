import type { Bus } from '@will/bus';
import type { wire } from '@will/contracts';
import { callColumns, csvLine, jsonLine, pageOfCalls } from '@will/operator';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
import { type CallOptions, questionOf } from './logs.ts';
import { writerTo } from './new-file.ts';

export interface ExportLogsOptions extends CallOptions {
  readonly format: 'csv' | 'jsonl';
  /** A file; absent: stdout. */
  readonly out?: string;
}

const callsPerPage = 500;

/** `willm logs export`: every call that fits, newest first, one line each; page by page, so of any number. */
export async function exportLogs(terminal: Terminal, options: ExportLogsOptions): Promise<ExitCode> {
  const writer = await writerTo(terminal, options.out);
  const told = (exported: number): void => void (options.out !== undefined && terminal.progress(`${exported} calls`));
  try {
    const exported = await withBus(terminal, (bus) => exportPages(bus, options, writer.write, told));
    if (options.out !== undefined) terminal.err(`${exported} calls written to ${options.out}\n`);
  } finally {
    await writer.close();
  }
  return exitCodes.success;
}

async function exportPages(
  bus: Bus,
  options: ExportLogsOptions,
  write: (text: string) => Promise<void>,
  told: (exported: number) => void,
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
    told(exported);
    last = calls.at(-1);
  }
}
