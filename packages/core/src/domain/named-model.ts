import type { Exclusion } from '../routing/decision.ts';
import type { UnavailableModel } from './documents.ts';
import { exclusionOf, type Requirement } from '../eligibility/eligibility.ts';
import type { Facts } from './facts.ts';
import { modelSlugOf, projectOf } from './identity.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/**
 * The choice for a named model that may not be had: the request or its key says it, else the project, else the client.
 */
export function unavailableModelOf(
  snapshot: Snapshot,
  facts: Pick<Facts, 'client'> & Partial<Pick<Facts, 'project' | 'unavailableModel'>>,
): UnavailableModel {
  return (
    facts.unavailableModel ??
    projectOf(snapshot, facts)?.unavailable_model ??
    snapshot.clients.get(facts.client)?.unavailable_model ??
    'error'
  );
}

/** True where a task insists on the model that it names. */
export const insistsOnModel = (snapshot: Snapshot, facts: Facts): boolean =>
  facts.model !== undefined && unavailableModelOf(snapshot, facts) === 'error';

/**
 * The reason why a task must not run at all, on whichever model: it insists on a model that does not exist or that a
 * rule excludes. Undefined: it may. A model that cools down, is full or fails is not excluded.
 */
export function namedExclusionOf(
  snapshot: Snapshot,
  requirement: Requirement,
  facts: Facts,
  nowMs: number,
): Exclusion | undefined {
  if (facts.model === undefined || !insistsOnModel(snapshot, facts)) return undefined;
  const model = snapshot.models.get(modelSlugOf(snapshot, facts.model) ?? '');
  return model ? exclusionOf(model, requirement, facts, nowMs) : unknownModel(facts.model);
}

/** The exclusion of a name that no model has. */
export const unknownModel = (name: string): Exclusion => ({
  model: name.slice(0, 80),
  rule: 'unknown_model',
  detail: 'no model has this slug, name or alias',
});
