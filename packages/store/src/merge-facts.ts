import type { Facts } from '@will/core';
import type { RecentFacts } from './call-log.ts';

/** A set that was decided on: its facts as JSON, and how often. */
export interface CountedFacts {
  readonly facts: string;
  readonly decisions: number;
}

/** Sets of different revisions may have the same facts. */
export function mergeFacts(counted: readonly CountedFacts[]): readonly RecentFacts[] {
  const merged = new Map<string, { readonly facts: Facts; decisions: number }>();
  for (const { facts: text, decisions } of counted) {
    const known = merged.get(text) ?? { facts: factsOf(text), decisions: 0 };
    known.decisions += decisions;
    merged.set(text, known);
  }
  return [...merged.values()];
}

/** JSON leaves out what is undefined; in facts every field is there. */
const factsOf = (text: string): Facts => ({
  project: undefined,
  reflex: undefined,
  dataClass: undefined,
  model: undefined,
  ...(JSON.parse(text) as Omit<Facts, 'project' | 'reflex' | 'dataClass' | 'model'>),
});
