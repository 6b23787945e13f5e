import type { CompileProblem } from './compile-snapshot.ts';
import type { AnyDocument, ModelDocument, RouteDocument, ScheduleDocument } from '../domain/documents.ts';
import { modelSlugOf, nearestInWords } from '../domain/identity.ts';
import { quote } from '../domain/quote.ts';
import { modalitiesByTag } from '../domain/modalities.ts';
import { nearestNames } from '../domain/nearest.ts';
import type { Snapshot } from './snapshot.ts';

/** The reason why documents that fit together still cannot do what one of them says. */
export interface Unworkable extends CompileProblem {
  /** The same fault, told as a fault of the model that a route names. */
  readonly ofModel?: CompileProblem;
}

/**
 * Everything in a snapshot that can never work: route steps whose model lacks the route's tag, gaps in fallbacks, models
 * that no provider can serve, and task types and tags that nothing has. Stand-ins are not checked.
 * @param providers what live workers can speak to; undefined: not known, so no provider's name is checked.
 */
export function unworkableIn(snapshot: Snapshot, providers?: ReadonlySet<string>): readonly Unworkable[] {
  const taskTypes = taskTypesIn(snapshot);
  return snapshot.documents.flatMap((document): readonly Unworkable[] => {
    if (document.kind === 'route') return [...gapsIn(document.body), ...untaggedIn(snapshot, document.body)];
    if (document.kind === 'model') return unserved(document.body, providers);
    return document.kind === 'schedule' ? unknownIn(snapshot, document.body, taskTypes) : [];
  });
}

/** Problems of one snapshot that another one does not have. */
export function newProblems<P extends CompileProblem>(
  found: readonly P[],
  before: readonly CompileProblem[],
): readonly P[] {
  const known = new Set(before.map(keyOf));
  return found.filter((problem) => !known.has(keyOf(problem)));
}

const keyOf = ({ kind, slug, field, message }: CompileProblem): string => `${kind}:${slug}:${field}:${message}`;

const fallbackStep = /^fallback_([1-9]\d*)$/;

const gapsIn = ({ slug, steps }: RouteDocument): readonly Unworkable[] =>
  gapsOf(steps).map((gap) => ({ kind: 'route', slug, ...gap }));

/** Steps `fallback_n` before which a number is missing. */
export function gapsOf(
  steps: readonly { readonly step: string }[],
): readonly { readonly field: string; readonly message: string }[] {
  const numbers = new Set(steps.map(({ step }) => Number(fallbackStep.exec(step)?.[1])));
  return [...numbers]
    .filter((number) => number > 1 && !numbers.has(number - 1))
    .map((number) => ({
      field: `fallback_${number}`,
      message: `fallback_${number - 1} is missing before it; number the fallbacks without a gap`,
    }));
}

function untaggedIn(snapshot: Snapshot, { slug: taskType, steps }: RouteDocument): readonly Unworkable[] {
  return steps.flatMap(({ step, model: name }) => {
    const model = snapshot.models.get(modelSlugOf(snapshot, name) ?? '');
    return model && !model.taskTypes.has(taskType) ? untagged(taskType, step, name, model.document) : [];
  });
}

const untagged = (taskType: string, step: string, name: string, { slug, tags }: ModelDocument): Unworkable => ({
  kind: 'route',
  slug: taskType,
  field: step,
  message: `${quote(name)} cannot do ${taskType}: its tags are ${tags.join(', ')}; add ${taskType} to the tags of model ${slug}, or name another model`,
  ofModel: {
    kind: 'model',
    slug,
    field: 'tags',
    message: `route ${taskType} names it as ${step}, and its tags ${tags.join(', ')} do not hold ${taskType}; add ${taskType}, or change that route`,
  },
});

/** Providers that refuse a model without this field. */
const needed: readonly (readonly [provider: string, field: string, has: (model: ModelDocument) => boolean])[] = [
  ['anthropic', 'api_key', ({ api_key }) => api_key !== undefined],
  ['google', 'api_key', ({ api_key }) => api_key !== undefined],
  ['whisper', 'local.path', ({ local }) => local?.path !== undefined],
];

function unserved(model: ModelDocument, providers: ReadonlySet<string> | undefined): readonly Unworkable[] {
  const { slug, provider } = model;
  const missing = needed.filter(([of, , has]) => of === provider && !has(model));
  const lacking = missing.map(
    ([, field]): Unworkable => ({
      kind: 'model',
      slug,
      field,
      message: `is missing; provider ${provider} needs it, so no worker can serve this model`,
    }),
  );
  if (!providers || providers.has(provider)) return lacking;
  const near = nearestNames(provider, [...providers]);
  const hint = near.length > 0 ? `nearest: ${near.join(', ')}` : `there are ${[...providers].sort().join(', ')}`;
  return [
    ...lacking,
    { kind: 'model', slug, field: 'provider', message: `no live worker has provider ${quote(provider)}; ${hint}` },
  ];
}

function unknownIn(
  { modelsByTaskType }: Snapshot,
  { slug, task_types = [], prefer }: ScheduleDocument,
  taskTypes: ReadonlySet<string>,
): readonly Unworkable[] {
  const problem = (field: string, message: string): Unworkable => ({ kind: 'schedule', slug, field, message });
  const unknown = task_types.flatMap((type, index) =>
    taskTypes.has(type)
      ? []
      : problem(
          `task_types[${index}]`,
          `${quote(type)} is no task type${nearestInWords(nearestNames(type, taskTypes))}`,
        ),
  );
  const tags = typeof prefer === 'object' ? prefer.tags : [];
  const isInVain = tags.length > 0 && !tags.some((tag) => modelsByTaskType.has(tag));
  return isInVain
    ? [...unknown, problem('prefer.tags', `no model has one of the tags ${tags.map((tag) => quote(tag)).join(', ')}`)]
    : unknown;
}

/** Task types that the product knows, that a document describes or routes, or that are a model's tag. */
const taskTypesIn = ({ documents, modelsByTaskType }: Snapshot): ReadonlySet<string> =>
  new Set([...Object.keys(modalitiesByTag), ...modelsByTaskType.keys(), ...documents.flatMap(typeOf)]);

const typeOf = ({ kind, body }: AnyDocument): readonly string[] =>
  kind === 'route' || kind === 'task_type' ? [body.slug] : [];
