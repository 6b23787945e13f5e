import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatProblem, parseDocuments } from './index.ts';

const problemsOf = (text: string): string[] => parseDocuments('f.yaml', text).problems.map(formatProblem);
const documentsOf = (text: string) => {
  const file = parseDocuments('f.yaml', text);
  expect(file.problems).toEqual([]);
  return file.documents.map(({ document }) => document);
};

test('a file holds one document per --- or lists, in YAML or JSON', () => {
  const yaml =
    'kind: settings\ndefault_data_class: OPEN\n---\nclients:\n  - name: AcmeLegal\n    compliance: hipaa, GDPR\n';
  const expected = [
    {
      kind: 'settings',
      body: { name: 'global', slug: 'global', default_data_class: 'open' },
    },
    {
      kind: 'client',
      body: {
        name: 'AcmeLegal',
        slug: 'acmelegal',
        compliance: ['HIPAA', 'GDPR'],
      },
    },
  ];
  expect(documentsOf(yaml)).toEqual(expected);
  const json =
    '{\n\t"settings": {"default_data_class": "open"},\n\t"clients": [{"name": "AcmeLegal", "compliance": ["HIPAA", "GDPR"]}]\n}';
  expect(documentsOf(json)).toEqual(expected);
});

test('a model record reads every field of the specification, in any case', () => {
  const [document] = documentsOf(`
kind: model
name: Claude 3
tags: text_gen, code
call_method: api
version: 1.10
endpoint: https://example.com/v1/
api_key: env://SOME_KEY
benchmark: {avg_latency_ms: 900, accuracy: 9, cost_per_1k_tokens_usd: {input: 0.003, output: 0.015}}
limits: {max_tokens_per_call: 200000, daily: {requests: 10}, monthly: {usd: 50}, rpm: 60, tpm: 1000, concurrency: 4, cooldown_seconds: 30}
style: {prompt_format: XML tags, tone: warm, strengths: [Claude handles long context well], quirks: [verbose]}
data_residency: global
compliance: None
security_level: Safe_For_Sensitive
allowed_tasks: {can_this_model_see_customer_data: YES}
local: {device: CPU, memory_mb: 4000, profile: {tokens_per_second: 20, accuracy: 7}, auto_healthcheck: TRUE}
`);
  expect(document).toMatchObject({
    kind: 'model',
    body: {
      slug: 'claude-3',
      tags: ['text_gen', 'code'],
      call_method: 'API',
      version: '1.10',
      provider: 'openai-compatible',
      endpoint: 'https://example.com/v1',
      tier: 'standard',
      data_residency: 'Global',
      compliance: [],
      security_level: 'safe_for_sensitive',
      allowed_tasks: { can_this_model_see_customer_data: true },
      limits: { daily: { requests: 10 }, monthly: { usd: 50 } },
      local: { device: 'cpu', auto_healthcheck: true },
    },
  });
});

test('a compliance tag can carry evidence and an expiry', () => {
  const [model] = documentsOf(
    'kind: model\nname: A\ntags: [code]\ncall_method: on-device\nlocal: {path: a.gguf}\ncompliance: [GDPR, {standard: hipaa, evidence: file 7, expires_at: 2027-01-31}]',
  );
  expect(model?.body).toMatchObject({
    provider: 'gguf',
    compliance: [
      { standard: 'GDPR' },
      {
        standard: 'HIPAA',
        evidence: 'file 7',
        expires_at: '2027-01-31T00:00:00Z',
      },
    ],
  });
});

const specificationBlocks = `[text_gen]
  primary: GPT-4
  fallback_1: Claude 3
  fallback_2: GPT-3.5
  fallback_3: local:LLaMA

[code]
  primary: Claude 3
  fallback_1: GPT-4
  fallback_2: local:CodeLLaMA

[client:AcmeLegal]
  default_model: Claude 3
  force_tone: formal
  data_rules:
    use_compliant_only: true
    avoid_cloud: true

[reflex:auto_debug_logs]
  preferred_model: GPT-4
  fallback: GPT-3.5
`;

test("the specification's own blocks read as they stand, with and without their fences", () => {
  const documents = documentsOf(specificationBlocks);
  expect(documents.map(({ kind, body }) => `${kind}:${body.slug}`)).toEqual([
    'route:text_gen',
    'route:code',
    'client:acmelegal',
    'reflex:auto_debug_logs',
  ]);
  expect(documents[0]?.body).toMatchObject({
    steps: [
      { step: 'primary', model: 'GPT-4' },
      { step: 'fallback_1', model: 'Claude 3' },
      { step: 'fallback_2', model: 'GPT-3.5' },
      { step: 'fallback_3', model: 'local:LLaMA' },
    ],
  });
  expect(documents[2]?.body).toMatchObject({
    default_model: 'Claude 3',
    force_tone: 'formal',
    data_rules: { use_compliant_only: true, avoid_cloud: true },
  });
  expect(documents[3]?.body).toMatchObject({
    preferred_model: 'GPT-4',
    fallback: ['GPT-3.5'],
  });
  expect(documentsOf(`# from the specification\n\`\`\`yaml\n${specificationBlocks}\`\`\`\n`)).toEqual(documents);
});

test('fallbacks are tried by their number, in whatever order they are written', () => {
  const [route] = documentsOf('[x]\nfallback_10: J\nfallback_2: B\nprimary: A\n');
  expect(route?.body).toMatchObject({
    steps: [{ model: 'A' }, { model: 'B' }, { model: 'J' }],
  });
});

test('what was read can be written out and read again', () => {
  const documents = documentsOf(specificationBlocks);
  const again = documentsOf(JSON.stringify(documents.map(({ kind, body }) => ({ kind, ...body }))));
  expect(again).toEqual(documents);
});

test('every problem of a file is told, with line, field, value and what was allowed', () => {
  expect(
    problemsOf(`models:
  - name: GPT-3.5
    tags: text_gen
    call_method: cloud
    api_keey: x
    api_key: sk-a-real-key
    endpoint: https://user:pass@example.com/
    limits: {rpm: fast}
    benchmark:
      accuracy: 11
rotes: []
---
kind: modl
---
kind: route
name: x
`),
  ).toEqual([
    'f.yaml:4: call_method: "cloud" must be one of API, Local, on-device, container',
    'f.yaml:5: api_keey: unknown field "api_keey"; nearest: api_key',
    'f.yaml:6: api_key: the value (not shown) must be env://NAME or file:///path, a reference and never the key itself',
    'f.yaml:7: endpoint: an address with "@" must be an http:// or https:// address without user and password, or unix:///path',
    'f.yaml:8: limits.rpm: "fast" must be a whole number from 1 to 1000000000',
    'f.yaml:10: benchmark.accuracy: 11 must be a number from 1 to 10',
    'f.yaml:11: rotes: unknown field "rotes"; nearest: routes',
    'f.yaml:13: kind: "modl" must be one of model, route, task_type, client, project, reflex, schedule, settings',
    'f.yaml:15: primary: is missing; a route must name at least its primary model',
  ]);
});

test('a problem in the notation names its own line', () => {
  expect(problemsOf('# mine\n[client:Acme]\n  data_rules:\n    avoid_clud: true\n[model:x]\n')).toEqual([
    'f.yaml:4: data_rules.avoid_clud: unknown field "avoid_clud"; nearest: avoid_cloud',
    'f.yaml:5: [model:x] must be [task type], [client:name], [project:name] or [reflex:name]',
  ]);
});

test('a rule without a value is a problem and never a rule that is off', () => {
  expect(problemsOf('[client:Acme]\n  data_rules:\n    avoid_cloud:\n')).toEqual([
    'f.yaml:3: data_rules.avoid_cloud: null must be yes or no',
  ]);
  expect(problemsOf('[client:Acme]\n  data_rules:\n')).toHaveLength(1);
  expect(problemsOf('[client:Acme]\n  compliance: none\n')).toHaveLength(1);
});

const poisoned: readonly string[] = [
  'a: &x 1\nb: *x',
  'a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]',
  '__proto__: {polluted: 1}',
  '{"__proto__": {"polluted": 1}}',
  'kind: client\nname: a\nconstructor: {prototype: {polluted: 1}}',
  '<<: {polluted: 1}',
  '%YAML 1.1\n---\na: 1',
  'a: !!binary x',
  '['.repeat(200_000),
  '{"a":'.repeat(50_000),
  '- '.repeat(100_000),
  '? '.repeat(100_000),
  ': '.repeat(100_000),
  'a: '.repeat(80_000),
  '---\n'.repeat(100_001),
  '[a]\n'.repeat(6_000),
  'a:\n'.repeat(60_000),
  '"'.repeat(200_000),
  `[a${' '.repeat(250_000)}`,
  `\`\`\`${' '.repeat(250_000)}x y`,
  Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
  'x'.repeat(300_000),
];

test.each(poisoned.map((text) => [text.slice(0, 24), text]))(
  'a text made to break the reader is one more problem: %j',
  (_, text) => {
    expect(problemsOf(text).length).toBeGreaterThan(0);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  },
);

/** Random documents near the real ones: known kinds and fields, with wrong values, shapes and texts. */
const fieldNames = [
  'name',
  'kind',
  'tags',
  'call_method',
  'limits',
  'primary',
  'fallback_1',
  'data_rules',
  'compliance',
  'endpoint',
  'local',
  'from',
  'time_zone',
  'steps',
  'x',
];
const badValue = fc.oneof(
  fc.constantFrom(
    null,
    -1,
    1e308,
    '',
    '  ',
    'no such thing',
    'HIPAA',
    'API',
    '\u0000',
    '[',
    '{}',
    'http://',
    '*x',
    [],
    [[]],
    [null],
    {},
  ),
  fc.string({ maxLength: 30 }),
  fc.double(),
  fc.boolean(),
  fc.array(fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.constant(null)), { maxLength: 4 }),
  fc.dictionary(
    fc.constantFrom('standard', 'rpm', 'avoid_cloud', 'path', 'x', '__proto__', 'toString'),
    fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.constant(null)),
    { maxKeys: 3 },
  ),
);
const badDocument = fc
  .tuple(
    fc.constantFrom('model', 'route', 'client', 'project', 'reflex', 'schedule', 'settings', 'modl'),
    fc.dictionary(fc.oneof(fc.constantFrom(...fieldNames), fc.string({ maxLength: 6 })), badValue, { maxKeys: 6 }),
  )
  .map(([kind, fields]) => JSON.stringify({ ...fields, kind, no_such_field: true }));
const badSection = fc
  .tuple(fc.constantFrom('text_gen', 'client:A', 'reflex:r', 'model:x', 'x:'), fc.string({ maxLength: 60 }))
  .map(([head, rest]) => `[${head}]\n no_such_field: 1\n${rest}`);
const badText = fc.oneof(
  { weight: 6, arbitrary: badDocument },
  { weight: 2, arbitrary: badSection },
  {
    weight: 2,
    arbitrary: fc.string({ maxLength: 80 }).map((text) => `no_such_field: ${text}`),
  },
);

test('random bad documents: each a clear problem, none a throw', () => {
  fc.assert(
    fc.property(badText, (text) => {
      const { problems } = parseDocuments('bad', text);
      expect(problems.length).toBeGreaterThan(0);
      for (const { line, message, path } of problems) {
        expect(path).toBe('bad');
        expect(line).toBeGreaterThanOrEqual(1);
        expect(message.length).toBeGreaterThan(10);
        expect(message).not.toMatch(/undefined|\[object|Invalid input/);
      }
    }),
    { numRuns: Number(process.env['WILL_BAD_DOCUMENTS'] ?? 2_000) },
  );
});

test('a version has its dates: released, deprecated, retired at a date or at once, and what replaces it', () => {
  const model = (fields: string): string =>
    `kind: model\nname: M\ntags: [code]\ncall_method: API\nendpoint: https://example.com\n${fields}`;
  const life =
    'version: "2"\nreleased: 2026-01-01\ndeprecated: 2026-06-01T12:00:00Z\nretired: 2027-01-01\nreplaced_by: N\n';
  expect(parseDocuments('m.yaml', model(life)).documents[0]?.document.body).toMatchObject({
    version: '2',
    released: '2026-01-01T00:00:00Z',
    deprecated: '2026-06-01T12:00:00Z',
    retired: '2027-01-01T00:00:00Z',
    replaced_by: 'N',
  });
  expect(parseDocuments('m.yaml', model('retires_at: 2027-01-01\nsuccessor: N\n')).documents[0]?.document.body).toEqual(
    parseDocuments('m.yaml', model('retired: 2027-01-01\nreplaced_by: N\n')).documents[0]?.document.body,
  );
  for (const yes of ['yes', 'true', 'True'])
    expect(parseDocuments('m.yaml', model(`retired: ${yes}\n`)).documents[0]?.document.body).toMatchObject({
      retired: true,
    });
  const said = (fields: string) =>
    parseDocuments('m.yaml', model(fields)).problems.map(({ line, message }) => [line, message]);
  expect(said('retired: no\n')).toEqual([
    [6, '"no" must be yes, a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z'],
  ]);
  expect(said('deprecated: soon\n')[0]?.[0]).toBe(6);
  expect(said('released: 2026-02-01\nretired: 2026-01-01\n')).toEqual([
    [7, '"2026-01-01T00:00:00Z" is before released'],
  ]);
  expect(said('replaced_by: N\nsuccessor: O\n')).toEqual([
    [7, 'is another name of replaced_by, which is there; say one'],
  ]);
});
