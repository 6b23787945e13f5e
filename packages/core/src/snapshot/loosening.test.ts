import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dataClasses } from '../domain/data-class.ts';
import type {
  AnyDocument,
  ClientDocument,
  ModelDocument,
  ProjectDocument,
  SettingsDocument,
} from '../domain/documents.ts';
import { admissionsBetween } from './looser-decisions.ts';
import { dataTagsOf, loosenings, namesOf, settingsOf, type LastKnown } from './loosening.ts';
import type { Snapshot } from './snapshot.ts';
import { client, facts, model, onDevice, project, snapshotOf } from '../testing/documents.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const nobody: LastKnown = { models: [], clients: [], projects: [] };
const settings = (over: Partial<SettingsDocument>): AnyDocument => ({
  kind: 'settings',
  body: { name: 'global', slug: 'global', ...over },
});
const found = (before: Snapshot, after: Snapshot, removed = nobody): readonly string[] =>
  loosenings(before, after, removed, nowMs).map(({ kind, slug, field }) => `${kind} ${slug} ${field}`);
const ofClients = (before: Partial<ClientDocument>, after: Partial<ClientDocument>): readonly string[] =>
  found(snapshotOf(client('c', before)), snapshotOf(client('c', after)));
const ofModels = (before: Partial<ModelDocument>, after: Partial<ModelDocument>): readonly string[] =>
  found(snapshotOf(model('m', before)), snapshotOf(model('m', after)));
const ofProjects = (before: Partial<ProjectDocument>, after: Partial<ProjectDocument>): readonly string[] => {
  const owners = [client('free', { data_class: 'open' }), client('bound', { data_rules: { avoid_cloud: true } })];
  return found(snapshotOf(...owners, project('p', before)), snapshotOf(...owners, project('p', after)));
};

const gdpr = { use_compliant_only: true } as const;
test.each<[string, Partial<ClientDocument>, Partial<ClientDocument>, string[]]>([
  ['the same', { data_class: 'customer' }, { data_class: 'customer' }, []],
  ['a lower class', { data_class: 'customer-sensitive' }, { data_class: 'sensitive' }, ['data_class']],
  ['another class', { data_class: 'customer' }, { data_class: 'sensitive' }, ['data_class']],
  ['a class below the default', {}, { data_class: 'open' }, ['data_class']],
  ['a class no longer stated, default stricter', { data_class: 'open' }, {}, []],
  ['a higher class', { data_class: 'open' }, { data_class: 'customer' }, []],
  ['avoid_cloud dropped', { data_rules: { avoid_cloud: true } }, {}, ['avoid_cloud']],
  ['avoid_cloud added', {}, { data_rules: { avoid_cloud: true } }, []],
  ['compliance dropped', { data_rules: gdpr }, {}, ['use_compliant_only']],
  ['a standard dropped', { data_rules: gdpr, compliance: ['GDPR'] }, { data_rules: gdpr }, ['compliance']],
  ['a standard added', { data_rules: gdpr }, { data_rules: gdpr, compliance: ['GDPR'] }, []],
  ['standards without a demand', { compliance: ['GDPR'] }, {}, []],
  ['residency stated', {}, { data_rules: { data_residency: 'EU' } }, []],
  ['residency dropped', { data_rules: { data_residency: 'EU' } }, {}, ['data_residency']],
  [
    'residency widened',
    { data_rules: { data_residency: 'EU' } },
    { data_rules: { data_residency: 'Global' } },
    ['data_residency'],
  ],
  ['residency narrowed', { data_rules: { data_residency: 'Global' } }, { data_rules: { data_residency: 'EU' } }, []],
  [
    'residency moved',
    { data_rules: { data_residency: 'EU' } },
    { data_rules: { data_residency: 'US' } },
    ['data_residency'],
  ],
  ['what is no rule', { force_tone: 'formal' }, { time_zone: 'UTC' }, []],
])('of a client: %s', (_, before, after, fields) => {
  expect(ofClients(before, after)).toEqual(fields.map((field) => `client c ${field}`));
});

const eu = { data_residency: 'EU' } as const;
const expiring = (expires_at: string) => ({ compliance: [{ standard: 'HIPAA' as const, expires_at }] });
test.each<[string, Partial<ModelDocument>, Partial<ModelDocument>, string[]]>([
  ['the same', eu, eu, []],
  ['safe for sensitive', {}, { security_level: 'safe_for_sensitive' }, ['security_level']],
  ['may see customer data', {}, { allowed_tasks: { can_this_model_see_customer_data: true } }, ['allowed_tasks']],
  ['a compliance tag', { compliance: [] }, { compliance: [{ standard: 'GDPR' }] }, ['compliance']],
  ['a renewed tag', expiring('2026-01-01T00:00:00Z'), expiring('2027-01-01T00:00:00Z'), ['compliance']],
  ['a tag that holds longer', expiring('2026-12-01T00:00:00Z'), expiring('2027-01-01T00:00:00Z'), ['compliance']],
  ['a tag that held longer', expiring('2026-01-01T00:00:00Z'), expiring('2026-06-01T00:00:00Z'), []],
  ['a tag that holds for less long', expiring('2027-01-01T00:00:00Z'), expiring('2026-12-01T00:00:00Z'), []],
  ['another place', eu, { data_residency: 'US' }, ['data_residency']],
  ['a vaguer place', eu, { data_residency: 'Global' }, []],
  ['no place', eu, {}, []],
  ['its own machine', { endpoint: 'https://api.example.com' }, onDevice, ['endpoint']],
  ['what is no tag', {}, { tier: 'premium', context_tokens: 9 }, []],
])('of a model: %s', (_, before, after, fields) => {
  expect(ofModels(before, after)).toEqual(fields.map((field) => `model m ${field}`));
});

test('a project is compared with the rules of its client, and for clients of open data where any may name it', () => {
  expect(ofProjects({ client: 'bound' }, { client: 'bound' })).toEqual([]);
  expect(ofProjects({ client: 'bound' }, { client: 'free' })).toEqual([
    'project p data_class',
    'project p avoid_cloud',
  ]);
  expect(ofProjects({ client: 'free' }, { client: 'bound' })).toEqual([]);
  // By the default it becomes stricter, for the client of open data looser.
  expect(ofProjects({ data_class: 'sensitive' }, {})).toEqual(['project p data_class']);
});

test('of a project and its client one alone may ask for each rule', () => {
  const both = (rules: Partial<ClientDocument>): Snapshot =>
    snapshotOf(client('c', { data_class: 'open', ...rules }), project('p', { client: 'c' }));
  for (const [field, rules] of [
    ['use_compliant_only', { data_rules: gdpr }],
    ['avoid_cloud', { data_rules: { avoid_cloud: true } }],
    ['data_residency', { data_rules: eu }],
  ] as const)
    expect(found(both(rules), both({}))).toEqual([`client c ${field}`, `project p ${field}`]);
  const standards = { data_rules: gdpr, compliance: ['GDPR'] } as const;
  expect(found(both(standards), both({ data_rules: gdpr }))).toEqual(['client c compliance', 'project p compliance']);
});

test('of the settings: a lower default, and strict_changes itself', () => {
  const strict = snapshotOf(settings({ strict_changes: true }), client('c'));
  const loose = snapshotOf(settings({ default_data_class: 'open' }), client('c'));
  expect(found(strict, loose)).toEqual([
    'settings global default_data_class',
    'settings global strict_changes',
    'client c data_class',
    'client default data_class',
  ]);
  expect(found(loose, strict)).toEqual([]);
  expect(found(strict, snapshotOf(client('c')))).toEqual(['settings global strict_changes']);
});

test('of the settings: a domain that becomes private frees the models below it', () => {
  const vllm: AnyDocument = model('v', {
    call_method: 'Local',
    endpoint: 'http://vllm.models.svc:8000/v1',
  });
  const before = snapshotOf(settings({}), vllm);
  const after = snapshotOf(settings({ private_domains: ['svc'] }), vllm);
  expect(found(before, after)).toEqual(['model v endpoint']);
  expect(found(after, before)).toEqual([]);
});

test('of the settings: that requests which name no client are served again', () => {
  const rejecting = snapshotOf(settings({ unnamed: 'reject' }), client('c'));
  expect(found(rejecting, snapshotOf(settings({}), client('c')))).toEqual(['settings global unnamed']);
  expect(found(rejecting, snapshotOf(client('c')))).toEqual(['settings global unnamed']);
  expect(found(snapshotOf(client('c')), rejecting)).toEqual([]);
  expect(found(rejecting, snapshotOf(settings({ unnamed: 'reject' }), client('c')))).toEqual([]);
});

const bound = { data_rules: { avoid_cloud: true } } as const;
test('a new slug, a rename and a removal in between hide no change', () => {
  const acme = snapshotOf(client('Acme', bound));
  const twice = ['client acme-legal avoid_cloud'];
  expect(found(acme, snapshotOf(client('Acme', { slug: 'acme-legal' })))).toEqual(twice);
  expect(found(acme, snapshotOf(client('Renamed', { slug: 'acme' })))).toEqual(['client acme avoid_cloud']);
  const removed = { ...nobody, clients: [...acme.clients.values()] };
  expect(found(snapshotOf(), snapshotOf(client('Acme')), removed)).toEqual(['client acme avoid_cloud']);
  expect(found(snapshotOf(), snapshotOf(client('Acme', bound)), removed)).toEqual([]);
  expect(found(snapshotOf(), snapshotOf(client('Other')), removed)).toEqual([]);
});

test('what is in force counts before what an earlier change removed', () => {
  const removed = { ...nobody, clients: [...snapshotOf(client('c', bound)).clients.values()] };
  expect(found(snapshotOf(client('c')), snapshotOf(client('c')), removed)).toEqual([]);
});

const place = fc.constantFrom('US', 'EU', 'Global');
const standards = fc.uniqueArray(fc.constantFrom('HIPAA', 'GDPR'));
const ruled = fc.record(
  {
    data_class: fc.constantFrom(...dataClasses),
    compliance: standards,
    data_rules: fc.record(
      { avoid_cloud: fc.boolean(), use_compliant_only: fc.boolean(), data_residency: place },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const tagged = fc
  .record(
    {
      data_residency: place,
      compliance: standards.map((all) => all.map((standard) => ({ standard }))),
      security_level: fc.constantFrom('safe_for_sensitive', 'non_sensitive_only'),
      allowed_tasks: fc.boolean().map((may) => ({ can_this_model_see_customer_data: may })),
      place: fc.constantFrom(onDevice, { endpoint: 'https://api.example.com' }),
    },
    { requiredKeys: [] },
  )
  .map(({ place: where, ...tags }) => ({ ...tags, ...where }));
const world = fc
  .record({ c: ruled, d: ruled, p: ruled, q: ruled, m: tagged, n: tagged, lowest: fc.constantFrom(...dataClasses) })
  .map(({ c, d, p, q, m, n, lowest }) =>
    snapshotOf(
      settings({ default_data_class: lowest }),
      client('c', c),
      client('d', d),
      project('p', { ...p, client: 'c' }),
      project('q', q),
      model('m', m),
      model('n', n),
    ),
  );
const asked = fc
  .record({ client: fc.constantFrom('c', 'd'), project: fc.constantFrom(undefined, 'p', 'q') })
  .map((who) => facts(who));

test('no facts are freed by a change in which no document became looser', () => {
  let freed = 0;
  fc.assert(
    fc.property(world, world, fc.array(asked, { minLength: 4, maxLength: 4 }), (before, after, asks) => {
      const admitted = asks.flatMap(admissionsBetween(before, after, nowMs));
      freed += admitted.length;
      if (admitted.length > 0) expect(found(before, after)).not.toEqual([]);
      expect(asks.flatMap(admissionsBetween(before, before, nowMs))).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
  expect(freed).toBeGreaterThan(20);
});

test('facts are told with the model that they admit now and the rules that left it out', () => {
  const before = snapshotOf(client('c', { data_class: 'customer', ...bound }), model('m'));
  const after = snapshotOf(client('c', { data_class: 'open' }), model('m'), model('new'));
  const admitted = admissionsBetween(before, after, nowMs);
  expect(admitted(facts({ client: 'c' }))).toEqual([{ model: 'm', rules: ['customer_data', 'avoid_cloud'] }]);
  const floor = { dataClass: 'open', avoidCloud: true, compliantOnly: false, standards: [], residencies: [] } as const;
  expect(admitted(facts({ client: 'c', floor }))).toEqual([]);
  expect(admitted(facts({ client: 'unknown' }))).toEqual([]);
});

test('of many models the first twenty are told, and only those whose tags changed where the rules did not', () => {
  const many = (more: Partial<ModelDocument>) => Array.from({ length: 30 }, (_, n) => model(`m${n}`, more));
  const open = client('c', { data_class: 'open' });
  const customers = client('c', { data_class: 'customer' });
  const sees = { allowed_tasks: { can_this_model_see_customer_data: true } };
  const freed = admissionsBetween(snapshotOf(customers, ...many({})), snapshotOf(open, ...many({})), nowMs);
  expect(freed(facts({ client: 'c' }))).toHaveLength(20);
  const retagged = snapshotOf(customers, ...many({}).slice(1), model('m0', sees));
  expect(admissionsBetween(snapshotOf(customers, ...many({})), retagged, nowMs)(facts({ client: 'c' }))).toEqual([
    { model: 'm0', rules: ['customer_data'] },
  ]);
});

const wordsOf = (before: Snapshot, after: Snapshot): readonly string[] =>
  loosenings(before, after, nobody, nowMs).map(({ words }) => words);
const ruled2 = (over: Partial<ClientDocument>): Snapshot => snapshotOf(client('default'), client('c', over));
const sees = 'it may see';

test.each<[string, Snapshot, Snapshot, readonly string[]]>([
  ['class', ruled2({ data_class: 'customer' }), ruled2({ data_class: 'open' }), ['data_class customer becomes open']],
  ['cloud', ruled2(bound), ruled2({}), ['avoid_cloud is no longer asked for']],
  ['compliance', ruled2({ data_rules: gdpr }), ruled2({}), ['use_compliant_only is no longer asked for']],
  [
    'standard',
    ruled2({ data_rules: gdpr, compliance: ['GDPR', 'HIPAA'] }),
    ruled2({ data_rules: gdpr, compliance: ['HIPAA'] }),
    ['compliance GDPR is no longer asked for'],
  ],
  [
    'place',
    ruled2({ data_rules: eu }),
    ruled2({ data_rules: { data_residency: 'US' } }),
    ['data_residency EU becomes US'],
  ],
  [
    'no place',
    ruled2({ data_rules: { data_residency: 'Global' } }),
    ruled2({}),
    ['data_residency Global becomes none'],
  ],
  [
    'model',
    snapshotOf(model('m')),
    snapshotOf(model('m', { ...eu, compliance: [{ standard: 'HIPAA' }] })),
    [
      `compliance: ${sees} data that needs HIPAA, which it might not before`,
      `data_residency: ${sees} data that must stay in EU, which it might not before`,
      `data_residency: ${sees} data that must stay in Global, which it might not before`,
    ],
  ],
  [
    'model of everything',
    snapshotOf(model('m', { call_method: 'Local', endpoint: 'https://example.com' })),
    snapshotOf(
      model('m', {
        call_method: 'Local',
        endpoint: 'http://10.0.0.1',
        data_residency: 'US',
        compliance: [{ standard: 'GDPR' }],
        security_level: 'safe_for_sensitive',
        allowed_tasks: { can_this_model_see_customer_data: true },
      }),
    ),
    [
      `allowed_tasks: ${sees} customer data, which it might not before`,
      `security_level: ${sees} sensitive data, which it might not before`,
      `endpoint: ${sees} data that must avoid the cloud, which it might not before`,
      `compliance: ${sees} data that needs GDPR, which it might not before`,
      `data_residency: ${sees} data that must stay in US, which it might not before`,
      `data_residency: ${sees} data that must stay in Global, which it might not before`,
    ],
  ],
])('a looser %s is told in words', (_what, before, after, words) => {
  expect(wordsOf(before, after)).toEqual(words);
});

test('of the settings each loosening is told in words', () => {
  const of = (over: Partial<SettingsDocument>): Snapshot => snapshotOf(settings(over));
  const strict = of({ strict_changes: true, unnamed: 'reject', default_data_class: 'customer' });
  expect(wordsOf(strict, of({ default_data_class: 'open' })).slice(0, 3)).toEqual([
    'default_data_class customer becomes open',
    'strict_changes is no longer asked for',
    'requests that name no client are no longer rejected',
  ]);
  expect(found(of({ strict_changes: false }), of({}))).toEqual([]);
  expect(found(of({ default_data_class: 'customer' }), of({}))).toEqual([]);
  expect(settingsOf(of({ strict_changes: true }))?.strict_changes).toBe(true);
  expect(settingsOf(snapshotOf(client('c')))).toBeUndefined();
});

test('a document has its slug, its name and its aliases as names, each once', () => {
  expect(namesOf({ slug: 'gpt-4', name: 'GPT-4', aliases: ['Big  One', 'gpt-4'] })).toEqual(['gpt-4', 'big one']);
  expect(namesOf({ slug: 'a', name: 'B' })).toEqual(['a', 'b']);
});

test('a model is found again by any of its names, and one that was removed too', () => {
  const before = snapshotOf(model('Old', { aliases: ['shared'] }));
  const after = snapshotOf(model('New', { aliases: ['SHARED'], security_level: 'safe_for_sensitive' }));
  expect(found(before, after)).toEqual(['model new security_level']);
  const removed = { ...nobody, models: [...before.models.values()] };
  expect(found(snapshotOf(), after, removed)).toEqual(['model new security_level']);
  const projects = { ...nobody, projects: [...snapshotOf(project('p', { data_class: 'customer' })).projects.values()] };
  expect(found(snapshotOf(), snapshotOf(project('p', { data_class: 'open' })), projects)).toEqual([
    'project p data_class',
  ]);
});

test('two documents that became one are both compared with it', () => {
  const before = snapshotOf(client('a', { data_class: 'customer' }), client('b', { data_class: 'open', ...bound }));
  const after = snapshotOf(client('a', { data_class: 'open', aliases: ['b'] }));
  expect(found(before, after)).toEqual(['client a data_class', 'client a avoid_cloud']);
});

test('tags of models are equal where rules on data read the same, also where a tag never expires', () => {
  const tagsOf = (over: Partial<ModelDocument>): string =>
    dataTagsOf(snapshotOf(model('m', over)).models.get('m') as Parameters<typeof dataTagsOf>[0]);
  const plain = tagsOf({});
  expect(tagsOf({ tier: 'premium', context_tokens: 1, version: '9' })).toBe(plain);
  const all = [
    { allowed_tasks: { can_this_model_see_customer_data: true } },
    { security_level: 'safe_for_sensitive' },
    { call_method: 'Local' },
    { endpoint: 'http://10.0.0.1' },
    eu,
    { compliance: [] },
    { compliance: [{ standard: 'GDPR' }] },
    { compliance: [{ standard: 'HIPAA' }] },
    expiring('2027-01-01T00:00:00Z'),
  ] as const;
  expect(new Set([plain, ...all.map(tagsOf)]).size).toBe(all.length + 1);
  expect(tagsOf({ compliance: [{ standard: 'GDPR' }] })).toContain('["GDPR","never"]');
});

test('neither an unknown project nor a new model is freed, and a project of both snapshots is', () => {
  const before = snapshotOf(client('c', { data_class: 'open' }), project('p', { data_class: 'customer' }), model('m'));
  const after = snapshotOf(client('c', { data_class: 'open' }), project('p'), project('q'), model('m'), model('new'));
  const admitted = admissionsBetween(before, after, nowMs);
  expect(admitted(facts({ client: 'c', project: 'p' }))).toEqual([{ model: 'm', rules: ['customer_data'] }]);
  expect(admitted(facts({ client: 'c', project: 'q' }))).toEqual([]);
  expect(admitted(facts({ client: 'c', project: 'gone' }))).toEqual([]);
  // Its rules are looser, and this model kept them before.
  const bind = (rules: Partial<ProjectDocument>) =>
    snapshotOf(client('c', { data_class: 'open' }), project('p', rules), model('m', onDevice));
  expect(admissionsBetween(bind(bound), bind({}), nowMs)(facts({ client: 'c', project: 'p' }))).toEqual([]);
  // It may not do the task for another reason.
  expect(admitted(facts({ client: 'c', project: 'p', needs: ['tools'] }))).toEqual([]);
});
