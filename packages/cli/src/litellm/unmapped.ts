import { isMap } from './read-config.ts';

/** A field, or an entry, that has no place in the documents. */
export interface Unmapped {
  /** Where it stands: `model_list[0].litellm_params.api_key`. */
  readonly path: string;
  readonly why: string;
}

/** A better reason than "no counterpart", where there is one. */
export const whyNot: ReadonlyMap<string, string> = new Map([
  ['fallbacks', 'write them as a route: primary, fallback_1, …, per task type'],
  ['context_window_fallbacks', 'not needed: models that are too small are left out of a route by themselves'],
  ['default_fallbacks', 'write them at the end of each route'],
  ['num_retries', 'a route goes on to its next model instead'],
  ['model_group_alias', 'write it among the aliases of a model'],
  ['master_key', 'keys of callers are not part of the documents'],
  ['credential_list', 'its values are read where a model names the credential'],
  ['environment_variables', 'its values are read where a model refers to them; set them for the workers too'],
  ['include', 'import that file by itself'],
]);

/** The path of every value that holds no others, and the setting it belongs to: the last name that LiteLLM gives, not a model's. */
export function leaves(value: unknown, path: string, name = ''): (readonly [path: string, name: string])[] {
  if (Array.isArray(value) && value.length > 0)
    return value.flatMap((item: unknown, index) => leaves(item, `${path}[${index}]`, name));
  if (isMap(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, item]) =>
      leaves(item, path === '' ? key : `${path}.${key}`, whyNot.has(name) ? name : key),
    );
  return path === '' ? [] : [[path, name]];
}
