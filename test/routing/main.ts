import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Goal } from '@will/core';
import { choosers } from './choosers.ts';
import { type Outcome, simulate } from './simulate.ts';
import { scriptOf } from './world.ts';

/**
 * Compares ways to choose a model over many scripts of incidents, paired by seed.
 *
 *   npm run simulate -- [--seeds 40] [--minutes 30] [--per-second 8] [--chart out.svg]
 */
const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    minutes: { type: 'string', default: '30' },
    'per-second': { type: 'string', default: '8' },
    chart: { type: 'string' },
  },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, n) => 1_001 + n);
const goals: readonly Goal[] = ['balanced', 'speed', 'cost', 'quality'];
const mean = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number =>
  outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;
const worst = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number => Math.max(...outcomes.map(of));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const percent = (share: number): string => `${(100 * share).toFixed(2)}`.padStart(7);
const bars: { label: string; value: number }[] = [];

say(
  `seeds 1001 to ${1_000 + seeds.length}, ${options.minutes} minutes each at ${options['per-second']} requests per second`,
);
say('goal      way                        regret   worst  success%  wasted%  switch%  failed calls  detect s');
for (const goal of goals) {
  for (const [name, make] of Object.entries(choosers)) {
    const outcomes = seeds.map((seed) =>
      simulate(scriptOf(seed, Number(options.minutes) * 60_000, Number(options['per-second'])), goal, make),
    );
    const regret = mean(outcomes, (one) => one.regret);
    if (goal === 'balanced') bars.push({ label: name, value: regret });
    say(
      `${goal.padEnd(9)} ${name.padEnd(26)} ${regret.toFixed(4)}  ${worst(outcomes, (one) => one.regret).toFixed(4)}  ${percent(mean(outcomes, (one) => one.successRate))}  ${percent(mean(outcomes, (one) => one.wastedRate))}  ${percent(mean(outcomes, (one) => one.switchRate))}  ${worst(
        outcomes,
        (one) => one.mostFailedCalls,
      )
        .toFixed(0)
        .padStart(12)}  ${worst(outcomes, (one) => one.slowestDetectSeconds)
        .toFixed(1)
        .padStart(8)}`,
    );
  }
}
if (options.chart !== undefined) {
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(
    ({ label, value }, n) =>
      `<text x="0" y="${30 * n + 19}" font-size="13">${label}</text><rect x="190" y="${30 * n + 6}" width="${(400 * value) / most}" height="18" fill="#4a7"/><text x="${196 + (400 * value) / most}" y="${30 * n + 19}" font-size="12">${value.toFixed(3)}</text>`,
  );
  writeFileSync(
    options.chart,
    `<svg xmlns="http://www.w3.org/2000/svg" width="660" height="${30 * bars.length + 10}" font-family="sans-serif">${rows.join('')}</svg>\n`,
  );
  say(`chart: ${options.chart}`);
}
