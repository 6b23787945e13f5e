import type { CandidateReason } from '../routing/decision.ts';
import type { Facts } from '../domain/facts.ts';
import { modelSlugOf, projectOf } from '../domain/identity.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** A model that somebody asks for. */
export interface Proposal {
  /** Slug, or what an unknown model was called. */
  readonly model: string;
  readonly why: CandidateReason;
}

/** True where a task, reflex, project or client names the model itself; schedules leave such a wish alone. */
export const isPin = ({ why }: { readonly why: CandidateReason }): boolean => !why.startsWith('route:');

/** Every model that is asked for, in order of precedence, each once. Lazy: who has enough stops. */
export function* proposalsOf(snapshot: Snapshot, facts: Facts): Generator<Proposal> {
  const seen = new Set<string>();
  for (const proposal of pinsOf(snapshot, facts)) {
    if (seen.has(proposal.model)) continue;
    seen.add(proposal.model);
    yield proposal;
  }
  for (const proposal of declaredOf(snapshot, facts)) if (!seen.has(proposal.model)) yield proposal;
}

/** The model that the task names: its slug, or the name that no model has. */
export const explicitModelOf = (snapshot: Snapshot, { model }: Facts): string | undefined =>
  model === undefined ? undefined : slugOrName(snapshot, model);

const slugOrName = (snapshot: Snapshot, model: string): string => modelSlugOf(snapshot, model) ?? model.slice(0, 80);

/** Task, then reflex, then project, then client. */
function pinsOf(snapshot: Snapshot, facts: Facts): readonly Proposal[] {
  const found: Proposal[] = [];
  const pin = (model: string | undefined, why: CandidateReason): void => {
    if (model !== undefined) found.push({ model: slugOrName(snapshot, model), why });
  };
  const reflex = facts.reflex === undefined ? undefined : snapshot.reflexes.get(facts.reflex);
  pin(facts.model, 'explicit');
  pin(reflex?.preferred_model, 'reflex');
  for (const model of reflex?.fallback ?? []) pin(model, 'reflex');
  pin(projectOf(snapshot, facts)?.default_model, 'project');
  pin(snapshot.clients.get(facts.client)?.default_model, 'client');
  return found;
}

/** The declared route; without one every model that has the tag, in the order of the index. */
function* declaredOf(snapshot: Snapshot, facts: Facts): Generator<Proposal> {
  const route = snapshot.routes.get(facts.taskType);
  if (route) {
    for (const { step, model } of route.steps) yield { model, why: `route:${step}` };
    return;
  }
  for (const model of snapshot.modelsByTaskType.get(facts.taskType) ?? []) yield { model, why: 'route:tag' };
}
