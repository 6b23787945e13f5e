import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dataClasses, type DataClass } from '../domain/data-class.ts';
import { decide } from '../routing/decide.ts';
import type { AnyDocument, ClientDocument, ComplianceStandard, ModelDocument, Residency } from '../domain/documents.ts';
import { exclusionOf, exclusionsOf, requirementOf } from './eligibility.ts';
import type { Facts } from '../domain/facts.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import { client, facts, model, onDevice, openByDefault, project, route, snapshotOf } from '../testing/documents.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const past = '2026-11-23T12:00:00Z';
const future = '2026-11-23T12:00:01Z';

// --- every combination of the finite tags, against a second reading of the specification ---------------------------

interface Tags {
  readonly data_residency: Residency | undefined;
  /** Undefined: unknown. With a `!` the tag has expired. */
  readonly compliance: readonly string[] | undefined;
  readonly security_level: 'safe_for_sensitive' | 'non_sensitive_only' | undefined;
  readonly customer: 'yes' | 'no' | undefined;
  readonly call_method: 'API' | 'Local' | 'on-device' | 'container';
  readonly address: 'private' | 'public' | 'unknown';
  readonly tier: 'standard' | 'premium';
}
interface Demand {
  readonly data_class: DataClass;
  readonly avoid_cloud: boolean;
  readonly use_compliant_only: boolean;
  readonly compliance: readonly ComplianceStandard[] | undefined;
  readonly data_residency: Residency | undefined;
}

/**
 * Whether a model may do a task: written from the specification's tags and the settled answers alone, with none of the
 * product's code. `Global` as a demand is any place that is stated; a file on the worker's own machine needs no address.
 */
function mayByTheSpecification(tags: Tags, demand: Demand, isHighPriority: boolean): boolean {
  const isCustomers = demand.data_class === 'customer' || demand.data_class === 'customer-sensitive';
  const isSensitive = demand.data_class === 'sensitive' || demand.data_class === 'customer-sensitive';
  const valid = (tags.compliance ?? []).filter((tag) => !tag.endsWith('!'));
  const runsHere = tags.call_method === 'on-device' || tags.call_method === 'Local';
  const answers: boolean[] = [
    !isCustomers || tags.customer === 'yes',
    !isSensitive || tags.security_level === 'safe_for_sensitive',
    !demand.avoid_cloud ||
      (tags.call_method !== 'API' && (tags.address === 'private' || (tags.address === 'unknown' && runsHere))),
    !demand.use_compliant_only || valid.length > 0,
    !demand.use_compliant_only || (demand.compliance ?? []).every((standard) => valid.includes(standard)),
    demand.data_residency === undefined ||
      tags.data_residency === demand.data_residency ||
      (demand.data_residency === 'Global' && tags.data_residency !== undefined),
    tags.tier === 'standard' || isHighPriority,
  ];
  return !answers.includes(false);
}

function* allTags(): Generator<Tags> {
  const standards = [
    undefined,
    [],
    ['HIPAA'],
    ['GDPR'],
    ['HIPAA', 'GDPR'],
    ['HIPAA!'],
    ['GDPR!', 'HIPAA'],
    ['HIPAA!', 'GDPR!'],
  ];
  for (const data_residency of ['US', 'EU', 'Global', undefined] as const)
    for (const compliance of standards)
      for (const security_level of ['safe_for_sensitive', 'non_sensitive_only', undefined] as const)
        for (const customer of ['yes', 'no', undefined] as const)
          for (const call_method of ['API', 'Local', 'on-device', 'container'] as const)
            for (const address of ['private', 'public', 'unknown'] as const)
              for (const tier of ['standard', 'premium'] as const)
                yield { data_residency, compliance, security_level, customer, call_method, address, tier };
}
function* allDemands(): Generator<Demand> {
  for (const data_class of dataClasses)
    for (const avoid_cloud of [true, false])
      for (const use_compliant_only of [true, false])
        for (const compliance of [undefined, ['HIPAA'], ['GDPR'], ['HIPAA', 'GDPR']] as const)
          for (const data_residency of ['US', 'EU', 'Global', undefined] as const)
            yield { data_class, avoid_cloud, use_compliant_only, compliance, data_residency };
}

function modelWith(tags: Tags, name: string): AnyDocument {
  const { data_residency, compliance, security_level, customer, call_method, address, tier } = tags;
  const endpoint = { private: 'http://10.0.0.5:8000/v1', public: 'https://api.example.com/v1', unknown: undefined }[
    address
  ];
  return model(name, {
    call_method,
    tier,
    ...(endpoint === undefined ? { local: { path: 'm.gguf' } } : { endpoint }),
    ...(data_residency && { data_residency }),
    ...(security_level && { security_level }),
    ...(customer && { allowed_tasks: { can_this_model_see_customer_data: customer === 'yes' } }),
    ...(compliance && {
      compliance: compliance.map((tag) => ({
        standard: tag.replace('!', '') as ComplianceStandard,
        ...(tag.endsWith('!') ? { expires_at: past } : { expires_at: future }),
      })),
    }),
  });
}
function rulesOf({
  data_class,
  avoid_cloud,
  use_compliant_only,
  compliance,
  data_residency,
}: Demand): Partial<ClientDocument> {
  return {
    data_class,
    ...(compliance && { compliance }),
    data_rules: { use_compliant_only, avoid_cloud, ...(data_residency && { data_residency }) },
  };
}

const tags = [...allTags()];
const demands = [...allDemands()];

test('every combination of tags and demands matches a second reading of the specification', () => {
  const world = snapshotOf(
    ...tags.map((one, n) => modelWith(one, `m${n}`)),
    ...demands.map((one, n) => client(`c${n}`, rulesOf(one))),
  );
  const models = tags.map((_one, n) => world.models.get(`m${n}`) as Model);
  const differences: unknown[] = [];
  let allowed = 0;
  for (const [c, demand] of demands.entries())
    for (const priority of ['normal', 'high'] as const) {
      const asked = facts({ client: `c${c}`, priority });
      const requirement = requirementOf(world, asked);
      for (const [m, one] of tags.entries()) {
        const may = exclusionOf(models[m] as Model, requirement, asked, nowMs) === undefined;
        if (may) allowed += 1;
        if (may !== mayByTheSpecification(one, demand, priority === 'high'))
          differences.push({ one, demand, priority });
      }
    }
  expect(tags.length * demands.length * 2).toBe(6_912 * 256 * 2);
  expect(allowed).toBeGreaterThan(10_000);
  expect(differences.slice(0, 3)).toEqual([]);
});

// --- restrictions only ever take away ------------------------------------------------------------------------------

const sample = tags.filter((_one, n) => n % 97 === 0);
const world = snapshotOf(
  openByDefault,
  ...sample.map((one, n) => modelWith(one, `m${n}`)),
  model('plain', {
    ...onDevice,
    context_tokens: 4_096,
    limits: { max_tokens_per_call: 2_048 },
    capabilities: ['tools'],
  }),
  route('text_gen', [...sample.map((_one, n) => `m${n}`), 'plain']),
  ...demands.map((one, n) => client(`c${n}`, rulesOf(one))),
  ...demands.map((one, n) => project(`p${n}`, rulesOf(one))),
);
const models = [...world.models.values()];

/** Ways to ask for more than before. */
const further: readonly ((asked: Facts, pick: number) => Facts)[] = [
  (asked, pick) => ({ ...asked, project: `p${pick % demands.length}` }),
  (asked, pick) => ({ ...asked, dataClass: dataClasses[pick % dataClasses.length] as DataClass }),
  (asked) => ({ ...asked, priority: 'normal' }),
  (asked) => ({ ...asked, needs: [...asked.needs, 'tools'] }),
  (asked) => ({ ...asked, input: [...asked.input, 'image'] }),
  (asked, pick) => ({ ...asked, inputTokens: asked.inputTokens + (pick % 8_192) }),
  (asked, pick) => ({ ...asked, maxOutputTokens: asked.maxOutputTokens + (pick % 8_192) }),
];
const start = fc.record({
  client: fc.integer({ min: 0, max: demands.length }).map((n) => `c${n}`),
  priority: fc.constantFrom('background', 'normal', 'high' as const),
});
const runs = Number(process.env['WILL_PROPERTY_RUNS'] ?? 30_000);

test('adding a restriction never makes a model possible', () => {
  fc.assert(
    fc.property(start, fc.nat(models.length - 1), fc.nat(further.length - 1), fc.nat(65_535), (base, m, way, pick) => {
      const loose = facts(base);
      const strict = (further[way] as (typeof further)[0])(loose, pick);
      const isAllowed = (asked: Facts): boolean =>
        exclusionOf(models[m] as Model, requirementOf(world, asked), asked, nowMs) === undefined;
      return !isAllowed(strict) || isAllowed(loose);
    }),
    { numRuns: runs },
  );
});

test('adding a restriction never adds a model to a decision', () => {
  fc.assert(
    fc.property(
      start,
      fc.array(fc.tuple(fc.nat(further.length - 1), fc.nat(65_535)), { maxLength: 4 }),
      (base, ways) => {
        const loose = facts(base);
        const strict = ways.reduce((asked, [way, pick]) => (further[way] as (typeof further)[0])(asked, pick), loose);
        const allowed = new Set(decide(world, loose, nowMs).candidates.map((candidate) => candidate.model));
        return decide(world, strict, nowMs).candidates.every((candidate) => allowed.has(candidate.model));
      },
    ),
    { numRuns: Math.ceil(runs / 50) },
  );
});

// --- rules one by one ----------------------------------------------------------------------------------------------

const brokenRules = (
  over: Partial<ModelDocument>,
  asked: Partial<Facts> = {},
  ...documents: AnyDocument[]
): string[] => {
  const one = snapshotOf(openByDefault, model('m', over), ...documents);
  const own = facts(asked);
  return exclusionsOf(one.models.get('m') as Model, requirementOf(one, own), own, nowMs).map(({ rule }) => rule);
};
const classOf = (asked: Partial<Facts>, ...documents: AnyDocument[]): DataClass =>
  requirementOf(snapshotOf(...documents), facts(asked)).dataClass;

test('the class of data is the stricter of client and project, else the global one; the caller can only raise it', () => {
  const a = client('a', { data_class: 'customer' });
  const p = project('p', { data_class: 'sensitive' });
  expect(classOf({})).toBe('customer-sensitive');
  expect(classOf({}, openByDefault)).toBe('open');
  expect(classOf({ client: 'a' }, a)).toBe('customer');
  expect(classOf({ client: 'a', project: 'p' }, a, p)).toBe('customer-sensitive');
  expect(classOf({ project: 'p' }, p)).toBe('sensitive');
  expect(classOf({ client: 'a', dataClass: 'open' }, a)).toBe('customer');
  expect(classOf({ client: 'a', dataClass: 'sensitive' }, a)).toBe('customer-sensitive');
  expect(classOf({ dataClass: 'open' })).toBe('customer-sensitive');
});

test('a class that this process does not know is the strictest', () => {
  const odd = 'secret' as DataClass;
  expect(classOf({ dataClass: odd }, openByDefault)).toBe('customer-sensitive');
  expect(classOf({ client: 'a' }, openByDefault, client('a', { data_class: odd }))).toBe('customer-sensitive');
  const world: Snapshot = { ...snapshotOf(), defaultDataClass: odd };
  expect(requirementOf(world, facts()).dataClass).toBe('customer-sensitive');
});

test('rules of client and project add up: standards, places, cloud', () => {
  const strict = client('a', { data_rules: { use_compliant_only: true, data_residency: 'EU' }, compliance: ['GDPR'] });
  const more = project('p', { data_rules: { avoid_cloud: true, data_residency: 'US' }, compliance: ['HIPAA'] });
  const requirement = requirementOf(snapshotOf(strict, more), facts({ client: 'a', project: 'p' }));
  expect(requirement).toMatchObject({
    avoidCloud: true,
    compliantOnly: true,
    standards: ['GDPR', 'HIPAA'],
    residencies: ['EU', 'US'],
  });
  const asked = { client: 'a', project: 'p' };
  expect(
    brokenRules({ ...onDevice, data_residency: 'EU', compliance: [{ standard: 'GDPR' }] }, asked, strict, more),
  ).toEqual(['use_compliant_only', 'data_residency']);
});

test('a compliance list without use_compliant_only demands nothing', () => {
  expect(brokenRules({}, { client: 'a' }, client('a', { compliance: ['HIPAA'] }))).toEqual([]);
});

test('a task must be one of the tags, with every modality and capability', () => {
  expect(brokenRules({ tags: ['code'] })).toEqual(['task_type']);
  expect(brokenRules({}, { input: ['text', 'image'] })).toEqual(['modality']);
  expect(brokenRules({ tags: ['text_gen', 'vision'] }, { input: ['text', 'image'] })).toEqual([]);
  expect(brokenRules({}, { output: ['audio'] })).toEqual(['modality']);
  expect(brokenRules({ capabilities: ['json_schema'] }, { needs: ['json_schema', 'tools'] })).toEqual(['capability']);
});

test('input and exact output must fit the context and the largest call; an output that may be clamped need not', () => {
  const small = { context_tokens: 4_096, limits: { max_tokens_per_call: 2_048 } };
  expect(brokenRules(small, { inputTokens: 2_048 })).toEqual([]);
  expect(brokenRules(small, { inputTokens: 2_049 })).toEqual(['max_tokens_per_call', 'max_output']);
  expect(brokenRules(small, { inputTokens: 1_024, maxOutputTokens: 1_024 })).toEqual([]);
  expect(brokenRules(small, { inputTokens: 1_024, maxOutputTokens: 2_048 })).toEqual(['max_output']);
  expect(brokenRules({ context_tokens: 4_096 }, { inputTokens: 4_096, maxOutputTokens: 1 })).toEqual([
    'context_length',
  ]);
  expect(brokenRules({ context_tokens: 4_096 }, { inputTokens: Number.NaN })).toEqual(['context_length']);
  expect(brokenRules({}, { inputTokens: 1e9, maxOutputTokens: 1e9 })).toEqual([]);
});

test('an exclusion names the first broken rule, privacy before ability, with the value and what was allowed', () => {
  const one = snapshotOf(model('m', { tags: ['code'], tier: 'premium', security_level: 'non_sensitive_only' }));
  const asked = facts({ dataClass: 'sensitive' });
  const subject = {
    model: one.models.get('m') as Model,
    requirement: requirementOf({ ...one, defaultDataClass: 'open' }, asked),
  };
  expect(exclusionOf(subject.model, subject.requirement, asked, nowMs)).toEqual({
    model: 'm',
    rule: 'security_level',
    detail: 'sensitive data needs security_level: safe_for_sensitive, it is non_sensitive_only',
  });
  expect(exclusionsOf(subject.model, subject.requirement, asked, nowMs).map(({ rule }) => rule)).toEqual([
    'security_level',
    'task_type',
    'tier',
  ]);
});

test('what an exclusion says stays short, whatever a document holds', () => {
  const tagsOfIt = Array.from({ length: 100 }, (_, n) => `tag-number-${n}`);
  const one = snapshotOf(openByDefault, model('m', { tags: tagsOfIt }));
  const exclusion = exclusionOf(one.models.get('m') as Model, requirementOf(one, facts()), facts(), nowMs);
  expect(exclusion?.rule).toBe('task_type');
  expect(exclusion?.detail.length).toBe(200);
  expect(exclusionsOf(one.models.get('m') as Model, requirementOf(one, facts()), facts(), nowMs)).toEqual([exclusion]);
});
