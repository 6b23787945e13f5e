import type { Goal } from '@will/core';
import { expect, test } from 'vitest';
import { choosers, type MakeChooser, type WayToChoose } from './choosers.ts';
import { type Outcome, simulate } from './simulate.ts';
import { type Summary, summaryOf } from './summary.ts';
import { forbidden, scriptOf } from './world.ts';

// The product's own decision, statistics, breaker and timeouts against incidents. `WILL_SIMULATED_SEEDS` sets how many scripts.

const seeds = Array.from({ length: Number(process.env['WILL_SIMULATED_SEEDS'] ?? 4) }, (_, n) => 1 + n);
const goals: readonly Goal[] = ['balanced', 'speed', 'cost', 'quality'];

const known = new Map<string, Outcome[]>();
function runs(way: WayToChoose, goal: Goal, perSecond: number): Outcome[] {
  const key = `${way} ${goal} ${perSecond}`;
  const made =
    known.get(key) ?? seeds.map((seed) => simulate(scriptOf(seed, 20 * 60_000, { perSecond }), goal, choosers[way]));
  known.set(key, made);
  return made;
}
const summed = (way: WayToChoose, goal: Goal, perSecond: number): Summary =>
  summaryOf(runs(way, goal, perSecond), runs('cascade by goal + breaker', goal, perSecond));

test('by every goal and at every rate tasks succeed while a model is up, few attempts are wasted, and no forbidden model is tried', () => {
  for (const perSecond of [8, 2, 0.4])
    for (const goal of goals) {
      const auto = summed('will auto', goal, perSecond);
      expect(auto.success).toBeGreaterThanOrEqual(0.9999);
      expect(auto.wasted).toBeLessThanOrEqual(perSecond < 1 ? 0.03 : 0.01);
      expect(auto.switches).toBeLessThanOrEqual(0.12);
      expect(auto.violations).toBe(0);
      expect(auto.failedCalls.down.worst).toBeLessThanOrEqual(4);
    }
});

test('an outage is noticed within three seconds and few calls, and a model that is well again is back soon', () => {
  for (const way of ['will auto', 'will cascade'] as const)
    for (const goal of goals) {
      const summary = summed(way, goal, 8);
      expect(summary.detectSeconds.worst).toBeLessThanOrEqual(3);
      expect(summary.failedCalls.down.worst).toBeLessThanOrEqual(4);
      expect(summary.returnSeconds.median).toBeLessThanOrEqual(60);
    }
  for (const goal of goals)
    expect(summed('will auto, with health checks', goal, 8).returnSeconds.worst).toBeLessThanOrEqual(15);
});

test('in the mean auto is better than the cascade that an operator would declare, never much worse by any goal, and better than rules that know no goal', () => {
  for (const goal of goals) {
    const [auto, cascade] = [summed('will auto', goal, 8), summed('cascade by goal + breaker', goal, 8)];
    expect(auto.regret).toBeLessThan(cascade.regret + (goal === 'balanced' ? 0 : 0.005));
    process.stdout.write(
      `${goal}: regret of auto ${auto.regret.toFixed(4)}, of the cascade ${cascade.regret.toFixed(4)}\n`,
    );
  }
  for (const rival of ['static cascade', 'round robin', 'least latency'] as const)
    expect(summed('will auto', 'balanced', 8).regret).toBeLessThan(summed(rival, 'balanced', 8).regret);
});

test('a forbidden place is tried by a way that does not ask whether it may, so that the count of violations can fail', () => {
  const careless: MakeChooser = (script) => ({ ...choosers['round robin'](script), order: () => [forbidden] });
  expect(simulate(scriptOf(1, 60_000, { perSecond: 4 }), 'balanced', careless).violations).toBeGreaterThan(0);
});

test('the same seed gives the same run', () => {
  const once = () => simulate(scriptOf(1, 5 * 60_000, { perSecond: 4 }), 'balanced', choosers['will auto']);
  expect(once()).toEqual(once());
});
