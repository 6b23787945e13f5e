import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { RankedByGoal } from '../domain/goal.ts';
import type { RankedSet } from './decision.ts';
import { select, wholeMs } from './selection.ts';
import { facts, model, openByDefault, route, snapshotOf } from '../testing/documents.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const names = ['a', 'b', 'c', 'd'];
const set = decide(
  snapshotOf(openByDefault, ...names.map((name) => model(name)), route('text_gen', names)),
  facts(),
  nowMs,
);
const nobodySaysAnything = { unserved: new Map<string, string>(), coolingUntilMs: new Map<string, number>() };

test('the declared order stays, whatever the seed', () => {
  for (const seed of [0, 1, 2 ** 31])
    expect(select(set, nobodySaysAnything, { seed, nowMs })).toEqual({ order: names, skipped: [] });
});

test('what nobody serves and what cools down is left out with the reason; a cooldown that is over counts no more', () => {
  const live = {
    unserved: new Map([['a', 'env://OPENAI_API_KEY is not set']]),
    coolingUntilMs: new Map([
      ['b', nowMs + 1],
      ['c', nowMs],
    ]),
  };
  expect(select(set, live, { seed: 1, nowMs })).toEqual({
    order: ['c', 'd'],
    skipped: [
      { model: 'a', reason: 'env://OPENAI_API_KEY is not set' },
      { model: 'b', reason: 'cooling down until 2026-11-23T12:00:00.001Z' },
    ],
  });
});

test('a cooldown without end is a cooldown too', () => {
  const live = {
    ...nobodySaysAnything,
    coolingUntilMs: new Map(names.map((name) => [name, Number.POSITIVE_INFINITY])),
  };
  expect(select(set, live, { seed: 1, nowMs }).skipped).toEqual(
    names.map((name) => ({ model: name, reason: 'cooling down' })),
  );
});

test('the end of a cooldown is kept in whole milliseconds, and never beyond what is exact', () => {
  expect([1.2, 2, Number.POSITIVE_INFINITY].map(wholeMs)).toEqual([2, 2, Number.MAX_SAFE_INTEGER]);
  const untilMs = (ms: number) =>
    select(set, { ...nobodySaysAnything, coolingUntilMs: new Map([['a', ms]]) }, { seed: 1, nowMs }).skipped[0]?.reason;
  expect([untilMs(8.64e15), untilMs(8.64e15 + 2)]).toEqual([
    'cooling down until +275760-09-13T00:00:00.000Z',
    'cooling down',
  ]);
});

// --- which models are tried for what they may teach -----------------------------------------------------------------

const one = (slug: string, over: Partial<RankedByGoal> = {}): RankedByGoal => ({
  model: slug,
  success: 1,
  expectedMs: 1_000,
  costNanoUsd: 1_000,
  quality: 0.5,
  utility: 0.5,
  ...over,
});
const byGoal = (models: readonly RankedByGoal[], mode: 'auto' | 'shadow' = 'auto'): RankedSet => ({
  ...set,
  ranking: { mode, goal: 'balanced', incumbent: undefined, autoChoice: 'a', models },
});
const all = byGoal(names.map((slug) => one(slug)));
const seeds = Array.from({ length: 40_000 }, (_, n) => n);
/** Of the seeds those that try another model. */
const trying = seeds.filter((seed) => select(all, nobodySaysAnything, { seed, nowMs }).order[0] !== 'a');
/** How often each model came first. */
function firstsOf(ranked: RankedSet, live = nobodySaysAnything): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const seed of trying) {
    const [first = 'none'] = select(ranked, live, { seed, nowMs }).order;
    counts[first] = (counts[first] ?? 0) + 1;
  }
  return counts;
}

test('one task in a hundred tries another model, which then stands before the order as it was', () => {
  expect(trying.length / seeds.length).toBeGreaterThan(0.0085);
  expect(trying.length / seeds.length).toBeLessThan(0.0115);
  const counts = firstsOf(all);
  expect(Object.keys(counts).sort()).toEqual(['b', 'c', 'd']);
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(80);
  const orders = new Set(trying.map((seed) => select(all, nobodySaysAnything, { seed, nowMs }).order.join('')));
  expect([...orders].sort()).toEqual(['bacd', 'cabd', 'dabc']);
  const others = seeds.filter((seed) => seed < 2_000 && !trying.includes(seed));
  for (const seed of others) expect(select(all, nobodySaysAnything, { seed, nowMs }).order).toEqual(names);
});

test('near rivals are tried most, by the square of how near they are', () => {
  // 0.004 and 0.012 with what counts as equal: nine to one.
  const { b = 0, c = 0 } = firstsOf(byGoal([one('a'), one('b'), one('c', { utility: 0.492 })]));
  expect(b / c).toBeGreaterThan(6);
  expect(b / c).toBeLessThan(14);
});

test.each<[string, Partial<RankedByGoal>, Partial<RankedByGoal>, boolean]>([
  ['is worth as much', {}, {}, true],
  ['is worth more', {}, { utility: 0.9 }, true],
  ['is worth hardly too little', {}, { utility: 0.451 }, true],
  ['is worth just enough', { utility: 0.05 }, { utility: 0 }, true],
  ['is worth too little', {}, { utility: 0.449 }, false],
  ['costs twice as much', {}, { costNanoUsd: 2_000 }, true],
  ['costs more than twice as much', {}, { costNanoUsd: 2_001 }, false],
  ['costs nobody knows what', {}, { costNanoUsd: undefined }, false],
  ['costs nobody knows what, as the first does', { costNanoUsd: undefined }, { costNanoUsd: undefined }, true],
])('a model that %s is tried: %#', (_what, first, other, isTried) => {
  expect(firstsOf(byGoal([one('a', first), one('b', other)]))).toEqual({ [isTried ? 'b' : 'a']: trying.length });
});

test('none is tried in place of a model without figures, in a declared order, or where it cannot be had', () => {
  const first = { a: trying.length };
  expect(firstsOf(byGoal([one('b'), one('c')]))).toEqual(first);
  expect(firstsOf(byGoal([one('a'), one('b')], 'shadow'))).toEqual(first);
  expect(firstsOf({ ...byGoal([one('a'), one('b')]), facts: facts({ priority: 'high' }) })).toEqual(first);
  expect(
    firstsOf(byGoal([one('a'), one('b')]), { ...nobodySaysAnything, unserved: new Map([['b', 'no key']]) }),
  ).toEqual(first);
});
