import { dataClassFromWire, priorityFromWire, recordCacheSavings, subjects, wire } from '@will/contracts';
import type { Outcome } from '@will/core';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { dollars, localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';

/** Filters of calls; what is absent is not asked for. */
export interface CallOptions {
  readonly client?: string;
  readonly project?: string;
  readonly reflex?: string;
  readonly model?: string;
  readonly type?: string;
  readonly outcome?: Outcome;
  readonly task?: string;
  readonly decision?: string;
  /** Epoch milliseconds. */
  readonly since?: number;
  /** Epoch milliseconds. */
  readonly until?: number;
}

export interface LogsOptions extends CallOptions {
  readonly limit?: number;
  readonly json?: boolean;
}

export const questionOf = (options: CallOptions) => ({
  client: options.client ?? '',
  project: options.project ?? '',
  reflex: options.reflex ?? '',
  model: options.model ?? '',
  taskType: options.type ?? '',
  outcome: options.outcome ?? '',
  taskId: options.task ?? '',
  decisionId: options.decision ?? '',
  fromUnixMs: BigInt(options.since ?? 0),
  toUnixMs: BigInt(options.until ?? 0),
});

/** `willm logs`: what was called, newest first. */
export async function logs(terminal: Terminal, options: LogsOptions): Promise<ExitCode> {
  const question = { ...questionOf(options), limit: options.limit ?? 0 };
  const { calls, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.telemetry('calls'), [wire.QueryCallsRequestSchema, question], wire.QueryCallsResponseSchema),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json) printJson(terminal, calls.map(asJson));
  else if (calls.length === 0) terminal.err('no calls match\n');
  else terminal.out(table(calls, columns));
  return exitCodes.success;
}

const asJson = (record: wire.CallRecord): object => ({
  ...record,
  dataClass: dataClassFromWire(record.dataClass) ?? '',
  priority: priorityFromWire(record.priority),
  startedAt: new Date(Number(record.startedUnixMs)).toISOString(),
  cacheSavingsNanoUsd: recordCacheSavings(record),
});

/** What there was none of takes no place in a table. */
const some = (count: number | undefined): string | number => count || '';

function savings(call: wire.CallRecord): string {
  const saved = recordCacheSavings(call);
  return saved === undefined || saved === 0n ? '' : dollars(saved);
}

const columns = [
  { title: 'TIME', value: (call: wire.CallRecord) => localTime(Number(call.startedUnixMs)) },
  { title: 'MODEL', value: (call: wire.CallRecord) => call.model || '-' },
  { title: 'TASK TYPE', value: (call: wire.CallRecord) => call.taskType },
  { title: 'CLIENT', value: (call: wire.CallRecord) => call.client },
  {
    title: 'RESULT',
    value: (call: wire.CallRecord) =>
      call.status === call.outcome || call.status === '' ? call.outcome : `${call.outcome} (${call.status})`,
  },
  { title: 'MS', value: (call: wire.CallRecord) => call.durationMs, align: 'right' },
  { title: 'IN', value: (call: wire.CallRecord) => call.usage?.inputTokens ?? '', align: 'right' },
  { title: 'CACHED', value: (call: wire.CallRecord) => some(call.usage?.cachedInputTokens), align: 'right' },
  { title: 'WRITTEN', value: (call: wire.CallRecord) => some(call.usage?.cacheWriteTokens), align: 'right' },
  { title: '1H', value: (call: wire.CallRecord) => some(call.usage?.cacheWrite1hTokens), align: 'right' },
  { title: 'SAVED', value: savings, align: 'right' },
  { title: 'OUT', value: (call: wire.CallRecord) => call.usage?.outputTokens ?? '', align: 'right' },
  { title: 'CHARS', value: (call: wire.CallRecord) => call.outputChars, align: 'right' },
  { title: 'DECISION', value: (call: wire.CallRecord) => call.decisionId || '-' },
  { title: 'REASON', value: (call: wire.CallRecord) => call.reason },
] as const;
