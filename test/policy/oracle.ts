import type { AnyDocument, DocumentKind, DocumentOf, ModelDocument } from '@will/core';
import { addresses, type WorldTask } from './world.ts';

/**
 * Why a rule forbids a model for a task; undefined: none does. Written from the specification and the settled rules on
 * data alone, on documents as they were written, with none of the product's code.
 */
export function whyForbidden(
  documents: readonly AnyDocument[],
  task: WorldTask,
  slug: string,
  nowMs: number,
  isPrivateUrl: (url: string) => boolean = isPrivateHere,
): string | undefined {
  const model = find(documents, 'model', slug);
  if (!model) return 'no such model';
  const broken = brokenRule(documents, task, model, nowMs, isPrivateUrl);
  if (broken !== undefined) return broken;
  if (model.tier !== 'premium' || task.priority === 'high') return undefined;
  if (find(documents, 'route', task.type)?.premium_if_empty !== true) return 'premium without high priority';
  const others = askedFor(documents, task).filter((name) => find(documents, 'model', name)?.tier === 'standard');
  // Estimates are rounded up, to less than twice as much: a model that fits only by a hair may count as too small.
  const rounded = { ...task, inputTokens: 2 * task.inputTokens, maxOutputTokens: 2 * task.maxOutputTokens };
  const isLeft = (one: ModelDocument | undefined): boolean =>
    one !== undefined && brokenRule(documents, rounded, one, nowMs, isPrivateUrl) === undefined;
  const other = others.find((name) => isLeft(find(documents, 'model', name)));
  return other && `premium without high priority, and ${other} is left`;
}

/** Whether any rule on data holds for a task, whatever class its data has. */
export const hasRuleOnData = (documents: readonly AnyDocument[], task: WorldTask): boolean => {
  if (whyNobody(documents, task) !== undefined) return true;
  const owners = [find(documents, 'client', task.client), find(documents, 'project', task.project)];
  const { customer, sensitive } = dataClassOf(documents, task);
  const rules = owners.map((owner) => owner?.data_rules ?? {});
  return (
    customer ||
    sensitive ||
    rules.some(
      (rule) => rule.avoid_cloud === true || rule.use_compliant_only === true || rule.data_residency !== undefined,
    )
  );
};

const isPrivateHere = (url: string): boolean => addresses.find((address) => address.url === url)?.isPrivate === true;

function find<K extends DocumentKind>(
  documents: readonly AnyDocument[],
  kind: K,
  slug: string | undefined,
): DocumentOf[K] | undefined {
  return documents.find((document) => document.kind === kind && document.body.slug === slug)?.body as
    | DocumentOf[K]
    | undefined;
}

/** Why nobody may have such a task done: who asks is not known, or names what belongs to another one. */
function whyNobody(documents: readonly AnyDocument[], task: WorldTask): string | undefined {
  if (task.client !== 'default' && !find(documents, 'client', task.client)) return 'a client without a document';
  if (task.project === undefined) return undefined;
  const project = find(documents, 'project', task.project);
  if (!project) return 'a project without a document';
  return project.client === undefined || project.client === task.client ? undefined : "another client's project";
}

/** Every rule but that of the tier. */
function brokenRule(
  documents: readonly AnyDocument[],
  task: WorldTask,
  model: ModelDocument,
  nowMs: number,
  isPrivateUrl: (url: string) => boolean,
): string | undefined {
  const nobody = whyNobody(documents, task);
  if (nobody !== undefined) return nobody;
  const client = find(documents, 'client', task.client);
  const project = find(documents, 'project', task.project);
  // Restrictions add up.
  const owners = [client, project].filter((one) => one !== undefined);

  const dataClass = dataClassOf(documents, task);
  if (dataClass.customer && model.allowed_tasks?.can_this_model_see_customer_data !== true) return 'customer data';
  if (dataClass.sensitive && model.security_level !== 'safe_for_sensitive') return 'sensitive data';

  const valid = (model.compliance ?? [])
    .filter(({ expires_at }) => expires_at === undefined || Date.parse(expires_at) > nowMs)
    .map(({ standard }) => standard as string);
  if (owners.some(({ data_rules }) => data_rules?.use_compliant_only === true)) {
    if (valid.length === 0) return 'not compliant';
    for (const { compliance } of owners)
      for (const standard of compliance ?? []) if (!valid.includes(standard)) return `not ${standard}`;
  }
  if (owners.some(({ data_rules }) => data_rules?.avoid_cloud === true)) {
    if (model.call_method === 'API') return 'cloud by its call method';
    const urls = [model.endpoint, model.local?.endpoint].filter((url) => url !== undefined);
    const runsHere =
      model.call_method === 'on-device' || (model.call_method === 'Local' && model.local?.path !== undefined);
    if (urls.length > 0 ? !urls.every(isPrivateUrl) : !runsHere) return 'cloud by its address';
  }
  for (const { data_rules } of owners) {
    const demanded = data_rules?.data_residency;
    if (demanded === undefined || demanded === model.data_residency) continue;
    if (demanded !== 'Global' || model.data_residency === undefined) return `outside ${demanded}`;
  }

  if (!model.tags.includes(task.type)) return 'another task type';
  const takesImages = model.tags.includes('vision');
  if ((task.type === 'vision' || task.inputModalities.includes('image')) && !takesImages) return 'no images';
  if (task.needs.some((need) => !model.capabilities.includes(need))) return 'no such capability';
  const maxPerCall = model.limits?.max_tokens_per_call ?? Infinity;
  const output = task.maxOutputIsExact ? task.maxOutputTokens : 0;
  if (task.inputTokens > maxPerCall || task.inputTokens + output > maxPerCall) return 'too long for one call';
  if (task.inputTokens + output > (model.context_tokens ?? Infinity)) return 'too long for its context';
  if (typeof model.retired === 'string' && Date.parse(model.retired) <= nowMs) return 'retired';
  return undefined;
}

/** The two flags of the class in force. */
export function dataClassOf(
  documents: readonly AnyDocument[],
  task: WorldTask,
): { readonly customer: boolean; readonly sensitive: boolean } {
  const client = find(documents, 'client', task.client);
  const project = find(documents, 'project', task.project);
  const stated = [client?.data_class, project?.data_class].filter((one) => one !== undefined);
  const byDefault = find(documents, 'settings', 'global')?.default_data_class ?? 'customer-sensitive';
  const all = [
    ...(stated.length > 0 ? stated : [byDefault]),
    ...(task.dataClass === undefined ? [] : [task.dataClass]),
  ];
  return {
    customer: all.some((one) => one === 'customer' || one === 'customer-sensitive'),
    sensitive: all.some((one) => one === 'sensitive' || one === 'customer-sensitive'),
  };
}

/** The models that task, reflex, project, client and route name, by slug. */
function askedFor(documents: readonly AnyDocument[], task: WorldTask): string[] {
  const project = find(documents, 'project', task.project);
  const reflex = find(documents, 'reflex', task.reflex);
  const names = [
    task.model,
    reflex?.preferred_model,
    ...(reflex?.fallback ?? []),
    project?.default_model,
    find(documents, 'client', task.client)?.default_model,
    ...(find(documents, 'route', task.type)?.steps.map(({ model }) => model) ?? []),
  ];
  return names.flatMap((name) => (name === undefined ? [] : [name.toLowerCase().replace('local:', '')]));
}
