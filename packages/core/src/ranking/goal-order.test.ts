import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSnapshot } from '../snapshot/compile-snapshot.ts';
import { decide } from '../routing/decide.ts';
import type { AnyDocument, ModelDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import type { Goal } from '../domain/goal.ts';
import { measuresOf } from './goal-order.ts';
import { select } from '../routing/selection.ts';
import { StatsBook, type ToldRecord } from './stats-book.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
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
  inputTokens: 100,
  maxOutputTokens: 0,
};

const model = (name: string, over: Partial<ModelDocument> = {}): AnyDocument => ({
  kind: 'model',
  body: {
    name,
    slug: name,
    aliases: [],
    version: '1',
    tags: ['code'],
    call_method: 'Local',
    provider: 'openai-compatible',
    capabilities: [],
    tier: 'standard',
    security_level: 'safe_for_sensitive',
    allowed_tasks: { can_this_model_see_customer_data: true },
    ...over,
  },
});

function world(names: readonly string[], mode: 'auto' | 'shadow', over: Partial<ModelDocument> = {}) {
  return route(
    names.map((name) => model(name, over)),
    mode,
    'balanced',
  );
}

/** Models in the order that a route declares. */
function route(models: readonly AnyDocument[], mode: 'auto' | 'shadow', goal: Goal) {
  const steps = models.map(({ body: { name } }, n) => ({ step: `step_${n}`, model: name }));
  const compiled = compileSnapshot(1, [
    ...models,
    { kind: 'route', body: { name: 'code', slug: 'code', steps, mode, goal } },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

const call = (n: number, over: Partial<ToldRecord> = {}): ToldRecord => ({
  attemptId: `a${n}`,
  attempt: 1,
  model: 'a',
  modelVersion: '1',
  taskType: 'code',
  startedAtMs: nowMs + n * 1_000,
  durationMs: 500,
  firstContentMs: 100,
  outcome: 'Success',
  status: 'Success',
  usage: { inputTokens: 10, outputTokens: 50, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  streamed: true,
  ...over,
});
const orderOf = (book: StatsBook, snapshot: ReturnType<typeof world>, atMs = nowMs): string[] =>
  decide(snapshot, facts, atMs, book).candidates.map(({ model: slug }) => slug);

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 });

test('with all statistics equal the declared order stands, and shadow never changes it', () => {
  fc.assert(
    fc.property(names, fc.constantFrom('auto', 'shadow'), (declared, mode) => {
      const snapshot = world(declared, mode as 'auto' | 'shadow');
      return orderOf(new StatsBook(), snapshot).join() === declared.join();
    }),
  );
});

const told = fc.array(
  fc.record({
    model: fc.constantFrom('a', 'b', 'c'),
    isSuccess: fc.boolean(),
    durationMs: fc.integer({ min: 10, max: 20_000 }),
    attempt: fc.integer({ min: 0, max: 30 }),
  }),
  { maxLength: 60 },
);

test('replicas that folded the same stream rank alike, also where attempts are told twice; and the ranking is made again from its record', () => {
  const snapshot = world(['a', 'b', 'c'], 'auto', { prices: { input: 1, output: 2 } });
  fc.assert(
    fc.property(told, (records) => {
      const [one, two] = [new StatsBook(), new StatsBook()];
      records.forEach(({ isSuccess, attempt, ...over }, n) => {
        const status = isSuccess ? 'Success' : 'Overloaded';
        const record = call(attempt, {
          ...over,
          outcome: isSuccess ? 'Success' : 'Timeout',
          status,
          startedAtMs: nowMs + n * 500,
        });
        one.record(snapshot, record);
        two.record(snapshot, record);
        two.record(snapshot, record);
      });
      const atMs = nowMs + 40_000;
      const set = decide(snapshot, facts, atMs, one);
      expect(decide(snapshot, facts, atMs, two)).toEqual(set);
      expect(decide(snapshot, facts, atMs, measuresOf(set.ranking, set.candidates))).toEqual(set);
      expect(set.candidates).toHaveLength(3);
    }),
  );
});

test('a model that fails goes behind one that does not, and comes back when its failures are long ago', () => {
  const snapshot = world(['a', 'b'], 'auto');
  const book = new StatsBook();
  for (let n = 0; n < 6; n += 1)
    book.record(snapshot, call(n, { outcome: 'Timeout', status: 'Overloaded', usage: undefined }));
  expect(orderOf(book, snapshot, nowMs + 7_000)).toEqual(['b', 'a']);
  expect(orderOf(book, snapshot, nowMs + 900_000)).toEqual(['a', 'b']);
});

test('before anything is measured the record says how fast, good and dear a model is, by its benchmark or its local profile', () => {
  const dear = { benchmark: { cost_per_1k_tokens_usd: { input: 0.03, output: 0.06 } } };
  const cheap = { benchmark: { cost_per_1k_tokens_usd: { input: 0.001, output: 0.002 } } };
  const cases: readonly (readonly [goal: Goal, first: Partial<ModelDocument>, better: Partial<ModelDocument>])[] = [
    ['speed', {}, { benchmark: { avg_latency_ms: 300 } }],
    ['speed', {}, { local: { profile: { tokens_per_second: 500 } } }],
    ['quality', {}, { benchmark: { accuracy: 9.5 } }],
    ['quality', {}, { local: { profile: { accuracy: 9.5 } } }],
    ['cost', dear, cheap],
  ];
  for (const [goal, first, better] of cases) {
    const snapshot = route([model('a', first), model('b', better)], 'auto', goal);
    expect({ better, order: orderOf(new StatsBook(), snapshot) }).toEqual({ better, order: ['b', 'a'] });
  }
});

test('another version of a model begins with its benchmark again', () => {
  const before = world(['a', 'b'], 'auto');
  const after = world(['a', 'b'], 'auto', { version: '2' });
  const book = new StatsBook();
  for (let n = 0; n < 9; n += 1)
    book.addFeedback(before, { model: 'a', version: '1', taskType: 'code', score: 0.1, atMs: nowMs });
  expect(orderOf(book, before)).toEqual(['b', 'a']);
  expect(orderOf(book, after)).toEqual(['a', 'b']);
});

test('a refusal counts against the quality of a model, and not against its health', () => {
  const snapshot = world(['a', 'b'], 'auto');
  const book = new StatsBook();
  const [before] = decide(snapshot, facts, nowMs, book).ranking?.models ?? [];
  book.record(snapshot, call(1, { outcome: 'Blocked', status: 'ContentFilter', usage: undefined }));
  const [after] = decide(snapshot, facts, nowMs + 2_000, book).ranking?.models ?? [];
  expect(after?.quality).toBeLessThan(before?.quality ?? 0);
  expect(after?.success).toBeCloseTo(before?.success ?? 0, 5);
});

test('one task in a hundred tries another model of the goal first, never with high priority nor where the order is declared', () => {
  const prices = { input: 1, output: 2 };
  const nothing = { unserved: new Map<string, string>(), coolingUntilMs: new Map<string, number>() };
  const firstsOf = (mode: 'auto' | 'shadow', priority: Facts['priority']): string[] => {
    const set = decide(world(['a', 'b', 'c'], mode, { prices }), { ...facts, priority }, nowMs, new StatsBook());
    return Array.from({ length: 20_000 }, (_, seed) => {
      const { order } = select(set, nothing, { seed: seed * 7_919, nowMs });
      expect(order.toSorted()).toEqual(['a', 'b', 'c']);
      return order[0] as string;
    });
  };
  const others = firstsOf('auto', 'normal').filter((first) => first !== 'a');
  expect(others.length / 20_000).toBeGreaterThan(0.0075);
  expect(others.length / 20_000).toBeLessThan(0.0125);
  expect(new Set(others)).toEqual(new Set(['b', 'c']));
  expect(firstsOf('auto', 'high').every((first) => first === 'a')).toBe(true);
  expect(firstsOf('shadow', 'normal').every((first) => first === 'a')).toBe(true);
});
