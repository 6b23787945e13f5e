import { isCustomerData, isSensitiveData, strictestOf, type DataClass } from './data-class.ts';
import type { Exclusion, ExclusionRule } from './decision.ts';
import type { ClientDocument, ComplianceStandard, ProjectDocument, Residency } from './documents.ts';
import type { Facts } from './facts.ts';
import type { Model, Snapshot } from './snapshot.ts';

/** What a task's documents and facts ask of a model: all restrictions added up, the strictest of each. */
export interface Requirement {
  /** The class in force. */
  readonly dataClass: DataClass;
  readonly avoidCloud: boolean;
  /** Standards that must all be there. */
  readonly standards: readonly ComplianceStandard[];
  /** At least one standard must be there. */
  readonly anyStandard: boolean;
  /** Each of them must be the model's own; two different ones admit nothing. */
  readonly residencies: readonly Residency[];
  /** 'if_empty': the route allows premium models where nothing else is left. */
  readonly premium: 'yes' | 'if_empty' | 'no';
}

/**
 * What the documents of this revision ask for these facts. Client and project add up. A client without a document has
 * no rules of its own, so the global default class holds.
 */
export function requirementOf(snapshot: Snapshot, facts: Facts): Requirement {
  const owners = ownersOf(snapshot, facts);
  const rules = owners.map(({ data_rules }) => data_rules ?? {});
  const strict = owners.filter(({ data_rules }) => data_rules?.use_compliant_only === true);
  return {
    dataClass: dataClassOf(snapshot, facts),
    avoidCloud: rules.some(({ avoid_cloud }) => avoid_cloud === true),
    standards: unique(strict.flatMap(({ compliance }) => compliance ?? [])),
    anyStandard: strict.length > 0,
    residencies: unique(rules.flatMap(({ data_residency }) => (data_residency === undefined ? [] : [data_residency]))),
    premium: facts.priority === 'high' ? 'yes' : snapshot.routes.get(facts.taskType)?.premium_if_empty === true ? 'if_empty' : 'no',
  };
}

/** The documents whose rules hold for a task: its client's and its project's. */
function ownersOf(snapshot: Snapshot, facts: Facts): (ClientDocument | ProjectDocument)[] {
  const project = facts.project === undefined ? undefined : snapshot.projects.get(facts.project);
  return [snapshot.clients.get(facts.client), project].filter((owner) => owner !== undefined);
}

/** Project's class, else client's, else the global default; the caller's word can raise it, never lower it. */
export function dataClassOf(snapshot: Snapshot, facts: Facts): DataClass {
  const project = facts.project === undefined ? undefined : snapshot.projects.get(facts.project)?.data_class;
  const client = snapshot.clients.get(facts.client)?.data_class;
  // Restrictions add up: a project cannot take back what its client asks for.
  const declared = project && client ? strictestOf(project, client) : (project ?? client ?? snapshot.defaultDataClass);
  return facts.dataClass === undefined ? declared : strictestOf(declared, facts.dataClass);
}

type Judge = (model: Model, requirement: Requirement, facts: Facts, nowMs: number) => string | undefined;

/** Every hard rule, in the order in which the first broken one is named. Unknown, missing or expired is broken. */
const rules: readonly (readonly [ExclusionRule, Judge])[] = [
  ['customer_data', (model, { dataClass }) =>
    isCustomerData(dataClass) && model.maySeeCustomerData !== true
      ? `${dataClass} data needs can_this_model_see_customer_data: yes, it is ${said(model.maySeeCustomerData)}`
      : undefined],
  ['security_level', (model, { dataClass }) =>
    isSensitiveData(dataClass) && model.securityLevel !== 'safe_for_sensitive'
      ? `${dataClass} data needs security_level safe_for_sensitive, it is ${said(model.securityLevel)}`
      : undefined],
  ['avoid_cloud', (model, { avoidCloud }) =>
    avoidCloud && (model.callMethod === 'API' || !model.isPrivate)
      ? `avoid_cloud needs a call method other than API and a private endpoint, it is ${model.callMethod}${model.isPrivate ? '' : ' at a public or unknown address'}`
      : undefined],
  ['use_compliant_only', (model, requirement, _facts, nowMs) => complianceGap(model, requirement, nowMs)],
  ['data_residency', (model, { residencies }) => {
    const missed = residencies.find((residency) => model.dataResidency !== residency);
    return missed && `data_residency ${missed} is asked for, it is ${said(model.dataResidency)}`;
  }],
  ['task_type', (model, _requirement, { taskType }) =>
    model.taskTypes.has(taskType) ? undefined : `tags ${[...model.taskTypes].join(', ')} do not hold ${taskType}`],
  ['modality', (model, _requirement, { input, output }) => {
    const missed = input.find((modality) => !model.input.has(modality)) ?? output.find((modality) => !model.output.has(modality));
    return missed && `${missed} is needed, it takes ${[...model.input].join(', ')} and gives ${[...model.output].join(', ')}`;
  }],
  ['capability', (model, _requirement, { needs }) => {
    const missed = needs.find((need) => !model.capabilities.has(need));
    return missed && `${missed} is needed, its capabilities are ${[...model.capabilities].join(', ') || 'none'}`;
  }],
  ['context_length', ({ contextTokens }, _requirement, { inputTokens, maxOutputTokens }) =>
    contextTokens !== undefined && (inputTokens >= contextTokens || inputTokens + maxOutputTokens > contextTokens)
      ? `${inputTokens} tokens in and ${maxOutputTokens} out do not fit a context of ${contextTokens}`
      : undefined],
  ['max_tokens_per_call', ({ maxTokensPerCall }, _requirement, { inputTokens }) =>
    maxTokensPerCall !== undefined && inputTokens > maxTokensPerCall
      ? `${inputTokens} tokens in exceed max_tokens_per_call ${maxTokensPerCall}`
      : undefined],
  ['max_output', ({ maxTokensPerCall }, _requirement, { maxOutputTokens }) =>
    maxTokensPerCall !== undefined && maxOutputTokens > maxTokensPerCall
      ? `${maxOutputTokens} tokens out are asked for exactly, max_tokens_per_call is ${maxTokensPerCall}`
      : undefined],
  ['tier', (model, { premium }) => (model.tier === 'premium' && premium === 'no' ? 'premium needs high priority' : undefined)],
];

/**
 * The one predicate: why a model may not do a task; undefined when it may. Total, and the same for policy, router and
 * worker, for first choice, fallback and explanation.
 */
export function exclusionOf(model: Model, requirement: Requirement, facts: Facts, nowMs: number): Exclusion | undefined {
  for (const [rule, judge] of rules) {
    const detail = judge(model, requirement, facts, nowMs);
    if (detail !== undefined) return { model: model.slug, rule, detail };
  }
  return undefined;
}

function complianceGap(model: Model, { standards, anyStandard }: Requirement, nowMs: number): string | undefined {
  if (!anyStandard) return undefined;
  if (model.compliance === undefined) return 'its compliance is unknown';
  const valid = model.compliance.filter(({ expiresAtMs }) => expiresAtMs > nowMs).map(({ standard }) => standard);
  const missed = standards.find((standard) => !valid.includes(standard));
  if (missed !== undefined) return `${missed} is asked for, it has ${valid.join(', ') || 'none'} in force`;
  return valid.length === 0 ? 'a compliance standard is asked for, it has none in force' : undefined;
}

const said = (value: string | boolean | undefined): string => (value === undefined ? 'unknown' : value === false ? 'no' : String(value));
const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];
