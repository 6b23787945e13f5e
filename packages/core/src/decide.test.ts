import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSnapshot } from './compile-snapshot.ts';
import { type DataClass, dataClasses } from './data-class.ts';
import { decide } from './decide.ts';
import type { AnyDocument, ClientDocument, ModelDocument } from './documents.ts';
import { exclusionOf, requirementOf } from './eligibility.ts';
import { explainInWords } from './explain.ts';
import type { Facts } from './facts.ts';
import { pick } from './pick.ts';
import type { Snapshot } from './snapshot.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);

/** Without what is not stated. */
function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

const model = (name: string, over: Partial<ModelDocument> = {}): AnyDocument => ({
  kind: 'model',
  body: defined({
    name,
    slug: name.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    aliases: [],
    tags: ['text_gen', 'code'],
    call_method: 'API',
    provider: 'openai-compatible',
    endpoint: 'https://api.example.com/v1',
    capabilities: [],
    tier: 'standard' as const,
    ...over,
  }),
});
const route = (slug: string, ...models: string[]): AnyDocument => ({
  kind: 'route',
  body: { name: slug, slug, steps: models.map((name, n) => ({ step: n === 0 ? 'primary' : `fallback_${n}`, model: name })) },
});
const client = (slug: string, over: Partial<ClientDocument>): AnyDocument => ({ kind: 'client', body: { name: slug, slug, ...over } });
const openDefault: AnyDocument = { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } };
const localFields: Partial<ModelDocument> = {
  call_method: 'on-device',
  endpoint: undefined as never,
  provider: 'gguf',
  local: { path: 'm.gguf' },
};

function snapshot(...documents: AnyDocument[]): Snapshot {
  const compiled = compileSnapshot(1, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}
const facts = (over: Partial<Facts> = {}): Facts => ({
  taskType: 'text_gen',
  client: 'someone',
  project: undefined,
  reflex: undefined,
  priority: 'normal',
  dataClass: undefined,
  model: undefined,
  input: ['text'],
  output: ['text'],
  needs: [],
  inputTokens: 256,
  maxOutputTokens: 0,
  ...over,
});
const order = (world: Snapshot, over: Partial<Facts> = {}, atMs = nowMs): string[] => decide(world, facts(over), atMs).candidates.map((one) => one.model);

// --- the specification's own examples -------------------------------------------------------------------------------
const compliant: Partial<ModelDocument> = { compliance: [{ standard: 'GDPR' }], data_residency: 'EU' };
const example = snapshot(
  openDefault,
  model('GPT-4'),
  model('Claude 3', compliant),
  model('GPT-3.5'),
  model('LLaMA', { ...localFields, ...compliant, aliases: ['local:LLaMA'] }),
  model('CodeLLaMA', { ...localFields, aliases: ['local:CodeLLaMA'] }),
  route('text_gen', 'GPT-4', 'Claude 3', 'GPT-3.5', 'local:LLaMA'),
  route('code', 'Claude 3', 'GPT-4', 'local:CodeLLaMA'),
  client('acmelegal', { default_model: 'Claude 3', force_tone: 'formal', data_rules: { use_compliant_only: true, avoid_cloud: true } }),
  { kind: 'reflex', body: { name: 'auto_debug_logs', slug: 'auto_debug_logs', preferred_model: 'GPT-4', fallback: ['GPT-3.5'] } },
);

test('the cascades of text_gen and code stand in their declared order', () => {
  expect(order(example)).toEqual(['gpt-4', 'claude-3', 'gpt-3-5', 'llama']);
  expect(order(example, { taskType: 'code' })).toEqual(['claude-3', 'gpt-4', 'codellama']);
});

test('AcmeLegal gets only compliant models off the cloud, and its own default is among the exclusions with the rule', () => {
  const set = decide(example, facts({ client: 'acmelegal' }), nowMs);
  expect(set.candidates.map((one) => one.model)).toEqual(['llama']);
  expect(set.exclusions.find((one) => one.model === 'claude-3')?.rule).toBe('avoid_cloud');
  expect(set.exclusions.map((one) => one.model).sort()).toEqual(['claude-3', 'gpt-3-5', 'gpt-4']);
  expect(decide(example, facts({ client: 'acmelegal', taskType: 'code' }), nowMs).candidates).toEqual([]);
});

test('auto_debug_logs prefers GPT-4, then GPT-3.5, then the route', () => {
  expect(order(example, { reflex: 'auto_debug_logs', taskType: 'code' })).toEqual(['gpt-4', 'gpt-3-5', 'claude-3', 'codellama']);
});

test('precedence is the task, the reflex, the project, the client, the route', () => {
  const world = snapshot(
    openDefault,
    ...['a', 'b', 'c', 'd', 'e'].map((name) => model(name)),
    route('text_gen', 'e'),
    client('one', { default_model: 'd' }),
    { kind: 'project', body: { name: 'p', slug: 'p', client: 'one', default_model: 'c' } },
    { kind: 'reflex', body: { name: 'r', slug: 'r', preferred_model: 'b' } },
  );
  expect(order(world, { client: 'one', project: 'p', reflex: 'r', model: 'A' })).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a premium model is used only with high priority, or where the route says so and nothing else is left', () => {
  const premium = model('best', { tier: 'premium' });
  const world = snapshot(openDefault, premium, model('plain'), route('text_gen', 'best', 'plain'));
  expect(order(world)).toEqual(['plain']);
  expect(order(world, { priority: 'high' })).toEqual(['best', 'plain']);
  const onlyBest: AnyDocument = { kind: 'route', body: { name: 'text_gen', slug: 'text_gen', steps: [{ step: 'primary', model: 'best' }], premium_if_empty: true } };
  expect(order(snapshot(openDefault, premium, onlyBest))).toEqual(['best']);
});

test('after 21:00 a background task goes to the local model, and the decision ends at the window’s edge', () => {
  const night: AnyDocument = {
    kind: 'schedule',
    body: { name: 'off_hours', slug: 'off_hours', time_zone: 'Europe/Berlin', from: '21:00', to: '06:00', prefer: 'local', priorities: ['background'] },
  };
  const world = snapshot(...example.documents.filter(({ kind }) => kind !== 'schedule'), night);
  const evening = Date.UTC(2026, 10, 23, 20, 30); // 21:30 in Berlin
  expect(order(world, { priority: 'background' }, evening)).toEqual(['llama', 'gpt-4', 'claude-3', 'gpt-3-5']);
  expect(order(world, { priority: 'normal' }, evening)[0]).toBe('gpt-4');
  const noon = decide(world, facts({ priority: 'background' }), nowMs);
  expect(noon.candidates[0]?.model).toBe('gpt-4');
  expect(noon.scheduleEdgeMs).toBe(Date.UTC(2026, 10, 23, 20, 0));
});

test('cheapest prefers the lowest price and takes an unknown price for dear', () => {
  const cost = (input: number): Partial<ModelDocument> => ({ benchmark: { cost_per_1k_tokens_usd: { input, output: input } } });
  const night: AnyDocument = { kind: 'schedule', body: { name: 'n', slug: 'n', time_zone: 'UTC', from: '00:00', to: '00:00', prefer: 'cheapest' } };
  const world = snapshot(openDefault, night, model('unknown'), model('dear', cost(1)), model('cheap', cost(0.01)), route('text_gen', 'unknown', 'dear', 'cheap'));
  expect(order(world)).toEqual(['cheap', 'dear', 'unknown']);
});

test('nothing that a rule forbids becomes possible by asking for it', () => {
  expect(order(example, { client: 'acmelegal', model: 'GPT-4' })).toEqual(['llama']);
  const set = decide(example, facts({ model: 'no-such' }), nowMs);
  expect(set.exclusions[0]).toMatchObject({ model: 'no-such', rule: 'unknown_model' });
  expect(set.candidates).toHaveLength(4);
});

test('without a stated default the data is taken for the strictest class', () => {
  const world = snapshot(model('tagged', { security_level: 'safe_for_sensitive' }), route('text_gen', 'tagged'));
  expect(decide(world, facts(), nowMs).dataClass).toBe('customer-sensitive');
  expect(order(world)).toEqual([]);
});

test('a passed expiry voids a compliance tag, and a decision ends where one runs out', () => {
  const expires_at = new Date(nowMs + 10_000).toISOString();
  const world = snapshot(openDefault, model('m', { ...localFields, compliance: [{ standard: 'GDPR', expires_at }] }), route('text_gen', 'm'), client('c', { data_rules: { use_compliant_only: true } }));
  expect(order(world, { client: 'c' })).toEqual(['m']);
  expect(decide(world, facts({ client: 'c' }), nowMs).validUntilMs).toBe(nowMs + 10_000);
  expect(order(world, { client: 'c' }, nowMs + 10_000)).toEqual([]);
});

test('an explanation names every model, the rule and what would change it', () => {
  const words = explainInWords(decide(example, facts({ client: 'acmelegal' }), nowMs)).join('\n');
  expect(words).toContain('1. llama');
  expect(words).toContain('not gpt-4: avoid_cloud');
  expect(words).toContain('to change it:');
});

test('the pick leaves out what nobody serves and what rests, with the reason', () => {
  const set = decide(example, facts(), nowMs);
  const chosen = pick(set, { unserved: new Map([['gpt-4', 'env://OPENAI_API_KEY is not set']]), coolingUntilMs: new Map([['claude-3', nowMs + 1], ['gpt-3-5', nowMs]]) }, { seed: 1, nowMs });
  expect(chosen.order).toEqual(['gpt-3-5', 'llama']);
  expect(chosen.skipped.map(({ model: name }) => name)).toEqual(['gpt-4', 'claude-3']);
});

// --- every combination of the finite tags against a second reading of the rules -------------------------------------
interface Tags {
  readonly residency: 'US' | 'EU' | 'Global' | undefined;
  readonly compliance: readonly ('HIPAA' | 'GDPR')[] | undefined;
  readonly security: 'safe_for_sensitive' | 'non_sensitive_only' | undefined;
  readonly customer: boolean | undefined;
  readonly place: 'api' | 'api-private' | 'local-private' | 'local-public' | 'on-device';
}
interface Asked {
  readonly dataClass: DataClass;
  readonly avoidCloud: boolean;
  readonly compliantOnly: boolean;
  readonly standards: readonly ('HIPAA' | 'GDPR')[] | undefined;
  readonly residency: 'US' | 'EU' | 'Global' | undefined;
}

/** Written from the specification and the settled questions alone; shares nothing with the product. */
function oracleAllows(tags: Tags, asked: Asked): boolean {
  if (asked.dataClass.includes('customer') && tags.customer !== true) return false;
  if (asked.dataClass.includes('sensitive') && tags.security !== 'safe_for_sensitive') return false;
  if (asked.avoidCloud && !['local-private', 'on-device'].includes(tags.place)) return false;
  if (asked.residency !== undefined && tags.residency !== asked.residency) return false;
  if (!asked.compliantOnly) return true;
  const has = tags.compliance ?? [];
  return asked.standards && asked.standards.length > 0 ? asked.standards.every((one) => has.includes(one)) : has.length > 0;
}

const allTags: Tags[] = [];
for (const residency of ['US', 'EU', 'Global', undefined] as const)
  for (const compliance of [['HIPAA'], ['GDPR'], ['HIPAA', 'GDPR'], [], undefined] as const)
    for (const security of ['safe_for_sensitive', 'non_sensitive_only', undefined] as const)
      for (const customer of [true, false, undefined])
        for (const place of ['api', 'api-private', 'local-private', 'local-public', 'on-device'] as const)
          allTags.push({ residency, compliance, security, customer, place });
const allAsked: Asked[] = [];
for (const dataClass of dataClasses)
  for (const avoidCloud of [true, false])
    for (const compliantOnly of [true, false])
      for (const standards of [undefined, ['HIPAA'], ['GDPR'], ['HIPAA', 'GDPR']] as const)
        for (const residency of ['US', 'EU', 'Global', undefined] as const)
          allAsked.push({ dataClass, avoidCloud, compliantOnly, standards, residency });

const places: Record<Tags['place'], Partial<ModelDocument>> = {
  api: { call_method: 'API', endpoint: 'https://api.example.com' },
  'api-private': { call_method: 'API', endpoint: 'http://10.0.0.5:8000' },
  'local-private': { call_method: 'Local', endpoint: 'http://127.0.0.1:8000' },
  'local-public': { call_method: 'Local', endpoint: 'https://example.com' },
  'on-device': localFields,
};
const tagged = (tags: Tags, n: number): AnyDocument =>
  model(
    `m${n}`,
    {
      ...places[tags.place],
      data_residency: tags.residency,
      compliance: tags.compliance?.map((standard) => ({ standard })),
      security_level: tags.security,
      ...(tags.customer !== undefined && { allowed_tasks: { can_this_model_see_customer_data: tags.customer } }),
    } as Partial<ModelDocument>,
  );
const asking = (asked: Asked, slug: string): AnyDocument =>
  client(
    slug,
    defined({
      data_class: asked.dataClass,
      compliance: asked.standards,
      data_rules: defined({ use_compliant_only: asked.compliantOnly, avoid_cloud: asked.avoidCloud, data_residency: asked.residency }),
    } as Partial<ClientDocument>),
  );

test('the predicate equals a second reading of the rules for every combination of tags and demands', () => {
  const world = snapshot(...allTags.map(tagged), ...allAsked.map((asked, n) => asking(asked, `c${n}`)));
  let differences = 0;
  let allowed = 0;
  for (const [c, asked] of allAsked.entries()) {
    const own = facts({ client: `c${c}` });
    const requirement = requirementOf(world, own);
    for (const [m, tags] of allTags.entries()) {
      const exclusion = exclusionOf(world.models.get(`m${m}`) as never, requirement, own, nowMs);
      const expected = oracleAllows(tags, asked);
      if (expected !== (exclusion === undefined)) differences += 1;
      if (expected) allowed += 1;
    }
  }
  expect(allTags.length * allAsked.length).toBe(900 * 256);
  expect(allowed).toBeGreaterThan(1_000);
  expect(differences).toBe(0);
});

const runs = Number(process.env['WILL_PROPERTY_RUNS'] ?? 20_000);

test('adding a restriction never adds a model', () => {
  const world = snapshot(
    openDefault,
    ...allTags.filter((_tags, n) => n % 7 === 0).map(tagged),
    route('text_gen', ...allTags.map((_tags, n) => n).filter((n) => n % 7 === 0).map((_n, index) => `m${index}`)),
    ...allAsked.map((asked, n) => asking(asked, `c${n}`)),
    ...allAsked.map((asked, n): AnyDocument => ({ kind: 'project', body: { ...(asking(asked, `p${n}`).body as ClientDocument) } })),
  );
  const models = [...world.models.values()];
  const any = fc.nat(allAsked.length - 1);
  fc.assert(
    fc.property(any, any, fc.constantFrom(undefined, ...dataClasses), fc.nat(models.length - 1), (c, p, dataClass, m) => {
      const judge = (own: Facts): boolean => exclusionOf(models[m] as never, requirementOf(world, own), own, nowMs) === undefined;
      const free = judge(facts({ client: `c${c}` }));
      const raised = judge(facts({ client: `c${c}`, dataClass }));
      const both = judge(facts({ client: `c${c}`, dataClass, project: `p${p}` }));
      expect(!raised || free).toBe(true);
      expect(!both || raised).toBe(true);
    }),
    { numRuns: runs },
  );
});

test('the same snapshot, facts and instant give the same decision', () => {
  const once = decide(example, facts({ client: 'acmelegal', reflex: 'auto_debug_logs' }), nowMs);
  expect(decide(example, facts({ client: 'acmelegal', reflex: 'auto_debug_logs' }), nowMs)).toEqual(once);
});
