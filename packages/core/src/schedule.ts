import type { ScheduleDocument } from './documents.ts';

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const dayMs = 86_400_000;

/** Whether a window is open, and until when that holds. */
export interface WindowState {
  readonly isOpen: boolean;
  /** The next instant at which it opens or closes, or looked as far as seven days ahead. */
  readonly edgeMs: number;
}

/**
 * Whether a schedule's window is open at an instant. It goes by what the clock on the wall shows in the zone: a minute
 * is inside when its wall time is, so that a time that DST skips opens nothing and one that it repeats counts twice. A
 * window over midnight belongs to the day on which it opens. `from` equal to `to` is the whole day.
 */
export function isWindowOpen(schedule: ScheduleDocument, zone: string, atMs: number): boolean {
  const wall = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone);
  const minute = wall.hour * 60 + wall.minute;
  const from = minutes(schedule.from);
  const to = minutes(schedule.to);
  const today = wall.toPlainDate();
  if (from < to) return opensOn(schedule, today) && from <= minute && minute < to;
  return (opensOn(schedule, today) && minute >= from) || (minute < to && opensOn(schedule, today.subtract({ days: 1 })));
}

/** The state of a window and how long it lasts. Remembered by schedule and zone, so that most questions cost a look-up. */
export function windowState(schedule: ScheduleDocument, zone: string, nowMs: number): WindowState {
  const byZone = remembered.get(schedule) ?? new Map<string, WindowState & { fromMs: number }>();
  remembered.set(schedule, byZone);
  const known = byZone.get(zone);
  if (known && known.fromMs <= nowMs && nowMs < known.edgeMs) return known;
  const isOpen = isWindowOpen(schedule, zone, nowMs);
  const state = { isOpen, edgeMs: nextEdgeMs(schedule, zone, nowMs, isOpen), fromMs: nowMs };
  byZone.set(zone, state);
  return state;
}

/** Only a memory of results that depend on nothing else. */
const remembered = new WeakMap<ScheduleDocument, Map<string, WindowState & { fromMs: number }>>();

function nextEdgeMs(schedule: ScheduleDocument, zone: string, nowMs: number, isOpen: boolean): number {
  const start = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(zone);
  const candidates: number[] = [];
  for (let day = -1; day <= 7; day += 1) {
    const date = start.toPlainDate().add({ days: day });
    for (const time of [schedule.from, schedule.to, '00:00'])
      for (const disambiguation of ['earlier', 'later'] as const) {
        const at = date.toPlainDateTime(Temporal.PlainTime.from(time)).toZonedDateTime(zone, { disambiguation });
        candidates.push(at.epochMilliseconds);
      }
  }
  const change = start.getTimeZoneTransition('next');
  if (change) candidates.push(change.epochMilliseconds);
  const ahead = candidates.filter((at) => at > nowMs && at <= nowMs + 7 * dayMs).sort((a, b) => a - b);
  return ahead.find((at) => isWindowOpen(schedule, zone, at) !== isOpen) ?? nowMs + 7 * dayMs;
}

function opensOn({ days, except_dates }: ScheduleDocument, date: Temporal.PlainDate): boolean {
  if (except_dates?.includes(date.toString())) return false;
  return days === undefined || days.includes(weekdays[date.dayOfWeek - 1] as string);
}

/** `21:30` → 1290; `24:00` is the end of the day. */
function minutes(time: string): number {
  const [hours = 0, mins = 0] = time.split(':').map(Number);
  return hours * 60 + mins;
}
