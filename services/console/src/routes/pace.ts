import type { wire } from '@will/contracts';

/** The forecast of a limit at the end of its period, if use goes on as so far. */
export interface Pace {
  /** Absent: the period has only begun, or nothing was used. */
  readonly forecast?: bigint;
  /** UTC milliseconds; absent: not within the period. */
  readonly usedUpUnixMs?: number;
}

/** A forecast from less than this share of the period says nothing. */
const leastElapsed = 0.02;

export function paceOf({ period, used, most, periodEndsUnixMs }: wire.LimitState, nowMs: number): Pace {
  const endsMs = Number(periodEndsUnixMs);
  const startsMs = startOf(period, endsMs);
  const elapsedMs = nowMs - startsMs;
  if (used <= 0n || elapsedMs <= leastElapsed * (endsMs - startsMs)) return {};
  const perMs = Number(used) / elapsedMs;
  const forecast = BigInt(Math.round(perMs * (endsMs - startsMs)));
  const usedUpMs = Math.round(nowMs + Math.max(0, Number(most - used)) / perMs);
  return { forecast, ...(forecast >= most && { usedUpUnixMs: Math.min(usedUpMs, endsMs) }) };
}

function startOf(period: string, endsMs: number): number {
  if (period === 'minute') return endsMs - 60_000;
  if (period === 'day') return endsMs - 86_400_000;
  const end = new Date(endsMs);
  return Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - 1, 1);
}
