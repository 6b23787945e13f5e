import { expect, test } from 'vitest';
import type { ModelDocument } from '../domain/documents.ts';
import type { Measured } from '../domain/goal.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import { facts, model, snapshotOf } from '../testing/documents.ts';
import { slowFirstContentMs } from './first-content.ts';
import { measuredBy, priorOf } from './goal-order.ts';
import { StatsBook, type FeedbackScore, type ToldRecord } from './stats-book.ts';
import { foldQuality, foldRecord, type ModelStats, statsFromPrior } from './stats.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
/** A token that comes out costs 1,000 nano-USD, one that goes in costs nothing: the cost tells the expected length. */
const prices = { input: 0, output: 1 };
const world = (over: Partial<ModelDocument> = {}): Snapshot =>
  snapshotOf(model('a', { version: '1', prices, ...over }), model('b', { prices }));
const here = world();
const named = (snapshot: Snapshot, slug: string): Model => snapshot.models.get(slug) as Model;
const a = named(here, 'a');

const record = (attemptId: string, over: Partial<ToldRecord> = {}): ToldRecord => ({
  attemptId,
  attempt: 1,
  model: 'a',
  modelVersion: '1',
  taskType: 'text_gen',
  startedAtMs: nowMs - 1_000,
  durationMs: 1_000,
  firstContentMs: 100,
  outcome: 'Success',
  status: 'Success',
  usage: { inputTokens: 10, outputTokens: 100, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  streamed: true,
  ...over,
});
const saying = (outputTokens: number): Partial<ToldRecord> => ({
  usage: { inputTokens: 10, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
});
const told = (...records: readonly ToldRecord[]): StatsBook => {
  const book = new StatsBook();
  for (const one of records) book.record(here, one);
  return book;
};
const figuresIn = (book: StatsBook, snapshot = here): Measured => book.of(named(snapshot, 'a'), facts(), nowMs);
const nothingKnown = figuresIn(new StatsBook());

test('before anything is told a model has the figures of its benchmark', () => {
  expect(nothingKnown).toEqual(measuredBy(statsFromPrior(priorOf(a), nowMs), a, facts(), nowMs));
  expect(new StatsBook().slowFirstContentMs(a, nowMs)).toBeUndefined();
});

test('a call changes the figures of its model alone', () => {
  const book = told(record('1'));
  const stats = foldRecord(undefined, record('1'), priorOf(a));
  expect(figuresIn(book)).toEqual(measuredBy(stats, a, facts(), nowMs, 100));
  const b = named(here, 'b');
  expect(book.of(b, facts(), nowMs)).toEqual(measuredBy(statsFromPrior(priorOf(b), nowMs), b, facts(), nowMs, 100));
  const many = told(...['1', '2', '3', '4', '5'].map((id) => record(id)));
  const folded = ['1', '2', '3', '4', '5'].reduce(
    (before, id) => foldRecord(before, record(id), priorOf(a)),
    statsFromPrior(priorOf(a), nowMs),
  );
  expect(many.slowFirstContentMs(a, nowMs)).toBe(slowFirstContentMs(folded, nowMs));
  expect(many.slowFirstContentMs(a, nowMs)).toBeDefined();
});

test.each<[string, Partial<ToldRecord>]>([
  ['came to no model', { model: undefined }],
  ['came to a model that has no document', { model: 'gone' }],
  ['made no attempt', { attempt: 0 }],
])('a call that %s changes nothing', (_what, over) => {
  const book = told(record('1', over));
  expect(figuresIn(book)).toEqual(nothingKnown);
  expect(book.incumbent('text_gen')).toBeUndefined();
});

test('an attempt that is told twice counts once, and thousands of others are not taken for it', () => {
  const book = new StatsBook();
  let expected = 100;
  book.record(here, record('attempt-0', saying(expected)));
  for (let n = 1; n < 3_000; n += 1) {
    // Two tokens more each time: two hundredths of a hundred.
    const next = record(`attempt-${n}`, saying(expected + 100));
    book.record(here, next);
    book.record(here, next);
    expected += 2;
    if (figuresIn(book).costNanoUsd !== expected * 1_000) break;
  }
  expect(figuresIn(book).costNanoUsd).toBe(6_098_000);
});

test.each([
  ['a refusal', 'ContentFilter', 0],
  ['an answer that broke off', 'Truncated', 0.2],
] as const)('%s counts as a score of its output', (_what, status, score) => {
  // Of fewer than four the shift is not believed.
  const ends = ['1', '2', '3', '4', '5', '6'].map((id) =>
    record(id, { outcome: 'Blocked', status, usage: undefined, startedAtMs: nowMs - 5_000 }),
  );
  const scored = ends.reduce<ModelStats | undefined>(
    (stats, one) => foldQuality(foldRecord(stats, one, priorOf(a)), 'text_gen', score, nowMs - 4_000),
    undefined,
  );
  expect(figuresIn(told(...ends))).toEqual(measuredBy(scored as ModelStats, a, facts(), nowMs));
});

test.each<[string, Partial<FeedbackScore>, boolean]>([
  ['the version in force', { version: '1' }, true],
  ['no version', { version: undefined }, true],
  ['an empty version', { version: '' }, true],
  ['another version', { version: '2' }, false],
  ['a model that has no document', { model: 'gone' }, false],
])('feedback on %s counts: %#', (_what, over, counts) => {
  const book = new StatsBook();
  const feedback = { model: 'a', version: '1', taskType: 'text_gen', score: 0.1, atMs: nowMs, ...over };
  book.addFeedback(here, feedback);
  const scored = foldQuality(statsFromPrior(priorOf(a), nowMs), 'text_gen', 0.1, nowMs);
  expect(figuresIn(book)).toEqual(counts ? measuredBy(scored, a, facts(), nowMs) : nothingKnown);
});

test('feedback on a model without a version counts only where it names none', () => {
  const b = named(here, 'b');
  const qualityAfter = (version: string): number => {
    const book = new StatsBook();
    book.addFeedback(here, { model: 'b', version, taskType: 'text_gen', score: 0, atMs: nowMs });
    return book.of(b, facts(), nowMs).quality;
  };
  expect(qualityAfter('1')).toBe(0.5);
  expect(qualityAfter('')).toBeLessThan(0.5);
});

test('another version of a model begins at its benchmark', () => {
  const book = told(record('1', { outcome: 'Timeout', status: 'Overloaded', usage: undefined }));
  expect(figuresIn(book).success).toBeLessThan(0.6);
  expect(figuresIn(book, world({ version: '2' })).success).toBe(0.95);
});

test('the incumbent did most of what was done lately, by task type; what failed was not done', () => {
  const did = (models: string, over: Partial<ToldRecord> = {}): string | undefined =>
    told(...[...models].map((slug, n) => record(`${n}`, { model: slug, ...over }))).incumbent('text_gen');
  expect([did(''), did('a'), did('ab'), did('aaab'), did('aaabb'), did('aaabba')]).toEqual([
    undefined,
    'a',
    'b',
    'a',
    'b',
    'a',
  ]);
  expect(did(`a${'b'.repeat(40)}`)).toBe('b');
  expect(did('a', { taskType: 'code' })).toBeUndefined();
  expect(did('a', { outcome: 'Timeout', status: 'Overloaded' })).toBeUndefined();
});

test('outputs are expected to be as long as lately, by task type: a fiftieth of each new length is taken over', () => {
  const lengthAfter = (...records: readonly Partial<ToldRecord>[]): number =>
    (figuresIn(told(...records.map((over, n) => record(`${n}`, over)))).costNanoUsd ?? 0) / 1_000;
  expect(lengthAfter()).toBe(256);
  expect(lengthAfter(saying(100))).toBe(100);
  expect(lengthAfter(saying(100), saying(200))).toBe(102);
  expect(lengthAfter(saying(100), saying(0), { usage: undefined }, saying(200))).toBe(102);
  expect(lengthAfter({ ...saying(100), taskType: 'code' })).toBe(256);
});
