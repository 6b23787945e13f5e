import {
  dataClasses,
  isCustomerData,
  isSensitiveData,
  strictestDataClass,
  strictestOf,
  type DataClass,
} from '../domain/data-class.ts';
import type { Exclusion, ExclusionRule } from '../routing/decision.ts';
import { stricterOf, type DataRequirement } from './data-requirement.ts';
import type { ClientDocument, ProjectDocument, Residency } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import { identityProblem, type IdentityProblem, projectOf } from '../domain/identity.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';

/** Demands of a task's documents and facts on a model: all restrictions added up, the strictest of each. */
export interface Requirement extends DataRequirement {
  /** Why no model may do it: the caller that asks has no document, or names another client's project. */
  readonly identity: IdentityProblem | undefined;
  /** 'if_empty': the route allows premium models where nothing else is left. */
  readonly premium: 'yes' | 'if_empty' | 'no';
}

/**
 * Demands of this revision's documents on models for these facts. The rules of client and project add up. A client or
 * project without a document, and another client's project, admit no model: absence is never freedom. A floor in the
 * facts is added: then the requirement is the stricter of the two.
 */
export function requirementOf(snapshot: Snapshot, facts: Facts): Requirement {
  const identity = identityProblem(snapshot, facts);
  const { declared, avoidCloud, compliantOnly, standards, residencies } = statementsOf(snapshot, facts);
  const dataClass = identity ? strictestDataClass : dataClassOf(snapshot, facts, declared);
  const premium = premiumOf(snapshot, facts);
  const stated = { dataClass, avoidCloud, compliantOnly, standards, residencies, identity, premium };
  return facts.floor ? { ...stated, ...stricterOf(stated, facts.floor) } : stated;
}

/** What the documents of a client and a project state, for all of its tasks. */
interface Statements extends Omit<DataRequirement, 'dataClass'> {
  readonly declared: DataClass | undefined;
}

/** By the document of the client and that of the project, which stay as they are. */
const remembered = new WeakMap<object, WeakMap<object, Statements>>();
const noDocument = {};

function statementsOf(snapshot: Snapshot, facts: Facts): Statements {
  const client = snapshot.clients.get(facts.client) ?? noDocument;
  const project = projectOf(snapshot, facts) ?? noDocument;
  let ofClient = remembered.get(client);
  if (!ofClient) remembered.set(client, (ofClient = new WeakMap()));
  let statements = ofClient.get(project);
  if (!statements) ofClient.set(project, (statements = statedBy(ownersOf(snapshot, facts))));
  return statements;
}

function statedBy(owners: readonly (ClientDocument | ProjectDocument)[]): Statements {
  const rules = owners.map(({ data_rules }) => data_rules ?? {});
  const compliantOnly = rules.some(({ use_compliant_only }) => use_compliant_only === true);
  return {
    declared: strictest(owners.map(({ data_class }) => data_class)),
    avoidCloud: rules.some(({ avoid_cloud }) => avoid_cloud === true),
    compliantOnly,
    standards: compliantOnly ? unique(owners.flatMap(({ compliance }) => compliance ?? [])) : [],
    residencies: unique(rules.flatMap(({ data_residency }) => data_residency ?? [])),
  };
}

/**
 * True where no rule on data holds: what may go anywhere may go there by old documents too. Everything else needs a
 * snapshot that was confirmed to be the newest.
 */
export const isUnrestricted = ({
  dataClass,
  avoidCloud,
  compliantOnly,
  standards,
  residencies,
}: DataRequirement): boolean =>
  dataClass === 'open' && !avoidCloud && !compliantOnly && standards.length === 0 && residencies.length === 0;

/** The documents whose restrictions hold for a task. */
export function ownersOf(snapshot: Snapshot, facts: Facts): (ClientDocument | ProjectDocument)[] {
  const client = snapshot.clients.get(facts.client);
  return [client, projectOf(snapshot, facts)].filter((document) => document !== undefined);
}

/**
 * The class of client and project, the stricter of the two; where neither states one, the global default. What the
 * caller says can raise it and never lower it.
 */
function dataClassOf(snapshot: Snapshot, { dataClass: said }: Facts, declared: DataClass | undefined): DataClass {
  const stated = declared ?? known(snapshot.defaultDataClass);
  return said === undefined ? stated : strictestOf(stated, known(said));
}

const strictest = (classes: readonly (DataClass | undefined)[]): DataClass | undefined =>
  classes.reduce(
    (a, b) => (a === undefined ? b && known(b) : b === undefined ? a : strictestOf(a, known(b))),
    undefined,
  );

/** A class that a newer document names and this process does not know is the strictest. */
const known = (dataClass: DataClass): DataClass => (dataClasses.includes(dataClass) ? dataClass : strictestDataClass);

function premiumOf(snapshot: Snapshot, { priority, taskType }: Facts): Requirement['premium'] {
  if (priority === 'high') return 'yes';
  return snapshot.routes.get(taskType)?.premium_if_empty === true ? 'if_empty' : 'no';
}

/** Why a model breaks one rule; undefined when it keeps it. Doubt breaks it: each asks for what is allowed, never for what is not. */
type RuleCheck = (model: Model, requirement: Requirement, facts: Facts, nowMs: number) => string | undefined;

/** As {@link RuleCheck}, of a rule that asks nothing of the task but what its data needs. */
type DataRuleCheck = (model: Model, requirement: DataRequirement, nowMs: number) => string | undefined;

const retired: RuleCheck = ({ retiredAtMs, replacedBy }, _requirement, _facts, nowMs) => {
  if (retiredAtMs > nowMs) return undefined;
  const since = Number.isFinite(retiredAtMs) ? ` since ${isoDate(retiredAtMs)}` : '';
  return `it is retired${since}${replacedBy === undefined ? '' : `, replaced by ${replacedBy}`}`;
};

const customerData: DataRuleCheck = ({ maySeeCustomerData }, { dataClass }) =>
  !isCustomerData(dataClass) || maySeeCustomerData === true
    ? undefined
    : `${dataClass} data needs allowed_tasks: { can_this_model_see_customer_data: yes }, it is ${said(maySeeCustomerData)}`;

const securityLevel: DataRuleCheck = (model, { dataClass }) =>
  !isSensitiveData(dataClass) || model.securityLevel === 'safe_for_sensitive'
    ? undefined
    : `${dataClass} data needs security_level: safe_for_sensitive, it is ${said(model.securityLevel)}`;

const avoidCloud: DataRuleCheck = ({ callMethod, isPrivate }, requirement) => {
  if (!requirement.avoidCloud) return undefined;
  const isOwn = callMethod === 'Local' || callMethod === 'on-device' || callMethod === 'container';
  if (!isOwn) return `a call method other than API is needed, it is ${said(callMethod)}`;
  return isPrivate ? undefined : `a private address is needed, that of this ${callMethod} model is public or unknown`;
};

const compliance: DataRuleCheck = (model, { compliantOnly, standards }, nowMs) => {
  if (!compliantOnly) return undefined;
  if (model.compliance === undefined) return 'its compliance is unknown';
  const inForce = model.compliance.filter(({ expiresAtMs }) => expiresAtMs > nowMs).map(({ standard }) => standard);
  const missed = standards.find((standard) => !inForce.includes(standard));
  if (missed !== undefined) return `${missed} is needed, in force is ${listed(inForce)}`;
  return inForce.some((standard) => standard === 'HIPAA' || standard === 'GDPR')
    ? undefined
    : 'a compliance standard is needed, in force is none';
};

/** `EU` lies within `Global`, not the other way round. */
const dataResidency: DataRuleCheck = (model, { residencies }) => {
  if (residencies.length === 0) return undefined;
  const missed = residencies.find((demanded) => !isWithin(model.dataResidency, demanded));
  return missed && `data_residency ${missed} is needed, it is ${said(model.dataResidency)}`;
};
const isWithin = (place: Residency | undefined, demanded: Residency): boolean =>
  place === demanded || (demanded === 'Global' && (place === 'US' || place === 'EU'));

const taskType: RuleCheck = ({ taskTypes }, _requirement, facts) =>
  taskTypes.has(facts.taskType) ? undefined : `its tags ${listed([...taskTypes])} do not hold ${facts.taskType}`;

const modality: RuleCheck = (model, _requirement, { input, output }) => {
  const untaken = firstOutside(model.input, input);
  if (untaken !== undefined) return `${untaken} goes in, it takes ${listed([...model.input])}`;
  const ungiven = firstOutside(model.output, output);
  return ungiven && `${ungiven} must come out, it gives ${listed([...model.output])}`;
};

function firstOutside<T>(all: ReadonlySet<T>, wanted: readonly T[]): T | undefined {
  for (const one of wanted) if (!all.has(one)) return one;
  return undefined;
}

const capability: RuleCheck = ({ capabilities }, _requirement, { needs }) => {
  const missed = firstOutside(capabilities, needs);
  return missed && `${missed} is needed, its capabilities are ${listed([...capabilities])}`;
};

// Estimates are upper bounds, rounded up to edges that are the context sizes themselves: equal still fits.
const contextLength: RuleCheck = ({ contextTokens }, _requirement, { inputTokens, maxOutputTokens }) =>
  contextTokens === undefined || inputTokens + maxOutputTokens <= contextTokens
    ? undefined
    : `${tokensInWords(inputTokens, maxOutputTokens)} exceed a context of ${contextTokens} tokens`;

const maxTokensPerCall: RuleCheck = ({ maxTokensPerCall: most }, _requirement, { inputTokens }) =>
  most === undefined || inputTokens <= most
    ? undefined
    : `${inputTokens} tokens of input exceed max_tokens_per_call ${most}`;

const maxOutput: RuleCheck = ({ maxTokensPerCall: most }, _requirement, { inputTokens, maxOutputTokens }) =>
  most === undefined || inputTokens + maxOutputTokens <= most
    ? undefined
    : `${tokensInWords(inputTokens, maxOutputTokens)} exceed max_tokens_per_call ${most}, and the task allows no less`;

const tier: RuleCheck = (model, { premium }) =>
  model.tier === 'standard' || premium !== 'no' ? undefined : `a ${model.tier} model needs high_priority: true`;

/** The hard rules on data. */
const dataRules: readonly (readonly [ExclusionRule, DataRuleCheck])[] = [
  ['customer_data', customerData],
  ['security_level', securityLevel],
  ['avoid_cloud', avoidCloud],
  ['use_compliant_only', compliance],
  ['data_residency', dataResidency],
];

/** Every hard rule; the first broken one is the one that is named. Privacy stands before ability. */
const rules: readonly (readonly [ExclusionRule, RuleCheck])[] = [
  ['retired', retired],
  ...dataRules.map(([rule, check]): readonly [ExclusionRule, RuleCheck] => [
    rule,
    (model, requirement, _facts, nowMs) => check(model, requirement, nowMs),
  ]),
  ['task_type', taskType],
  ['modality', modality],
  ['capability', capability],
  ['context_length', contextLength],
  ['max_tokens_per_call', maxTokensPerCall],
  ['max_output', maxOutput],
  ['tier', tier],
];

/**
 * The one predicate: why a model may not do a task; undefined when it may. Who asks comes first. Total; unknown, missing or expired is not
 * allowed. The same for policy and worker, for first choice, fallback and explanation.
 */
export function exclusionOf(
  model: Model,
  requirement: Requirement,
  facts: Facts,
  nowMs: number,
): Exclusion | undefined {
  const { identity } = requirement;
  if (identity) return excluded(model, identity.rule, identity.detail);
  for (const [rule, check] of rules) {
    const detail = check(model, requirement, facts, nowMs);
    if (detail !== undefined) return excluded(model, rule, detail);
  }
  return undefined;
}

/** Every rule that a model breaks, in the order of {@link exclusionOf}: mending the first may show the second. */
export function exclusionsOf(
  model: Model,
  requirement: Requirement,
  facts: Facts,
  nowMs: number,
): readonly Exclusion[] {
  const { identity } = requirement;
  if (identity) return [excluded(model, identity.rule, identity.detail)];
  return rules.flatMap(([rule, check]) => {
    const detail = check(model, requirement, facts, nowMs);
    return detail === undefined ? [] : excluded(model, rule, detail);
  });
}

/** The rules on data that a model breaks. */
export const brokenDataRules = (model: Model, requirement: DataRequirement, nowMs: number): readonly ExclusionRule[] =>
  dataRules.flatMap(([rule, check]) => (check(model, requirement, nowMs) === undefined ? [] : rule));

const excluded = ({ slug }: Model, rule: ExclusionRule, detail: string): Exclusion => ({
  model: slug,
  rule,
  detail: detail.slice(0, maxDetail),
});

const maxDetail = 200;

const tokensInWords = (input: number, output: number): string =>
  output === 0 ? `${input} tokens of input` : `${input} tokens of input and ${output} of output`;
const listed = (values: readonly string[]): string => values.join(', ') || 'none';
const said = (value: string | boolean | undefined): string => {
  if (value === undefined) return 'unknown';
  return value === false ? 'no' : String(value);
};
/** Of an instant: `2026-11-23`. */
export const isoDate = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
