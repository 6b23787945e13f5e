import { expect, test } from 'vitest';
import { startStateOf, type StartFacts } from './start-window.ts';

const state = (over: Partial<StartFacts>) =>
  startStateOf({ startUntilMs: 1_500, nowMs: 1_000, boundMs: 2, stoodStillMs: 0, ...over });

test('a call may start in the first half of its window, is asked about in the second, and is over after it', () => {
  expect([state({}), state({ nowMs: 1_248 }), state({ nowMs: 1_249 }), state({ nowMs: 1_497 })]).toEqual([
    'open',
    'open',
    'doubtful',
    'doubtful',
  ]);
  // The clock may be two milliseconds behind.
  expect([state({ nowMs: 1_498 }), state({ nowMs: 17_000 })]).toEqual(['over', 'over']);
});

test('a process that stood still for half a window asks, and after a whole one it starts nothing', () => {
  expect([249, 250, 499, 500, 16_000].map((stoodStillMs) => state({ stoodStillMs }))).toEqual([
    'open',
    'doubtful',
    'doubtful',
    'over',
    'over',
  ]);
});

test('without a known bus clock, and on what is no number, nothing starts', () => {
  expect(state({ boundMs: undefined })).toBe('over');
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY])
    expect([state({ startUntilMs: bad }), state({ boundMs: -bad }), state({ nowMs: -bad })]).toEqual([
      'over',
      'over',
      'over',
    ]);
  expect(state({ stoodStillMs: Number.NaN })).toBe('over');
});
