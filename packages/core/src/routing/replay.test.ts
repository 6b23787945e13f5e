import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSnapshot } from '../snapshot/compile-snapshot.ts';
import { dataClasses } from '../domain/data-class.ts';
import { decide } from './decide.ts';
import type { AnyDocument, ModelDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import { inOrderOf, unorderedNote } from '../ranking/ordered-by.ts';
import { facts as factsOf } from '../testing/documents.ts';
import { select } from './selection.ts';
import { canonicalDecision, computedAtMs, type Decided, decisionDifferences, liveEntriesOf, replay } from './replay.ts';

const nowMs = Date.UTC(2026, 10, 23, 20, 30);
const slugs = ['a', 'b', 'c', 'd', 'e'];

const tags = fc.record({
  call_method: fc.constantFrom('API', 'on-device') as fc.Arbitrary<ModelDocument['call_method']>,
  tier: fc.constantFrom('standard', 'premium') as fc.Arbitrary<ModelDocument['tier']>,
  security_level: fc.constantFrom('safe_for_sensitive', 'non_sensitive_only') as fc.Arbitrary<'safe_for_sensitive'>,
  sees: fc.boolean(),
});
const world = fc.record({
  models: fc.tuple(tags, tags, tags, tags, tags),
  steps: fc.uniqueArray(fc.constantFrom(...slugs), { minLength: 1, maxLength: 5 }),
  avoidCloud: fc.boolean(),
  pinned: fc.option(fc.constantFrom(...slugs), { nil: undefined }),
  dataClass: fc.option(fc.constantFrom(...dataClasses), { nil: undefined }),
  priority: fc.constantFrom('background', 'normal', 'high') as fc.Arbitrary<Facts['priority']>,
  live: fc.uniqueArray(
    fc.record({
      model: fc.constantFrom(...slugs),
      unserved: fc.option(fc.constantFrom('no key', 'no file'), { nil: undefined }),
      coolingUntilMs: fc.constantFrom(0, nowMs - 1, nowMs + 5_000),
    }),
    { selector: ({ model }) => model },
  ),
  seed: fc.nat(),
});

function documentsOf(random: typeof world extends fc.Arbitrary<infer T> ? T : never): AnyDocument[] {
  const { models, steps, avoidCloud } = random;
  return [
    ...models.map(
      ({ sees, ...fields }, n): AnyDocument => ({
        kind: 'model',
        body: {
          name: slugs[n] as string,
          slug: slugs[n] as string,
          aliases: [],
          tags: ['text_gen'],
          provider: 'gguf',
          local: { path: 'x.gguf' },
          capabilities: [],
          allowed_tasks: { can_this_model_see_customer_data: sees },
          ...fields,
        },
      }),
    ),
    {
      kind: 'route',
      body: { name: 'text_gen', slug: 'text_gen', steps: steps.map((model, n) => ({ step: `s${n}`, model })) },
    },
    { kind: 'client', body: { name: 'c', slug: 'c', data_rules: { avoid_cloud: avoidCloud } } },
    {
      kind: 'schedule',
      body: { name: 'n', slug: 'n', time_zone: 'Europe/Berlin', from: '21:00', to: '06:00', prefer: 'local' },
    },
    { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } },
  ];
}

function snapshotOf(documents: AnyDocument[]) {
  const compiled = compileSnapshot(7, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

test('whatever the documents, facts and state, a recorded decision is made again to the last bit', () => {
  fc.assert(
    fc.property(world, (random) => {
      const facts: Facts = {
        taskType: 'text_gen',
        client: 'c',
        project: undefined,
        reflex: undefined,
        priority: random.priority,
        dataClass: random.dataClass,
        model: random.pinned,
        input: ['text'],
        output: ['text'],
        needs: [],
        inputTokens: 256,
        maxOutputTokens: 0,
      };
      const { live, seed } = random;
      const set = decide(snapshotOf(documentsOf(random)), facts, nowMs);
      const state = {
        unserved: new Map(
          live.flatMap(({ model, unserved }) => (unserved === undefined ? [] : [[model, unserved] as const])),
        ),
        coolingUntilMs: new Map(live.map(({ model, coolingUntilMs }) => [model, coolingUntilMs])),
      };
      const recorded = { set, selection: select(set, state, { seed, nowMs: nowMs + 3 }) };
      // As it is kept: through JSON, and read by a process that compiles the documents anew.
      const kept = JSON.parse(JSON.stringify({ facts, live, seed, validUntilMs: set.validUntilMs })) as {
        live: typeof live;
      };
      const instants = { atMs: nowMs + 3, setDecidedAtMs: set.decidedAtMs, validUntilMs: set.validUntilMs };
      const inputs = { facts, ...instants, live: kept.live, seed, candidates: set.candidates, notes: set.notes };
      const again = replay(snapshotOf(documentsOf(random)), inputs);
      expect(canonicalDecision(again)).toBe(canonicalDecision(recorded));
      expect(decisionDifferences(recorded, again)).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

test('another revision’s choice is told in words', () => {
  const plain = {
    call_method: 'on-device',
    tier: 'standard',
    security_level: 'safe_for_sensitive',
    sees: true,
  } as const;
  const base = { models: [plain, plain, plain, plain, plain] as never, avoidCloud: false } as never as Parameters<
    typeof documentsOf
  >[0];
  const facts = {
    taskType: 'text_gen',
    client: 'c',
    priority: 'normal',
    input: ['text'],
    output: ['text'],
    needs: [],
    inputTokens: 1,
    maxOutputTokens: 0,
  } as never as Facts;
  const inputs = {
    facts,
    atMs: nowMs,
    setDecidedAtMs: nowMs,
    validUntilMs: 0,
    live: [],
    seed: 1,
    candidates: [],
    notes: [],
  };
  const before = replay(snapshotOf(documentsOf({ ...base, steps: ['a', 'b'] })), inputs);
  const after = replay(snapshotOf(documentsOf({ ...base, steps: ['b', 'a'] })), inputs);
  expect(decisionDifferences(before, after)).toContain('tried in this order: a, b → b, a');
});

test('a set that an extension ordered, or failed to, is made again in its own order', () => {
  const sides = {
    call_method: 'on-device',
    tier: 'standard',
    security_level: 'safe_for_sensitive',
    sees: true,
  } as const;
  const random = { models: [sides, sides, sides, sides, sides], avoidCloud: false, steps: ['a', 'b', 'c'] } as never;
  const snapshot = snapshotOf(documentsOf(random));
  const facts = {
    taskType: 'text_gen',
    client: 'c',
    priority: 'normal',
    input: ['text'],
    output: ['text'],
    needs: [],
    inputTokens: 1,
    maxOutputTokens: 0,
  } as never as Facts;
  const declared = decide(snapshot, facts, nowMs);
  const ordered = inOrderOf(declared, ['c', 'b'], 'near-first');
  expect(ordered.candidates.map(({ model }) => model)).toEqual(['c', 'b', 'a']);
  for (const set of [declared, ordered, { ...declared, notes: [...declared.notes, unorderedNote('near-first')] }]) {
    const { candidates, notes } = set;
    const inputs = { facts, atMs: nowMs, setDecidedAtMs: nowMs, validUntilMs: 0, live: [], seed: 1, candidates, notes };
    const recorded = {
      set,
      selection: select(set, { unserved: new Map(), coolingUntilMs: new Map() }, { seed: 1, nowMs }),
    };
    expect(decisionDifferences(recorded, replay(snapshot, inputs))).toEqual([]);
  }
});

const asked = factsOf({ client: 'c', inputTokens: 1 });
const decided: Decided = {
  set: {
    revision: 1,
    facts: asked,
    dataClass: 'open',
    candidates: [
      { model: 'a', why: 'explicit' },
      { model: 'b', why: 'route:primary', firstContent: { slowMs: 400, timeoutMs: 1_600 } },
    ],
    exclusions: [{ model: 'x', rule: 'tier', detail: 'why' }],
    notes: ['a note'],
    scheduleEdgeMs: nowMs,
    validUntilMs: nowMs + 1,
    decidedAtMs: nowMs,
    waitMs: 200,
    ranking: {
      mode: 'auto',
      goal: 'cost',
      incumbent: undefined,
      autoChoice: 'a',
      models: [{ model: 'a', success: 1, expectedMs: 1, costNanoUsd: 1, quality: 1, utility: 0.5 }],
    },
  },
  selection: { order: ['a'], skipped: [{ model: 'b', reason: 'no key' }] },
};
const withSet = (over: Partial<Decided['set']>): Decided => ({ ...decided, set: { ...decided.set, ...over } });
const withSelection = (over: Partial<Decided['selection']>): Decided => ({
  ...decided,
  selection: { ...decided.selection, ...over },
});
const reranked = (over: object): Decided => withSet({ ranking: { ...decided.set.ranking, ...over } as never });

test.each<[string, Decided, readonly string[]]>([
  ['data class', withSet({ dataClass: 'customer' }), ['data class: open → customer']],
  [
    'candidates',
    withSet({ candidates: [{ model: 'a', why: 'reflex' }] }),
    ['candidates: a (explicit), b (route:primary) → a (reflex)', 'first content within: b 1600 ms → none'],
  ],
  ['exclusions', withSet({ exclusions: [] }), ['left out: x (tier) → none']],
  ['notes', withSet({ notes: [] }), ['notes: a note → none']],
  ['edge', withSet({ scheduleEdgeMs: undefined }), ['next edge of a schedule: 2026-11-23T20:30:00.000Z → none']],
  ['order', withSelection({ order: ['b', 'a'] }), ['tried in this order: a → b, a']],
  ['skips', withSelection({ skipped: [] }), ['skipped: b (no key) → none']],
  ['detail', withSet({ exclusions: [{ model: 'x', rule: 'tier', detail: 'else' }] }), ['the words of some reason']],
  ['reason of a skip', withSelection({ skipped: [{ model: 'b', reason: 'x' }] }), ['skipped: b (no key) → b (x)']],
  ['wait', withSet({ waitMs: 1 }), ['the words of some reason']],
  ['facts', withSet({ facts: { ...asked, inputTokens: 2 } }), ['the words of some reason']],
  [
    'what is slow',
    withSet({
      candidates: [
        { model: 'a', why: 'explicit' },
        { model: 'b', why: 'route:primary', firstContent: { slowMs: 9, timeoutMs: 1_600 } },
      ],
    }),
    ['the words of some reason'],
  ],
  ['no ranking', withSet({ ranking: undefined }), ['the words of some reason']],
  ['goal', reranked({ goal: 'speed' }), ['the words of some reason']],
  ['mode', reranked({ mode: 'shadow' }), ['the words of some reason']],
  ['choice', reranked({ autoChoice: 'b' }), ['the words of some reason']],
  ['worth', reranked({ models: [{ model: 'a', utility: 0.6 }] }), ['the words of some reason']],
  ['revision and how long it holds', withSet({ revision: 2, validUntilMs: 7, decidedAtMs: 3 }), []],
  ['facts in another order', withSet({ facts: Object.fromEntries(Object.entries(asked).toReversed()) as never }), []],
  ['facts that say nothing', withSet({ facts: { ...asked, unavailableModel: undefined, floor: undefined } }), []],
])('a difference in %s is told', (_what, other, words) => {
  expect(decisionDifferences(decided, other)).toEqual(words);
});

test('the live state of its own candidates had a say, in their order and in whole milliseconds', () => {
  const live = {
    unserved: new Map([
      ['b', 'no key'],
      ['z', 'no file'],
    ]),
    coolingUntilMs: new Map([
      ['a', nowMs + 0.5],
      ['b', -3],
      ['z', nowMs],
    ]),
  };
  expect(liveEntriesOf(decided.set, live)).toEqual([
    { model: 'a', unserved: undefined, coolingUntilMs: nowMs + 1 },
    { model: 'b', unserved: 'no key', coolingUntilMs: 0 },
  ]);
  const nothing = { unserved: new Map<string, string>(), coolingUntilMs: new Map([['a', 0]]) };
  expect(liveEntriesOf(decided.set, nothing)).toEqual([]);
});

test('a set was computed when its record says, else at an instant at which it surely held', () => {
  const at = (setDecidedAtMs: number, validUntilMs: number, atMs: number) =>
    computedAtMs({ setDecidedAtMs, validUntilMs, atMs } as Parameters<typeof computedAtMs>[0]);
  expect([at(5, 100, 50), at(0, 100, 50), at(0, 30, 50)]).toEqual([5, 50, 29]);
});
