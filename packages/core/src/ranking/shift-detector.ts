/** A lasting change of a series: its level before, and that of the values since it began to move. */
export interface Shift {
  readonly before: number;
  readonly after: number;
  /** Values that it took to be sure of it. */
  readonly values: number;
}

/** The memory of a series. Pure data: the same values in the same order give the same. */
export interface ShiftState {
  readonly batchSum: number;
  readonly batchCount: number;
  /** Mean and variance of the means of batches, and of how many; as it was before anything moved. */
  readonly mean: number;
  readonly variance: number;
  readonly batches: number;
  /** Evidence that the level went up or down, in standard errors beyond what is let pass. */
  readonly up: number;
  readonly down: number;
  /** Sum of the batches since the evidence that is the larger began, and their number. */
  readonly movedSum: number;
  readonly movedBatches: number;
}

/** Values in a batch: neighbours that go up and down together count once. */
const batchSize = 10;
/** So many batches are seen before anything is compared with them: 300 values. */
const referenceBatches = 30;
/** A batch this many standard errors off is no evidence; one that is further off counts as this much at most. */
const letPass = 0.75;
const maxError = 4;
/** Evidence from which on a change is told. Of independent batches so much comes by accident once in e^24. */
const threshold = 16;
/** Weight of one more batch in what is usual, which so follows slow drift. */
const gain = 1 / 100;
/** While evidence is below this share, a batch counts as usual. */
const maxUsualShare = 0.25;

export const emptySeries: ShiftState = {
  batchSum: 0,
  batchCount: 0,
  mean: 0,
  variance: 0,
  batches: 0,
  up: 0,
  down: 0,
  movedSum: 0,
  movedBatches: 0,
};

/**
 * A series after one more value, and the change that this value made sure of; then the series begins anew at its new level.
 * Two cumulative sums over means of ten values, in standard errors of such means as they were before.
 * @param leastError standard error below which none is believed: of a level that is off by three quarters of it nothing is told.
 */
export function observeShift(
  before: ShiftState,
  value: number,
  leastError: number,
): { readonly state: ShiftState; readonly shift?: Shift } {
  const batchSum = before.batchSum + value;
  const batchCount = before.batchCount + 1;
  if (batchCount < batchSize) return { state: { ...before, batchSum, batchCount } };
  return afterBatch({ ...before, batchSum: 0, batchCount: 0 }, batchSum / batchCount, leastError);
}

function afterBatch(
  before: ShiftState,
  mean: number,
  leastError: number,
): { readonly state: ShiftState; readonly shift?: Shift } {
  if (before.batches < referenceBatches) return { state: withUsual(before, mean) };
  const error = Math.max(leastError, Math.sqrt(before.variance));
  const off = Math.min(maxError, Math.max(-maxError, (mean - before.mean) / error));
  const up = Math.max(0, before.up + off - letPass);
  const down = Math.max(0, before.down - off - letPass);
  const evidence = Math.max(up, down);
  const isMoving = evidence > 0;
  const moved = {
    ...before,
    up,
    down,
    movedSum: isMoving ? before.movedSum + mean : 0,
    movedBatches: isMoving ? before.movedBatches + 1 : 0,
  };
  if (evidence < threshold) return { state: evidence < threshold * maxUsualShare ? withUsual(moved, mean) : moved };
  const { movedSum, movedBatches } = moved;
  return {
    state: emptySeries,
    shift: { before: before.mean, after: movedSum / movedBatches, values: movedBatches * batchSize },
  };
}

function withUsual(state: ShiftState, mean: number): ShiftState {
  const batches = state.batches + 1;
  const weight = Math.max(gain, 1 / batches);
  const error = mean - state.mean;
  return {
    ...state,
    batches,
    mean: state.mean + weight * error,
    variance: (1 - weight) * (state.variance + weight * error * error),
  };
}
