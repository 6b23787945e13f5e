import { subjects, wire } from '@will/contracts';
import type { Outcome } from '@will/core';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { type TextColumn, dollars, duration, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';

export interface UsageOptions {
  /** `day`, `hour`, `client`, `model`, `type`, `outcome`, `tag`. */
  readonly by?: readonly string[];
  /** Key of a cost tag. */
  readonly tag?: string;
  /** Epoch milliseconds. */
  readonly since?: number;
  readonly until?: number;
  readonly client?: string;
  readonly model?: string;
  readonly type?: string;
  readonly outcome?: Outcome;
  readonly json?: boolean;
}

/** Where the wire has another name. */
const dimensions: Readonly<Record<string, string>> = { type: 'taskType', tag: 'costTag' };
const oneDayMs = 86_400_000;

/** `willm usage`: what calls came to, by time and the dearest first, with a line for all of them. */
export async function usage(terminal: Terminal, options: UsageOptions, nowMs: number): Promise<ExitCode> {
  const by = options.by ?? [options.tag === undefined ? 'model' : 'tag'];
  const question = {
    by: by.map((word) => dimensions[word] ?? word),
    fromUnixMs: BigInt(options.since ?? nowMs - oneDayMs),
    toUnixMs: BigInt(options.until ?? nowMs),
    client: options.client ?? '',
    model: options.model ?? '',
    taskType: options.type ?? '',
    outcome: options.outcome ?? '',
    costTag: options.tag ?? '',
  };
  const { groups, total, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.telemetry('usage'), [wire.QueryUsageRequestSchema, question], wire.QueryUsageResponseSchema),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json) printJson(terminal, { groups, total: total ?? null });
  else if (!total) terminal.err('no calls in this time\n');
  else terminal.out(usageTable(groups, total, by));
  return exitCodes.success;
}

function usageTable(groups: readonly wire.UsageGroup[], total: wire.UsageGroup, by: readonly string[]): string {
  const rows = groups.length === 1 ? groups : [...groups, total];
  const names: readonly TextColumn<wire.UsageGroup>[] = by.map((word, index) => ({
    title: word === 'type' ? 'TASK TYPE' : word.toUpperCase(),
    value: (group) => (group === total ? (index === 0 ? 'all' : '') : nameIn(group, word)),
  }));
  return table(rows, [...names, ...sums]);
}

function nameIn(group: wire.UsageGroup, word: string): string {
  const start = new Date(Number(group.startUnixMs ?? 0n)).toISOString();
  const values: Readonly<Record<string, string | undefined>> = {
    day: start.slice(0, 10),
    hour: `${start.slice(0, 13)}:00Z`,
    client: group.client,
    model: group.model || '(none)',
    type: group.taskType,
    outcome: group.outcome,
    tag: group.costTag,
  };
  return values[word] ?? '';
}

/** A known sum, with a plus sign where calls of unknown cost come on top; `?` where no cost is known at all. */
function cost({ costNanoUsd, unknownCosts, calls }: wire.UsageGroup): string {
  if (unknownCosts === 0n) return dollars(costNanoUsd);
  return costNanoUsd === 0n && unknownCosts === calls ? '?' : `${dollars(costNanoUsd)}+`;
}

/** What there was none of takes no place in a table. */
const some = (count: bigint): string => (count === 0n ? '' : String(count));

/** Share of the input that was read from prompt caches. */
const hitRate = ({ inputTokens, cachedInputTokens }: wire.UsageGroup): string =>
  cachedInputTokens === 0n ? '' : `${((100 * Number(cachedInputTokens)) / Number(inputTokens)).toFixed(1)} %`;

const time = (ms: number | undefined): string => (ms === undefined ? '' : duration(ms));

const sums: readonly TextColumn<wire.UsageGroup>[] = [
  { title: 'CALLS', value: ({ calls }) => String(calls), align: 'right' },
  {
    title: 'OK',
    value: ({ calls, successes }) => `${((100 * Number(successes)) / Number(calls)).toFixed(1)} %`,
    align: 'right',
  },
  { title: 'IN', value: ({ inputTokens }) => String(inputTokens), align: 'right' },
  { title: 'CACHED', value: ({ cachedInputTokens }) => String(cachedInputTokens), align: 'right' },
  { title: 'HITS', value: hitRate, align: 'right' },
  { title: 'WRITTEN', value: ({ cacheWriteTokens }) => some(cacheWriteTokens), align: 'right' },
  { title: '1H', value: ({ cacheWrite1hTokens }) => some(cacheWrite1hTokens), align: 'right' },
  { title: 'SAVED', value: ({ savedNanoUsd }) => (savedNanoUsd === 0n ? '' : dollars(savedNanoUsd)), align: 'right' },
  { title: 'OUT', value: ({ outputTokens }) => String(outputTokens), align: 'right' },
  { title: 'COST', value: cost, align: 'right' },
  { title: 'UNKNOWN', value: ({ unknownCosts }) => (unknownCosts === 0n ? '' : String(unknownCosts)), align: 'right' },
  {
    title: 'ESTIMATED',
    value: ({ estimatedUsages }) => (estimatedUsages === 0n ? '' : String(estimatedUsages)),
    align: 'right',
  },
  { title: 'P50', value: ({ p50Ms }) => time(p50Ms), align: 'right' },
  { title: 'P95', value: ({ p95Ms }) => time(p95Ms), align: 'right' },
  { title: 'P99', value: ({ p99Ms }) => time(p99Ms), align: 'right' },
];
