import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSnapshot } from '../snapshot/compile-snapshot.ts';
import { decide } from '../routing/decide.ts';
import type { AnyDocument, ModelDocument } from '../domain/documents.ts';
import { explainInWords } from '../eligibility/explain.ts';
import type { Facts } from '../domain/facts.ts';
import { firstContentTimeoutMs, slowFirstContentMs } from './first-content.ts';
import { replay } from '../routing/replay.ts';
import { StatsBook } from './stats-book.ts';
import { foldRecord, type ModelStats, statsFromPrior, type TellingRecord } from './stats.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const prior = { version: '1', firstContentMs: 300, msPerToken: 10, quality: 0.8 };
const call = (n: number, over: Partial<TellingRecord> = {}): TellingRecord => ({
  modelVersion: '1',
  taskType: 'code',
  startedAtMs: nowMs + n * 1_000,
  durationMs: 1_000,
  firstContentMs: 300,
  outcome: 'Success',
  status: 'Success',
  usage: { inputTokens: 10, outputTokens: 50, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  streamed: true,
  ...over,
});
const silent = (n: number, waitedMs: number): TellingRecord =>
  call(n, { durationMs: waitedMs, firstContentMs: undefined, outcome: 'Timeout', status: 'Stalled', usage: undefined });
const folded = (records: readonly TellingRecord[], from = prior): ModelStats =>
  records.reduce((stats, record) => foldRecord(stats, record, from), statsFromPrior(from, nowMs));
const timeoutOf = (stats: ModelStats): number =>
  firstContentTimeoutMs(slowFirstContentMs(stats, stats.firstContent.atMs) ?? 0, 0);

test('the time is never below 1.2 s nor below twice what is slow, at most 10 s where that allows it, and grows with the input', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 0, max: 200_000 }), (slowMs, inputTokens) => {
      const timeoutMs = firstContentTimeoutMs(slowMs, inputTokens);
      expect(timeoutMs).toBeGreaterThanOrEqual(1_200);
      expect(timeoutMs).toBeGreaterThanOrEqual(2 * slowMs - 1);
      expect(timeoutMs).toBeLessThanOrEqual(Math.max(10_000, 2 * slowMs) + inputTokens);
      expect(firstContentTimeoutMs(slowMs, inputTokens + 4_000)).toBe(timeoutMs + 1_000);
    }),
  );
});

/** From 0 up to 1, the same row each time. */
function rowOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

test('of first contents that vary as they usually do, fewer than one in a hundred are given up', () => {
  const next = rowOf(7);
  const normal = (): number => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  let [givenUp, all] = [0, 0];
  for (let model = 0; model < 200; model += 1) {
    const median = 50 * 400 ** next();
    const sigma = 0.05 + 0.55 * next();
    let stats = statsFromPrior({ ...prior, firstContentMs: median }, nowMs);
    for (let n = 0; n < 60; n += 1) {
      const firstMs = Math.round(median * Math.exp(sigma * normal()));
      if (firstMs > timeoutOf(stats)) givenUp += 1;
      all += 1;
      stats = foldRecord(stats, call(n, { firstContentMs: firstMs, durationMs: firstMs + 500 }), stats.prior);
    }
  }
  expect(givenUp / all).toBeLessThan(0.01);
});

test('silences in a row widen the time, and nothing else that is believed; the next first content takes that back', () => {
  const well = folded(Array.from({ length: 20 }, (_, n) => call(n)));
  expect(timeoutOf(well)).toBeLessThan(2_500);
  let stats = well;
  for (let n = 20; n < 30; n += 1) {
    const before = timeoutOf(stats);
    stats = foldRecord(stats, silent(n, before), prior);
    expect(timeoutOf(stats)).toBeGreaterThanOrEqual(before);
  }
  expect(timeoutOf(stats)).toBe(10_000);
  expect(stats.firstContent).toEqual(well.firstContent);
  expect(timeoutOf(foldRecord(stats, call(40), prior))).toBeLessThan(2_500);
});

test('a model without a benchmark is waited for until five first contents were seen, and what came in one piece is none', () => {
  const unstated = { ...prior, isStated: false };
  const seen = (count: number, over: Partial<TellingRecord> = {}) =>
    slowFirstContentMs(
      folded(
        Array.from({ length: count }, (_, n) => call(n, over)),
        unstated,
      ),
      nowMs,
    );
  expect(seen(4)).toBeUndefined();
  expect(seen(5)).toBeGreaterThan(300);
  expect(seen(9, { streamed: false, firstContentMs: 1_000 })).toBeUndefined();
});

test('answers in one piece move what is expected of the whole, and do not make tokens free', () => {
  const whole = call(0, { streamed: false, durationMs: 1_600, firstContentMs: 1_600 });
  const { firstContent, perToken } = folded(
    Array.from({ length: 40 }, (_, n) => ({ ...whole, startedAtMs: nowMs + n * 5_000 })),
  );
  expect(Math.exp(firstContent.mu) + 49 * Math.exp(perToken.mu)).toBeCloseTo(1_600, -2);
  expect(Math.exp(perToken.mu)).toBeGreaterThan(5);
});

const facts: Facts = {
  taskType: 'code',
  client: 'default',
  project: undefined,
  reflex: undefined,
  priority: 'normal',
  dataClass: undefined,
  model: undefined,
  input: ['text'],
  output: ['text'],
  needs: [],
  inputTokens: 1_000,
  maxOutputTokens: 0,
};

function world(over: Partial<ModelDocument>, route: object = {}) {
  const model = (name: string, more: Partial<ModelDocument>): AnyDocument => ({
    kind: 'model',
    body: {
      name,
      slug: name,
      aliases: [],
      tags: ['code'],
      call_method: 'API',
      provider: 'openai-compatible',
      capabilities: [],
      tier: 'standard',
      security_level: 'safe_for_sensitive',
      allowed_tasks: { can_this_model_see_customer_data: true },
      benchmark: { avg_latency_ms: 1_000 },
      ...more,
    },
  });
  const steps = ['a', 'b'].map((name, n) => ({ step: `step_${n}`, model: name }));
  const compiled = compileSnapshot(1, [
    model('a', over),
    model('b', {}),
    { kind: 'route', body: { name: 'code', slug: 'code', steps, ...route } },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}
const timeoutsIn = (snapshot: ReturnType<typeof world>, book?: StatsBook): (number | undefined)[] =>
  decide(snapshot, facts, nowMs, book).candidates.map(({ firstContent }) => firstContent?.timeoutMs);

test('services have a time also in declared order; what documents switch off and what is unknown has none', () => {
  const [one, other] = timeoutsIn(world({}));
  expect(one).toBe(other);
  expect(one).toBeGreaterThan(1_200);
  for (const over of [{ adaptive_timeout: false }, { benchmark: {} }] as const)
    expect(timeoutsIn(world(over))).toEqual([undefined, other]);
  expect(timeoutsIn(world({}, { adaptive_timeout: false }))).toEqual([undefined, undefined]);
});

test('a model that may have to load first is given 180 s, and more where it usually takes more', () => {
  const snapshot = world({ call_method: 'Local' });
  expect(timeoutsIn(snapshot)[0]).toBe(180_000);
  const book = new StatsBook();
  for (let n = 0; n < 30; n += 1)
    book.record(snapshot, {
      ...call(n, { firstContentMs: 150_000, durationMs: 151_000, modelVersion: undefined }),
      attemptId: `a${n}`,
      attempt: 1,
      model: 'a',
    });
  expect(timeoutsIn(snapshot, book)[0]).toBeGreaterThan(180_000);
});

test('the time is told and made again from what is kept of the decision', () => {
  const snapshot = world({});
  const book = new StatsBook();
  for (let n = 0; n < 30; n += 1)
    book.record(snapshot, {
      ...call(n, { firstContentMs: 900 + 10 * n, durationMs: 3_000, modelVersion: undefined }),
      attemptId: `a${n}`,
      attempt: 1,
      model: 'a',
    });
  const set = decide(snapshot, facts, nowMs + 40_000, book);
  expect(set.candidates[0]?.firstContent?.timeoutMs).toBeGreaterThan(set.candidates[1]?.firstContent?.timeoutMs ?? 0);
  const inputs = { facts, validUntilMs: set.validUntilMs, atMs: nowMs + 41_000, live: [], seed: 1 };
  const kept = JSON.parse(
    JSON.stringify({ ...inputs, candidates: set.candidates, notes: set.notes }),
  ) as typeof inputs & {
    candidates: typeof set.candidates;
    notes: typeof set.notes;
  };
  expect(replay(snapshot, { ...kept, setDecidedAtMs: set.decidedAtMs }).set.candidates).toEqual(set.candidates);
  expect(explainInWords(set).join()).toMatch(
    /1\. a: step_0 of the route; first content within \d+\.\d s while another may follow/,
  );
});

const known = (over: Partial<ModelStats>): ModelStats => ({ ...statsFromPrior(prior, 0), ...over });
const usually = (ms: number, variance = 0): Partial<ModelStats> => ({
  firstContent: { mu: Math.log(ms), variance, atMs: 0 },
});

test.each<[string, Partial<ModelStats>, number, number]>([
  // 300 × e^(1.3 × 0.5) = 575, and 100 × 1.25^8 = 596.
  ['what the benchmark says', {}, 0, 596],
  ['a step itself', usually(125), 0, 125],
  ['a time above the benchmark that is a step', usually(100 * 1.25 ** 6), 0, 381],
  ['a little more than a step', usually(382), 0, 477],
  ['a third more for each silence: 300 × 16 / 9', { ...usually(300), silences: 2 }, 0, 596],
  ['eight silences: 300 × 9.99', { ...usually(300), silences: 8 }, 0, 3_553],
  ['more than eight silences', { ...usually(300), silences: 20 }, 0, 3_553],
  ['an idle model that was slow', usually(2_000), 1e9, 2_274],
  ['a model that was fast a moment ago', { ...usually(150), prior: { ...prior, firstContentMs: 100 } }, 0, 156],
  ['an idle model that was fast', { ...usually(150), prior: { ...prior, firstContentMs: 3_000 } }, 1e9, 3_553],
  ['less than a tenth of a second', { ...usually(3), prior: { ...prior, firstContentMs: 1 } }, 0, 100],
])('slow is, rounded up to steps of a quarter: %s', (_what, over, atMs, expected) => {
  expect(slowFirstContentMs(known(over), atMs)).toBe(expected);
});

test('without a benchmark what was seen counts alone, however long ago', () => {
  const unstated = { ...usually(150), prior: { ...prior, firstContentMs: 3_000, isStated: false } };
  expect(slowFirstContentMs(known({ ...unstated, firstContentsSeen: 4 }), 1e9)).toBeUndefined();
  expect(slowFirstContentMs(known({ ...unstated, firstContentsSeen: 5 }), 1e9)).toBe(156);
});

test.each([
  [100, 0, 1_200],
  [300, 0, 1_200],
  [301, 0, 1_204],
  [1_000, 0, 4_000],
  [2_500, 0, 10_000],
  [4_000, 0, 10_000],
  [5_001, 0, 10_002],
  [1_000, 4_000, 5_000],
  [1_000, 2, 4_001],
])('where %i ms are slow and %i tokens go in, the first content may take %i ms', (slowMs, inputTokens, timeoutMs) => {
  expect(firstContentTimeoutMs(slowMs, inputTokens)).toBe(timeoutMs);
});
