import { admissionsBetween, type Admitted, type Facts, type Snapshot } from '@will/core';
import { factsInWords, named } from './facts-in-words.ts';
import type { DecidedFacts } from './ports.ts';

/** Facts that were decided on lately and for which a change frees models. */
export interface LooserDecision {
  readonly facts: Facts;
  /** How many late decisions had these facts. */
  readonly decisions: number;
  readonly models: readonly Admitted[];
  /** One sentence. */
  readonly words: string;
}

/** The decisions for which a change frees a model, those decided most often first. */
export function looserDecisions(
  before: Snapshot,
  after: Snapshot,
  recent: readonly DecidedFacts[],
  nowMs: number,
): readonly LooserDecision[] {
  const admitted = admissionsBetween(before, after, nowMs);
  return recent
    .flatMap(({ facts, decisions }) => {
      const models = admitted(facts);
      return models.length === 0 ? [] : [{ facts, decisions, models, words: inWords(facts, decisions, models) }];
    })
    .sort((a, b) => b.decisions - a.decisions);
}

function inWords(facts: Facts, decisions: number, models: readonly Admitted[]): string {
  const rules = [...new Set(models.flatMap((one) => one.rules))];
  const often = `decided ${decisions === 1 ? 'once' : `${decisions} times`}`;
  return `${factsInWords(facts)}, ${often}: may now go to ${named(models.map(({ model }) => model))} (left out before by ${rules.join(', ')})`;
}
