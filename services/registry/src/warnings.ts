import type { Model, Snapshot } from '@will/core';

const mostWarnings = 100;

/** What is allowed but is probably not what was meant, for the models that were written. */
export function warningsOf(snapshot: Snapshot, models: ReadonlySet<string>, nowMs: number): readonly string[] {
  const warnings = [...models].flatMap((slug) => {
    const model = snapshot.models.get(slug);
    return model ? warningsOfModel(model, nowMs).map((warning) => `model ${slug}: ${warning}`) : [];
  });
  if (models.size > 0 && snapshot.documents.every(({ kind }) => kind !== 'settings'))
    warnings.push(
      'no settings: data of which nobody says anything is customer-sensitive; say default_data_class to change that',
    );
  return warnings.length > mostWarnings
    ? [...warnings.slice(0, mostWarnings), `and ${warnings.length - mostWarnings} more warnings`]
    : warnings;
}

function warningsOfModel(model: Model, nowMs: number): readonly string[] {
  const { document } = model;
  const warnings: string[] = [];
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
