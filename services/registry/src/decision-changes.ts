import { decide, type Facts, type RankedSet, type Snapshot } from '@will/core';
import { factsInWords, maxNamed, named } from './facts-in-words.ts';
import type { DecidedFacts } from './ports.ts';

/** Facts whose candidates another set of documents would alter. */
export interface DecisionChange {
  readonly facts: Facts;
  /** How many late decisions had these facts. */
  readonly decisions: number;
  /** Candidates, best first. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** One sentence. */
  readonly words: string;
}

/**
 * Facts that would be decided otherwise, those decided most often first. Both sides are decided at the same instant,
 * so that only the documents make a difference. Token estimates stay as they were rounded when they were decided.
 */
export function decisionChanges(
  before: Snapshot,
  after: Snapshot,
  recent: readonly DecidedFacts[],
  nowMs: number,
): readonly DecisionChange[] {
  return recent
    .flatMap(({ facts, decisions }) => {
      const [old, present] = [decide(before, facts, nowMs), decide(after, facts, nowMs)];
      const [from, to] = [modelsOf(old), modelsOf(present)];
      if (from.join() === to.join()) return [];
      return [{ facts, decisions, before: from, after: to, words: inWords(facts, decisions, from, to, present) }];
    })
    .sort((a, b) => b.decisions - a.decisions);
}

const modelsOf = ({ candidates }: RankedSet): readonly string[] => candidates.map(({ model }) => model);

function inWords(
  facts: Facts,
  decisions: number,
  before: readonly string[],
  after: readonly string[],
  { exclusions }: RankedSet,
): string {
  const rules = new Map(exclusions.map(({ model, rule }) => [model, rule]));
  const gone = before.filter((model) => !after.includes(model));
  const come = after.filter((model) => !before.includes(model));
  const reasons = [
    ...gone.slice(0, maxNamed).map((model) => `${model} drops out: ${rules.get(model) ?? 'nobody asks for it'}`),
    ...(come.length > 0 ? [`new: ${named(come)}`] : []),
    ...(gone.length + come.length === 0 ? ['another order'] : []),
  ];
  const often = `decided ${decisions === 1 ? 'once' : `${decisions} times`}`;
  return `${factsInWords(facts)}, ${often}: ${named(before)} → ${named(after)} (${reasons.join('; ')})`;
}
