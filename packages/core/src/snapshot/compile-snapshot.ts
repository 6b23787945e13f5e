import { quote } from '../domain/quote.ts';
import { pricesOf } from '../domain/prices.ts';
import { strictestDataClass, strictestOf } from '../domain/data-class.ts';
import type { AnyDocument, DocumentKind, DocumentOf, ModelDocument } from '../domain/documents.ts';
import { modalitiesOfTags } from '../domain/modalities.ts';
import { defaultClient, type NamedKind } from '../domain/identity.ts';
import { nameKey } from '../domain/names.ts';
import { nearestNames } from '../domain/nearest.ts';
import { cloudEndpointOf } from '../domain/cloud-endpoints.ts';
import { isPrivateEndpoint } from '../domain/private-endpoint.ts';
import type { Model, Snapshot } from './snapshot.ts';

/** The reason why documents do not fit together. */
export interface CompileProblem {
  readonly kind: DocumentKind;
  readonly slug: string;
  /** Path within the document: `fallback_1`, `aliases[0]`. */
  readonly field: string;
  /** Names the value and what was allowed. */
  readonly message: string;
}

/** A snapshot, or the problems that prevent one. */
export type CompileResult = { readonly snapshot: Snapshot } | { readonly problems: readonly CompileProblem[] };

/** Looking for similar names costs a walk over all of them, so only the first problems get it. */
const maxSuggestions = 50;

/**
 * Makes of all documents of a revision what the rules read: names resolved to slugs, money in integers, defaults filled
 * in. All or nothing: documents that do not fit together yield every problem and no snapshot.
 */
export function compileSnapshot(revision: number, documents: readonly AnyDocument[]): CompileResult {
  const problems: CompileProblem[] = [];
  const bySlug = groupBySlug(documents, problems);
  const settings = [...bySlug.settings.values()][0];
  addDefaultClient(bySlug.client, settings, problems);
  const names = new Names('model', bySlug.model.values(), problems);
  const clientNames = new Names('client', bySlug.client.values(), problems);
  const standIns = resolveStandIns(bySlug.model, names);
  const models = mapValues(bySlug.model, (model) =>
    compileModel(model, successorOf(model, names, problems), settings?.private_domains),
  );
  const snapshot: Snapshot = {
    revision,
    models,
    modelsByTaskType: indexByTaskType(models.values()),
    modelSlugs: names.slugs,
    clientSlugs: clientNames.slugs,
    projectSlugs: new Names('project', bySlug.project.values(), problems).slugs,
    reflexSlugs: new Names('reflex', bySlug.reflex.values(), problems).slugs,
    routes: mapValues(bySlug.route, (route) => compileRoute(route, names, standIns)),
    taskTypes: bySlug.task_type,
    clients: mapValues(bySlug.client, (client) => withDefaultModel('client', client, names)),
    projects: mapValues(bySlug.project, (project) => compileProject(project, names, clientNames)),
    reflexes: mapValues(bySlug.reflex, (reflex) => compileReflex(reflex, names)),
    schedules: bySlug.schedule,
    defaultDataClass: settings?.default_data_class ?? strictestDataClass,
    tokenEdges: tokenEdgesOf(bySlug.model.values()),
    documents,
  };
  return problems.length > 0 ? { problems } : { snapshot };
}

/**
 * A caller that names no client is the client `default`. A document for it may tighten what the settings say of its data, and
 * must not loosen that.
 */
function addDefaultClient(
  clients: Map<string, DocumentOf['client']>,
  settings: DocumentOf['settings'] | undefined,
  problems: CompileProblem[],
): void {
  const stated = clients.get(defaultClient);
  if (settings?.unnamed === 'reject') {
    if (stated) problems.push({ kind: 'client', slug: defaultClient, field: 'name', message: defaultIsOff });
    return;
  }
  const document = stated ?? { name: defaultClient, slug: defaultClient };
  const { data_class } = document;
  const floor = settings?.default_data_class ?? strictestDataClass;
  clients.set(
    defaultClient,
    data_class === undefined ? document : { ...document, data_class: strictestOf(data_class, floor) },
  );
}

const defaultIsOff =
  'client "default" is for callers that name no client, and the settings say unnamed: reject; remove the document, or the setting';

type BySlug = { [K in DocumentKind]: Map<string, DocumentOf[K]> };

function groupBySlug(documents: readonly AnyDocument[], problems: CompileProblem[]): BySlug {
  const groups: BySlug = {
    model: new Map(),
    route: new Map(),
    task_type: new Map(),
    client: new Map(),
    project: new Map(),
    reflex: new Map(),
    schedule: new Map(),
    settings: new Map(),
  };
  for (const { kind, body } of documents) {
    const group = groups[kind] as Map<string, DocumentOf[DocumentKind]>;
    const taken = group.get(body.slug);
    if (taken)
      problems.push({
        kind,
        slug: body.slug,
        field: 'name',
        message: `${kind} ${quote(body.name)} has the slug ${body.slug}, which ${kind} ${quote(taken.name)} has already`,
      });
    else group.set(body.slug, body);
  }
  return groups;
}

interface Named {
  readonly name: string;
  readonly slug: string;
  readonly aliases?: readonly string[];
}

/** What a kind of documents is called by callers and by other documents: slug, name or alias, however it is spelled. */
class Names {
  readonly slugs = new Map<string, string>();
  readonly #kind: NamedKind;
  readonly #names: string[] = [];
  readonly #problems: CompileProblem[];
  #suggested = 0;

  constructor(kind: NamedKind, documents: Iterable<Named>, problems: CompileProblem[]) {
    this.#kind = kind;
    this.#problems = problems;
    const all = [...documents];
    for (const { slug } of all) this.slugs.set(slug, slug);
    for (const { name, slug } of all) this.#claim(name, slug, 'name');
    for (const { aliases = [], slug } of all)
      for (const [index, alias] of aliases.entries()) this.#claim(alias, slug, `aliases[${index}]`);
  }

  /** Its slug; a name that no document has is a problem of the document that says it. */
  resolve(name: string, kind: DocumentKind, slug: string, field: string): string {
    const resolved = this.slugs.get(nameKey(name));
    if (resolved !== undefined) return resolved;
    this.#problems.push({
      kind,
      slug,
      field,
      message: `${quote(name)} is no ${this.#kind}${this.#suggestion(name)}`,
    });
    return name;
  }

  #claim(name: string, slug: string, field: string): void {
    const key = nameKey(name);
    const taken = this.slugs.get(key);
    if (taken === undefined) this.slugs.set(key, slug);
    this.#names.push(name);
    if (taken !== undefined && taken !== slug)
      this.#problems.push({
        kind: this.#kind,
        slug,
        field,
        message: `${quote(name)} already stands for ${this.#kind} ${taken}; a name stands for one ${this.#kind}`,
      });
  }

  #suggestion(name: string): string {
    if (this.#names.length === 0) return `; there are no ${this.#kind}s`;
    if ((this.#suggested += 1) > maxSuggestions) return '';
    const near = nearestNames(name, this.#names);
    return near.length === 0 ? `; no ${this.#kind} has a name like it` : `; nearest: ${near.map(quote).join(', ')}`;
  }
}

/** For each model the chain of those that follow it in routes. */
function resolveStandIns(
  models: ReadonlyMap<string, ModelDocument>,
  names: Names,
): ReadonlyMap<string, readonly string[]> {
  const next = new Map<string, string>();
  for (const { slug, stand_in } of models.values())
    if (stand_in !== undefined) next.set(slug, names.resolve(stand_in, 'model', slug, 'stand_in'));
  const chains = new Map<string, readonly string[]>();
  for (const start of next.keys()) {
    const chain = new Set<string>([start]);
    for (let at = next.get(start); at !== undefined && !chain.has(at); at = next.get(at)) chain.add(at);
    chains.set(start, [...chain].slice(1));
  }
  return chains;
}

function compileRoute(
  route: DocumentOf['route'],
  names: Names,
  standIns: ReadonlyMap<string, readonly string[]>,
): DocumentOf['route'] {
  const steps = route.steps.flatMap(({ step, model }) => {
    const slug = names.resolve(model, 'route', route.slug, step);
    const following = standIns.get(slug) ?? [];
    return [
      { step, model: slug },
      ...following.map((standIn) => ({
        step: `${step}_stand_in`,
        model: standIn,
      })),
    ];
  });
  const seen = new Set<string>();
  const once = steps.filter(({ model }) => !seen.has(model) && seen.add(model));
  return { ...route, steps: once };
}

function withDefaultModel<K extends 'client' | 'project'>(
  kind: K,
  document: DocumentOf[K],
  names: Names,
): DocumentOf[K] {
  const { default_model, slug } = document;
  if (default_model === undefined) return document;
  return {
    ...document,
    default_model: names.resolve(default_model, kind, slug, 'default_model'),
  };
}

function compileProject(document: DocumentOf['project'], names: Names, clients: Names): DocumentOf['project'] {
  const project = withDefaultModel('project', document, names);
  if (project.client === undefined) return project;
  return { ...project, client: clients.resolve(project.client, 'project', project.slug, 'client') };
}

function compileReflex(reflex: DocumentOf['reflex'], names: Names): DocumentOf['reflex'] {
  const { slug, preferred_model, fallback } = reflex;
  return {
    ...reflex,
    ...(preferred_model !== undefined && {
      preferred_model: names.resolve(preferred_model, 'reflex', slug, 'preferred_model'),
    }),
    ...(fallback && {
      fallback: fallback.map((name, index) => names.resolve(name, 'reflex', slug, `fallback[${index}]`)),
    }),
  };
}

/** Slug of the model that a document says comes after it. */
function successorOf(model: ModelDocument, names: Names, problems: CompileProblem[]): string | undefined {
  const { slug, replaced_by } = model;
  if (replaced_by === undefined) return undefined;
  const successor = names.resolve(replaced_by, 'model', slug, 'replaced_by');
  if (successor === slug)
    problems.push({
      kind: 'model',
      slug,
      field: 'replaced_by',
      message: `${quote(replaced_by)} is this model itself; name another one`,
    });
  return successor;
}

/** A model's document as the rules read it. */
export function compileModel(
  document: ModelDocument,
  replacedBy: string | undefined,
  privateDomains: readonly string[] = [],
): Model {
  const { limits, compliance, modalities } = document;
  const byTags = modalitiesOfTags(document.tags);
  return {
    slug: document.slug,
    name: document.name,
    version: document.version,
    deprecatedAtMs: beginningMs(document.deprecated),
    retiredAtMs: document.retired === true ? Number.NEGATIVE_INFINITY : beginningMs(document.retired),
    replacedBy,
    taskTypes: new Set(document.tags),
    callMethod: document.call_method,
    isPrivate: isPrivateModel(document, privateDomains),
    provider: document.provider,
    tier: document.tier,
    dataResidency: document.data_residency,
    compliance: compliance?.map(({ standard, expires_at }) => ({
      standard,
      expiresAtMs: expires_at === undefined ? Number.POSITIVE_INFINITY : expiryMs(expires_at),
    })),
    securityLevel: document.security_level,
    maySeeCustomerData: document.allowed_tasks?.can_this_model_see_customer_data,
    input: modalities ? new Set(modalities.input) : byTags.input,
    output: modalities ? new Set(modalities.output) : byTags.output,
    capabilities: new Set(document.capabilities),
    contextTokens: document.context_tokens,
    maxOutputTokens: document.max_output_tokens,
    maxTokensPerCall: limits?.max_tokens_per_call,
    concurrency: limits?.concurrency,
    ...pricesOf(document),
    document,
  };
}

function indexByTaskType(models: Iterable<Model>): Map<string, readonly string[]> {
  const accuracy = ({ document }: Model): number => document.benchmark?.accuracy ?? 0;
  const cost = ({ price }: Model): number => (price ? price.input + price.output : Number.MAX_SAFE_INTEGER);
  const ranked = [...models].sort(
    (a, b) => accuracy(b) - accuracy(a) || cost(a) - cost(b) || (a.slug < b.slug ? -1 : 1),
  );
  const index = new Map<string, string[]>();
  for (const { slug, taskTypes } of ranked) {
    for (const taskType of taskTypes) {
      const slugs = index.get(taskType);
      if (slugs) slugs.push(slug);
      else index.set(taskType, [slug]);
    }
  }
  return index;
}

/** From when on something holds: never where nothing is stated, long since where the instant cannot be read. */
const beginningMs = (instant: string | undefined): number =>
  instant === undefined ? Number.POSITIVE_INFINITY : expiryMs(instant);

/** An expiry that cannot be read has passed: a doubtful tag is no tag. */
const expiryMs = (instant: string): number => {
  const ms = Date.parse(instant);
  return Number.isNaN(ms) ? 0 : ms;
};

/**
 * Private: every address it is called at is private, that of its provider where it states none; without any address it
 * must run inside the worker's own machine (`on-device`, or a file). A container of which only the image is known has no address yet, so it is not private.
 */
function isPrivateModel(
  { call_method, provider, endpoint, local }: ModelDocument,
  privateDomains: readonly string[],
): boolean {
  const stated = [endpoint, local?.endpoint].filter((address) => address !== undefined);
  const ownAddress = cloudEndpointOf(provider);
  const addresses = stated.length === 0 && ownAddress !== undefined ? [ownAddress] : stated;
  if (addresses.length > 0) return addresses.every((address) => isPrivateEndpoint(address, privateDomains));
  return call_method === 'on-device' || (call_method === 'Local' && local?.path !== undefined);
}

/** Powers of two from 256 to 2^21, and every size at which some model stops being possible. */
function tokenEdgesOf(models: Iterable<ModelDocument>): readonly number[] {
  const edges = new Set<number>(Array.from({ length: 14 }, (_, power) => 256 * 2 ** power));
  for (const { context_tokens, limits } of models) {
    if (context_tokens !== undefined) edges.add(context_tokens);
    if (limits?.max_tokens_per_call !== undefined) edges.add(limits.max_tokens_per_call);
  }
  return [...edges].sort((a, b) => a - b);
}

function mapValues<A, B>(map: ReadonlyMap<string, A>, change: (value: A) => B): Map<string, B> {
  const changed = new Map<string, B>();
  for (const [key, value] of map) changed.set(key, change(value));
  return changed;
}
