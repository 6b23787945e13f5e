import { type Model, modelSlugOf, type Snapshot } from '@will/core';
import { HttpError } from './http/errors.ts';
import { taskTypesOf } from './names.ts';
import type { Fleet } from './ports.ts';

/** OpenAI's model object, with what is known beside its fields. */
export interface ShownModel {
  /** What a request may say as `model`. */
  readonly id: string;
  readonly object: 'model';
  /** Documents do not say when a model was made: always 0. */
  readonly created: 0;
  /** The provider; `will` for task types. */
  readonly owned_by: string;
  readonly kind: 'model' | 'task_type';
  readonly name: string;
  readonly aliases: readonly string[];
  /** What a model is tagged with. */
  readonly task_types: readonly string[];
  /** Whether a live worker serves it, or for a task type: any model of it. */
  readonly served: boolean;
}

/** Everything that `model` may name: task types first, `auto` before all, then models. */
export function listModels(snapshot: Snapshot, fleet: Fleet | undefined): readonly ShownModel[] {
  const served = fleet?.servedModels() ?? new Set<string>();
  const servedTypes = new Set(
    [...snapshot.models.values()].filter(({ slug }) => served.has(slug)).flatMap(({ taskTypes }) => [...taskTypes]),
  );
  const types = [...taskTypesOf(snapshot)].sort().map((type) => shownType(type, servedTypes.has(type)));
  const models = [...snapshot.models.values()].map((model) => shownModel(model, served.has(model.slug)));
  return [shownType('auto', servedTypes.has('text_gen')), ...types, ...models];
}

/** @throws {HttpError} 404 */
export function findModel(name: string, snapshot: Snapshot, fleet: Fleet | undefined): ShownModel {
  const id = modelSlugOf(snapshot, name) ?? name;
  const listed = listModels(snapshot, fleet);
  const found =
    listed.find((shown) => shown.id === id && shown.kind === 'model') ?? listed.find((shown) => shown.id === id);
  if (found) return found;
  throw new HttpError(
    404,
    'model_not_found',
    `model ${JSON.stringify(name.slice(0, 80))} is neither a model nor a task type`,
    { param: 'model' },
  );
}

const shownModel = ({ slug, name, provider, document, taskTypes }: Model, served: boolean): ShownModel => ({
  id: slug,
  object: 'model',
  created: 0,
  owned_by: provider,
  kind: 'model',
  name,
  aliases: document.aliases,
  task_types: [...taskTypes],
  served,
});

const shownType = (type: string, served: boolean): ShownModel => ({
  id: type,
  object: 'model',
  created: 0,
  owned_by: 'will',
  kind: 'task_type',
  name: type,
  aliases: [],
  task_types: [],
  served,
});
