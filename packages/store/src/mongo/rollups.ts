import { latencyBuckets, type Outcome } from '@will/core';
import type { AnyBulkWriteOperation, Collection, Filter } from 'mongodb';
import {
  mergeGroups,
  rollupFor,
  stretchesOf,
  type UsageIncrement,
  type Increments,
  type UsageGroup,
  type UsageQuestion,
  dayMs,
} from '../usage.ts';
import { commandLimitMs } from './connect.ts';
import { duplicatesIn } from './failures.ts';

const sums = [
  'calls',
  'successes',
  'inputTokens',
  'outputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'reasoningTokens',
  'savedNanoUsd',
  'costNanoUsd',
  'unknownCosts',
  'estimatedUsages',
] as const;

/**
 * A row of a rollup, kept by each writer for itself: a batch is added to it under the condition that none of that
 * writer's later ones was, so that adding it again changes nothing. Readers add the writers up. Sums are 64-bit integers.
 */
export type RollupDocument = Readonly<Record<(typeof sums)[number], bigint>> & {
  readonly _id: string;
  readonly rollup: string;
  readonly spanMs: number;
  readonly startMs: number;
  readonly client: string;
  readonly model: string;
  readonly taskType: string;
  readonly outcome: string;
  /** Only in rows by cost tag. */
  readonly costTagKey?: string;
  readonly costTag?: string;
  readonly writer: string;
  /** Number of the writer's newest batch in it. */
  readonly batch: number;
  /** By bucket; those without calls are left out. */
  readonly latencies?: Readonly<Record<string, bigint>>;
};

/**
 * Adds what a writer's batch changed; once, however often it is asked. Batches of one writer come in their order.
 * @param isFirst nobody can have added it yet: then the row's id is enough of a condition, which some servers look up a
 *   hundred times faster.
 */
export async function addToRollups(
  rollups: Collection<RollupDocument>,
  { writer, number, isFirst }: { readonly writer: string; readonly number: number; readonly isFirst: boolean },
  increments: Increments,
): Promise<void> {
  const updates = [...increments.rows()].map((row) => updateOf(row, writer, number, isFirst));
  if (updates.length === 0) return;
  try {
    await rollups.bulkWrite(updates, { ordered: false });
  } catch (error) {
    // A row that has this batch already does not fit the condition, and making it anew meets itself.
    duplicatesIn(error);
  }
}

function updateOf(
  row: UsageIncrement,
  writer: string,
  batch: number,
  isFirst: boolean,
): AnyBulkWriteOperation<RollupDocument> {
  const { rollup, spanMs, startMs, client, model, taskType, outcome, costTagKey, costTag } = row;
  const tag = costTagKey === '' ? {} : { costTagKey, costTag };
  const _id = JSON.stringify([
    rollup,
    spanMs,
    startMs,
    client,
    model,
    taskType,
    outcome,
    writer,
    ...Object.values(tag),
  ]);
  const added: Record<string, bigint> = {};
  for (const name of sums) added[name] = BigInt(row.sums[name]);
  for (const [bucket, count] of row.sums.latencies.entries())
    if (count !== 0) added[`latencies.${bucket}`] = BigInt(count);
  const named = { rollup, spanMs, startMs, client, model, taskType, outcome, writer, ...tag };
  return {
    updateOne: {
      filter: (isFirst ? { _id } : { _id, batch: { $lt: batch } }) as Filter<RollupDocument>,
      update: { $inc: added as never, $set: { batch } as never, $setOnInsert: named as never },
      upsert: true,
    },
  };
}

/** Answers out of the sums alone; rows are added up here, since servers differ in what they can add up themselves. */
export async function usageFrom(
  rollups: Collection<RollupDocument>,
  question: UsageQuestion,
): Promise<readonly UsageGroup[]> {
  const { client, model, taskType, outcome, costTagKey } = question;
  const asked = Object.fromEntries(
    Object.entries({ client, model, taskType, outcome, costTagKey }).filter(([, value]) => value !== undefined),
  );
  const groups: UsageGroup[] = [];
  for (const { spanMs, fromMs, toMs } of stretchesOf(question)) {
    const rollup = rollupFor(question) ?? 'types';
    const filter = { rollup, spanMs, startMs: { $gte: fromMs, $lt: toMs }, ...asked };
    const rows = await rollups.find(filter, { maxTimeMS: commandLimitMs }).toArray();
    groups.push(...rows.map((row) => groupOf(row, question)));
  }
  return mergeGroups(groups);
}

function groupOf(row: RollupDocument, { by }: UsageQuestion): UsageGroup {
  const dayOf = (atMs: number): number => atMs - (atMs % dayMs);
  return {
    ...(by.includes('hour') && { startMs: row.startMs }),
    ...(by.includes('day') && !by.includes('hour') && { startMs: dayOf(row.startMs) }),
    ...(by.includes('client') && { client: row.client }),
    ...(by.includes('model') && { model: row.model }),
    ...(by.includes('taskType') && { taskType: row.taskType }),
    ...(by.includes('outcome') && { outcome: row.outcome as Outcome }),
    ...(by.includes('costTag') && { costTag: row.costTag ?? '' }),
    calls: Number(row.calls),
    successes: Number(row.successes),
    inputTokens: Number(row.inputTokens),
    outputTokens: Number(row.outputTokens),
    cachedInputTokens: Number(row.cachedInputTokens),
    // Rows written before these were counted do not hold them.
    cacheWriteTokens: Number(row.cacheWriteTokens ?? 0),
    cacheWrite1hTokens: Number(row.cacheWrite1hTokens ?? 0),
    savedNanoUsd: BigInt(row.savedNanoUsd ?? 0),
    reasoningTokens: Number(row.reasoningTokens),
    costNanoUsd: BigInt(row.costNanoUsd),
    unknownCosts: Number(row.unknownCosts),
    estimatedUsages: Number(row.estimatedUsages),
    latencies: Array.from({ length: latencyBuckets }, (_, bucket) => Number(row.latencies?.[bucket] ?? 0)),
  };
}
