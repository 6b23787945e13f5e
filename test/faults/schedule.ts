import { Random } from '../policy/random.ts';
import type { ServiceName } from '../support/process.ts';

/** What goes wrong, when after the start of a run, and for how long. */
export type Fault =
  | { readonly kind: 'kill'; readonly atMs: number; readonly service: ServiceName }
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

const services: readonly ServiceName[] = ['router', 'provider-worker', 'tasks', 'telemetry', 'policy', 'registry'];
/** Drawn by weight: what hurts most comes most often. */
const kinds: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill',
  'kill',
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
  `${(fault.atMs / 1_000).toFixed(1)} s: ${fault.kind}${'service' in fault ? ` ${fault.service}` : ''}${'lastsMs' in fault ? ` for ${fault.lastsMs} ms` : ''}`;
