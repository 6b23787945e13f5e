import type { Facts } from '@will/core';

/** So many models of a list are named in a sentence. */
export const maxNamed = 5;

/** `a, b and 3 more`. */
export const named = (models: readonly string[]): string => {
  if (models.length === 0) return 'no model';
  const more = models.length > maxNamed ? ` and ${models.length - maxNamed} more` : '';
  return `${models.slice(0, maxNamed).join(', ')}${more}`;
};

/** `text_gen for client acme, project night, high priority`. */
export function factsInWords({ taskType, client, project, reflex, priority, dataClass, model, needs }: Facts): string {
  return [
    `${taskType} for client ${client}`,
    ...(project === undefined ? [] : [`project ${project}`]),
    ...(reflex === undefined ? [] : [`reflex ${reflex}`]),
    ...(priority === 'normal' ? [] : [`${priority} priority`]),
    ...(dataClass === undefined ? [] : [`${dataClass} data`]),
    ...(model === undefined ? [] : [`asking for ${model}`]),
    ...(needs.length === 0 ? [] : [`needing ${needs.join(' and ')}`]),
  ].join(', ');
}
