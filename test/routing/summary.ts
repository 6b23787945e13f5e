import type { Outcome } from './simulate.ts';
import { seeded } from './world.ts';

interface Spread {
  readonly worst: number;
  readonly median: number;
}

/** What one way to choose came to over all scripts. */
export interface Summary {
  readonly regret: number;
  readonly worstRegret: number;
  /** Of the regret of the cascade by goal, and the ends of its 95 % interval, by paired bootstrap over seeds. */
  readonly ofCascade: number;
  readonly interval: readonly [from: number, to: number];
  /** Scripts with less regret than that. */
  readonly wins: number;
  /** Of all requests of all scripts. */
  readonly success: number;
  readonly wasted: number;
  readonly switches: number;
  readonly detectSeconds: Spread;
  readonly failedCalls: { readonly down: Spread; readonly hang: Spread };
  readonly returnSeconds: Spread;
  readonly outages: number;
  /** Outages after which a return was to be seen. */
  readonly returns: number;
  readonly violations: number;
}

export function summaryOf(outcomes: readonly Outcome[], cascade: readonly Outcome[]): Summary {
  const regret = mean(outcomes.map((one) => one.regret));
  const outages = outcomes.flatMap((one) => one.outages);
  const returns = outages.flatMap(({ returnSeconds }) => (returnSeconds === undefined ? [] : [returnSeconds]));
  const failedIn = (kind: string): Spread =>
    spreadOf(outages.flatMap((one) => (one.kind === kind ? [one.failedCalls] : [])));
  return {
    regret,
    worstRegret: Math.max(...outcomes.map((one) => one.regret)),
    ofCascade: regret / mean(cascade.map((one) => one.regret)),
    interval: bootstrapped(outcomes, cascade),
    wins: outcomes.filter((one, n) => one.regret < (cascade[n]?.regret ?? 0)).length,
    success: mean(outcomes.map((one) => one.successRate)),
    wasted: mean(outcomes.map((one) => one.wastedRate)),
    switches: mean(outcomes.map((one) => one.switchRate)),
    detectSeconds: spreadOf(outages.map((one) => one.detectSeconds)),
    failedCalls: { down: failedIn('down'), hang: failedIn('hang') },
    returnSeconds: spreadOf(returns),
    outages: outages.length,
    returns: returns.length,
    violations: outcomes.reduce((sum, one) => sum + one.violations, 0),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spreadOf = (values: readonly number[]): Spread => ({
  worst: Math.max(0, ...values),
  median: values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0,
});

const resamples = 2_000;

function bootstrapped(outcomes: readonly Outcome[], cascade: readonly Outcome[]): readonly [number, number] {
  const draw = seeded(outcomes.length);
  const ratios = Array.from({ length: resamples }, () => {
    const at = outcomes.map(() => Math.floor(draw() * outcomes.length));
    const sum = (of: readonly Outcome[]): number => at.reduce((total, n) => total + (of[n]?.regret ?? 0), 0);
    return sum(outcomes) / sum(cascade);
  }).toSorted((a, b) => a - b);
  return [ratios[Math.floor(0.025 * resamples)] ?? 0, ratios[Math.floor(0.975 * resamples)] ?? 0];
}
