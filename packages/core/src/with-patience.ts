import type { Candidate } from './decision.ts';
import type { Facts } from './facts.ts';
import { firstContentTimeoutMs } from './first-content.ts';
import type { Measures } from './goal-order.ts';
import type { Model, Snapshot } from './snapshot.ts';

/**
 * Candidates with the time that their first content may take. None for models that are not services (they may load for long),
 * where the model's or the route's document says `adaptive_timeout: no`, and where nothing is known.
 */
export function withPatience(
  snapshot: Snapshot,
  facts: Facts,
  candidates: readonly Candidate[],
  measures: Measures,
  nowMs: number,
): readonly Candidate[] {
  if (snapshot.routes.get(facts.taskType)?.adaptive_timeout === false) return candidates;
  return candidates.map((candidate) => {
    const model = snapshot.models.get(candidate.model);
    const slowMs = model && mayBeLeft(model) ? measures.slowFirstContentMs(model, nowMs) : undefined;
    if (slowMs === undefined) return candidate;
    return { ...candidate, firstContent: { slowMs, timeoutMs: firstContentTimeoutMs(slowMs, facts.inputTokens) } };
  });
}

const mayBeLeft = ({ callMethod, document }: Model): boolean =>
  callMethod === 'API' && document.adaptive_timeout !== false;
