import type { Goal, Measured, RankedByGoal, RankMode } from '../domain/goal.ts';
import { expectedMs, type ModelStats, qualityAt, successAt } from './stats.ts';

/** A model with its figures, to be ranked. */
export interface RankInput {
  /** Slug. */
  readonly model: string;
  readonly stats: ModelStats;
  /** Of the expected output; undefined: the price is unknown, which ranks as the reference's limit. */
  readonly costNanoUsd: number | undefined;
}

/** Models to rank, and the goal. */
export interface RankQuestion {
  readonly mode: RankMode;
  readonly goal: Goal;
  readonly taskType: string;
  readonly outputTokens: number;
  /** What is slow: three times as long counts fully. */
  readonly slowMs: number;
  /** What is dear. */
  readonly dearNanoUsd: number;
  /** The model that was first before. */
  readonly incumbent: string | undefined;
  readonly nowMs: number;
}

/** An order by goal, with the numbers that it was made of. */
export interface GoalRanking {
  readonly order: readonly string[];
  /** What auto puts first; in `cascade` undefined. */
  readonly autoChoice: string | undefined;
  /** In declared order. */
  readonly numbers: readonly RankedByGoal[];
}

const weights: Record<Goal, { readonly quality: number; readonly speed: number; readonly cost: number }> = {
  speed: { quality: 0.2, speed: 0.7, cost: 0.1 },
  cost: { quality: 0.2, speed: 0.1, cost: 0.7 },
  quality: { quality: 0.8, speed: 0.1, cost: 0.1 },
  balanced: { quality: 0.4, speed: 0.3, cost: 0.3 },
};
/** What a failure costs where another model follows: its time. */
const failureCost = 0.05;
/** What it costs where none does: the answer. */
const lastFailureCost = 0.35;
/** By so much a rival must be better than the model that was first before. */
export const switchMargin = 0.004;

/** Reads a model's statistics for a task. */
export function measure(
  { model, stats, costNanoUsd }: RankInput,
  taskType: string,
  outputTokens: number,
  nowMs: number,
): Measured {
  return {
    model,
    success: roundedShare(successAt(stats, nowMs)),
    expectedMs: expectedMs(stats, stats.outputTokens[taskType] ?? outputTokens, nowMs),
    costNanoUsd,
    quality: qualityAt(stats, taskType, nowMs),
  };
}

/** Failures fade and never quite vanish: what is left of old ones must not decide among equals. */
const roundedShare = (share: number): number => Math.round(share * 10_000) / 10_000;

/** Orders eligible models, given in declared order; equal ones keep it. It adds and removes none. */
export const rankByGoal = (declared: readonly RankInput[], question: RankQuestion): GoalRanking =>
  rankMeasured(
    declared.map((input) => measure(input, question.taskType, question.outputTokens, question.nowMs)),
    question,
  );

/** The same, from what was measured. */
export function rankMeasured(
  declared: readonly Measured[],
  question: Pick<RankQuestion, 'mode' | 'goal' | 'slowMs' | 'dearNanoUsd' | 'incumbent'>,
): GoalRanking {
  const numbers = withUtilities(declared, question);
  const inOrder = declared.map(({ model }) => model);
  if (question.mode === 'cascade') return { order: inOrder, autoChoice: undefined, numbers };
  const byGoal = incumbentStays(
    numbers.toSorted((a, b) => b.utility - a.utility),
    question.incumbent,
  ).map(({ model }) => model);
  return { order: question.mode === 'auto' ? byGoal : inOrder, autoChoice: byGoal[0], numbers };
}

/** A model that fails is followed by the best of the others, so it is worth what that is worth, less what the failure costs. */
function withUtilities(
  declared: readonly Measured[],
  question: Pick<RankQuestion, 'goal' | 'slowMs' | 'dearNanoUsd'>,
): readonly RankedByGoal[] {
  const worths = declared.map((measured) => worthOf(measured, question));
  const second = worths.toSorted((a, b) => b - a)[1];
  return declared.map((measured, at) => {
    const worth = worths[at] as number;
    // What another one is worth beyond this one is no merit of this one.
    const failed = second === undefined ? Math.min(0, worth) - lastFailureCost : Math.min(worth, second) - failureCost;
    return { ...measured, utility: measured.success * worth + (1 - measured.success) * failed };
  });
}

/** What an answer is worth. */
function worthOf(
  { expectedMs: durationMs, costNanoUsd, quality }: Measured,
  { goal, slowMs, dearNanoUsd }: Pick<RankQuestion, 'goal' | 'slowMs' | 'dearNanoUsd'>,
): number {
  const slowness = Math.min(3, durationMs / slowMs);
  const dearness = costNanoUsd === undefined ? 3 : costNanoUsd === 0 ? 0 : Math.min(3, costNanoUsd / dearNanoUsd);
  const by = weights[goal];
  return by.quality * quality - by.speed * slowness - by.cost * dearness;
}

function incumbentStays(ranked: readonly RankedByGoal[], incumbent: string | undefined): readonly RankedByGoal[] {
  const present = ranked.find(({ model }) => model === incumbent);
  const best = ranked[0];
  if (!present || !best || best.utility - present.utility > switchMargin) return ranked;
  return [present, ...ranked.filter((other) => other !== present)];
}
