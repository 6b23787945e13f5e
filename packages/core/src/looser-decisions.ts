import type { ExclusionRule } from './decision.ts';
import { brokenDataRules, exclusionOf, requirementOf } from './eligibility.ts';
import type { Facts } from './facts.ts';
import type { Model, Snapshot } from './snapshot.ts';

/** A model that some facts admit after a change of documents, and a rule on data left out before. */
export interface Admitted {
  readonly model: string;
  /** The rules on data that it broke. */
  readonly rules: readonly ExclusionRule[];
}

/**
 * The models that a change of documents frees for these facts: they may do the task after it, and before it a rule on
 * data left them out. Neither a new model nor a caller that was rejected before counts.
 */
export function admittedBy(before: Snapshot, after: Snapshot, facts: Facts, nowMs: number): readonly Admitted[] {
  if (!isKnown(before, facts) || !isKnown(after, facts)) return [];
  const [old, present] = [requirementOf(before, facts), requirementOf(after, facts)];
  const isSameAsked = JSON.stringify(old) === JSON.stringify(present);
  return (after.modelsByTaskType.get(facts.taskType) ?? []).flatMap((slug) => {
    const [was, is] = [before.models.get(slug), after.models.get(slug)];
    if (!was || !is || (isSameAsked && tagsOf(was) === tagsOf(is))) return [];
    const rules = brokenDataRules(was, old, nowMs);
    return rules.length > 0 && !exclusionOf(is, present, facts, nowMs) ? [{ model: slug, rules }] : [];
  });
}

const isKnown = ({ clients, projects }: Snapshot, { client, project }: Facts): boolean =>
  clients.has(client) && (project === undefined || projects.has(project));

const tagsOf = (model: Model): string =>
  JSON.stringify([
    model.maySeeCustomerData,
    model.securityLevel,
    model.callMethod,
    model.isPrivate,
    model.dataResidency,
    model.compliance?.map(({ standard, expiresAtMs }) => [standard, expiresAtMs]),
  ]);
