import type {
  AnyDocument,
  ClientDocument,
  ComplianceStandard,
  DataClass,
  DataRules,
  ModelDocument,
  Modality,
  Priority,
  ProjectDocument,
} from '@will/core';
import type { Random } from './random.ts';

/** Where a model can be called; whether that is private is known here and not asked of the product. */
export interface Address {
  readonly url: string;
  readonly isPrivate: boolean;
}

export const addresses: readonly Address[] = [
  { url: 'http://10.0.0.5:8000/v1', isPrivate: true },
  { url: 'http://127.0.0.1:9000/v1', isPrivate: true },
  { url: 'http://192.168.7.9/v1', isPrivate: true },
  { url: 'http://172.16.3.4/v1', isPrivate: true },
  { url: 'http://[fd00::1]:8080/v1', isPrivate: true },
  { url: 'https://api.example.com/v1', isPrivate: false },
  { url: 'http://172.32.0.1/v1', isPrivate: false },
  { url: 'http://10.0.0.5.example.com/v1', isPrivate: false },
  { url: 'http://8.8.8.8/v1', isPrivate: false },
  { url: 'http://[2001:db8::1]/v1', isPrivate: false },
];

/** How worlds are made. */
export interface WorldOptions {
  readonly addresses: readonly Address[];
  /** Some models have no address but a file or an image. */
  readonly mayBeFiles: boolean;
  /** What the provider calls a model; undefined: as the document does. */
  readonly providerModel?: (slug: string) => string;
  /** Around which tags run out and models retire. */
  readonly nowMs: number;
}

/** What is asked of the product, in the caller's own words. */
export interface WorldTask {
  readonly type: string;
  readonly client: string;
  readonly project: string | undefined;
  readonly reflex: string | undefined;
  readonly priority: Priority;
  readonly dataClass: DataClass | undefined;
  readonly model: string | undefined;
  readonly inputModalities: readonly Modality[];
  readonly needs: readonly string[];
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  readonly maxOutputIsExact: boolean;
}

const modelNames = Array.from({ length: 8 }, (_, n) => `M${n}`);
const modelSlugs = modelNames.map((name) => name.toLowerCase());
const types = ['text_gen', 'code', 'vision'] as const;
const clients = ['c0', 'c1', 'c2', 'c3'] as const;
const projects = ['p0', 'p1', 'p2', 'p3'] as const;
const reflexes = ['r0', 'r1'] as const;
const dataClasses = ['open', 'customer', 'sensitive', 'customer-sensitive'] as const;
const standards = ['HIPAA', 'GDPR'] as const;
const priorities = ['background', 'normal', 'high'] as const;
const day = 86_400_000;

/** Documents of all kinds that fit together and contradict each other in every way. */
export function makeDocuments(random: Random, options: WorldOptions): AnyDocument[] {
  return [
    ...modelNames.map((name) => makeModel(name, random, options)),
    ...random.some(types, 0.7).map((type) => makeRoute(type, random)),
    ...random.some(clients, 0.8).map((name) => makeClient(name, random)),
    ...random.some(projects, 0.8).map((name) => makeProject(name, random)),
    ...random.some(reflexes, 0.8).map((name) => makeReflex(name, random)),
    ...(random.chance(0.6) ? [makeSchedule(random)] : []),
    ...(random.chance(0.8) ? [makeSettings(random)] : []),
  ].map(fitted);
}

/** The next revision: each document stays, or comes anew, or goes where nobody names it. */
export function changeDocuments(
  documents: readonly AnyDocument[],
  random: Random,
  options: WorldOptions,
): AnyDocument[] {
  const anew = new Map(makeDocuments(random, options).map((made) => [`${made.kind} ${made.body.slug}`, made]));
  const kept = documents.filter(() => random.chance(0.6)).map((old) => [`${old.kind} ${old.body.slug}`, old] as const);
  return [...new Map([...anew, ...kept]).values()].map(fitted);
}

const fitted = (document: AnyDocument, index: number, all: readonly AnyDocument[]): AnyDocument =>
  withRoutedTags(withKnownOwner(document, index, all), all);

/** A route is refused whose model lacks its tag, so each model has the tags of the routes that name it. */
function withRoutedTags(document: AnyDocument, all: readonly AnyDocument[]): AnyDocument {
  if (document.kind !== 'model') return document;
  const { name, tags } = document.body;
  const routed = all.flatMap(({ kind, body }) =>
    kind === 'route' && body.steps.some(({ model }) => model === name) ? [body.slug] : [],
  );
  return { kind: 'model', body: { ...document.body, tags: [...new Set([...tags, ...routed])] } };
}

/** Clients come and go; a project says its owner only while there is one, which {@link clients} all may be. */
function withKnownOwner(document: AnyDocument, _index: number, all: readonly AnyDocument[]): AnyDocument {
  if (document.kind !== 'project' || document.body.client === undefined) return document;
  const owner = document.body.client;
  if (all.some(({ kind, body }) => kind === 'client' && body.slug === owner)) return document;
  const { client: _gone, ...body } = document.body;
  return { kind: 'project', body };
}

export function makeTask(random: Random): WorldTask {
  const type = random.pick(types);
  return {
    type,
    client: random.pick([...clients, ...clients, 'default', 'default', 'default', 'stranger']),
    project: random.chance(0.25) ? random.pick([...projects, 'p-unknown']) : undefined,
    reflex: random.chance(0.3) ? random.pick([...reflexes, 'r-unknown']) : undefined,
    priority: random.pick(priorities),
    dataClass: random.chance(0.5) ? random.pick(dataClasses) : undefined,
    model: random.chance(0.4) ? random.pick([...modelNames, ...modelSlugs, 'local:M1', 'nobody']) : undefined,
    inputModalities: type !== 'vision' && random.chance(0.1) ? ['text', 'image'] : [],
    needs: random.chance(0.08) ? ['tools'] : [],
    inputTokens: random.pick([1, 100, 200, 400, 900, 1_000, 1_001, 3_000]),
    maxOutputTokens: random.pick([0, 0, 500]),
    maxOutputIsExact: random.chance(0.3),
  };
}

function makeModel(name: string, random: Random, options: WorldOptions): AnyDocument {
  const slug = name.toLowerCase();
  const tags = random.some(types, 0.85);
  const place = random.pick(['US', 'EU', 'Global', undefined] as const);
  const level = random.chance(0.7) ? 'safe_for_sensitive' : random.pick(['non_sensitive_only', undefined] as const);
  const sees = random.chance(0.7) ? true : random.pick([false, undefined]);
  const ends = random.chance(0.8) ? undefined : random.pick([-day, 30_000, 90_000]);
  const limit = random.pick([undefined, undefined, undefined, 1_000, 2_000]);
  return {
    kind: 'model',
    body: {
      name,
      slug,
      aliases: name === 'M1' ? ['local:M1'] : [],
      tags: tags.length > 0 ? tags : ['text_gen'],
      provider: 'openai-compatible',
      ...(options.providerModel && { provider_model: options.providerModel(slug) }),
      capabilities: random.some(['tools']),
      tier: random.chance(0.25) ? 'premium' : 'standard',
      ...makeAddress(random, options),
      ...(random.chance(0.5) && { context_tokens: random.pick([1_000, 2_000, 100_000]) }),
      // Long enough to be met by tasks, short enough to come back within the world.
      limits: { cooldown_seconds: 0.1, ...(limit !== undefined && { max_tokens_per_call: limit }) },
      ...(place && { data_residency: place }),
      ...(level && { security_level: level }),
      ...(sees !== undefined && { allowed_tasks: { can_this_model_see_customer_data: sees } }),
      ...(random.chance(0.85) && { compliance: makeCompliance(random, options.nowMs) }),
      ...(ends !== undefined && { retired: new Date(options.nowMs + ends).toISOString() }),
      ...(random.chance(0.15) && { stand_in: random.pick(modelNames) }),
    },
  };
}

function makeAddress(
  random: Random,
  options: WorldOptions,
): Pick<ModelDocument, 'call_method'> & Partial<Pick<ModelDocument, 'endpoint' | 'local'>> {
  const call_method = random.pick(['API', 'Local', 'on-device', 'container'] as const);
  if (!options.mayBeFiles || call_method === 'API' || random.chance(0.7))
    return { call_method, endpoint: random.pick(options.addresses).url };
  return { call_method, local: random.chance(0.5) ? { path: 'm.gguf' } : { container: 'image' } };
}

/** A tag runs out yesterday, in the middle of the test, or never. */
const makeCompliance = (random: Random, nowMs: number): NonNullable<ModelDocument['compliance']> =>
  random.some(standards, 0.7).map((standard) => {
    const ends = random.pick([undefined, undefined, -day, 30_000, 90_000]);
    return { standard, ...(ends !== undefined && { expires_at: new Date(nowMs + ends).toISOString() }) };
  });

function makeRoute(type: string, random: Random): AnyDocument {
  const models = random.some(modelNames, 0.6);
  const steps = (models.length > 0 ? models : ['M0']).map((model, n) => ({
    step: n === 0 ? 'primary' : `fallback_${n}`,
    model,
  }));
  const premium = random.chance(0.3);
  return {
    kind: 'route',
    body: { name: type, slug: type, steps, wait_ms: 20, ...(premium && { premium_if_empty: true }) },
  };
}

function makeRules(random: Random): Partial<ClientDocument & ProjectDocument> {
  const rules: DataRules = {
    ...(random.chance(0.2) && { use_compliant_only: true }),
    ...(random.chance(0.2) && { avoid_cloud: true }),
    ...(random.chance(0.12) && { data_residency: random.pick(['US', 'EU', 'Global'] as const) }),
  };
  const asked: ComplianceStandard[] = random.some(standards);
  return {
    data_rules: rules,
    ...(random.chance(0.5) && { default_model: random.pick(modelNames) }),
    ...(random.chance(0.5) && asked.length > 0 && { compliance: asked }),
    ...(random.chance(0.4) && { data_class: random.pick(dataClasses) }),
    ...(random.chance(0.2) && { force_tone: 'formal' }),
  };
}

const makeClient = (name: string, random: Random): AnyDocument => ({
  kind: 'client',
  body: { name, slug: name, ...makeRules(random) },
});
const makeProject = (name: string, random: Random): AnyDocument => ({
  kind: 'project',
  body: { name, slug: name, ...makeRules(random), ...(random.chance(0.6) && { client: random.pick(clients) }) },
});
const makeReflex = (name: string, random: Random): AnyDocument => ({
  kind: 'reflex',
  body: { name, slug: name, preferred_model: random.pick(modelNames), fallback: [random.pick(modelNames)] },
});
const makeSchedule = (random: Random): AnyDocument => ({
  kind: 'schedule',
  body: {
    name: 'hours',
    slug: 'hours',
    time_zone: 'UTC',
    from: '00:00',
    to: random.pick(['12:00', '24:00']),
    prefer: random.pick(['local', 'cheapest', { tags: ['code'] }] as const),
  },
});
const makeSettings = (random: Random): AnyDocument => ({
  kind: 'settings',
  body: {
    name: 'global',
    slug: 'global',
    ...(random.chance(0.9) && { default_data_class: random.pick(['open', 'open', ...dataClasses]) }),
  },
});
