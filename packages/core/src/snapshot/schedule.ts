import type { ScheduleDocument } from '../domain/documents.ts';

/** When a window is open. */
export type WindowTimes = Pick<ScheduleDocument, 'days' | 'from' | 'to' | 'except_dates'>;

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const dayMs = 86_400_000;
const daysAhead = 7;

/** The state of a window, open or not, and until when that holds. */
export interface WindowState {
  readonly isOpen: boolean;
  /** When it next opens or closes; where that is more than seven days away, seven days from now. */
  readonly edgeMs: number;
}

/**
 * Tells whether a schedule's window is open at an instant. It goes by what the clock on the wall shows in the zone: an
 * instant is inside when its wall time is, so that times that DST skips open nothing, and times that it repeats count
 * twice. A window over midnight belongs to the day on which it opens; `from` equal to `to` is a whole day.
 * @throws {RangeError} the zone is unknown here.
 */
export function isWindowOpen(schedule: WindowTimes, zone: string, atMs: number): boolean {
  const wall = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone);
  const minute = wall.hour * 60 + wall.minute;
  const [from, to] = [minutesOf(schedule.from), minutesOf(schedule.to)];
  const today = wall.toPlainDate();
  if (from < to) return from <= minute && minute < to && opensOn(schedule, today);
  return (
    (minute >= from && opensOn(schedule, today)) || (minute < to && opensOn(schedule, today.subtract({ days: 1 })))
  );
}

/**
 * The next instant after `nowMs` at which the window opens or closes, at most seven days ahead.
 * @throws {RangeError} the zone is unknown here.
 */
export function nextEdgeMs(schedule: WindowTimes, zone: string, nowMs: number): number {
  const isOpen = isWindowOpen(schedule, zone, nowMs);
  const horizonMs = nowMs + daysAhead * dayMs;
  const changes = possibleEdgesMs(schedule, zone, nowMs, horizonMs)
    .filter((atMs) => atMs > nowMs && atMs < horizonMs)
    .sort((a, b) => a - b);
  return changes.find((atMs) => isWindowOpen(schedule, zone, atMs) !== isOpen) ?? horizonMs;
}

/** Every instant at which the wall shows a beginning, an end or a new day, and every jump of the clock. */
function possibleEdgesMs(schedule: WindowTimes, zone: string, nowMs: number, horizonMs: number): number[] {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(zone);
  const instants: number[] = [];
  for (let day = -1; day <= daysAhead + 1; day += 1) {
    const midnight = now.toPlainDate().add({ days: day }).toPlainDateTime();
    for (const minutes of [0, minutesOf(schedule.from), minutesOf(schedule.to)])
      for (const disambiguation of ['earlier', 'later'] as const)
        instants.push(midnight.add({ minutes }).toZonedDateTime(zone, { disambiguation }).epochMilliseconds);
  }
  let jump = now.getTimeZoneTransition('next');
  while (jump && jump.epochMilliseconds < horizonMs) {
    instants.push(jump.epochMilliseconds);
    jump = jump.getTimeZoneTransition('next');
  }
  return instants;
}

interface Remembered extends WindowState {
  readonly fromMs: number;
}

/** Results that depend on nothing else than their keys. */
const remembered = new WeakMap<WindowTimes, Map<string, Remembered>>();

/**
 * The state of a window and how long it lasts. Remembered by schedule and zone until the next edge, so that most
 * questions cost a look-up. A zone that this process does not know is never open.
 */
export function windowState(schedule: WindowTimes, zone: string, nowMs: number): WindowState {
  let byZone = remembered.get(schedule);
  if (!byZone) remembered.set(schedule, (byZone = new Map()));
  const known = byZone.get(zone);
  if (known && known.fromMs <= nowMs && nowMs < known.edgeMs) return known;
  const state = { ...stateAt(schedule, zone, nowMs), fromMs: nowMs };
  byZone.set(zone, state);
  return state;
}

function stateAt(schedule: WindowTimes, zone: string, nowMs: number): WindowState {
  try {
    return { isOpen: isWindowOpen(schedule, zone, nowMs), edgeMs: nextEdgeMs(schedule, zone, nowMs) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { isOpen: false, edgeMs: nowMs + daysAhead * dayMs };
  }
}

function opensOn({ days, except_dates }: WindowTimes, date: Temporal.PlainDate): boolean {
  if (except_dates?.includes(date.toString())) return false;
  return days === undefined || days.includes(weekdays[date.dayOfWeek - 1] as string);
}

/** `21:30` → 1290; `24:00`, the end of the day, → 1440. */
function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
