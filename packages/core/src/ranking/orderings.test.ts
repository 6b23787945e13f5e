import { expect, test } from 'vitest';
import type { ModelDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import { decide } from '../routing/decide.ts';
import type { RankedSet, RankingRecord } from '../routing/decision.ts';
import type { Model } from '../snapshot/snapshot.ts';
import { client, facts, model, openByDefault, project, route, snapshotOf } from '../testing/documents.ts';
import { slowFirstContentMs } from './first-content.ts';
import {
  byBenchmark,
  measuredBy,
  measuresOf,
  medianCost,
  orderByGoal,
  orderingOf,
  priorOf,
  rankingInWords,
} from './goal-order.ts';
import { inOrderOf, orderedAsRecorded, orderedNote, unorderedNote } from './ordered-by.ts';
import { statsFromPrior } from './stats.ts';
import { withFirstContentTimeouts } from './with-first-content-timeouts.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const of = (over: Partial<ModelDocument>): Model => snapshotOf(model('m', over)).models.get('m') as Model;

const world = snapshotOf(
  openByDefault,
  model('a'),
  route('text_gen', ['a'], { mode: 'auto', goal: 'cost' }),
  route('code', ['a'], { mode: 'shadow' }),
  client('fast', { mode: 'shadow', goal: 'speed' }),
  client('plain'),
  project('good', { mode: 'auto', goal: 'quality' }),
  project('bare'),
);

test.each<[Partial<Facts>, ReturnType<typeof orderingOf>]>([
  [{}, { mode: 'auto', goal: 'cost' }],
  [{ priority: 'high' }, { mode: 'auto', goal: 'quality' }],
  [{ taskType: 'code' }, { mode: 'shadow', goal: 'balanced' }],
  [{ taskType: 'ocr' }, { mode: 'cascade', goal: 'balanced' }],
  [{ client: 'plain' }, { mode: 'auto', goal: 'cost' }],
  [{ client: 'fast' }, { mode: 'shadow', goal: 'speed' }],
  [
    { client: 'fast', priority: 'high' },
    { mode: 'shadow', goal: 'speed' },
  ],
  [
    { client: 'fast', project: 'good' },
    { mode: 'auto', goal: 'quality' },
  ],
  [
    { client: 'fast', project: 'bare' },
    { mode: 'shadow', goal: 'speed' },
  ],
  [{ client: 'gone' }, { mode: 'auto', goal: 'cost' }],
])('a task of %j is ordered by %j: project before client before route', (asked, ordering) => {
  expect(orderingOf(world, facts(asked))).toEqual(ordering);
});

const usual = { version: '', isStated: false, firstContentMs: 600, msPerToken: 1_400 / 256, quality: 0.5 };
test.each<[Partial<ModelDocument>, object]>([
  [{}, usual],
  [{ version: '3' }, { ...usual, version: '3' }],
  [{ benchmark: { accuracy: 9 } }, { ...usual, quality: 0.9 }],
  [{ benchmark: { avg_latency_ms: 1_000 } }, { ...usual, isStated: true, firstContentMs: 300, msPerToken: 700 / 256 }],
  [{ local: { profile: { tokens_per_second: 50, accuracy: 7 } } }, { ...usual, msPerToken: 20, quality: 0.7 }],
  [{ local: { path: 'x' } }, usual],
  [
    { benchmark: { accuracy: 8 }, local: { profile: { accuracy: 7 } } },
    { ...usual, quality: 0.8 },
  ],
])('a model of %j is expected to be like %j', (over, prior) => {
  const { firstContentMs, msPerToken, quality, ...rest } = priorOf(of(over));
  const wanted = prior as typeof usual;
  expect(rest).toEqual({ version: wanted.version, isStated: wanted.isStated });
  expect(firstContentMs).toBeCloseTo(wanted.firstContentMs, 9);
  expect(msPerToken).toBeCloseTo(wanted.msPerToken, 9);
  expect(quality).toBeCloseTo(wanted.quality, 9);
});

test('the cost of a task is that of its input and of the output that is expected', () => {
  const priced = of({ prices: { input: 1, output: 10 } });
  const stats = { ...statsFromPrior(priorOf(priced), nowMs), outputTokens: { text_gen: 9 } };
  const asked = facts({ inputTokens: 1_000 });
  expect(measuredBy(stats, priced, asked, nowMs)).toMatchObject({ model: 'm', costNanoUsd: 1_000_000 + 2_560_000 });
  expect(measuredBy(stats, priced, asked, nowMs, 99.6).costNanoUsd).toBe(1_000_000 + 1_000_000);
  // How long its own outputs were says nothing.
  expect(measuredBy(stats, priced, asked, nowMs, 100).expectedMs).toBeCloseTo(600 + (100 * 1_400) / 256, 6);
  expect(measuredBy(stats, of({}), asked, nowMs).costNanoUsd).toBeUndefined();
});

test('dear is the middle one of the costs that are known and not zero', () => {
  const costs = (...known: readonly (number | undefined)[]): number =>
    medianCost(known.map((costNanoUsd) => ({ model: 'm', success: 1, expectedMs: 1, quality: 1, costNanoUsd })));
  expect([
    costs(),
    costs(undefined, 0),
    costs(7),
    costs(9, 100, 3),
    costs(9, 100),
    costs(0, undefined, 10, 9),
    costs(0, 0, 0, 9),
  ]).toEqual([1, 1, 7, 9, 100, 10, 9]);
});

test('by benchmarks alone nobody did the last tasks, and slow is what they say', () => {
  const stated = of({ benchmark: { avg_latency_ms: 1_000 } });
  expect(byBenchmark.incumbent('text_gen')).toBeUndefined();
  const stats = statsFromPrior(priorOf(stated), nowMs);
  expect(byBenchmark.slowFirstContentMs(stated, nowMs)).toBe(slowFirstContentMs(stats, nowMs));
  expect(byBenchmark.of(stated, facts(), nowMs)).toEqual(measuredBy(stats, stated, facts(), nowMs));
});

test('a declared order has no ranking, and pins stand before what a goal orders', () => {
  const models = [
    model('slow', { benchmark: { avg_latency_ms: 9_000 } }),
    model('quick', { benchmark: { avg_latency_ms: 90 } }),
  ];
  const candidates = [
    { model: 'gone', why: 'route:x' },
    { model: 'slow', why: 'route:primary' },
    { model: 'quick', why: 'route:fallback_1' },
    { model: 'named', why: 'explicit' },
  ] as const;
  const by = (mode: 'auto' | 'cascade' | 'shadow', some: readonly (typeof candidates)[number][]) =>
    orderByGoal(
      snapshotOf(...models, model('named'), route('text_gen', ['slow'], { mode, goal: 'speed' })),
      facts(),
      some,
      nowMs,
    );
  expect(by('cascade', candidates)).toEqual({ candidates, ranking: undefined });
  const auto = by('auto', candidates);
  expect(auto.candidates).toEqual([candidates[3], candidates[2], candidates[1]]);
  expect(auto.ranking).toMatchObject({ mode: 'auto', goal: 'speed', autoChoice: 'quick' });
  expect(auto.ranking?.models.map(({ model: slug }) => slug)).toEqual(['slow', 'quick']);
  expect(by('shadow', candidates.slice(1)).candidates).toEqual([candidates[3], candidates[1], candidates[2]]);
});

const ranked = (slug: string, utility: number, costNanoUsd?: number) => ({
  model: slug,
  success: 0.95,
  expectedMs: 1_234.5,
  costNanoUsd,
  quality: 0.75,
  utility,
});
const record = (over: Partial<RankingRecord> = {}): RankingRecord => ({
  mode: 'auto',
  goal: 'balanced',
  incumbent: undefined,
  autoChoice: 'b',
  models: [ranked('a', 0.1), ranked('b', 0.3, 2_500)],
  ...over,
});
const lineOfA = '  a: worth 0.100 (success 95.0 %, 1235 ms, unknown cost, quality 7.5 of 10)';
const lineOfB = '  b: worth 0.300 (success 95.0 %, 1235 ms, $0.000003, quality 7.5 of 10)';
const stays = ', which did most of the last tasks and stays until another is better by 0.004';

test.each<[string, Partial<RankingRecord>, readonly string[]]>([
  [
    'best first',
    {},
    ['ordered by balanced: b first', lineOfB, lineOfA, '  a would be first if it were worth 0.200 more'],
  ],
  [
    'in shadow, what would be first',
    { mode: 'shadow' },
    [
      'in declared order; by balanced b would be first',
      lineOfB,
      lineOfA,
      '  a would be first if it were worth 0.200 more',
    ],
  ],
  [
    'an incumbent that stays',
    { incumbent: 'b' },
    [`ordered by balanced: b first${stays}`, lineOfB, lineOfA, '  a would be first if it were worth 0.204 more'],
  ],
  [
    'an incumbent that is not the best',
    { incumbent: 'a', autoChoice: 'a' },
    [`ordered by balanced: a first${stays}`, lineOfB, lineOfA, '  b would be first if it were worth 0.004 more'],
  ],
  ['a single model', { models: [ranked('b', 0.3, 2_500)] }, ['ordered by balanced: b first', lineOfB]],
  ['no model', { models: [], autoChoice: undefined }, ['ordered by balanced: nothing first']],
  ['no model, in shadow', { mode: 'shadow', models: [] }, ['in declared order; by balanced nothing would be first']],
])('a ranking is told in words: %s', (_what, over, lines) => {
  expect(rankingInWords(record(over))).toEqual(lines);
});

test('figures of a record are those that it was made of; of other models their benchmarks count', () => {
  const stated = of({ benchmark: { avg_latency_ms: 1_000 } });
  const candidates = [
    { model: 'm', why: 'route:primary', firstContent: { slowMs: 77, timeoutMs: 1_200 } },
    { model: 'unknown', why: 'route:x' },
  ] as const;
  const { utility: _worth, ...figures } = ranked('m', 0.5);
  const known = measuresOf(record({ models: [ranked('m', 0.5)], incumbent: 'm' }), candidates);
  expect(known.of(stated, facts(), nowMs)).toEqual(figures);
  expect([known.slowFirstContentMs(stated, nowMs), known.incumbent('text_gen')]).toEqual([77, 'm']);
  const unknown = snapshotOf(model('unknown', { benchmark: { avg_latency_ms: 1_000 } })).models.get('unknown') as Model;
  expect(known.slowFirstContentMs(unknown, nowMs)).toBeUndefined();
  expect(known.of(unknown, facts(), nowMs)).toEqual(byBenchmark.of(unknown, facts(), nowMs));
  const none = measuresOf(undefined, []);
  expect(none.slowFirstContentMs(stated, nowMs)).toBe(byBenchmark.slowFirstContentMs(stated, nowMs));
  expect([none.of(stated, facts(), nowMs), none.incumbent('x')]).toEqual([
    byBenchmark.of(stated, facts(), nowMs),
    undefined,
  ]);
});

test('a first content has a time where its model states that it may be left, and a model that loads has its whole timeout', () => {
  const benchmark = { avg_latency_ms: 1_000 };
  const models = [
    model('api', { benchmark }),
    model('local', { benchmark, call_method: 'Local' }),
    model('stays', { benchmark, adaptive_timeout: false }),
    model('unknown'),
  ];
  const candidates = ['api', 'local', 'stays', 'unknown', 'gone'].map((slug) => ({
    model: slug,
    why: 'explicit' as const,
  }));
  const timesIn = (adaptive?: boolean) =>
    withFirstContentTimeouts(
      snapshotOf(...models, route('text_gen', ['api'], adaptive === undefined ? {} : { adaptive_timeout: adaptive })),
      facts({ inputTokens: 0 }),
      candidates,
      byBenchmark,
      nowMs,
    );
  const [api, local, ...others] = timesIn();
  // 300 × e^0.65 = 575, up to 596; four times as much.
  expect(api).toEqual({ model: 'api', why: 'explicit', firstContent: { slowMs: 596, timeoutMs: 2_384 } });
  expect(local?.firstContent).toEqual({ slowMs: 596, timeoutMs: 180_000 });
  expect(others).toEqual(candidates.slice(2));
  expect(timesIn(true)).toEqual(timesIn());
  expect(timesIn(false)).toEqual(candidates);
});

test('an extension’s order puts what it names first and leaves the rest as it was; its record makes it again', () => {
  const set: RankedSet = decide(
    snapshotOf(
      openByDefault,
      ...['a', 'b', 'c', 'd'].map((name) => model(name)),
      route('text_gen', ['a', 'b', 'c', 'd']),
    ),
    facts(),
    nowMs,
  );
  const slugsOf = ({ candidates }: RankedSet): readonly string[] => candidates.map(({ model: slug }) => slug);
  const ordered = inOrderOf(set, ['d', 'b', 'd', 'gone'], 'near');
  expect([slugsOf(ordered), ordered.notes]).toEqual([['d', 'b', 'a', 'c'], ['in the order of ranking near']]);
  expect(slugsOf(inOrderOf(set, [], 'near'))).toEqual(['a', 'b', 'c', 'd']);
  expect(orderedAsRecorded(set, ordered)).toEqual(ordered);
  expect(orderedAsRecorded(set, { candidates: ordered.candidates, notes: ['another note'] })).toBe(set);
  const failed = [unorderedNote('near'), `not ${unorderedNote('far')}`, `${unorderedNote('far')} here`];
  expect(orderedAsRecorded(set, { candidates: [], notes: failed }).notes).toEqual([unorderedNote('near')]);
  for (const note of [`not ${orderedNote('near')}`, 'in the order of ranking '])
    expect(orderedAsRecorded(set, { candidates: ordered.candidates, notes: [note] })).toBe(set);
});
