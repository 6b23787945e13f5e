import type { CandidateReason, ExclusionRule, RankedSet } from './decision.ts';

const reasons: Record<string, string> = {
  explicit: 'the task asks for it',
  reflex: 'the reflex prefers it',
  project: 'the project’s default',
  client: 'the client’s default',
};

const mends: Record<ExclusionRule, string> = {
  unknown_model: 'apply a model with this name or alias',
  task_type: 'add the task type to its tags',
  modality: 'choose a model that takes and gives these modalities',
  capability: 'declare the capability, if the model has it',
  context_length: 'send less, or choose a model with a larger context',
  max_tokens_per_call: 'send less, or raise max_tokens_per_call',
  max_output: 'ask for less output, or let it be clamped',
  customer_data: 'state can_this_model_see_customer_data: yes, if that is true',
  security_level: 'state security_level: safe_for_sensitive, if that is true',
  data_residency: 'declare the model’s residency, or choose one in the region',
  use_compliant_only: 'declare the standard on the model, with its evidence',
  avoid_cloud: 'choose a model that runs on your own machines',
  tier: 'send the task with high priority, or set premium_if_empty on the route',
  not_in_route: 'add it to the route',
};

export const reasonInWords = (why: CandidateReason): string =>
  reasons[why] ?? (why === 'route:tag' ? 'it has the tag' : `${why.replace('route:', '')} of the route`);

/** A ranked set in plain words, a line each: what holds, who may, who may not, and what would change that. */
export function explainInWords(set: RankedSet): readonly string[] {
  const { facts, dataClass, candidates, exclusions, notes, revision } = set;
  return [
    `${facts.taskType} for client ${facts.client}, ${facts.priority} priority, ${dataClass} data, revision ${revision}`,
    ...notes,
    ...(candidates.length === 0 ? ['blocked: no model may do it'] : []),
    ...candidates.map(({ model, why }, index) => `${index + 1}. ${model}: ${reasonInWords(why)}`),
    ...exclusions.map(({ model, rule, detail }) => `not ${model}: ${rule} (${detail}); to change it: ${mends[rule]}`),
  ];
}
