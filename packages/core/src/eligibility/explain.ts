import { type Measures, rankingInWords } from '../ranking/goal-order.ts';
import { decide, notConsideredOf } from '../routing/decide.ts';
import type { Candidate, CandidateReason, Exclusion, ExclusionRule, RankedSet } from '../routing/decision.ts';
import { exclusionsOf, requirementOf } from './eligibility.ts';
import { proposalsOf } from './proposals.ts';
import type { Facts } from '../domain/facts.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** How many models are named in an explanation. */
const maxNamed = 500;
/** How many broken rules are told in all. */
const maxTold = 2_000;

/**
 * The decision for these facts at an instant, told in full: each model that was left out stands there once per rule it
 * breaks, and the models that nobody asked for are named too. Costs a look at many models, so it is not for every task.
 */
export function explain(snapshot: Snapshot, facts: Facts, nowMs: number, measures?: Measures): RankedSet {
  const set = decide(snapshot, facts, nowMs, measures);
  const requirement = requirementOf(snapshot, facts);
  const named = new Set([...set.candidates, ...set.exclusions].map(({ model }) => model));
  const notConsidered = notConsideredOf(snapshot, requirement, facts, nowMs, named, Math.max(0, maxNamed - named.size));
  const allRules = (exclusion: Exclusion): readonly Exclusion[] => {
    const model = snapshot.models.get(exclusion.model);
    const broken = model ? exclusionsOf(model, requirement, facts, nowMs) : [];
    return broken.length > 0 ? broken : [exclusion];
  };
  return {
    ...set,
    exclusions: [...set.exclusions, ...notConsidered.exclusions].flatMap(allRules).slice(0, maxTold),
    notes: [...set.notes.filter((note) => !note.endsWith('are not named here')), ...notConsidered.notes],
  };
}

/** Models among the exclusions that neither the route nor the task nor documents ask for. */
export function notAskedFor(snapshot: Snapshot, facts: Facts, { exclusions }: RankedSet): readonly string[] {
  const asked = new Set([...proposalsOf(snapshot, facts)].map(({ model }) => model));
  return [...new Set(exclusions.map(({ model }) => model))].filter((model) => !asked.has(model));
}

/** A ranked set in plain words, a line each: what holds, who may, who may not, and what would change that. */
export function explainInWords(set: RankedSet): readonly string[] {
  const { facts, dataClass, candidates, exclusions, notes, revision } = set;
  return [
    `${facts.taskType} for client ${facts.client}, ${facts.priority} priority, ${dataClass} data, revision ${revision}`,
    ...notes,
    ...(candidates.length === 0 ? [endInWords(set)] : []),
    ...(set.ranking ? rankingInWords(set.ranking) : []),
    ...candidates.map(candidateInWords),
    ...exclusions.map(({ model, rule, detail }) => `not ${model}: ${rule} (${detail}); to change it: ${mendOf(rule)}`),
  ];
}

const endInWords = ({ rejection }: RankedSet): string =>
  rejection
    ? `rejected: the task names ${rejection.model}, which it may not have (${rejection.rule}); unavailable_model: route asks the route instead`
    : 'blocked: no model may do it';

function candidateInWords({ model, why, firstContent }: Candidate, index: number): string {
  const within = firstContent
    ? `; first content within ${seconds(firstContent.timeoutMs)} while another may follow (nine in ten come within ${seconds(firstContent.slowMs)})`
    : '';
  return `${index + 1}. ${model}: ${reasonInWords(why)}${within}`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** The reason why a model stands where it does, in words. */
export const reasonInWords = (why: CandidateReason): string =>
  reasons[why] ?? (why === 'route:tag' ? 'it has the tag' : `${why.replace('route:', '')} of the route`);

const reasons: Record<string, string> = {
  explicit: 'the task asks for it',
  reflex: 'the reflex prefers it',
  project: "the project's default",
  client: "the client's default",
};

/** A rule from a newer policy may have no words here. */
export const mendOf = (rule: ExclusionRule): string => mends[rule] ?? 'see the rule';

const mends: Record<ExclusionRule, string> = {
  unknown_client: 'apply a document for the client, or name one that has a document',
  unknown_project: 'apply a document for the project, or name one that has a document',
  foreign_project: 'name a project of this client, or ask as the client it belongs to',
  unknown_model: 'apply a model with this name or alias',
  retired: 'name the model that replaces it, or take `retired` away, if it still answers',
  task_type: 'add the task type to its tags',
  modality: 'choose a model that takes and gives these modalities',
  capability: 'declare the capability, if the model has it',
  context_length: 'send less, or choose a model with a larger context',
  max_tokens_per_call: 'send less, or raise max_tokens_per_call',
  max_output: 'ask for less output, or let it be clamped',
  customer_data: 'state allowed_tasks: { can_this_model_see_customer_data: yes }, if that is true',
  security_level: 'state security_level: safe_for_sensitive, if that is true',
  data_residency: 'state its data_residency, or choose a model in the region',
  use_compliant_only: 'state the standard on the model, if it complies and the tag has not expired',
  avoid_cloud: 'choose a model that runs at a private address',
  tier: 'send the task with high_priority: true, or set premium_if_empty on the route',
  not_in_route: 'add it to the route',
  not_named: 'name it or no model, or set unavailable_model: route',
};
