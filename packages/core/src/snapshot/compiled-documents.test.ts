import { expect, test } from 'vitest';
import type { AnyDocument, ModelDocument } from '../domain/documents.ts';
import { model, route, snapshotOf } from '../testing/documents.ts';
import { compileSnapshot, type CompileProblem } from './compile-snapshot.ts';

/** A route with its steps in order. */
const declared = (slug: string, ...models: readonly string[]): AnyDocument => route(slug, models);
function problemsOf(...documents: readonly AnyDocument[]): readonly CompileProblem[] {
  const result = compileSnapshot(1, documents);
  return 'problems' in result ? result.problems : [];
}

test('all that a model states is compiled, and what it does not state is unknown', () => {
  const full = model('Full', {
    version: '2',
    deprecated: '2026-01-01T00:00:00Z',
    retired: '2027-01-01T00:00:00Z',
    replaced_by: 'Bare',
    tags: ['code', 'vision'],
    call_method: 'container',
    provider: 'vllm',
    tier: 'premium',
    data_residency: 'EU',
    compliance: [{ standard: 'GDPR' }],
    security_level: 'safe_for_sensitive',
    allowed_tasks: { can_this_model_see_customer_data: false },
    modalities: { input: ['audio'], output: ['score'] },
    capabilities: ['tools'],
    context_tokens: 9,
    max_output_tokens: 8,
    limits: { max_tokens_per_call: 7, concurrency: 6 },
  });
  const snapshot = snapshotOf(full, model('Bare'));
  expect(snapshot.revision).toBe(1);
  expect(snapshot.documents).toEqual([full, model('Bare')]);
  expect(snapshot.models.get('full')).toEqual({
    slug: 'full',
    name: 'Full',
    version: '2',
    deprecatedAtMs: Date.UTC(2026, 0, 1),
    retiredAtMs: Date.UTC(2027, 0, 1),
    replacedBy: 'bare',
    taskTypes: new Set(['code', 'vision']),
    callMethod: 'container',
    isPrivate: false,
    provider: 'vllm',
    tier: 'premium',
    dataResidency: 'EU',
    compliance: [{ standard: 'GDPR', expiresAtMs: Number.POSITIVE_INFINITY }],
    securityLevel: 'safe_for_sensitive',
    maySeeCustomerData: false,
    input: new Set(['audio']),
    output: new Set(['score']),
    capabilities: new Set(['tools']),
    contextTokens: 9,
    maxOutputTokens: 8,
    maxTokensPerCall: 7,
    concurrency: 6,
    price: undefined,
    priceHours: [],
    document: full.body,
  });
  const never = Number.POSITIVE_INFINITY;
  expect(snapshot.models.get('bare')).toMatchObject({
    deprecatedAtMs: never,
    retiredAtMs: never,
    replacedBy: undefined,
  });
});

test('documents of one kind with one slug are a problem that names both, and the first one stays', () => {
  const [first, second] = [model('GPT-3.5'), model('GPT 3 5')];
  expect(problemsOf(first, second, declared('gpt-3-5', 'GPT-3.5'))).toEqual([
    {
      kind: 'model',
      slug: 'gpt-3-5',
      field: 'name',
      message: 'model "GPT 3 5" has the slug gpt-3-5, which model "GPT-3.5" has already',
    },
  ]);
});

test('a client document for callers that name nobody is a problem where the settings reject them', () => {
  const settings = (over: object): AnyDocument => ({
    kind: 'settings',
    body: { name: 'global', slug: 'global', ...over },
  });
  const own: AnyDocument = { kind: 'client', body: { name: 'default', slug: 'default' } };
  expect(problemsOf(settings({ unnamed: 'reject' }), own)).toMatchObject([
    { kind: 'client', slug: 'default', field: 'name' },
  ]);
  expect([...snapshotOf(settings({ unnamed: 'reject' })).clients.keys()]).toEqual([]);
  expect(snapshotOf(settings({})).clients.get('default')).toEqual({ name: 'default', slug: 'default' });
  const stated: AnyDocument = { kind: 'client', body: { name: 'default', slug: 'default', data_class: 'sensitive' } };
  expect(snapshotOf(stated, settings({ default_data_class: 'customer' })).clients.get('default')?.data_class).toBe(
    'customer-sensitive',
  );
});

test('every name that stands in a document is resolved, or a problem of its field', () => {
  const world = [
    model('A', { aliases: ['First'] }),
    { kind: 'client', body: { name: 'C', slug: 'c', default_model: 'first' } },
    { kind: 'project', body: { name: 'P', slug: 'p', client: 'C', default_model: 'FIRST' } },
    { kind: 'reflex', body: { name: 'R', slug: 'r', preferred_model: 'a', fallback: ['A', 'First'] } },
    { kind: 'reflex', body: { name: 'S', slug: 's' } },
  ] as const satisfies readonly AnyDocument[];
  const snapshot = snapshotOf(...world);
  expect(snapshot.clients.get('c')?.default_model).toBe('a');
  expect(snapshot.projects.get('p')).toMatchObject({ client: 'c', default_model: 'a' });
  expect(snapshot.reflexes.get('r')).toEqual({ name: 'R', slug: 'r', preferred_model: 'a', fallback: ['a', 'a'] });
  expect(snapshot.reflexes.get('s')).toEqual({ name: 'S', slug: 's' });
  const [, ...others] = world;
  expect(problemsOf(...others).map(({ kind, slug, field, message }) => `${kind} ${slug} ${field}: ${message}`)).toEqual(
    [
      'client c default_model: "first" is no model; there are no models',
      'project p default_model: "FIRST" is no model; there are no models',
      'reflex r preferred_model: "a" is no model; there are no models',
      'reflex r fallback[0]: "A" is no model; there are no models',
      'reflex r fallback[1]: "First" is no model; there are no models',
    ],
  );
});

test('the first fifty problems are told with names like it, or that there is none', () => {
  const routes = (name: string) => Array.from({ length: 52 }, (_, n) => declared(`r${n}`, name));
  const told = problemsOf(model('GPT-4'), ...routes('GPT-5')).map(({ message }) => message);
  expect(told.filter((message) => message === '"GPT-5" is no model; nearest: "GPT-4"')).toHaveLength(50);
  expect(told.slice(50)).toEqual(['"GPT-5" is no model', '"GPT-5" is no model']);
  expect(problemsOf(model('GPT-4'), declared('code', 'mistral'))[0]?.message).toBe(
    '"mistral" is no model; no model has a name like it',
  );
});

test('a chain of stand-ins follows its model once, and a model that stands alone has none', () => {
  const snapshot = snapshotOf(
    model('A', { stand_in: 'B' }),
    model('B', { stand_in: 'C' }),
    model('C', { stand_in: 'B' }),
    model('D'),
    declared('code', 'A', 'D', 'C'),
  );
  expect(snapshot.routes.get('code')?.steps).toEqual([
    { step: 'primary', model: 'a' },
    { step: 'primary_stand_in', model: 'b' },
    { step: 'primary_stand_in', model: 'c' },
    { step: 'fallback_1', model: 'd' },
  ]);
});

test('models of one tag stand by accuracy, then by cost, then by slug, in the index of their tag alone', () => {
  const rated = (accuracy: number, ...usd: readonly number[]): Partial<ModelDocument> => ({
    tags: ['code', 'ocr'],
    benchmark: {
      accuracy,
      ...(usd.length > 0 && { cost_per_1k_tokens_usd: { input: usd[0] ?? 0, output: usd[1] ?? 0 } }),
    },
  });
  const { modelsByTaskType } = snapshotOf(
    model('unrated', { tags: ['code'] }),
    model('unpriced', rated(8)),
    model('even', rated(8, 1, 3)),
    model('cheaper', rated(8, 2, 1)),
    model('also-even', rated(8, 3, 1)),
    model('best', rated(9, 90, 90)),
  );
  const rest = ['best', 'cheaper', 'also-even', 'even', 'unpriced'];
  expect(Object.fromEntries(modelsByTaskType)).toEqual({ code: [...rest, 'unrated'], ocr: rest });
});

test('edges of token counts ascend to two million, each once', () => {
  const { tokenEdges } = snapshotOf(
    model('A', { context_tokens: 512, limits: { max_tokens_per_call: 300 } }),
    model('B', { context_tokens: 300 }),
    model('C', { limits: { daily: { requests: 1 } } }),
  );
  expect(tokenEdges).toEqual([
    256, 300, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144, 524_288, 1_048_576, 2_097_152,
  ]);
});

test('every address of a model must be private, its provider’s own where it states none', () => {
  const isPrivate = (rest: Partial<ModelDocument>) => snapshotOf(model('A', rest)).models.get('a')?.isPrivate;
  const [inside, outside] = ['http://10.0.0.1', 'https://example.com'];
  expect(isPrivate({ call_method: 'Local', endpoint: inside, local: { endpoint: inside } })).toBe(true);
  expect(isPrivate({ call_method: 'Local', local: { endpoint: inside } })).toBe(true);
  expect(isPrivate({ call_method: 'Local', endpoint: outside, local: { endpoint: inside } })).toBe(false);
  expect(isPrivate({ call_method: 'Local', provider: 'openai', endpoint: inside })).toBe(true);
  expect(isPrivate({ call_method: 'Local' })).toBe(false);
  expect(isPrivate({ call_method: 'on-device' })).toBe(true);
  expect(isPrivate({ call_method: 'container', local: { path: 'x' } })).toBe(false);
});
