import { expect, test } from 'vitest';
import { compileSnapshot } from './compile-snapshot.ts';
import type { AnyDocument, ModelDocument, RouteDocument, ScheduleDocument } from '../domain/documents.ts';
import { gapsOf, newProblems, unworkableIn } from './unworkable.ts';

const model = (slug: string, body: Partial<ModelDocument> = {}): AnyDocument => ({
  kind: 'model',
  body: {
    name: slug,
    slug,
    aliases: [`local:${slug}`],
    tags: ['code'],
    call_method: 'API',
    provider: 'openai-compatible',
    endpoint: 'https://example.com/v1',
    capabilities: [],
    tier: 'standard',
    ...body,
  },
});
const route = (slug: string, ...steps: readonly [step: string, model: string][]): AnyDocument => ({
  kind: 'route',
  body: { name: slug, slug, steps: steps.map(([step, name]) => ({ step, model: name })) } satisfies RouteDocument,
});
const schedule = (body: Partial<ScheduleDocument>): AnyDocument => ({
  kind: 'schedule',
  body: { name: 'night', slug: 'night', time_zone: 'UTC', from: '21:00', to: '06:00', ...body },
});

function problemsOf(documents: readonly AnyDocument[], providers?: ReadonlySet<string>): readonly string[] {
  const compiled = compileSnapshot(1, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return unworkableIn(compiled.snapshot, providers).map(({ kind, slug, field }) => `${kind} ${slug} ${field}`);
}

test('each step of a route names a model with the tag of the route, by any of its names', () => {
  const steps = [
    ['primary', 'a'],
    ['fallback_1', 'LOCAL:B'],
  ] as const;
  expect(
    problemsOf([model('a'), model('b'), route('code', ...steps.map(([s, m]) => [s, m] as [string, string]))]),
  ).toEqual([]);
  expect(
    problemsOf([
      model('a'),
      model('b', { tags: ['vision'] }),
      route('code', ['primary', 'a'], ['fallback_1', 'LOCAL:B']),
    ]),
  ).toEqual(['route code fallback_1']);
});

test('a step that repeats a stand-in is checked as well', () => {
  const documents = [
    model('a', { stand_in: 'b' }),
    model('b', { tags: ['vision'] }),
    route('code', ['primary', 'a'], ['fallback_1', 'b']),
  ];
  expect(problemsOf(documents)).toEqual(['route code fallback_1']);
});

test('fallbacks are numbered without a gap', () => {
  expect(gapsOf([{ step: 'primary' }, { step: 'fallback_1' }, { step: 'fallback_2' }])).toEqual([]);
  expect(gapsOf([{ step: 'primary' }, { step: 'fallback_2' }, { step: 'fallback_5' }])).toEqual([
    { field: 'fallback_2', message: 'fallback_1 is missing before it; number the fallbacks without a gap' },
    { field: 'fallback_5', message: 'fallback_4 is missing before it; number the fallbacks without a gap' },
  ]);
});

test('a model that no provider can serve is told', () => {
  const keyless = { provider: 'anthropic', endpoint: 'https://api.anthropic.com/v1' };
  expect(problemsOf([model('a', keyless)])).toEqual(['model a api_key']);
  expect(problemsOf([model('a', { ...keyless, api_key: 'env://KEY' })])).toEqual([]);
  expect(problemsOf([model('a', { provider: 'whisper' })])).toEqual(['model a local.path']);
  expect(problemsOf([model('a')], new Set(['gguf']))).toEqual(['model a provider']);
  expect(problemsOf([model('a')], new Set(['openai-compatible']))).toEqual([]);
  expect(problemsOf([model('a', { provider: 'from-an-extension' })])).toEqual([]);
});

test('a schedule names task types and tags that something has', () => {
  const rest = [model('a'), model('b', { tags: ['contract_review'] })];
  expect(problemsOf([...rest, schedule({ task_types: ['code', 'contract_review', 'ocr'] })])).toEqual([]);
  expect(problemsOf([...rest, schedule({ task_types: ['code', 'cod'] })])).toEqual(['schedule night task_types[1]']);
  expect(problemsOf([...rest, schedule({ prefer: { tags: ['vision', 'code'] } })])).toEqual([]);
  expect(problemsOf([...rest, schedule({ prefer: { tags: ['cheap'] } })])).toEqual(['schedule night prefer.tags']);
});

test('only what was not there before is new', () => {
  const old = { kind: 'route', slug: 'code', field: 'primary', message: 'x' } as const;
  expect(newProblems([old, { ...old, field: 'fallback_1' }], [old])).toEqual([{ ...old, field: 'fallback_1' }]);
});

const toldOf = (documents: readonly AnyDocument[], providers?: ReadonlySet<string>) => {
  const compiled = compileSnapshot(1, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return unworkableIn(compiled.snapshot, providers);
};

test('a step whose model lacks the tag is told as a fault of the route, and of the model', () => {
  expect(toldOf([model('a', { tags: ['vision', 'ocr'] }), route('code', ['primary', 'LOCAL:A'])])).toEqual([
    {
      kind: 'route',
      slug: 'code',
      field: 'primary',
      message:
        '"LOCAL:A" cannot do code: its tags are vision, ocr; add code to the tags of model a, or name another model',
      ofModel: {
        kind: 'model',
        slug: 'a',
        field: 'tags',
        message:
          'route code names it as primary, and its tags vision, ocr do not hold code; add code, or change that route',
      },
    },
  ]);
});

test('a gap in a route is told with the route, after nothing else is wrong with its steps', () => {
  expect(
    toldOf([model('a'), model('b', { tags: ['x'] }), route('code', ['primary', 'a'], ['fallback_2', 'b'])]),
  ).toMatchObject([
    {
      kind: 'route',
      slug: 'code',
      field: 'fallback_2',
      message: 'fallback_1 is missing before it; number the fallbacks without a gap',
    },
    { kind: 'route', field: 'fallback_2', ofModel: { slug: 'b' } },
  ]);
  for (const step of ['fallback_0', 'fallback_02', 'fallback_2x', 'xfallback_2', 'fallback_1'])
    expect([step, gapsOf([{ step }])]).toEqual([step, []]);
  expect(gapsOf([{ step: 'fallback_10' }])).toHaveLength(1);
});

const missing = (field: string, provider: string) => ({
  kind: 'model',
  slug: 'a',
  field,
  message: `is missing; provider ${provider} needs it, so no worker can serve this model`,
});
const noWorker = (hint: string) => ({
  kind: 'model',
  slug: 'a',
  field: 'provider',
  message: `no live worker has provider "anthropic"; ${hint}`,
});

test('what a provider needs of a model, and that no worker has the provider, are told together', () => {
  const keyless = [model('a', { provider: 'anthropic' })];
  expect(toldOf(keyless)).toEqual([missing('api_key', 'anthropic')]);
  expect(toldOf(keyless, new Set(['anthropic']))).toEqual([missing('api_key', 'anthropic')]);
  expect(toldOf(keyless, new Set(['zzz', 'gguf']))).toEqual([
    missing('api_key', 'anthropic'),
    noWorker('there are gguf, zzz'),
  ]);
  expect(toldOf(keyless, new Set(['zzz', 'antropic']))).toEqual([
    missing('api_key', 'anthropic'),
    noWorker('nearest: antropic'),
  ]);
  expect(toldOf([model('a', { provider: 'google' })])).toEqual([missing('api_key', 'google')]);
  expect(toldOf([model('a', { provider: 'google', api_key: 'env://K' })])).toEqual([]);
  expect(toldOf([model('a', { provider: 'whisper', local: { container: 'x' } })])).toEqual([
    missing('local.path', 'whisper'),
  ]);
  expect(toldOf([model('a', { provider: 'whisper', local: { path: 'x' } })])).toEqual([]);
});

test('a schedule that names what nothing has is told with what is near', () => {
  const about = (body: Partial<ScheduleDocument>) => toldOf([model('a'), schedule(body)]).map(({ message }) => message);
  expect(about({ task_types: ['cod'] })).toEqual(['"cod" is no task type; nearest: "code"']);
  expect(about({ task_types: ['zzzzzzzzzzzz'] })).toEqual(['"zzzzzzzzzzzz" is no task type']);
  expect(about({ prefer: { tags: ['cheap', 'fast'] } })).toEqual(['no model has one of the tags "cheap", "fast"']);
  expect(about({ prefer: 'cheapest' })).toEqual([]);
  expect(about({ prefer: { tags: [] } })).toEqual([]);
  expect(about({ task_types: ['cod'], prefer: { tags: ['cheap'] } })).toHaveLength(2);
});

test('a task type is known where a route or a document of its own has it, and nowhere else', () => {
  const known = toldOf([
    model('a'),
    route('legal', ['primary', 'a']),
    { kind: 'task_type', body: { name: 'receipt', slug: 'receipt' } },
    { kind: 'client', body: { name: 'acme', slug: 'acme' } },
    schedule({ task_types: ['legal', 'receipt', 'acme'] }),
  ]);
  expect(known.map(({ kind, field }) => `${kind} ${field}`)).toEqual(['route primary', 'schedule task_types[2]']);
});

test('a problem is new where kind, slug, field or message differ', () => {
  const old = { kind: 'route', slug: 'code', field: 'primary', message: 'x' } as const;
  const others = [{ kind: 'model' }, { slug: 'y' }, { field: 'y' }, { message: 'y' }] as const;
  for (const other of others) expect(newProblems([{ ...old, ...other }], [old])).toHaveLength(1);
  expect(newProblems([old], [old])).toEqual([]);
});
