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

// --- a series without noise: what is found, and after how many calls, follows from the bounds alone -----------------

const plain = (n: number, over: Partial<ComparedRecord> = {}): ComparedRecord => ({
  model: 'm',
  client: 'c',
  modelVersion: '1',
  servedVersion: '',
  taskType: 'text_gen',
  startedAtMs: startMs + n * minuteMs - 500,
  durationMs: 500,
  outcome: 'Success',
  status: 'Success',
  finish: 'stop',
  usage: { inputTokens: 100, outputTokens: 50, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  ...over,
});
const saying = (outputTokens: number): Partial<ComparedRecord> => ({
  usage: { inputTokens: 100, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
});
const refused: Partial<ComparedRecord> = { outcome: 'Blocked', status: 'ContentFilter', usage: undefined };
/**
 * Ten values until the stratum is known, and thirty batches of ten to compare with. The fifty values of a change move
 * what is usual by a tenth of the way.
 */
const learning = 310;

/** What a book finds in so many calls as before, and then in calls that differ; with the call at which it did. */
function changesIn(
  before: Partial<ComparedRecord>,
  then: Partial<ComparedRecord>,
  { calls = 100, known = learning, book = new ChangeBook() } = {},
): readonly (ModelChange & { readonly at: number })[] {
  const found: (ModelChange & { at: number })[] = [];
  for (let n = 0; n < known + calls; n += 1)
    for (const change of book.record(plain(n, n < known ? before : then))) found.push({ ...change, at: n + 1 });
  return found;
}

test.each<[string, Partial<ComparedRecord>, Partial<ComparedRecord>, Partial<ModelChange>]>([
  ['longer answers', saying(50), saying(101), { signal: 'length', words: 'answers are 1.9 times as long as before' }],
  ['shorter answers', saying(101), saying(50), { signal: 'length', words: 'answers are 0.54 times as long as before' }],
  [
    'slower answers',
    {},
    { durationMs: 1_500 },
    { signal: 'latency', words: 'calls take 2.7 times as long as before for the same output' },
  ],
  ['more refusals', {}, refused, { signal: 'refusals', words: '90 % more of its calls are refused than before' }],
  ['fewer refusals', refused, {}, { signal: 'refusals', words: '90 % fewer of its calls are refused than before' }],
])('%s are found after five batches that are far off', (_what, before, then, change) => {
  const [first] = changesIn(before, then).filter(({ signal }) => signal === change.signal);
  expect(first).toMatchObject({ ...change, model: 'm', taskType: 'text_gen', calls: 50, at: learning + 50 });
  expect(first?.atMs).toBe(startMs + (learning + 49) * minuteMs + ((then.durationMs ?? 500) - 500));
});

test('what is learnt from one value less compares nothing', () => {
  expect(changesIn({}, refused, { known: learning - 1, calls: 50 })).toEqual([]);
  expect(changesIn({}, refused, { known: learning, calls: 49 })).toEqual([]);
});

test('the size of a change is a factor of time and length, and a difference of shares', () => {
  const sizeOf = (before: Partial<ComparedRecord>, then: Partial<ComparedRecord>, signal: ChangeSignal) =>
    changesIn(before, then).find((change) => change.signal === signal)?.change;
  expect(sizeOf(saying(50), saying(101), 'length')).toBeCloseTo(2 ** 0.9, 1);
  expect(sizeOf({}, { durationMs: 1_500 }, 'latency')).toBeCloseTo(3 ** 0.9, 1);
  expect(sizeOf({}, refused, 'refusals')).toBeCloseTo(0.9, 2);
  expect(sizeOf(refused, {}, 'refusals')).toBeCloseTo(-0.9, 2);
});

test('a longer answer that takes as much longer is no slower', () => {
  const found = changesIn({ durationMs: 1_000 }, { ...saying(150), durationMs: 2_000 });
  expect(found.map(({ signal }) => signal)).toEqual(['length']);
});

test.each<[string, Partial<ComparedRecord>]>([
  ['calls that failed', { outcome: 'Timeout', status: 'Overloaded', durationMs: 90_000 }],
  ['answers without tokens', { ...saying(0), durationMs: 90_000 }],
  ['answers whose tokens nobody counted', { usage: undefined, durationMs: 90_000 }],
])('%s are compared with nothing', (_what, then) => {
  expect(changesIn({}, then)).toEqual([]);
});

test('an answer that the filter cut counts as a refusal, and its length and time as nothing', () => {
  const cut: Partial<ComparedRecord> = { finish: 'content_filter', durationMs: 90_000, ...saying(1) };
  expect(changesIn({}, cut).map(({ signal }) => signal)).toEqual(['refusals']);
});

test.each<[string, Partial<ComparedRecord>]>([
  ['model', { model: 'other' }],
  ['version of the model', { modelVersion: '2' }],
  ['task type', { taskType: 'code' }],
  ['client', { client: 'newcomer' }],
  ['size of input', { usage: { ...plain(0).usage, inputTokens: 400, outputTokens: 300 } as ComparedRecord['usage'] }],
])('calls of another %s are not compared with these', (_what, over) => {
  expect(changesIn({}, { ...saying(300), ...over })).toEqual([]);
});

test('inputs that are nearly as long are compared', () => {
  const sized = (inputTokens: number, outputTokens: number): Partial<ComparedRecord> => ({
    usage: { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  });
  const foundFrom = (before: number, then: number) => changesIn(sized(before, 50), sized(then, 300)).length > 0;
  // Two sizes for each doubling: 127 to 180, and 181 to 255.
  expect([foundFrom(127, 180), foundFrom(127, 181), foundFrom(181, 254), foundFrom(181, 255)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

const scoredBy = (book: ChangeBook, n: number, score: number, model = 'm'): readonly ModelChange[] =>
  book.score({ model, modelVersion: '1', taskType: 'text_gen', score, atMs: startMs + n });

test.each([
  [0.5, 1, 'scores are 0.45 higher than before, of 1'],
  [1, 0.5, 'scores are 0.45 lower than before, of 1'],
])('scores of %d that become %d are told', (before, then, words) => {
  const book = new ChangeBook();
  for (let n = 0; n < learning; n += 1) expect(scoredBy(book, n, before)).toEqual([]);
  for (let n = 0; n < 49; n += 1) expect(scoredBy(book, n, then)).toEqual([]);
  const [found] = scoredBy(book, 77, then);
  expect(found).toMatchObject({
    model: 'm',
    taskType: 'text_gen',
    signal: 'quality',
    words,
    calls: 50,
    atMs: startMs + 77,
  });
  expect(found?.change).toBeCloseTo(0.9 * (then - before), 1);
});

test('of five thousand series the one that was not touched for longest is forgotten', () => {
  const isRemembered = (others: number): boolean => {
    const book = new ChangeBook();
    for (let n = 0; n < learning; n += 1) scoredBy(book, n, 1);
    for (let n = 0; n < others; n += 1) scoredBy(book, n, 1, `other-${n}`);
    let found = 0;
    for (let n = 0; n < 50; n += 1) found += scoredBy(book, n, 0).length;
    return found > 0;
  };
  expect([isRemembered(4_999), isRemembered(5_000)]).toEqual([true, false]);
  const touched = new ChangeBook();
  for (let n = 0; n < learning - 1; n += 1) scoredBy(touched, n, 1);
  for (let n = 0; n < 3_000; n += 1) scoredBy(touched, n, 1, `early-${n}`);
  scoredBy(touched, 0, 1);
  for (let n = 0; n < 3_000; n += 1) scoredBy(touched, n, 1, `late-${n}`);
  expect(Array.from({ length: 50 }, (_, n) => scoredBy(touched, n, 0)).flat()).toHaveLength(1);
});

test('five hundred strata of a series are known, and calls of others are compared with nothing', () => {
  const isFound = (others: number): boolean => {
    const book = new ChangeBook();
    for (let n = 0; n < others; n += 1) book.record(plain(n, { client: `other-${n}` }));
    return changesIn({}, refused, { book }).length > 0;
  };
  expect([isFound(499), isFound(500)]).toEqual([true, false]);
});

test('versions that take turns take over from none, and the fifty-first is no news', () => {
  const book = new ChangeBook();
  let n = 0;
  const served = (...versions: readonly string[]) =>
    versions.flatMap((servedVersion) => book.record(plain((n += 1), { servedVersion })));
  expect(served('v0', 'x', 'y', 'x', 'y', 'x', 'y')).toEqual([]);
  expect(served('x', 'x')).toEqual([]);
  expect(served('x')).toEqual([
    {
      model: 'm',
      taskType: undefined,
      signal: 'version',
      words: 'it is served by x, before by v0',
      change: 0,
      calls: 3,
      atMs: startMs + n * minuteMs,
    },
  ]);
  // What it was before is known, and a new one begins to count again after it.
  expect(served('z', 'z', 'v0', 'z', 'z')).toEqual([]);
  expect(served('z')).toMatchObject([{ words: 'it is served by z, before by v0' }]);
  for (let more = 3; more < 50; more += 1) expect(served(`v${more}`, `v${more}`, `v${more}`)).toHaveLength(1);
  expect(served('last', 'last', 'last', 'last')).toEqual([]);
});

test('each served version is compared with itself; a call that does not say is one of the last', () => {
  const book = new ChangeBook();
  const by = (servedVersion: string): Partial<ComparedRecord> => ({ servedVersion });
  expect(changesIn(by('one'), { ...refused, ...by('') }, { book })).toMatchObject([{ signal: 'refusals' }]);
  const other = new ChangeBook();
  const signals = changesIn(by('one'), { ...refused, ...by('two') }, { book: other }).map(({ signal }) => signal);
  expect(signals).toEqual(['version']);
});
