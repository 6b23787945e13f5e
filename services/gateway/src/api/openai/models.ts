import { type Model, modalitiesOfTags, modelSlugOf, type Price, type Snapshot } from '@will/core';
import { HttpError } from '../../server/http/errors.ts';
import { taskTypesOf } from '../../auth/names.ts';
import type { Fleet } from '../../ports.ts';

/** OpenAI's model object, with what is known beside its fields, under the names that clients look for. */
export interface ShownModel {
  /** What a request may say as `model`. */
  readonly id: string;
  readonly object: 'model';
  /** When the version came out, in seconds; 0: its document does not say. */
  readonly created: number;
  /** The provider; `will` for task types. */
  readonly owned_by: string;
  readonly kind: 'model' | 'task_type';
  readonly name: string;
  readonly aliases: readonly string[];
  /** What a model is tagged with. */
  readonly task_types: readonly string[];
  /** Whether a live worker serves it, or for a task type: any model of it. */
  readonly served: boolean;
  /** Tokens of input and output together; of a task type the smallest of its models. Absent: unknown. */
  readonly context_length?: number;
  readonly max_model_len?: number;
  readonly max_output_tokens?: number;
  readonly architecture: {
    readonly input_modalities: readonly string[];
    readonly output_modalities: readonly string[];
  };
  /** US dollars for one token, as decimal text. Absent: unknown. */
  readonly pricing?: Readonly<Record<string, string>>;
}

/** Everything that `model` may name: task types first, `auto` before all, then models. */
export function listModels(snapshot: Snapshot, fleet: Fleet | undefined): readonly ShownModel[] {
  const served = fleet?.servedModels() ?? new Set<string>();
  const servedTypes = new Set(
    [...snapshot.models.values()].filter(({ slug }) => served.has(slug)).flatMap(({ taskTypes }) => [...taskTypes]),
  );
  const type = (id: string, tag = id): ShownModel => shownType(id, tag, servedTypes.has(tag), snapshot);
  const types = [...taskTypesOf(snapshot)].sort().map((tag) => type(tag));
  const models = [...snapshot.models.values()].map((model) => shownModel(model, served.has(model.slug)));
  return [type('auto', 'text_gen'), ...types, ...models];
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

function shownModel(model: Model, served: boolean): ShownModel {
  const { slug, name, provider, document, taskTypes, contextTokens, price } = model;
  return {
    id: slug,
    object: 'model',
    created: document.released === undefined ? 0 : Math.floor(Date.parse(document.released) / 1000),
    owned_by: provider,
    kind: 'model',
    name,
    aliases: document.aliases,
    task_types: [...taskTypes],
    served,
    ...lengths(contextTokens),
    ...(document.max_output_tokens !== undefined && { max_output_tokens: document.max_output_tokens }),
    architecture: { input_modalities: [...model.input], output_modalities: [...model.output] },
    ...(price && { pricing: pricing(price) }),
  };
}

function shownType(id: string, tag: string, served: boolean, snapshot: Snapshot): ShownModel {
  const contexts = (snapshot.modelsByTaskType.get(tag) ?? []).flatMap(
    (slug) => snapshot.models.get(slug)?.contextTokens ?? [],
  );
  const { input, output } = modalitiesOfTags([tag]);
  return {
    id,
    object: 'model',
    created: 0,
    owned_by: 'will',
    kind: 'task_type',
    name: id,
    aliases: [],
    task_types: [],
    served,
    ...lengths(contexts.length > 0 ? Math.min(...contexts) : undefined),
    architecture: { input_modalities: [...input], output_modalities: [...output] },
  };
}

/** Clients of different servers look for different names. */
const lengths = (tokens: number | undefined): { context_length?: number; max_model_len?: number } =>
  tokens === undefined ? {} : { context_length: tokens, max_model_len: tokens };

const pricing = ({ input, output, cachedInput, cacheWrite, request }: Price): Record<string, string> => ({
  prompt: usdPerToken(input),
  completion: usdPerToken(output),
  ...(cachedInput !== undefined && { input_cache_read: usdPerToken(cachedInput) }),
  ...(cacheWrite !== undefined && { input_cache_write: usdPerToken(cacheWrite) }),
  ...(request !== undefined && { request: decimal(request, 9) }),
});

/** Of nano-USD for a million tokens. */
const usdPerToken = (nanoUsdPerMillion: number): string => decimal(nanoUsdPerMillion, 15);

/** A whole number of units, of which so many decimal places make one, without the errors of floating point. */
function decimal(units: number, places: number): string {
  const text = String(units).padStart(places + 1, '0');
  return `${text.slice(0, -places)}.${text.slice(-places)}`.replace(/\.?0+$/, '');
}
