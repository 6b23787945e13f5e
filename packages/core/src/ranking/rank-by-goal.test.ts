import { expect, test } from 'vitest';
import type { CallRecord } from '../domain/call-record.ts';
import type { Goal } from '../domain/goal.ts';
import type { Measured } from '../domain/goal.ts';
import { measure, rankMeasured, type RankQuestion, rankByGoal } from './rank-by-goal.ts';
import { expectedMs, foldQuality, foldRecord, type ModelStats, statsFromPrior, successAt } from './stats.ts';

const prior = { version: '1', firstContentMs: 300, msPerToken: 10, quality: 0.8 };
const fresh = statsFromPrior(prior, 0);
const goals: readonly Goal[] = ['speed', 'cost', 'quality', 'balanced'];

const record = (over: Partial<CallRecord>): CallRecord => ({
  attemptId: 'a',
  taskId: 't',
  decisionId: undefined,
  attempt: 1,
  revision: 1,
  client: 'c',
  project: undefined,
  reflex: undefined,
  taskType: 'code',
  model: 'm',
  modelName: 'M',
  modelVersion: '1',
  provider: 'p',
  workerId: 'w',
  dataClass: 'open',
  priority: 'normal',
  startedAtMs: 0,
  durationMs: 1_300,
  firstContentMs: 300,
  outcome: 'Success',
  status: 'Success',
  reason: undefined,
  finish: 'stop',
  outputChars: 400,
  costNanoUsd: undefined,
  price: undefined,
  usage: { inputTokens: 10, outputTokens: 101, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  streamed: true,
  writtenBy: 'worker',
  ...over,
});
const question = (over: Partial<RankQuestion>): RankQuestion => ({
  mode: 'auto',
  goal: 'balanced',
  taskType: 'code',
  outputTokens: 100,
  slowMs: 4_000,
  dearNanoUsd: 1_000,
  incumbent: undefined,
  nowMs: 0,
  ...over,
});
const input = (model: string, stats: ModelStats = fresh, costNanoUsd: number | undefined = 500) => ({
  model,
  stats,
  costNanoUsd,
});
const failing = [1, 2, 3].reduce<ModelStats>(
  (stats) => foldRecord(stats, record({ outcome: 'Timeout', status: 'Overloaded' }), prior),
  fresh,
);

test.each(goals)('with all statistics equal, auto for %s keeps the declared order', (goal) => {
  expect(
    rankByGoal(
      ['z', 'a', 'm'].map((model) => input(model)),
      question({ goal }),
    ).order,
  ).toEqual(['z', 'a', 'm']);
});

test('cascade keeps the declared order, shadow too but tells the choice of auto, auto follows it', () => {
  const models = [input('broken', failing), input('sound')];
  const ask = (mode: RankQuestion['mode']) => rankByGoal(models, question({ mode }));
  expect(ask('cascade')).toMatchObject({ order: ['broken', 'sound'], autoChoice: undefined });
  expect(ask('shadow')).toMatchObject({ order: ['broken', 'sound'], autoChoice: 'sound' });
  expect(ask('auto')).toMatchObject({ order: ['sound', 'broken'], autoChoice: 'sound' });
});

test('the model that was first stays before one that is hardly better, not before one that is much better', () => {
  const dearer = (cost: number) =>
    rankByGoal([input('new'), input('old', fresh, cost)], question({ incumbent: 'old' }));
  expect(dearer(505).order[0]).toBe('old');
  expect(dearer(2_000).order[0]).toBe('new');
});

test('failures lower the chance of success and are forgotten', () => {
  expect(successAt(failing, 0)).toBeLessThan(0.3);
  expect(successAt(failing, 600_000)).toBeGreaterThan(0.94);
});

test('what the caller did wrong is no failure of the model', () => {
  expect(successAt(foldRecord(fresh, record({ outcome: 'Blocked', status: 'Invalid' }), prior), 0)).toBe(
    successAt(fresh, 0),
  );
});

test('another version begins again at its prior', () => {
  const next = { ...prior, version: '2' };
  const after = foldRecord(failing, record({ modelVersion: '1', outcome: 'Timeout', status: 'Stalled' }), next);
  expect(after).toEqual(statsFromPrior(next, 1_300));
});

test('two that folded the same stream agree, and bad ratings cost a model its place', () => {
  const fold = () => {
    const rated = Array.from({ length: 40 }, (_, at) => at * 1_000).reduce<ModelStats>(
      (stats, atMs) => foldQuality(foldRecord(stats, record({ startedAtMs: atMs }), prior), 'code', 0.1, atMs),
      fresh,
    );
    return rankByGoal([input('rated', rated), input('other')], question({ goal: 'quality', nowMs: 40_000 }));
  };
  expect(fold()).toEqual(fold());
  expect(fold().order).toEqual(['other', 'rated']);
});

test('a score outside of 0 to 1 is rejected', () => {
  expect(() => foldQuality(fresh, 'code', 1.1, 0)).toThrow('quality 1.1 must be between 0 and 1');
});

test('a model that was slow and is idle is believed to be near its benchmark again', () => {
  const slow = foldRecord(fresh, record({ firstContentMs: 20_000, durationMs: 40_000 }), prior);
  expect(expectedMs(slow, 100, 40_000)).toBeGreaterThan(2 * expectedMs(fresh, 100, 0));
  expect(expectedMs(slow, 100, 3_600_000)).toBeLessThan(0.6 * expectedMs(slow, 100, 40_000));
});

test('a model that often fails is worth what the next one is worth, less the time of the failures; alone it is worth less', () => {
  const flaky = { ...fresh, successes: 10, failures: 10, healthAtMs: 0 };
  const [good, poor] = [
    { ...fresh, prior: { ...prior, quality: 0.9 } },
    { ...fresh, prior: { ...prior, quality: 0.3 } },
  ];
  const input = (model: string, stats: ModelStats) => ({ model, stats, costNanoUsd: 1_000 });
  const rank = (...inputs: readonly ReturnType<typeof input>[]) => rankByGoal(inputs, { ...question({}), nowMs: 0 });
  const better = { ...flaky, prior: { ...prior, quality: 1 } };
  expect(rank(input('flaky', better), input('good', good)).autoChoice).toBe('good');
  expect(rank(input('flaky', better), input('poor', poor)).autoChoice).toBe('flaky');
  const utility = (ranking: ReturnType<typeof rank>) => ranking.numbers[0]?.utility ?? 0;
  expect(utility(rank(input('flaky', better)))).toBeLessThan(
    utility(rank(input('flaky', better), input('poor', poor))),
  );
});

const measured = (model: string, over: Partial<Measured> = {}): Measured => ({
  model,
  success: 1,
  expectedMs: 4_000,
  costNanoUsd: 1_000,
  quality: 0.8,
  ...over,
});
const utilitiesOf = (goal: Goal, ...models: readonly Measured[]): readonly number[] =>
  rankMeasured(models, question({ goal })).numbers.map(({ utility }) => utility);

test.each<[Goal, Partial<Measured>, number]>([
  ['balanced', {}, 0.32 - 0.3 - 0.3],
  ['speed', {}, 0.16 - 0.7 - 0.1],
  ['cost', {}, 0.16 - 0.1 - 0.7],
  ['quality', {}, 0.64 - 0.1 - 0.1],
  ['speed', { expectedMs: 2_000 }, 0.16 - 0.35 - 0.1],
  ['speed', { expectedMs: 12_000 }, 0.16 - 2.1 - 0.1],
  ['speed', { expectedMs: 99_000 }, 0.16 - 2.1 - 0.1],
  ['cost', { costNanoUsd: 500 }, 0.16 - 0.1 - 0.35],
  ['cost', { costNanoUsd: 0 }, 0.16 - 0.1],
  ['cost', { costNanoUsd: 3_000 }, 0.16 - 0.1 - 2.1],
  ['cost', { costNanoUsd: 99_000 }, 0.16 - 0.1 - 2.1],
  ['cost', { costNanoUsd: undefined }, 0.16 - 0.1 - 2.1],
  ['quality', { quality: 0.1 }, 0.08 - 0.1 - 0.1],
])('for %s an answer of %j is worth %d', (goal, over, worth) => {
  expect(utilitiesOf(goal, measured('m', over))[0]).toBeCloseTo(worth, 12);
});

test('a failure costs the answer where no other model follows', () => {
  // 0.8 × 0.8 - 0.2 when it succeeds; -0.35 when it fails.
  expect(utilitiesOf('quality', measured('m', { success: 0.5 }))[0]).toBeCloseTo(0.5 * 0.44 - 0.5 * 0.35, 12);
  // An answer that is worth less than nothing is not made better by a failure.
  expect(utilitiesOf('balanced', measured('m', { success: 0.5 }))[0]).toBeCloseTo(0.5 * -0.28 - 0.5 * 0.63, 12);
});

test('a failure costs time where another model follows, and leads to the best of the others', () => {
  const flaky = { success: 0.5 };
  const [good, poor, other] = utilitiesOf(
    'quality',
    measured('good', flaky),
    measured('poor', { ...flaky, quality: 0.4 }),
    measured('other', { ...flaky, quality: 0.6 }),
  );
  // Worth 0.44, 0.12 and 0.28.
  expect(good).toBeCloseTo(0.5 * 0.44 + 0.5 * (0.28 - 0.05), 12);
  expect(poor).toBeCloseTo(0.5 * 0.12 + 0.5 * (0.12 - 0.05), 12);
  expect(other).toBeCloseTo(0.5 * 0.28 + 0.5 * (0.28 - 0.05), 12);
});

test('the incumbent stays while no other one is better by more than 0.004', () => {
  const orderWith = (lead: number, incumbent: string | undefined) =>
    rankMeasured(
      [
        measured('better', { quality: 0.5 + lead / 0.8 }),
        measured('old', { quality: 0.5 }),
        measured('last', { quality: 0 }),
      ],
      question({ goal: 'quality', incumbent }),
    ).order;
  expect(orderWith(0.0039, 'old')).toEqual(['old', 'better', 'last']);
  expect(orderWith(0.0041, 'old')).toEqual(['better', 'old', 'last']);
  expect(orderWith(0.0039, undefined)).toEqual(['better', 'old', 'last']);
  expect(orderWith(0.0039, 'gone')).toEqual(['better', 'old', 'last']);
  expect(rankMeasured([], question({}))).toEqual({ order: [], autoChoice: undefined, numbers: [] });
});

test('figures of a model are those of its statistics at the instant, for the length that such outputs have', () => {
  const stats = { ...fresh, successes: 1.5, failures: 0.75, outputTokens: { code: 10 } };
  expect(measure({ ...input('m', stats), costNanoUsd: undefined }, 'code', 100, 0)).toEqual({
    model: 'm',
    success: 0.6667,
    expectedMs: expect.closeTo(400, 9) as number,
    costNanoUsd: undefined,
    quality: 0.8,
  });
  expect(measure(input('m', stats), 'ocr', 100, 0)).toMatchObject({
    expectedMs: expect.closeTo(1_300, 9),
    costNanoUsd: 500,
  });
});
