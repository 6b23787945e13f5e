import { patterns, subjects } from '@will/contracts';
import { Random } from '../policy/random.ts';
import type { ServiceName } from '../support/process.ts';

/** What goes wrong, when after the start of a run, and for how long. */
export type Fault =
  | { readonly kind: 'kill'; readonly atMs: number; readonly service: ServiceName }
  /** As soon as the bus carries what tells that somebody is at this point. */
  | { readonly kind: 'kill at'; readonly atMs: number; readonly point: Point }
  /** SIGTERM, as a rolling restart does; another process is started first. */
  | { readonly kind: 'restart'; readonly atMs: number; readonly service: ServiceName }
  /** SIGSTOP, and SIGCONT after a while: a process that others take for dead wakes up. */
  | { readonly kind: 'freeze'; readonly atMs: number; readonly service: ServiceName; readonly lastsMs: number }
  | { readonly kind: 'kill bus'; readonly atMs: number; readonly lastsMs: number }
  | { readonly kind: 'freeze bus'; readonly atMs: number; readonly lastsMs: number }
  /** Of half of the processes. */
  | { readonly kind: 'slow bus' | 'cut bus' | 'half-open bus'; readonly atMs: number; readonly lastsMs: number }
  | { readonly kind: 'poison'; readonly atMs: number; readonly salt: number }
  | { readonly kind: 'duplicate'; readonly atMs: number };

export type FaultKind = Fault['kind'];

/** Points at which a death hurts: what tells of them on the bus, and who is killed. */
export const points = {
  'a task is sent': { pattern: patterns.taskRun, service: 'router' },
  'a set is asked for': { pattern: subjects.policyDecide, service: 'policy' },
  'a call is sent': { pattern: 'will.v1.call.*.*', service: 'provider-worker' },
  'a counter changes': { pattern: patterns.counters('ledger'), service: 'provider-worker' },
  'a record is published': { pattern: patterns.events, service: 'provider-worker' },
  'a record is stored': { pattern: patterns.events, service: 'telemetry' },
  'a task is queued': { pattern: patterns.taskQueues, service: 'tasks' },
  'an end is published': { pattern: patterns.taskResults, service: 'tasks' },
} as const satisfies Readonly<Record<string, { readonly pattern: string; readonly service: ServiceName }>>;
export type Point = keyof typeof points;

const services: readonly ServiceName[] = [
  'router',
  'provider-worker',
  'tasks',
  'telemetry',
  'policy',
  'registry',
  'gateway',
];
/** Drawn by weight: what hurts most comes most often. */
const kinds: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill',
  'kill at',
  'kill at',
  'restart',
  'freeze',
  'freeze',
  'kill bus',
  'freeze bus',
  'slow bus',
  'cut bus',
  'half-open bus',
  'poison',
  'duplicate',
];

/**
 * The faults of a run, a pure function of its seed, in order of time. The first round holds each kind once, so that
 * every run has all of them; none begins within 400 ms of another.
 */
export function scheduleOf(seed: number, faults: number): readonly Fault[] {
  const random = new Random(seed);
  const schedule: Fault[] = [];
  let atMs = 500;
  const once = [...new Set(kinds)];
  for (let n = 0; n < faults; n += 1) {
    const kind = once.length > 0 ? (once.splice(random.below(once.length), 1)[0] as FaultKind) : random.pick(kinds);
    schedule.push(faultOf(kind, atMs, random));
    atMs += between(random, 400, 2_000);
  }
  return schedule;
}

const between = (random: Random, low: number, high: number): number => low + random.below(high - low + 1);

function faultOf(kind: FaultKind, atMs: number, random: Random): Fault {
  switch (kind) {
    case 'kill at':
      return { kind, atMs, point: random.pick(Object.keys(points) as Point[]) };
    case 'kill':
    case 'restart':
      return { kind, atMs, service: random.pick(services) };
    case 'freeze':
      return { kind, atMs, service: random.pick(services), lastsMs: between(random, 300, 6_000) };
    case 'kill bus':
      return { kind, atMs, lastsMs: between(random, 0, 1_500) };
    case 'freeze bus':
      return { kind, atMs, lastsMs: between(random, 200, 2_500) };
    case 'slow bus':
    case 'cut bus':
    case 'half-open bus':
      return { kind, atMs, lastsMs: between(random, 300, 4_000) };
    case 'poison':
      return { kind, atMs, salt: random.below(1_000_000) };
    case 'duplicate':
      return { kind, atMs };
  }
}

/** In words, for tables and messages. */
export const faultInWords = (fault: Fault): string =>
  `${(fault.atMs / 1_000).toFixed(1)} s: ${fault.kind}${'point' in fault ? ` the moment ${fault.point}` : ''}${'service' in fault ? ` ${fault.service}` : ''}${'lastsMs' in fault ? ` for ${fault.lastsMs} ms` : ''}`;
