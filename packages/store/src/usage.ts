import {
  cacheSavingsNanoUsd,
  latencyBucketOf,
  latencyBuckets,
  splitCostTag,
  type CallRecord,
  type Outcome,
} from '@will/core';

/** One hour. */
export const hourMs = 3_600_000;
/** One day. */
export const dayMs = 86_400_000;

/** Dimensions by which usage is grouped. */
export const usageDimensions = ['hour', 'day', 'client', 'model', 'taskType', 'outcome', 'costTag'] as const;
/** A dimension by which usage is grouped. */
export type UsageDimension = (typeof usageDimensions)[number];

/** A question to the sums that are kept of all calls. */
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
  /** Only calls that bear a cost tag with this key; `costTag` tells its values apart. */
  readonly costTagKey?: string;
}

/** Sums of calls; each is an increment, so that two can be added and one taken away. */
export interface UsageSums {
  /** Attempts, and tasks that were blocked before any. */
  readonly calls: number;
  readonly successes: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  /** Part of `cacheWriteTokens`. */
  readonly cacheWrite1hTokens: number;
  readonly reasoningTokens: number;
  /** What prompt caches saved, where the price is known; below zero: writes cost more than reads saved. */
  readonly savedNanoUsd: bigint;
  /** Of the calls whose cost is known. */
  readonly costNanoUsd: bigint;
  /** Attempts at a model whose cost is not known; they are not in `costNanoUsd`. */
  readonly unknownCosts: number;
  /** Calls whose tokens were estimated, since the provider told none. */
  readonly estimatedUsages: number;
  /** Durations of successful calls in the buckets of `latencyEdgesMs`. */
  readonly latencies: readonly number[];
}

/** Sums of usage that share their values of the dimensions. */
export interface UsageGroup extends UsageSums {
  /** UTC, of `hour` or `day`. */
  readonly startMs?: number;
  readonly client?: string;
  /** Empty: no model was called. */
  readonly model?: string;
  readonly taskType?: string;
  readonly outcome?: Outcome;
  /** Value of the cost tag. */
  readonly costTag?: string;
}

/**
 * `types` is kept by hour × model × task type × outcome, `clients` by day × client × model, `tags` by day × client ×
 * model × cost tag.
 */
export type Rollup = 'types' | 'clients' | 'tags';

/** The rollup that can answer; undefined: none holds all that is asked for. */
export function rollupFor({ by, client, taskType, outcome, costTagKey }: UsageQuestion): Rollup | undefined {
  if (client === undefined && !by.includes('client') && costTagKey === undefined) return 'types';
  const isTooFine = by.includes('hour') || by.includes('taskType') || by.includes('outcome');
  if (isTooFine || taskType !== undefined || outcome !== undefined) return undefined;
  return costTagKey === undefined ? 'clients' : 'tags';
}

/** No call costs a million dollars: such a figure is a mistake, and must not make the sums overflow. */
const maxBelievableNanoUsd = 10n ** 15n;

const believable = (amount = 0n): bigint =>
  amount > maxBelievableNanoUsd || amount < -maxBelievableNanoUsd ? 0n : amount;

/** The part of a record that is summed up. */
export type Counted = Pick<
  CallRecord,
  | 'client'
  | 'model'
  | 'taskType'
  | 'outcome'
  | 'attempt'
  | 'startedAtMs'
  | 'durationMs'
  | 'usage'
  | 'costNanoUsd'
  | 'price'
  | 'costTags'
>;

type GrowingSums = { -readonly [K in Exclude<keyof UsageSums, 'latencies'>]: UsageSums[K] } & {
  readonly latencies: number[];
};

const noSums = (): GrowingSums => ({
  calls: 0,
  successes: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  savedNanoUsd: 0n,
  costNanoUsd: 0n,
  unknownCosts: 0,
  estimatedUsages: 0,
  latencies: Array.from({ length: latencyBuckets }, () => 0),
});

/** Adds one record; with `sign` -1 takes it away, when a better one replaces it. */
function addRecord(sums: GrowingSums, record: Counted, sign: 1 | -1): void {
  const { usage, costNanoUsd: cost } = record;
  sums.calls += sign;
  if (record.outcome === 'Success') {
    sums.successes += sign;
    const bucket = latencyBucketOf(record.durationMs);
    sums.latencies[bucket] = (sums.latencies[bucket] ?? 0) + sign;
  }
  if (cost !== undefined && cost <= maxBelievableNanoUsd) sums.costNanoUsd += sign === 1 ? cost : -cost;
  else if (record.attempt > 0) sums.unknownCosts += sign;
  if (!usage) return;
  sums.inputTokens += sign * usage.inputTokens;
  sums.outputTokens += sign * usage.outputTokens;
  sums.cachedInputTokens += sign * usage.cachedInputTokens;
  sums.cacheWriteTokens += sign * (usage.cacheWriteTokens ?? 0);
  sums.cacheWrite1hTokens += sign * (usage.cacheWrite1hTokens ?? 0);
  sums.savedNanoUsd += believable(cacheSavingsNanoUsd(usage, record.price)) * BigInt(sign);
  sums.reasoningTokens += sign * usage.reasoningTokens;
  if (usage.estimated) sums.estimatedUsages += sign;
}

/** Adds two sums. */
export const addSums = (a: UsageSums, b: UsageSums): UsageSums => ({
  calls: a.calls + b.calls,
  successes: a.successes + b.successes,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  cacheWrite1hTokens: a.cacheWrite1hTokens + b.cacheWrite1hTokens,
  savedNanoUsd: a.savedNanoUsd + b.savedNanoUsd,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  costNanoUsd: a.costNanoUsd + b.costNanoUsd,
  unknownCosts: a.unknownCosts + b.unknownCosts,
  estimatedUsages: a.estimatedUsages + b.estimatedUsages,
  latencies: a.latencies.map((count, bucket) => count + (b.latencies[bucket] ?? 0)),
});

/** A row of a rollup: what it is of, and what is to be added to it. */
export interface UsageIncrement {
  readonly rollup: Rollup;
  /** Length of its time; `types` is kept by the hour and, for long questions, by the day as well. */
  readonly spanMs: number;
  readonly startMs: number;
  /** Empty in `types`. */
  readonly client: string;
  /** Empty: no model was called. */
  readonly model: string;
  /** Empty in `clients` and `tags`, like `outcome`. */
  readonly taskType: string;
  readonly outcome: string;
  /** Empty but in `tags`, like `costTag`. */
  readonly costTagKey: string;
  readonly costTag: string;
  readonly sums: UsageSums;
}

type RowName = Omit<UsageIncrement, 'sums'>;
const unnamed = { client: '', taskType: '', outcome: '', costTagKey: '', costTag: '' };

/** Increments of a batch, added up: one per row, however many calls it counts. */
export class Increments {
  readonly #rows = new Map<string, UsageIncrement & { readonly sums: GrowingSums }>();

  count(record: Counted, sign: 1 | -1): void {
    const { client, model = '', taskType, outcome, startedAtMs } = record;
    const dayStartMs = floorTo(startedAtMs, dayMs);
    const hourStartMs = floorTo(startedAtMs, hourMs);
    const day = { ...unnamed, spanMs: dayMs, startMs: dayStartMs, model };
    const hour = { ...day, spanMs: hourMs, startMs: hourStartMs };
    const add = (row: RowName): void => addRecord(this.#sums(row), record, sign);
    add({ ...hour, rollup: 'types', taskType, outcome });
    add({ ...day, rollup: 'types', taskType, outcome });
    add({ ...day, rollup: 'clients', client });
    for (const tag of record.costTags ?? []) {
      const [costTagKey, costTag = ''] = splitCostTag(tag);
      add({ ...day, rollup: 'tags', client, costTagKey, costTag });
    }
  }

  rows(): Iterable<UsageIncrement> {
    return this.#rows.values();
  }

  #sums(row: RowName): GrowingSums {
    const { rollup, spanMs, startMs, client, model, taskType, outcome, costTagKey, costTag } = row;
    const key = `${rollup} ${spanMs} ${startMs}\0${client}\0${model}\0${taskType}\0${outcome}\0${costTagKey}\0${costTag}`;
    const present = this.#rows.get(key);
    if (present) return present.sums;
    const sums = noSums();
    this.#rows.set(key, { ...row, sums });
    return sums;
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
  if (rollupFor(question) !== 'types')
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

const keyOf = ({ startMs, client, model, taskType, outcome, costTag }: UsageGroup): string =>
  JSON.stringify([startMs, client, model, taskType, outcome, costTag]);
const byStart = (a: UsageGroup, b: UsageGroup): number => (a.startMs ?? 0) - (b.startMs ?? 0);
const byCost = (a: UsageGroup, b: UsageGroup): number =>
  a.costNanoUsd === b.costNanoUsd ? 0 : a.costNanoUsd > b.costNanoUsd ? -1 : 1;
