import type { ExclusionRule } from '../routing/decision.ts';
import { brokenDataRules, exclusionOf, requirementOf, type Requirement } from '../eligibility/eligibility.ts';
import type { Facts } from '../domain/facts.ts';
import { dataTagsOf } from './loosening.ts';
import type { Snapshot } from './snapshot.ts';

/** A model that some facts admit after a change of documents, and a rule on data left out before. */
export interface Admitted {
  readonly model: string;
  /** The rules on data that it broke. */
  readonly rules: readonly ExclusionRule[];
}

/** So many models are told for the same facts. */
const maxAdmitted = 20;

/**
 * Tells which models a change of documents frees for facts, the first 20: they may do the task after it, and before it a
 * rule on data left them out. Neither a new model nor a caller that was rejected before counts. What facts with the same
 * requirement share is looked at once: thousands of models and of facts take seconds else.
 */
export function admissionsBetween(
  before: Snapshot,
  after: Snapshot,
  nowMs: number,
): (facts: Facts) => readonly Admitted[] {
  const known = new Map<string, readonly Admitted[]>();
  const shared = slugsOfBoth(before, after);
  const retagged = shared.filter((slug) => tagsIn(before, slug) !== tagsIn(after, slug));
  const freedBy = (old: Requirement, present: Requirement): readonly Admitted[] => {
    const [then, now] = [JSON.stringify(old), JSON.stringify(present)];
    const key = `${then} ${now}`;
    const freed =
      known.get(key) ??
      (then === now ? retagged : shared).flatMap((slug) => freedOf(before, after, slug, old, present, nowMs));
    known.set(key, freed);
    return freed;
  };
  return (facts) => {
    if (!isKnown(before, facts) || !isKnown(after, facts)) return [];
    const present = requirementOf(after, facts);
    const admitted: Admitted[] = [];
    for (const one of freedBy(requirementOf(before, facts), present)) {
      const model = after.models.get(one.model);
      if (model && !exclusionOf(model, present, facts, nowMs)) admitted.push(one);
      if (admitted.length === maxAdmitted) break;
    }
    return admitted;
  };
}

const slugsOfBoth = (before: Snapshot, after: Snapshot): readonly string[] =>
  [...after.models.keys()].filter((slug) => before.models.has(slug));

function tagsIn({ models }: Snapshot, slug: string): string | undefined {
  const model = models.get(slug);
  return model && dataTagsOf(model);
}

function freedOf(
  before: Snapshot,
  after: Snapshot,
  slug: string,
  old: Requirement,
  present: Requirement,
  nowMs: number,
): readonly Admitted[] {
  const [was, is] = [before.models.get(slug), after.models.get(slug)];
  if (!was || !is || brokenDataRules(is, present, nowMs).length > 0) return [];
  const rules = brokenDataRules(was, old, nowMs);
  return rules.length === 0 ? [] : [{ model: slug, rules }];
}

const isKnown = ({ clients, projects }: Snapshot, { client, project }: Facts): boolean =>
  clients.has(client) && (project === undefined || projects.has(project));
