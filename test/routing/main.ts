import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Goal } from '@will/core';
import { choosers, type WayToChoose } from './choosers.ts';
import { type Outcome, simulate } from './simulate.ts';
import { asSvg, asText } from './chart.ts';
import { summaryOf } from './summary.ts';
import { families, type Family, readTraces, scriptOf } from './world.ts';

/**
 * Compares ways to choose a model over many scripts of incidents, paired by seed. With `WILL_TRACES` set to a folder of traces
 * requests and latencies are those that were recorded.
 *
 *   npm run simulate -- [--from 1001] [--seeds 40] [--minutes 30] [--family drawn] [--per-second 8] [--chart out.svg] [--ways auto,cascade]
 */
const { values: options } = parseArgs({
  options: {
    from: { type: 'string', default: '1001' },
    seeds: { type: 'string', default: '40' },
    minutes: { type: 'string', default: '30' },
    family: { type: 'string', default: 'drawn' },
    'per-second': { type: 'string' },
    goals: { type: 'string', default: 'balanced,speed,cost,quality' },
    ways: { type: 'string', default: '' },
    chart: { type: 'string' },
  },
});
const named = families[options.family];
if (named === undefined) {
  process.stderr.write(`--family ${options.family} must be one of ${Object.keys(families).join(', ')}\n`);
  process.exit(2);
}
const family: Family = { ...named, perSecond: Number(options['per-second'] ?? named.perSecond) };
const from = Number(options.from);
const seeds = Array.from({ length: Number(options.seeds) }, (_, n) => from + n);
const goals = options.goals.split(',') as Goal[];
const ways = (Object.keys(choosers) as WayToChoose[]).filter((name) =>
  options.ways.split(',').some((part) => name.includes(part)),
);
const traces = process.env['WILL_TRACES'] ? readTraces(process.env['WILL_TRACES']) : undefined;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const percent = (share: number): string => (100 * share).toFixed(2);

say(
  `seeds ${from} to ${from + seeds.length - 1}, ${options.minutes} minutes each of the family ${options.family} at ${family.perSecond} requests per second, ${traces ? `traces of ${traces.requests.length} requests and ${[...traces.latencies.values()].flat().length} latencies` : 'drawn requests and latencies'}`,
);
say(
  'regret: beside a clairvoyant; of casc.: of the regret of the cascade by goal + breaker (three failures in a row, 30 s; ten seconds a call). detected, failed calls (where it refuses / where it falls silent), back: worst (median) of the outages of places in use; wins: scripts with less regret than the cascade.',
);
const columns = [
  'goal     ',
  'way                       ',
  'regret',
  ' worst',
  'of cascade (95 %)  ',
  'wins',
  'success%',
  'wasted%',
  'switch%',
  'detected s  ',
  'failed calls',
  'back s       ',
  'outages',
  'violations',
];
say(columns.join('  '));
const bars: { readonly label: string; readonly value: number }[] = [];
for (const goal of goals) {
  const outcomes = new Map<WayToChoose, Outcome[]>(ways.map((way) => [way, []]));
  for (const seed of seeds) {
    const script = scriptOf(seed, Number(options.minutes) * 60_000, family, traces);
    for (const way of ways) outcomes.get(way)?.push(simulate(script, goal, choosers[way]));
  }
  const cascade = outcomes.get('cascade by goal + breaker') ?? [];
  for (const [way, ofWay] of outcomes) {
    const summary = summaryOf(ofWay, cascade);
    bars.push({ label: `${goal} ${way}`, value: summary.regret });
    const pair = ({ worst, median }: { worst: number; median: number }, digits: number): string =>
      `${worst.toFixed(digits)} (${median.toFixed(digits)})`;
    const cells = [
      goal,
      way,
      summary.regret.toFixed(4),
      summary.worstRegret.toFixed(4),
      `${(100 * summary.ofCascade).toFixed(0)} % (${summary.interval.map((end) => (100 * end).toFixed(0)).join('–')})`,
      `${summary.wins}/${seeds.length}`,
      percent(summary.success),
      percent(summary.wasted),
      percent(summary.switches),
      pair(summary.detectSeconds, 1),
      `${pair(summary.failedCalls.down, 0)} / ${pair(summary.failedCalls.hang, 0)}`,
      `${pair(summary.returnSeconds, 1)} ${summary.returns}`,
      String(summary.outages),
      String(summary.violations),
    ];
    say(cells.map((cell, n) => cell.padEnd(columns[n]?.length ?? 0)).join('  '));
  }
}
say('');
say('mean regret');
for (const line of asText(bars)) say(line);
if (options.chart !== undefined) {
  writeFileSync(options.chart, asSvg(bars));
  say(`chart: ${options.chart}`);
}
