import { latencyBucketOf, latencyBuckets, type CallRecord, type Outcome } from '@will/core';

export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

export const usageDimensions = ['hour', 'day', 'client', 'model', 'taskType', 'outcome'] as const;
export type UsageDimension = (typeof usageDimensions)[number];

/** What is asked of the sums that are kept of all calls. */
export interface UsageQuestion {
  /** A group for each combination; empty: one group of all. */
  readonly by: readonly UsageDimension[];
  /** Rounded down to a whole hour; to a whole day (UTC) where clients are told apart. */
  readonly fromMs: number;
  /** Rounded up in the same way; not included. */
  readonly toMs: number;
  readonly client?: string;
  readonly model?: string;
  readonly taskType?: string;
  readonly outcome?: Outcome;
}

/** Sums of calls; each is an increment, so that two can be added and one taken away. */
export interface UsageSums {
  /** Attempts, and tasks that were blocked before any. */
  readonly calls: number;
  readonly successes: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  /** Of the calls whose cost is known. */
  readonly costNanoUsd: bigint;
  /** Attempts at a model whose cost is not known; they are not in `costNanoUsd`. */
  readonly unknownCosts: number;
  /** Calls whose tokens were estimated, since the provider told none. */
  readonly estimatedUsages: number;
  /** Durations of successful calls in the buckets of `latencyEdgesMs`. */
  readonly latencies: readonly number[];
}

export interface UsageGroup extends UsageSums {
  /** UTC, of `hour` or `day`. */
  readonly startMs?: number;
  readonly client?: string;
  /** Empty: no model was called. */
  readonly model?: string;
  readonly taskType?: string;
  readonly outcome?: Outcome;
}

/** `types` is kept by hour × model × task type × outcome, `clients` by day × client × model. */
export type Rollup = 'types' | 'clients';

/** Which of the rollups can tell; undefined: neither holds all that is asked for. */
export function rollupFor({ by, client, taskType, outcome }: UsageQuestion): Rollup | undefined {
  if (client === undefined && !by.includes('client')) return 'types';
  const isTooFine = by.includes('hour') || by.includes('taskType') || by.includes('outcome');
  return isTooFine || taskType !== undefined || outcome !== undefined ? undefined : 'clients';
}

/** No call costs a million dollars: such a figure is a mistake, and must not make the sums overflow. */
const mostBelievableNanoUsd = 10n ** 15n;

/** What one record adds; with `sign` -1 what it takes away when a better one replaces it. */
export function sumsOf(record: CallRecord, sign: 1 | -1): UsageSums {
  const { usage, costNanoUsd: cost } = record;
  const isKnown = cost !== undefined && cost <= mostBelievableNanoUsd;
  const isSuccess = record.outcome === 'Success';
  const latencies = noLatencies();
  if (isSuccess) latencies[latencyBucketOf(record.durationMs)] = sign;
  return {
    calls: sign,
    successes: isSuccess ? sign : 0,
    inputTokens: sign * (usage?.inputTokens ?? 0),
    outputTokens: sign * (usage?.outputTokens ?? 0),
    cachedInputTokens: sign * (usage?.cachedInputTokens ?? 0),
    reasoningTokens: sign * (usage?.reasoningTokens ?? 0),
    costNanoUsd: isKnown ? BigInt(sign) * cost : 0n,
    unknownCosts: !isKnown && record.attempt > 0 ? sign : 0,
    estimatedUsages: usage?.estimated ? sign : 0,
    latencies,
  };
}

export const addSums = (a: UsageSums, b: UsageSums): UsageSums => ({
  calls: a.calls + b.calls,
  successes: a.successes + b.successes,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  costNanoUsd: a.costNanoUsd + b.costNanoUsd,
  unknownCosts: a.unknownCosts + b.unknownCosts,
  estimatedUsages: a.estimatedUsages + b.estimatedUsages,
  latencies: a.latencies.map((count, bucket) => count + (b.latencies[bucket] ?? 0)),
});

const noLatencies = (): number[] => Array.from({ length: latencyBuckets }, () => 0);

/** A row of a rollup: what it is of, and what is to be added to it. */
export interface Increment {
  readonly rollup: Rollup;
  /** Length of its time; `types` is kept by the hour and, for long questions, by the day as well. */
  readonly spanMs: number;
  readonly startMs: number;
  /** Empty in `types`. */
  readonly client: string;
  /** Empty: no model was called. */
  readonly model: string;
  /** Empty in `clients`, like `outcome`. */
  readonly taskType: string;
  readonly outcome: string;
  readonly sums: UsageSums;
}

/** Increments of a batch, added up: one per row, however many calls it counts. */
export class Increments {
  readonly #rows = new Map<string, Increment>();

  count(record: CallRecord, sign: 1 | -1): void {
    const { client, model = '', taskType, outcome } = record;
    const sums = sumsOf(record, sign);
    const start = (spanMs: number): { spanMs: number; startMs: number } => ({
      spanMs,
      startMs: floorTo(record.startedAtMs, spanMs),
    });
    this.#add({ rollup: 'types', ...start(hourMs), client: '', model, taskType, outcome, sums });
    this.#add({ rollup: 'types', ...start(dayMs), client: '', model, taskType, outcome, sums });
    this.#add({ rollup: 'clients', ...start(dayMs), client, model, taskType: '', outcome: '', sums });
  }

  rows(): Iterable<Increment> {
    return this.#rows.values();
  }

  #add(row: Increment): void {
    const { rollup, spanMs, startMs, client, model, taskType, outcome } = row;
    const key = JSON.stringify([rollup, spanMs, startMs, client, model, taskType, outcome]);
    const present = this.#rows.get(key);
    this.#rows.set(key, present ? { ...present, sums: addSums(present.sums, row.sums) } : row);
  }
}

/** A stretch of time to be read from rows of one length. */
export interface Stretch {
  readonly spanMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The fewest rows that cover a question: whole days from rows of a day, what is left at the ends from those of hours. */
export function stretchesOf(question: UsageQuestion): readonly Stretch[] {
  if (rollupFor(question) === 'clients')
    return [{ spanMs: dayMs, fromMs: floorTo(question.fromMs, dayMs), toMs: ceilTo(question.toMs, dayMs) }];
  const [fromMs, toMs] = [floorTo(question.fromMs, hourMs), ceilTo(question.toMs, hourMs)];
  const [firstDayMs, lastDayMs] = [ceilTo(fromMs, dayMs), floorTo(toMs, dayMs)];
  if (question.by.includes('hour') || firstDayMs >= lastDayMs) return [{ spanMs: hourMs, fromMs, toMs }];
  return [
    { spanMs: hourMs, fromMs, toMs: firstDayMs },
    { spanMs: dayMs, fromMs: firstDayMs, toMs: lastDayMs },
    { spanMs: hourMs, fromMs: lastDayMs, toMs },
  ].filter((stretch) => stretch.fromMs < stretch.toMs);
}

const floorTo = (atMs: number, spanMs: number): number => Math.floor(atMs / spanMs) * spanMs;
const ceilTo = (atMs: number, spanMs: number): number => Math.ceil(atMs / spanMs) * spanMs;

/** Groups that are told more than once, put together; the dearest first, then by calls, then by name. */
export function mergeGroups(groups: readonly UsageGroup[]): readonly UsageGroup[] {
  const merged = new Map<string, UsageGroup>();
  for (const group of groups) {
    const key = keyOf(group);
    const present = merged.get(key);
    merged.set(key, present ? { ...present, ...addSums(present, group) } : group);
  }
  return [...merged.values()]
    .filter(({ calls }) => calls > 0)
    .sort((a, b) => byStart(a, b) || byCost(a, b) || b.calls - a.calls || (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ startMs, client, model, taskType, outcome }: UsageGroup): string =>
  JSON.stringify([startMs, client, model, taskType, outcome]);
const byStart = (a: UsageGroup, b: UsageGroup): number => (a.startMs ?? 0) - (b.startMs ?? 0);
const byCost = (a: UsageGroup, b: UsageGroup): number =>
  a.costNanoUsd === b.costNanoUsd ? 0 : a.costNanoUsd > b.costNanoUsd ? -1 : 1;
