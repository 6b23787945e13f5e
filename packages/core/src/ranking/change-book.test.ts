import { expect, test } from 'vitest';
import { ChangeBook, type ChangeSignal, type ComparedRecord, type ModelChange } from './change-book.ts';

const startMs = Date.UTC(2026, 10, 1);
const minuteMs = 60_000;
const callsAMonth = 30 * 24 * 60;

/** Numbers from 0 to 1 that follow from the seed alone. */
function drawsOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const normal = (draw: () => number): number => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());

interface Planted {
  readonly length?: number;
  readonly latency?: number;
  readonly refusals?: number;
}

/** A call a minute of three clients whose work differs, slower by day than by night. */
function callAt(
  n: number,
  draw: () => number,
  { length = 1, latency = 1, refusals = 0.01 }: Planted = {},
): ComparedRecord {
  const client = n % 3;
  const inputTokens = Math.round(2 ** (5 + 7 * draw()));
  const usual = 3 + client + 0.2 * Math.log(inputTokens);
  const outputTokens = Math.max(1, Math.round(length * Math.exp(usual + 0.7 * normal(draw))));
  const byDay = 1 + 0.08 * Math.sin((2 * Math.PI * n) / (24 * 60));
  const durationMs = Math.round(latency * byDay * (outputTokens + 50) * 20 * Math.exp(0.3 * normal(draw)));
  const isRefused = draw() < refusals;
  return {
    model: 'm',
    client: `client-${client}`,
    modelVersion: '1',
    servedVersion: 'served-1',
    taskType: 'text_gen',
    startedAtMs: startMs + n * minuteMs,
    durationMs,
    outcome: isRefused ? 'Blocked' : 'Success',
    status: isRefused ? 'ContentFilter' : 'Success',
    finish: 'stop',
    usage: { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  };
}

/** Calls after which each change was found, of a book that has seen a thousand as they were. */
function foundAfter(planted: Planted, seed: number): ReadonlyMap<ChangeSignal, number> {
  const book = new ChangeBook();
  const draw = drawsOf(seed);
  const found = new Map<ChangeSignal, number>();
  for (let n = 0; n < 1_000; n += 1) expect(book.record(callAt(n, draw))).toEqual([]);
  for (let n = 1; n <= 300; n += 1)
    for (const { signal } of book.record(callAt(1_000 + n, draw, planted))) found.set(signal, n);
  return found;
}

test.each<[ChangeSignal, Planted]>([
  ['length', { length: 2 }],
  ['length', { length: 0.5 }],
  ['latency', { latency: 1.6 }],
  ['refusals', { refusals: 0.2 }],
])('a change of %s is found within 200 calls: %j', (signal, planted) => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const found = foundAfter(planted, seed);
    expect([seed, [...found.keys()]]).toEqual([seed, [signal]]);
    expect(found.get(signal)).toBeLessThanOrEqual(200);
  }
});

test('what is otherwise is told in words, with how much', () => {
  const book = new ChangeBook();
  const draw = drawsOf(5);
  const found: ModelChange[] = [];
  for (let n = 0; n < 1_300; n += 1) found.push(...book.record(callAt(n, draw, n < 1_000 ? {} : { length: 2 })));
  expect(found).toMatchObject([{ model: 'm', taskType: 'text_gen', signal: 'length' }]);
  expect(found[0]?.change).toBeGreaterThan(1.6);
  expect(found[0]?.change).toBeLessThan(2.4);
  expect(found[0]?.words).toMatch(/^answers are [12]\.\d times as long as before$/);
});

test('a month of a call a minute, slower by day than by night, tells nothing', () => {
  for (const seed of [11, 12, 13]) {
    const book = new ChangeBook();
    const draw = drawsOf(seed);
    const found: ModelChange[] = [];
    for (let n = 0; n < callsAMonth; n += 1) found.push(...book.record(callAt(n, draw)));
    expect([seed, found]).toEqual([seed, []]);
  }
});

test('other work is no change: clients come and go whose answers are long, slow and often refused', () => {
  const book = new ChangeBook();
  const draw = drawsOf(21);
  const found: ModelChange[] = [];
  for (let n = 0; n < 5_000; n += 1) {
    const isOther = n > 2_000 && n % 2 === 0;
    const call = callAt(n, draw, isOther ? { length: 6, latency: 2, refusals: 0.3 } : {});
    found.push(...book.record(isOther ? { ...call, client: 'newcomer' } : call));
  }
  expect(found).toEqual([]);
});

test('scores that fall are found within 200 of them', () => {
  const book = new ChangeBook();
  const draw = drawsOf(31);
  const scored = (n: number, good: number) =>
    book.score({
      model: 'm',
      modelVersion: '1',
      taskType: 'text_gen',
      score: draw() < good ? 1 : 0,
      atMs: startMs + n * minuteMs,
    });
  for (let n = 0; n < 1_000; n += 1) expect(scored(n, 0.8)).toEqual([]);
  let calls = 0;
  let found: readonly ModelChange[] = [];
  while (found.length === 0 && calls < 300) {
    calls += 1;
    found = scored(1_000 + calls, 0.4);
  }
  expect(found).toMatchObject([{ signal: 'quality' }]);
  expect(found[0]?.words).toMatch(/^scores are 0\.\d\d lower than before, of 1$/);
  expect(calls).toBeLessThanOrEqual(200);
});

test('a version that takes over is told once, at its third call in a row; one that served before is no news', () => {
  const book = new ChangeBook();
  const draw = drawsOf(41);
  let n = 0;
  const served = (servedVersion: string) => book.record({ ...callAt((n += 1), draw), servedVersion });
  expect([served('a'), served('b'), served('b'), served('a'), served('b'), served('b')].flat()).toEqual([]);
  expect(served('b')).toMatchObject([{ signal: 'version', words: 'it is served by b, before by a', calls: 3 }]);
  expect([served('b'), served('a'), served('a'), served('a'), served('b'), served('')].flat()).toEqual([]);
});
