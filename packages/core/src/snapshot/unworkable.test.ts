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
