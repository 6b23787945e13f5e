import { expect, test } from 'vitest';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { costNanoUsd, type Price } from '../usage/cost.ts';
import { facts, model, openByDefault, route, snapshotOf } from '../testing/documents.ts';
import { decide } from './decide.ts';
import type { LiveState, RankedSet } from './decision.ts';
import { replay } from './replay.ts';
import { select } from './selection.ts';
import {
  holdsPrefix,
  orderedBySession,
  sessionAfterCall,
  sessionBasis,
  sessionInWords,
  type SessionState,
} from './session.ts';

/** Of the models here. */
const prefixLifetimeMs = 300_000;
const beginMs = Date.parse('2026-11-01T12:00:00Z');

interface Vendor {
  readonly slug: string;
  readonly price: { input: number; output: number; cached_input: number; cache_write?: number };
  /** Its cache keeps only what is marked. */
  readonly isExplicit: boolean;
  readonly minTokens: number;
}

/** Three vendors with rules of their own, priced alike. */
const vendors: readonly Vendor[] = [
  {
    slug: 'marked',
    price: { input: 3, output: 15, cached_input: 0.3, cache_write: 3.75 },
    isExplicit: true,
    minTokens: 1_024,
  },
  {
    slug: 'marked-eu',
    price: { input: 3.1, output: 15, cached_input: 0.31, cache_write: 3.8 },
    isExplicit: true,
    minTokens: 4_096,
  },
  { slug: 'implicit', price: { input: 3, output: 15, cached_input: 0.3 }, isExplicit: false, minTokens: 1_024 },
];

const snapshotWith = (mode: 'auto' | 'cascade'): Snapshot =>
  snapshotOf(
    openByDefault,
    ...vendors.map(({ slug, price }) => model(slug, { prices: price })),
    route(
      'text_gen',
      vendors.map(({ slug }) => slug),
      { mode, goal: 'cost' },
    ),
  );

const nobodyDown: LiveState = { unserved: new Map(), coolingUntilMs: new Map() };

/** Numbers from 0 to 1, the same for the same seed. */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Call {
  readonly atMs: number;
  readonly tokens: number;
  readonly outputTokens: number;
}

/**
 * An agent's session: a prefix that grows with each call; turns of some ten calls, seconds apart; pauses between turns of
 * which four in ten outlive the caches, as was seen of real ones.
 */
function sessionTrace(seed: number): readonly Call[] {
  const draw = draws(seed);
  const count = 50 + Math.floor(draw() * 100);
  let [atMs, tokens] = [beginMs, 20_000 + Math.floor(draw() * 20_000)];
  return Array.from({ length: count }, () => {
    const call = { atMs, tokens, outputTokens: 50 + Math.floor(draw() * 600) };
    tokens = Math.min(120_000, tokens + 200 + Math.floor(draw() ** 3 * 4_000));
    atMs += draw() < 0.1 ? pauseMs(draw) : Math.floor(2_000 + draw() ** 3 * 58_000);
    return call;
  });
}

/** Log-normal about four minutes. */
const pauseMs = (draw: () => number): number =>
  Math.floor(240_000 * Math.exp(Math.sqrt(-2 * Math.log(draw() || 1e-9)) * Math.cos(2 * Math.PI * draw())));

/** Vendors' caches by their rules: what was sent lately, from a minimum on, and only what is marked where they want marks. */
class Caches {
  readonly #kept = new Map<string, { tokens: number; usedAtMs: number }>();
  readonly #marks: boolean;
  coldCalls = 0;
  spent = 0n;
  constructor(marks: boolean) {
    this.#marks = marks;
  }
  call(slug: string, { atMs, tokens, outputTokens }: Call, snapshot: Snapshot): void {
    const vendor = vendors.find((one) => one.slug === slug) as Vendor;
    const keeps = tokens >= vendor.minTokens && (!vendor.isExplicit || this.#marks);
    const kept = this.#kept.get(slug);
    const cachedInputTokens =
      keeps && kept && atMs - kept.usedAtMs < prefixLifetimeMs ? Math.min(kept.tokens, tokens) : 0;
    if (cachedInputTokens === 0) this.coldCalls += 1;
    if (keeps) this.#kept.set(slug, { tokens, usedAtMs: atMs });
    const cacheWriteTokens = keeps && vendor.price.cache_write !== undefined ? tokens - cachedInputTokens : 0;
    const usage = {
      inputTokens: tokens,
      outputTokens,
      cachedInputTokens,
      cacheWriteTokens,
      reasoningTokens: 0,
      estimated: false,
    };
    this.spent += costNanoUsd(usage, snapshot.models.get(slug)?.price as Price) ?? 0n;
  }
}

/** The set as policy ranks it now: speed differs from call to call, as it does. */
function rankedNow(snapshot: Snapshot, call: Call, draw: () => number): RankedSet {
  const set = decide(snapshot, facts({ inputTokens: call.tokens }), call.atMs);
  if (!set.ranking) return set;
  const models = set.ranking.models.map((one) => ({ ...one, expectedMs: Math.round(600 + draw() * 3_000) }));
  return { ...set, ranking: { ...set.ranking, models } };
}

interface Run {
  readonly caches: Caches;
  readonly asked: readonly string[];
}

/** One session, each call by another of two routers that tell each other what they saw. */
function runSession(trace: readonly Call[], snapshot: Snapshot, isAware: boolean, downAt?: number): Run {
  const caches = new Caches(isAware);
  const draw = draws(7);
  const asked: string[] = [];
  let state: SessionState | undefined;
  for (const [index, call] of trace.entries()) {
    const set = rankedNow(snapshot, call, draw);
    const dead = downAt !== undefined && index >= downAt ? asked[downAt - 1] : undefined;
    const live = { ...nobodyDown, unserved: new Map(dead === undefined ? [] : [[dead, 'killed']]) };
    const session = isAware ? sessionBasis(snapshot, set.candidates, state, call.tokens, call.atMs) : undefined;
    const basis = { seed: index, nowMs: call.atMs, session };
    // Without a say of the session the fastest of those that cost alike is first.
    const order = isAware ? select(set, live, basis).order : fastestFirst(set, live);
    const first = order[0] as string;
    if (isAware) expect(select(set, live, structuredClone(basis)).order).toEqual(order);
    expect(live.unserved.has(first)).toBe(false);
    caches.call(first, call, snapshot);
    asked.push(first);
    state = sessionAfterCall(state, first, call.tokens, call.atMs);
  }
  return { caches, asked };
}

const fastestFirst = ({ candidates, ranking }: RankedSet, { unserved }: LiveState): readonly string[] =>
  candidates
    .map(({ model }) => model)
    .filter((model) => !unserved.has(model))
    .toSorted((a, b) => msOf(ranking, a) - msOf(ranking, b));
const msOf = (ranking: RankedSet['ranking'], slug: string): number =>
  ranking?.models.find(({ model }) => model === slug)?.expectedMs ?? 0;

const seeds = Array.from({ length: 20 }, (_, n) => 1 + n * 977);
const snapshot = snapshotWith('auto');

test('sessions cost at most 1.05 times the best single model with a warm cache, and 0.6 times routing that knows of no caches', () => {
  let [aware, unaware, fixed] = [0, 0, 0];
  for (const seed of seeds) {
    const trace = sessionTrace(seed);
    const singles = vendors.map(({ slug }) => {
      const caches = new Caches(true);
      for (const call of trace) caches.call(slug, call, snapshot);
      return Number(caches.spent);
    });
    fixed += Math.min(...singles);
    aware += Number(runSession(trace, snapshot, true).caches.spent);
    unaware += Number(runSession(trace, snapshot, false).caches.spent);
  }
  if (process.env['WILL_FIGURES'])
    process.stderr.write(`aware/fixed ${aware / fixed}, aware/unaware ${aware / unaware}\n`);
  expect(aware / fixed).toBeLessThanOrEqual(1.05);
  expect(aware / unaware).toBeLessThanOrEqual(0.6);
});

test('a model that is killed in the middle costs one cold call, and the session stays with the next one', () => {
  for (const seed of seeds) {
    const trace = sessionTrace(seed);
    const downAt = Math.floor(trace.length / 2);
    const [whole, killed] = [runSession(trace, snapshot, true), runSession(trace, snapshot, true, downAt)];
    for (let at = downAt + 1; at < trace.length; at += 1) {
      const gapMs = (trace[at] as Call).atMs - (trace[at - 1] as Call).atMs;
      // Only a pause that every cache has forgotten lets another one be chosen.
      if (killed.asked[at] !== killed.asked[at - 1]) expect(gapMs).toBeGreaterThanOrEqual(prefixLifetimeMs);
    }
    expect(killed.asked[downAt]).not.toBe(killed.asked[downAt - 1]);
    expect(killed.caches.coldCalls - whole.caches.coldCalls).toBeLessThanOrEqual(1);
  }
});

const held = (model: string, tokens = 50_000, usedAtMs = beginMs): SessionState => ({
  lastModel: model,
  calls: 10,
  prefixes: [{ model, tokens, usedAtMs }],
});
const orderFor = (
  inSnapshot: Snapshot,
  state: SessionState | undefined,
  { tokens = 51_000, atMs = beginMs + 5_000, named = undefined as string | undefined } = {},
): readonly string[] => {
  const set = decide(inSnapshot, facts({ inputTokens: tokens, model: named }), atMs);
  const session = sessionBasis(inSnapshot, set.candidates, state, tokens, atMs);
  return select(set, nobodyDown, { seed: 1, nowMs: atMs, session }).order;
};

test('in a declared order a session stays where its prefix is held, while that is not dearer than going back', () => {
  const declared = snapshotWith('cascade');
  expect(orderFor(declared, undefined)).toEqual(['marked', 'marked-eu', 'implicit']);
  expect(orderFor(declared, held('implicit'))).toEqual(['implicit', 'marked', 'marked-eu']);
  expect(orderFor(declared, held('implicit'), { atMs: beginMs + prefixLifetimeMs })).toEqual([
    'marked',
    'marked-eu',
    'implicit',
  ]);
  expect(orderFor(declared, held('implicit', 500), { tokens: 600 })).toEqual(['marked', 'marked-eu', 'implicit']);
});

test('a model that is asked for by name comes first, whatever a session holds elsewhere', () => {
  for (const mode of ['auto', 'cascade'] as const)
    expect(orderFor(snapshotWith(mode), held('implicit'), { named: 'marked-eu' })).toEqual([
      'marked-eu',
      'implicit',
      'marked',
    ]);
});

test('a session adds no model and takes none out', () => {
  for (const mode of ['auto', 'cascade'] as const)
    for (const state of [undefined, held('marked'), held('gone'), held('implicit')])
      expect(orderFor(snapshotWith(mode), state).toSorted()).toEqual(['implicit', 'marked', 'marked-eu']);
});

test('a recorded decision of a session is made again to the last bit', () => {
  const atMs = beginMs + 5_000;
  const set = decide(snapshot, facts({ inputTokens: 51_000 }), atMs);
  const session = sessionBasis(snapshot, set.candidates, held('marked-eu'), 51_000, atMs);
  const selection = select(set, nobodyDown, { seed: 9, nowMs: atMs, session });
  const inputs = {
    ...set,
    setDecidedAtMs: set.decidedAtMs,
    atMs,
    live: [],
    seed: 9,
    session: structuredClone(session),
  };
  expect(replay(snapshot, inputs).selection).toEqual(selection);
});

test('what a session had a say with is told in money', () => {
  const set = decide(snapshot, facts({ inputTokens: 50_000 }), beginMs);
  const session = sessionBasis(snapshot, set.candidates, held('marked'), 50_000, beginMs);
  const words = sessionInWords(session, { order: ['marked'] });
  expect(words[0]).toBe('session: marked did the last call, marked is first now');
  expect(words[1]).toContain('marked: its cache should hold 50000 tokens; expected $0.018840');
});

const minuteMs = 60_000;
const candidates = [{ model: 'implicit', why: 'route:primary' }] as const;
/** The basis for one model: $3, $0.30 and $15 per million, so 3,000, 300 and 15,000 nano-USD a token. */
const basisOf = (state: SessionState | undefined, tokens: number, atMs = beginMs) =>
  sessionBasis(snapshot, candidates, state, tokens, atMs).costs[0];
const output = 256 * 15_000;

test('a first call costs its input in full, and the calls to come read it from the cache', () => {
  const [now, warm] = [10_000 * 3_000 + output, 10_000 * 300 + output];
  expect(sessionBasis(snapshot, candidates, undefined, 10_000, beginMs)).toEqual({
    lastModel: undefined,
    costs: [{ model: 'implicit', heldTokens: 0, costNanoUsd: now, meanNanoUsd: Math.round((now + 2 * warm) / 3) }],
  });
});

test.each([
  [1, 2],
  [7, 7],
  [99, 20],
])('after %i calls %i more are expected', (calls, ahead) => {
  const [now, warm] = [10_000 * 3_000 + output, 10_000 * 300 + output];
  const state = { lastModel: 'other', calls, prefixes: [] };
  expect(basisOf(state, 10_000)?.meanNanoUsd).toBe(Math.round((now + ahead * warm) / (ahead + 1)));
});

test('what a cache holds is the prefix of the last call, for its lifetime and from its minimum on', () => {
  const heldAt = (tokens: number, input: number, ageMs: number) =>
    basisOf(held('implicit', tokens), input, beginMs + ageMs)?.heldTokens;
  expect(heldAt(8_000, 10_000, 0)).toBe(8_000);
  expect(heldAt(10_000, 8_000, 0)).toBe(8_000);
  expect([heldAt(8_000, 10_000, prefixLifetimeMs - 1), heldAt(8_000, 10_000, prefixLifetimeMs)]).toEqual([8_000, 0]);
  expect([heldAt(1_024, 10_000, 0), heldAt(1_023, 10_000, 0)]).toEqual([1_024, 0]);
  expect(basisOf(held('marked'), 10_000)?.heldTokens).toBe(0);
  expect(basisOf(held('implicit', 8_000), 10_000)?.costNanoUsd).toBe(8_000 * 300 + 2_000 * 3_000 + output);
});

test('an input below the minimum of the cache costs its full price each time', () => {
  const below = 1_023 * 3_000 + output;
  expect(basisOf(undefined, 1_023)).toMatchObject({ costNanoUsd: below, meanNanoUsd: below });
  expect(basisOf(undefined, 1_024)?.meanNanoUsd).toBeLessThan(1_024 * 3_000 + output);
});

test('a write to the cache is charged where the vendor does', () => {
  const marked = [{ model: 'marked', why: 'route:primary' }] as const;
  const [basis] = sessionBasis(snapshot, marked, held('marked', 8_000), 10_000, beginMs).costs;
  expect(basis?.costNanoUsd).toBe(8_000 * 300 + 2_000 * 3_750 + output);
});

test('a model without a price for what is cached holds nothing that saves, and one without any price costs nobody knows what', () => {
  const world = snapshotOf(
    model('plain', { prices: { input: 3, output: 15 } }),
    model('unpriced'),
    model('alias', { provider_model: 'claude-opus-5', prices: { input: 3, output: 15, cached_input: 0.3 } }),
  );
  const basis = sessionBasis(
    world,
    ['plain', 'unpriced', 'alias', 'gone'].map((slug) => ({ model: slug, why: 'explicit' as const })),
    undefined,
    600,
    beginMs,
  );
  const full = 600 * 3_000 + output;
  expect(basis.costs).toEqual([
    { model: 'plain', heldTokens: 0, costNanoUsd: full, meanNanoUsd: full },
    { model: 'unpriced', heldTokens: 0, costNanoUsd: undefined, meanNanoUsd: undefined },
    // The cache of this model of the vendor keeps 512 tokens and more.
    {
      model: 'alias',
      heldTokens: 0,
      costNanoUsd: full,
      meanNanoUsd: Math.round((full + 2 * (600 * 300 + output)) / 3),
    },
  ]);
});

test('a call makes its model the last one, and its prefix the first; the worker is kept where it is known', () => {
  expect(sessionAfterCall(undefined, 'a', 100, 5)).toEqual({
    lastModel: 'a',
    calls: 1,
    prefixes: [{ model: 'a', tokens: 100, usedAtMs: 5 }],
  });
  const one = sessionAfterCall(undefined, 'a', 100, 5, 'w1');
  expect(sessionAfterCall(one, 'b', 70, 9)).toEqual({
    lastModel: 'b',
    calls: 2,
    prefixes: [
      { model: 'b', tokens: 70, usedAtMs: 9 },
      { model: 'a', tokens: 100, usedAtMs: 5, workerId: 'w1' },
    ],
  });
  // A short question in between does not empty the cache.
  expect(sessionAfterCall(one, 'a', 20, 9).prefixes).toEqual([{ model: 'a', tokens: 100, usedAtMs: 9 }]);
  expect(sessionAfterCall(one, 'a', 200, 9).prefixes[0]?.tokens).toBe(200);
});

test('a session remembers four models, none for longer than any cache keeps a prefix', () => {
  let state: SessionState | undefined;
  for (const name of ['a', 'b', 'c', 'd', 'e']) state = sessionAfterCall(state, name, 10, 1);
  expect(state?.prefixes.map(({ model: slug }) => slug)).toEqual(['e', 'd', 'c', 'b']);
  const kept = (ageMs: number) => sessionAfterCall(held('a', 10), 'b', 10, beginMs + ageMs).prefixes.length;
  expect([kept(30 * minuteMs - 1), kept(30 * minuteMs)]).toEqual([2, 1]);
});

const cost = (slug: string, meanNanoUsd: number | undefined, heldTokens = 0) => ({
  model: slug,
  heldTokens,
  costNanoUsd: 1,
  meanNanoUsd,
});
const declaredSet = decide(snapshotWith('cascade'), facts(), beginMs);
const declaredOrder = ['marked', 'marked-eu', 'implicit'];
const stayed = ['implicit', 'marked', 'marked-eu'];
type Costs = readonly ReturnType<typeof cost>[];

test.each<[string, string | undefined, Costs, readonly string[]]>([
  ['is not dearer', 'implicit', [cost('marked', 5), cost('implicit', 5, 9)], stayed],
  ['is dearer', 'implicit', [cost('marked', 5), cost('implicit', 6, 9)], declaredOrder],
  ['holds nothing', 'implicit', [cost('marked', 5, 9), cost('implicit', 1)], declaredOrder],
  ['costs nobody knows what', 'implicit', [cost('marked', 5), cost('implicit', undefined, 9)], declaredOrder],
  [
    'is followed by one of unknown cost',
    'implicit',
    [cost('marked', undefined), cost('implicit', 1, 9)],
    declaredOrder,
  ],
  ['is none', undefined, [cost('marked', 5), cost('implicit', 1, 9)], declaredOrder],
  ['cannot be had', 'gone', [cost('marked', 5), cost('gone', 1, 9)], declaredOrder],
])(
  'in a declared order the last model stays first only where it is usable and no dearer: it %s',
  (_what, lastModel, costs, order) => {
    expect(orderedBySession(declaredOrder, declaredSet, { lastModel, costs })).toEqual(order);
  },
);

test('a goal orders by what calls cost in the session; a model of which nothing is known leaves the order as it was', () => {
  const set = decide(snapshot, facts({ inputTokens: 51_000 }), beginMs);
  const ranked = (costs: Costs, order = declaredOrder, lastModel?: string) =>
    orderedBySession(order, set, { lastModel, costs });
  expect(ranked([cost('marked', 900), cost('marked-eu', 100), cost('implicit', 500)])).toEqual([
    'marked-eu',
    'implicit',
    'marked',
  ]);
  expect(ranked([cost('marked', 1e9), cost('marked-eu', 1e9)])[0]).toBe('implicit');
  expect(ranked([cost('marked', 900), cost('gone', 1)], ['marked', 'gone'])).toEqual(['marked', 'gone']);
  expect(
    ranked([cost('marked', 1_000), cost('marked-eu', 1_000), cost('implicit', 1_000)], declaredOrder, 'implicit')[0],
  ).toBe('implicit');
});

test('a session that holds a prefix is not sent elsewhere for its own sake', () => {
  expect([
    holdsPrefix({ lastModel: 'a', costs: [cost('a', 1), cost('b', 1, 1)] }),
    holdsPrefix({ lastModel: 'a', costs: [cost('a', 1)] }),
  ]).toEqual([true, false]);
  const set = decide(snapshot, facts({ inputTokens: 51_000 }), beginMs);
  const firsts = (state: SessionState | undefined): ReadonlySet<string | undefined> => {
    const session = sessionBasis(snapshot, set.candidates, state, 51_000, beginMs);
    return new Set(
      Array.from({ length: 2_000 }, (_, seed) => select(set, nobodyDown, { seed, nowMs: beginMs, session }).order[0]),
    );
  };
  expect(firsts(held('implicit'))).toEqual(new Set(['implicit']));
  expect(firsts(undefined).size).toBeGreaterThan(1);
});

test('without a price and without a model that may be asked, that is told', () => {
  expect(sessionInWords({ lastModel: undefined, costs: [cost('a', undefined, 7)] }, { order: [] })).toEqual([
    'first call of a session, nothing is first now',
    '  a: its cache should hold 7 tokens; expected $0.000000, with the calls to come unknown each',
  ]);
});
