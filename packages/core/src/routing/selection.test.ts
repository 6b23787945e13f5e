import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { select } from './selection.ts';
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
