import type { Candidate } from '../routing/decision.ts';
import type { Facts } from '../domain/facts.ts';
import { firstContentTimeoutMs } from './first-content.ts';
import type { Measures } from './goal-order.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import { defaultFirstTokenMs } from '../routing/timeouts.ts';

/**
 * Candidates with the time that their first content may take by what it usually takes. Models that are not services may have
 * to load first: they are given their whole first-token timeout at least. None where the model's or the route's document says
 * `adaptive_timeout: no`, and where nothing is known.
 */
export function withFirstContentTimeouts(
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
    if (!model || slowMs === undefined) return candidate;
    const timeoutMs = Math.max(mayLoadMs(model), firstContentTimeoutMs(slowMs, facts.inputTokens));
    return { ...candidate, firstContent: { slowMs, timeoutMs } };
  });
}

const mayBeLeft = ({ document }: Model): boolean => document.adaptive_timeout !== false;

const mayLoadMs = ({ callMethod }: Model): number => (callMethod === 'API' ? 0 : defaultFirstTokenMs(callMethod, true));
