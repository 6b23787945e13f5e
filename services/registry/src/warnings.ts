import {
  type AnyDocument,
  deprecationOf,
  isoDate,
  type Model,
  retirementOf,
  retiresSoon,
  retiringModels,
  type Snapshot,
} from '@will/core';

const maxWarnings = 100;

/** Warnings of what is allowed but is probably not what was meant, for the documents that were written. */
export function warningsOf(snapshot: Snapshot, written: readonly AnyDocument[], nowMs: number): readonly string[] {
  const models = new Set(written.flatMap(({ kind, body }) => (kind === 'model' ? [body.slug] : [])));
  const warnings = [...models].flatMap((slug) => {
    const model = snapshot.models.get(slug);
    return model ? warningsOfModel(model, nowMs).map((warning) => `model ${slug}: ${warning}`) : [];
  });
  warnings.push(...written.flatMap((document) => warningsOfRules(snapshot, document)));
  warnings.push(...warningsOfNames(snapshot, written, models, nowMs));
  if (models.size > 0 && snapshot.documents.every(({ kind }) => kind !== 'settings'))
    warnings.push(
      'no settings: data of which nobody says anything is customer-sensitive; say default_data_class to change that',
    );
  return warnings.length > maxWarnings
    ? [...warnings.slice(0, maxWarnings), `and ${warnings.length - maxWarnings} more warnings`]
    : warnings;
}

/** A list of standards restricts nothing by itself. */
function warningsOfRules({ clients, projects }: Snapshot, { kind, body: { slug } }: AnyDocument): readonly string[] {
  const project = kind === 'project' ? projects.get(slug) : undefined;
  const client = clients.get(kind === 'client' ? slug : (project?.client ?? ''));
  const states = (kind === 'client' ? client : project)?.compliance !== undefined;
  const isAskedFor = [client, project].some((owner) => owner?.data_rules?.use_compliant_only === true);
  return states && !isAskedFor
    ? [`${kind} ${slug}: compliance is asked for only with data_rules.use_compliant_only: yes, which is not stated`]
    : [];
}

function warningsOfModel(model: Model, nowMs: number): readonly string[] {
  const { document } = model;
  const warnings: string[] = [];
  const end = endOf(model, nowMs);
  if (end !== undefined) warnings.push(`it ${end}`);
  if (model.compliance === undefined)
    warnings.push('compliance is not stated, so no task that asks for it will go there; say none where there is none');
  for (const { standard, expiresAtMs } of model.compliance ?? [])
    if (expiresAtMs <= nowMs) warnings.push(`its ${standard} tag has expired and counts no more`);
  if (model.dataResidency === undefined) warnings.push('data_residency is not stated, so it meets no demand for one');
  if (model.securityLevel === undefined) warnings.push('security_level is not stated, so it sees no sensitive data');
  if (model.maySeeCustomerData === undefined) warnings.push('allowed_tasks is not stated, so it sees no customer data');
  if (document.api_key !== undefined && document.endpoint?.startsWith('http:') && !model.isPrivate)
    warnings.push('its key would travel unencrypted over http');
  if (model.callMethod !== 'API' && !model.isPrivate)
    warnings.push('its address is not private, so avoid_cloud leaves it out');
  return warnings;
}

/** Documents that name a model which is deprecated or retired, where the document or the model was written just now. */
function warningsOfNames(
  snapshot: Snapshot,
  written: readonly AnyDocument[],
  models: ReadonlySet<string>,
  nowMs: number,
): readonly string[] {
  const isWritten = new Set(written.map(({ kind, body }) => `${kind} ${body.slug}`));
  return [...namesIn(snapshot)].flatMap(({ place, model: slug }) => {
    const model = snapshot.models.get(slug);
    const end = model && (isWritten.has(place) || models.has(slug)) ? endOf(model, nowMs) : undefined;
    return end === undefined ? [] : [`${place}: ${slug}, which it names, ${end}`];
  });
}

function* namesIn(snapshot: Snapshot): Generator<{ readonly place: string; readonly model: string }> {
  for (const { slug, steps } of snapshot.routes.values())
    for (const { model } of steps) yield { place: `route ${slug}`, model };
  for (const { slug, preferred_model, fallback } of snapshot.reflexes.values())
    for (const model of [preferred_model ?? [], fallback ?? []].flat()) yield { place: `reflex ${slug}`, model };
  for (const { slug, default_model } of snapshot.clients.values())
    if (default_model !== undefined) yield { place: `client ${slug}`, model: default_model };
  for (const { slug, default_model } of snapshot.projects.values())
    if (default_model !== undefined) yield { place: `project ${slug}`, model: default_model };
}

/** Models that retire within the notice, in words, each with the documents that name it; the next first. */
export function retirementWarnings(snapshot: Snapshot, nowMs: number): readonly string[] {
  const names = [...namesIn(snapshot)];
  return retiringModels(snapshot, nowMs)
    .slice(0, maxWarnings)
    .map((model) => {
      const places = names.filter((name) => name.model === model.slug).map(({ place }) => place);
      const named = places.length === 0 ? 'no document names it' : `named by ${[...new Set(places)].join(', ')}`;
      return `model ${model.slug} ${retirementOf(model)}; ${named}`;
    });
}

/** What its dates say of a model now; undefined: nothing. */
function endOf(model: Model, nowMs: number): string | undefined {
  const { retiredAtMs, replacedBy, deprecatedAtMs } = model;
  if (retiredAtMs > nowMs && deprecatedAtMs <= nowMs) return deprecationOf(model);
  if (retiredAtMs > nowMs) return retiresSoon(model, nowMs) ? retirementOf(model) : undefined;
  const since = Number.isFinite(retiredAtMs) ? ` since ${isoDate(retiredAtMs)}` : '';
  return `is retired${since}, so no task goes there${replacedBy === undefined ? '' : `; ${replacedBy} replaces it`}`;
}
