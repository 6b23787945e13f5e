import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Goal } from '@will/core';
import { asSvg, asText, type Bar } from './chart.ts';
import { allowedPlaces, choosers, type MakeChooser, only, type WayToChoose } from './choosers.ts';
import { KeptOutcomes } from './kept-outcomes.ts';
import { releaseOf } from './release.ts';
import { type Outcome, simulate } from './simulate.ts';
import { type Summary, summaryOf } from './summary.ts';
import { families, type Family, readTraces, type Script, scriptOf } from './world.ts';

/**
 * Compares ways to choose a model over many scripts of incidents, paired by seed. With `WILL_TRACES` set to a folder of traces
 * requests and latencies are those that were recorded.
 *
 *   npm run simulate -- [--from 1001] [--seeds 40] [--minutes 30] [--family drawn|…|all] [--per-second 8] [--ways auto,cascade]
 *     [--goals balanced,speed,cost,quality] [--chart out.svg] [--resume file] [--base commit]
 *
 * `--base` adds auto-switching as that commit had it, in families of the places that are described.
 * `--resume` keeps each outcome in a file: a simulation that was stopped goes on where it was, as long as the code is the same.
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
    resume: { type: 'string' },
    base: { type: 'string' },
  },
});
const cascadeByGoal = 'cascade by goal + breaker';
const inHindsight = 'best single place, in hindsight';
const earlier = 'will auto, earlier release';
type Way = WayToChoose | typeof inHindsight | typeof earlier;

const chosen = options.family === 'all' ? Object.keys(families) : options.family.split(',');
const unknown = chosen.find((name) => families[name] === undefined);
if (unknown !== undefined) {
  process.stderr.write(`--family ${unknown} must be one of ${Object.keys(families).join(', ')}, all\n`);
  process.exit(2);
}
const from = Number(options.from);
const seeds = Array.from({ length: Number(options.seeds) }, (_, n) => from + n);
const lengthMs = Number(options.minutes) * 60_000;
const goals = options.goals.split(',') as Goal[];
const release = options.base === undefined ? undefined : await releaseOf(options.base);
const ways = ([...Object.keys(choosers), inHindsight] as Way[])
  .filter((name) => options.ways.split(',').some((part) => name.includes(part)))
  .concat(release ? [earlier] : []);
const traces = process.env['WILL_TRACES'] ? readTraces(process.env['WILL_TRACES']) : undefined;
const kept = new KeptOutcomes(options.resume);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const percent = (share: number): string => (100 * share).toFixed(2);
const columns = [
  'goal     ',
  'way                            ',
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

say(
  'regret: beside a clairvoyant; of casc.: of the regret of the cascade by goal + breaker (three failures in a row, 30 s; ten seconds a call). detected, failed calls (where it refuses / where it falls silent), back: worst (median) of the outages of places in use; wins: scripts with less regret than the cascade.',
);
const bars: Bar[] = [];
for (const name of chosen) {
  const named = families[name] as Family;
  const family = { ...named, perSecond: Number(options['per-second'] ?? named.perSecond) };
  say('');
  say(
    `seeds ${from} to ${from + seeds.length - 1}, ${options.minutes} minutes each of the family ${name} at ${family.perSecond} requests per second, ${traces ? `traces of ${traces.requests.length} requests and ${[...traces.latencies.values()].flat().length} latencies` : 'drawn requests and latencies'}`,
  );
  say(columns.join('  '));
  for (const goal of goals) printGoal(name, family, goal);
}
say('');
say(chosen.length > 1 ? 'regret of that of the cascade' : 'mean regret');
for (const line of asText(bars)) say(line);
if (options.chart !== undefined) {
  writeFileSync(options.chart, asSvg(bars));
  say(`chart: ${options.chart}`);
}

function printGoal(name: string, family: Family, goal: Goal): void {
  const cascade = outcomesOf(cascadeByGoal, name, family, goal);
  for (const way of ways) {
    if (way === earlier && (family.places || family.drifts)) continue;
    const summary = summaryOf(way === cascadeByGoal ? cascade : outcomesOf(way, name, family, goal), cascade);
    if (chosen.length === 1) bars.push({ label: `${goal} ${way}`, value: summary.regret });
    else if (way === 'will auto, with health checks') bars.push({ label: `${name} ${goal}`, value: summary.ofCascade });
    say(lineOf(goal, way, summary));
  }
}

function outcomesOf(way: Way, name: string, family: Family, goal: Goal): Outcome[] {
  const world = `${name} ${family.perSecond} ${options.minutes} ${traces ? 'traces' : 'drawn'}`;
  const named = way === earlier ? `${way} ${options.base}` : way;
  return seeds.map((seed) =>
    kept.get(`${world} ${goal} ${named} ${seed}`, () => outcomeOf(way, scriptOf(seed, lengthMs, family, traces), goal)),
  );
}

function outcomeOf(way: Way, script: Script, goal: Goal): Outcome {
  if (way === earlier) return simulate(script, goal, release as MakeChooser);
  if (way !== inHindsight) return simulate(script, goal, choosers[way]);
  const each = allowedPlaces(script).map((place) => simulate(script, goal, only(place)));
  return each.reduce((best, one) => (one.regret < best.regret ? one : best));
}

function lineOf(goal: Goal, way: Way, summary: Summary): string {
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
  return cells.map((cell, n) => cell.padEnd(columns[n]?.length ?? 0)).join('  ');
}
