import type { Goal } from '@will/core';
import { expect, test } from 'vitest';
import { choosers } from './choosers.ts';
import { type Outcome, simulate } from './simulate.ts';
import { scriptOf } from './world.ts';

// The product's own decision, statistics and breaker against incidents it has not seen. `WILL_SIMULATED_SEEDS` sets how many.

const seeds = Array.from({ length: Number(process.env['WILL_SIMULATED_SEEDS'] ?? 6) }, (_, n) => 1_001 + n);
const goals: readonly Goal[] = ['balanced', 'speed', 'cost', 'quality'];

const runs = (chooser: string, goal: Goal): Outcome[] =>
  seeds.map((seed) => simulate(scriptOf(seed, 20 * 60_000, 4), goal, choosers[chooser] as never));
const mean = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number =>
  outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;

test('while some model is up tasks succeed, few attempts are wasted, and an outage costs few calls', () => {
  for (const goal of goals) {
    const auto = runs('will auto', goal);
    expect(mean(auto, ({ successRate }) => successRate)).toBeGreaterThanOrEqual(0.998);
    expect(mean(auto, ({ wastedRate }) => wastedRate)).toBeLessThanOrEqual(0.03);
  }
});

test('in the mean auto is no worse than the cascade that an operator would declare for the goal, and better than rules that know no goal', () => {
  const auto = mean(runs('will auto', 'balanced'), ({ regret }) => regret);
  for (const rival of ['static cascade', 'round robin', 'least latency'])
    expect(auto).toBeLessThan(mean(runs(rival, 'balanced'), ({ regret }) => regret));
  const cascade = mean(runs('cascade by goal + breaker', 'balanced'), ({ regret }) => regret);
  process.stdout.write(`balanced: regret of auto ${auto.toFixed(4)}, of the declared cascade ${cascade.toFixed(4)}\n`);
});

test('the same seed gives the same run', () => {
  const once = () => simulate(scriptOf(1_001, 5 * 60_000, 4), 'balanced', choosers['will auto'] as never);
  expect(once()).toEqual(once());
});
