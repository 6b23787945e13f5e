import { expect, test } from 'vitest';
import { emptySeries, observeShift, type Shift, type ShiftState } from './shift-detector.ts';

type Seen = ReturnType<typeof observeShift>;

/** Ten values whose mean is this, and what they led to. */
function batch(before: ShiftState, mean: number, leastError = 1): Seen {
  let seen: Seen = { state: before };
  for (let n = 0; n < 10; n += 1) seen = observeShift(seen.state, mean + (n % 2 === 0 ? 1 : -1), leastError);
  return seen;
}
const known: ShiftState = { ...emptySeries, batches: 50, mean: 5, variance: 4 };

test('nine values wait for the tenth', () => {
  let { state } = observeShift(emptySeries, 3, 1);
  expect(state).toEqual({ ...emptySeries, batchSum: 3, batchCount: 1 });
  for (let n = 0; n < 8; n += 1) ({ state } = observeShift(state, 2, 1));
  expect(state).toEqual({ ...emptySeries, batchSum: 19, batchCount: 9 });
  expect(observeShift(state, 1, 1)).toEqual({ state: { ...emptySeries, batches: 1, mean: 2 } });
});

test('the first thirty batches are what is usual, each with the same weight', () => {
  const second = batch(batch(emptySeries, 2).state, 4).state;
  // Half of the square of the way from 2 to 4, and half of that.
  expect(second).toEqual({ ...emptySeries, batches: 2, mean: 3, variance: 1 });
  const third = batch(second, 9).state;
  expect(third.mean).toBeCloseTo(5, 12);
  expect(third.variance).toBeCloseTo((2 / 3) * (1 + 36 / 3), 12);
  const wild = batch({ ...known, batches: 29 }, 1_000);
  expect(wild.state).toMatchObject({ batches: 30, up: 0, movedBatches: 0 });
  expect(batch({ ...known, batches: 30 }, 1_000).state).toMatchObject({ up: 3.25, movedBatches: 1 });
});

test('later a batch moves what is usual by a hundredth at least', () => {
  const { state } = batch({ ...known, batches: 400 }, 5.5);
  expect(state).toMatchObject({ batches: 401, up: 0, down: 0, movedSum: 0, movedBatches: 0 });
  expect(state.mean).toBeCloseTo(5.005, 12);
  expect(state.variance).toBeCloseTo(0.99 * (4 + 0.01 * 0.25), 12);
});

test.each([
  ['less than the passed part of a standard error', 6.4, 0, 0],
  ['two standard errors up', 9, 1.25, 0],
  ['two standard errors down', 1, 0, 1.25],
  ['far up, which counts as four', 1_000, 3.25, 0],
  ['far down, which counts as four', -1_000, 0, 3.25],
])('a batch that is off by %s is that much evidence', (_what, mean, up, down) => {
  const isMoving = up + down > 0;
  expect(batch(known, mean).state).toMatchObject({
    up,
    down,
    movedSum: isMoving ? mean : 0,
    movedBatches: isMoving ? 1 : 0,
  });
});

test('no standard error below the least is believed', () => {
  expect(batch({ ...known, variance: 0 }, 9, 2).state.up).toBe(1.25);
  expect(batch({ ...known, variance: 0 }, 9, 1).state.up).toBe(3.25);
});

test('evidence fades while nothing is off, and what moved is forgotten with it', () => {
  const moving = { ...known, up: 2, down: 1, movedSum: 18, movedBatches: 2 };
  expect(batch(moving, 5).state).toMatchObject({ up: 1.25, down: 0.25, movedSum: 23, movedBatches: 3 });
  expect(batch({ ...moving, up: 0.5, down: 0.5 }, 5).state).toMatchObject({
    up: 0,
    down: 0,
    movedSum: 0,
    movedBatches: 0,
  });
});

test('from a quarter of the evidence on a batch is no longer taken for usual', () => {
  const after = (up: number): ShiftState => batch({ ...known, up }, 5 + 2 * 0.75).state;
  expect(after(3.75)).toMatchObject({ up: 3.75, batches: 51 });
  expect(after(4)).toMatchObject({ up: 4, batches: 50, mean: 5, variance: 4 });
});

test.each<[string, Partial<ShiftState>, number, Shift]>([
  ['up', { up: 12.75 }, 13, { before: 5, after: 12.25, values: 40 }],
  ['down', { down: 12.75 }, -3, { before: 5, after: 8.25, values: 40 }],
])('at sixteen standard errors the level went %s, and the series begins anew', (_way, over, mean, shift) => {
  const nearly = { ...known, ...over, movedSum: 36, movedBatches: 3 };
  expect(batch(nearly, mean)).toEqual({ state: emptySeries, shift });
  const less = batch({ ...nearly, up: nearly.up && 12.7, down: nearly.down && 12.7 }, mean);
  expect(less.shift).toBeUndefined();
  expect(less.state).toMatchObject({ batches: 50, mean: 5, movedBatches: 4 });
});
