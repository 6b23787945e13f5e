import type { Exclusion, ExclusionRule, Facts, Snapshot } from '@will/core';

/** A place in a document that has a part in an exclusion. */
export interface RuleSource {
  readonly kind: 'model' | 'client' | 'project' | 'route' | 'settings';
  readonly slug: string;
  /** A dotted path within the document; '' for all of it. */
  readonly field: string;
}

/** The field of the model that a rule reads. */
const modelFields: Partial<Record<ExclusionRule, string>> = {
  retired: 'retired',
  task_type: 'tags',
  modality: 'modalities',
  capability: 'capabilities',
  context_length: 'context_tokens',
  max_tokens_per_call: 'limits.max_tokens_per_call',
  max_output: 'limits.max_tokens_per_call',
  customer_data: 'allowed_tasks.can_this_model_see_customer_data',
  security_level: 'security_level',
  data_residency: 'data_residency',
  use_compliant_only: 'compliance',
  avoid_cloud: 'call_method',
  tier: 'tier',
};

/** The field of client and project that asks for it. */
const ownerFields: Partial<Record<ExclusionRule, string>> = {
  customer_data: 'data_class',
  security_level: 'data_class',
  data_residency: 'data_rules.data_residency',
  use_compliant_only: 'data_rules.use_compliant_only',
  avoid_cloud: 'data_rules.avoid_cloud',
};

/**
 * Documents that state what an exclusion comes from: the model's, then those of who asks, as far as they state it, else
 * the settings. Without a snapshot it is not known who states it, and all are told.
 */
export function sourcesOf(
  { model, rule }: Exclusion,
  { client, project, taskType, dataClass }: Facts,
  snapshot: Snapshot | undefined,
): readonly RuleSource[] {
  const modelField = modelFields[rule];
  const ownerField = ownerFields[rule];
  const owners: readonly RuleSource[] =
    ownerField === undefined
      ? []
      : [
          { kind: 'client', slug: client, field: ownerField },
          ...(project === undefined ? [] : [{ kind: 'project', slug: project, field: ownerField } as const]),
        ];
  const stating = owners.filter((owner) => !snapshot || states(snapshot, owner));
  const isByDefault = ownerField === 'data_class' && stating.length === 0 && dataClass === undefined;
  return [
    ...(modelField === undefined ? [] : [{ kind: 'model', slug: model, field: modelField } as const]),
    ...stating,
    ...(isByDefault ? [{ kind: 'settings', slug: 'global', field: 'default_data_class' } as const] : []),
    ...(rule === 'not_in_route' ? [{ kind: 'route', slug: taskType, field: 'steps' } as const] : []),
  ];
}

function states({ clients, projects }: Snapshot, { kind, slug, field }: RuleSource): boolean {
  const document: unknown = (kind === 'client' ? clients : projects).get(slug);
  const value = field.split('.').reduce((at, name) => (at as Readonly<Record<string, unknown>>)?.[name], document);
  return value !== undefined && value !== false;
}
