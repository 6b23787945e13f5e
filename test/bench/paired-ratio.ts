/** A ratio over pairs of measurements, each pair taken one after the other. */
export interface PairedRatio {
  readonly pairs: number;
  /** Geometric mean of the ratios. */
  readonly mean: number;
  /** Ends of its 95 % interval, by bootstrap over the pairs. */
  readonly low: number;
  readonly high: number;
}

const resamples = 4_000;

/**
 * The ratio second ÷ first of each pair, as a geometric mean with a 95 % percentile-bootstrap interval (Efron and
 * Tibshirani, 1993, chapter 13). `next` draws from 0 to 1; with a seeded one the interval repeats.
 */
export function pairedRatio(
  pairs: readonly (readonly [first: number, second: number])[],
  next: () => number,
): PairedRatio {
  const logs = pairs.map(([first, second]) => Math.log(second / first));
  const means = Array.from({ length: resamples }, () =>
    meanOf(logs.map(() => logs[Math.floor(next() * logs.length)] ?? 0)),
  );
  means.sort((a, b) => a - b);
  const at = (share: number): number => Math.exp(means[Math.floor(share * (resamples - 1))] ?? Number.NaN);
  return { pairs: pairs.length, mean: Math.exp(meanOf(logs)), low: at(0.025), high: at(0.975) };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
