import { costNanoUsd, priceAt } from '../usage/cost.ts';
import type { Candidate, RankingRecord } from '../routing/decision.ts';
import type { Facts } from '../domain/facts.ts';
import { projectOf } from '../domain/identity.ts';
import { slowFirstContentMs } from './first-content.ts';
import { isPin } from '../eligibility/proposals.ts';
import type { Goal, Measured, RankMode } from '../domain/goal.ts';
import { measure, rankMeasured, switchMargin } from './rank-by-goal.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import { type ModelStats, statsFromPrior, type StatsPrior } from './stats.ts';

/** Figures of models beside their records. Absent: their benchmarks alone. */
export interface Measures {
  of(model: Model, facts: Facts, nowMs: number): Measured;
  /** What is slow for its first content; undefined: nothing is known of that. */
  slowFirstContentMs(model: Model, nowMs: number): number | undefined;
  /** The model that did most of the last tasks of this type. */
  incumbent(taskType: string): string | undefined;
}

/** The time that is slow where a person waits: a whole output of so long weighs fully once. */
export const slowMs = 4_000;
/** Output tokens of a task type that was not seen yet. */
const expectedOutputTokens = 256;
/** Of a model whose document has no benchmark. */
const usual = { latencyMs: 2_000, accuracy: 5 };
/** Share of the registered latency that passes before the first content. */
const firstShare = 0.3;

/**
 * The order of a task's candidates. Project before client before route; high priority wants quality unless they say.
 */
export function orderingOf(snapshot: Snapshot, facts: Facts): { readonly mode: RankMode; readonly goal: Goal } {
  const project = projectOf(snapshot, facts);
  const client = snapshot.clients.get(facts.client);
  const route = snapshot.routes.get(facts.taskType);
  const mode = project?.mode ?? client?.mode ?? route?.mode ?? 'cascade';
  const stated = project?.goal ?? client?.goal;
  return { mode, goal: stated ?? (facts.priority === 'high' ? 'quality' : (route?.goal ?? 'balanced')) };
}

/** The expectation of a model before it was measured; from its `benchmark` and `local.profile`. */
export function priorOf({ document, version }: Model): StatsPrior {
  const latencyMs = document.benchmark?.avg_latency_ms ?? usual.latencyMs;
  const perSecond = document.local?.profile?.tokens_per_second;
  return {
    version: version ?? '',
    isStated: document.benchmark?.avg_latency_ms !== undefined,
    firstContentMs: latencyMs * firstShare,
    msPerToken: perSecond === undefined ? (latencyMs * (1 - firstShare)) / expectedOutputTokens : 1_000 / perSecond,
    quality: (document.benchmark?.accuracy ?? document.local?.profile?.accuracy ?? usual.accuracy) / 10,
  };
}

/**
 * Figures of a model for a task by its statistics. All models are expected to say as much: what one of them said last
 * while it was called would count for ever once it is not.
 * @param expectedTokens output of such tasks lately, by any model; undefined: none was done.
 */
export function measuredBy(
  stats: ModelStats,
  model: Model,
  facts: Facts,
  nowMs: number,
  expectedTokens: number = expectedOutputTokens,
): Measured {
  const outputTokens = Math.round(expectedTokens);
  const usage = {
    inputTokens: facts.inputTokens,
    outputTokens,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    estimated: true,
  };
  const cost = costNanoUsd(usage, priceAt(model, nowMs));
  const input = {
    model: model.slug,
    stats: { ...stats, outputTokens: {} },
    costNanoUsd: cost === undefined ? undefined : Number(cost),
  };
  return measure(input, facts.taskType, outputTokens, nowMs);
}

/** Beliefs about models before anything was measured. */
export const byBenchmark: Measures = {
  of: (model, facts, nowMs) => measuredBy(statsFromPrior(priorOf(model), nowMs), model, facts, nowMs),
  slowFirstContentMs: (model, nowMs) => slowFirstContentMs(statsFromPrior(priorOf(model), nowMs), nowMs),
  incumbent: () => undefined,
};

/**
 * Orders what the route declared by the goal in force; what task, reflex, project or client name stays first. Undefined
 * ranking: the declared order is what counts, and nobody asked for another.
 */
export function orderByGoal(
  snapshot: Snapshot,
  facts: Facts,
  candidates: readonly Candidate[],
  nowMs: number,
  measures: Measures = byBenchmark,
): { readonly candidates: readonly Candidate[]; readonly ranking: RankingRecord | undefined } {
  const { mode, goal } = orderingOf(snapshot, facts);
  if (mode === 'cascade') return { candidates, ranking: undefined };
  const pins = candidates.filter(isPin);
  const declared = candidates.filter((candidate) => !isPin(candidate));
  const measured = declared.flatMap(({ model }) => {
    const found = snapshot.models.get(model);
    return found ? [measures.of(found, facts, nowMs)] : [];
  });
  const incumbent = measures.incumbent(facts.taskType);
  const dearNanoUsd = medianCost(measured);
  const { order, autoChoice, numbers } = rankMeasured(measured, { mode, goal, slowMs, dearNanoUsd, incumbent });
  const byModel = new Map(declared.map((candidate) => [candidate.model, candidate]));
  const ordered = order.map((model) => byModel.get(model) as Candidate);
  const ranking = { mode, goal, incumbent, autoChoice, models: numbers };
  return { candidates: [...pins, ...ordered], ranking };
}

/** The cost from which a model is dear among these; a reference that no single dear or free model moves. */
export function medianCost(measured: readonly Measured[]): number {
  const known = measured.flatMap(({ costNanoUsd: cost }) => (cost === undefined || cost === 0 ? [] : [cost]));
  return known.toSorted((a, b) => a - b)[Math.floor(known.length / 2)] ?? 1;
}

/** Figures of candidates that a recorded decision knew; of others their benchmarks count. */
export function measuresOf(ranking: RankingRecord | undefined, candidates: readonly Candidate[]): Measures {
  const known = new Map(ranking?.models.map(({ utility: _computed, ...measured }) => [measured.model, measured]));
  const slow = new Map(candidates.map(({ model, firstContent }) => [model, firstContent?.slowMs]));
  return {
    of: (model, facts, nowMs) => known.get(model.slug) ?? byBenchmark.of(model, facts, nowMs),
    slowFirstContentMs: (model, nowMs) =>
      slow.has(model.slug) ? slow.get(model.slug) : byBenchmark.slowFirstContentMs(model, nowMs),
    incumbent: () => ranking?.incumbent,
  };
}

/** A ranking in plain words, a line each, best first, and what would put another one first. */
export function rankingInWords({ mode, goal, incumbent, autoChoice, models }: RankingRecord): readonly string[] {
  const best = models.toSorted((a, b) => b.utility - a.utility);
  const first = best.find(({ model }) => model === autoChoice) ?? best[0];
  const cost = (nano: number | undefined): string =>
    nano === undefined ? 'unknown cost' : `$${(nano / 1e9).toFixed(6)}`;
  const lines = best.map(
    (one) =>
      `  ${one.model}: worth ${one.utility.toFixed(3)} (success ${(100 * one.success).toFixed(1)} %, ${Math.round(one.expectedMs)} ms, ${cost(one.costNanoUsd)}, quality ${(10 * one.quality).toFixed(1)} of 10)`,
  );
  const runnerUp = best.find(({ model }) => model !== first?.model);
  const margin = first && runnerUp ? runnerUp.utility - first.utility : undefined;
  const stays =
    incumbent !== undefined && incumbent === first?.model
      ? `, which did most of the last tasks and stays until another is better by ${switchMargin}`
      : '';
  return [
    mode === 'auto'
      ? `ordered by ${goal}: ${first?.model ?? 'nothing'} first${stays}`
      : `in declared order; by ${goal} ${first?.model ?? 'nothing'} would be first${stays}`,
    ...lines,
    ...(margin === undefined || !runnerUp
      ? []
      : [
          `  ${runnerUp.model} would be first if it were worth ${(Math.max(0, -margin) + (stays === '' ? 0 : switchMargin)).toFixed(3)} more`,
        ]),
  ];
}
