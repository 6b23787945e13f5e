import { expect, test } from 'vitest';
import type { ScheduleDocument } from '../domain/documents.ts';
import { isWindowOpen, nextEdgeMs, windowState } from './schedule.ts';
import { scheduleBody } from '../testing/documents.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Whole and broken offsets, both hemispheres, half an hour of summer time, changes at midnight, and none at all. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Australia/Adelaide',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/Santiago',
  'Africa/Cairo',
];

const windows: readonly ScheduleDocument[] = [
  scheduleBody(),
  scheduleBody({ from: '02:15', to: '02:45' }),
  scheduleBody({ from: '23:30', to: '01:30', days: ['sat', 'sun'] }),
  scheduleBody({
    from: '08:00',
    to: '18:00',
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    except_dates: ['2026-12-25', '2028-02-29'],
  }),
  scheduleBody({ from: '00:00', to: '24:00', days: ['sun'] }),
  scheduleBody({ from: '12:00', to: '12:00', days: ['mon'] }),
  scheduleBody({ from: '22:00', to: '00:00', except_dates: ['2026-03-28', '2026-12-31'] }),
];

// --- a second implementation, on Intl and the calendar of UTC alone ------------------------------------------------

interface Wall {
  readonly minute: number;
  readonly date: string;
  readonly yesterday: string;
}

/** What clocks show at instants, read from one formatter per zone. */
function wallClock(zone: string): (atMs: number) => Wall {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (atMs) => {
    // "2026-03-29, 02:30"
    const text = format.format(atMs);
    const date = text.slice(0, 10);
    const yesterday = new Date(Date.parse(`${date}T00:00:00Z`) - dayMs).toISOString().slice(0, 10);
    return { minute: Number(text.slice(12, 14)) * 60 + Number(text.slice(15, 17)), date, yesterday };
  };
}

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const clockMinutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

function isOpenByTheWall({ from, to, days, except_dates }: ScheduleDocument, wall: Wall): boolean {
  const opens = (date: string): boolean => {
    const name = dayNames[new Date(`${date}T00:00:00Z`).getUTCDay()] as string;
    return (days ?? dayNames).includes(name) && !(except_dates ?? []).includes(date);
  };
  const begin = clockMinutes(from);
  const end = clockMinutes(to) > begin ? clockMinutes(to) : clockMinutes(to) + 1_440;
  const isIn = (minute: number): boolean => minute >= begin && minute < end;
  return (isIn(wall.minute) && opens(wall.date)) || (isIn(wall.minute + 1_440) && opens(wall.yesterday));
}

/** The days to look at: those around every change of the zone's offset, around 29 February, and the turn of the year. */
function daysToCheck(zone: string, fromMs: number, toMs: number): readonly number[] {
  const wallOffset = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
  const offsetAt = (atMs: number): string => wallOffset.format(atMs).split(', ')[1] ?? '';
  const found = new Set<number>([
    Date.UTC(2026, 11, 31),
    Date.UTC(2028, 1, 28),
    Date.UTC(2028, 1, 29),
    Date.UTC(2026, 11, 25),
  ]);
  for (let dayAt = fromMs; dayAt < toMs; dayAt += dayMs)
    if (offsetAt(dayAt) !== offsetAt(dayAt + dayMs)) for (const near of [-1, 0, 1]) found.add(dayAt + near * dayMs);
  return [...found].filter((dayAt) => dayAt >= fromMs && dayAt < toMs);
}

const isEveryDay = process.env['WILL_EVERY_MINUTE'] === '1';
const [startMs, endMs] = [Date.UTC(2026, 0, 1), Date.UTC(2029, 0, 1)];

test.each(zones)(
  'each minute in %s is inside or outside a window as the clock on the wall says, and states end at their edges',
  (zone) => {
    const everyDay = Array.from({ length: (endMs - startMs) / dayMs }, (_, day) => startMs + day * dayMs);
    const days = isEveryDay ? everyDay : daysToCheck(zone, startMs, endMs).filter((_day, n) => n < 12 || n % 3 === 0);
    const read = wallClock(zone);
    const differences: string[] = [];
    for (const dayAt of days) {
      for (let atMs = dayAt; atMs < dayAt + dayMs; atMs += minuteMs) {
        const wall = read(atMs);
        for (const [index, window] of windows.entries()) {
          const expected = isOpenByTheWall(window, wall);
          // The remembered state must say so for every minute up to its edge, and nothing else: it is what decide asks.
          if (windowState(window, zone, atMs).isOpen !== expected)
            differences.push(`window ${index} at ${new Date(atMs).toISOString()}`);
        }
      }
    }
    expect(days.length).toBeGreaterThanOrEqual(4);
    expect(differences.slice(0, 3)).toEqual([]);
  },
  300_000,
);

test('without its memory a window says the same, minute by minute', () => {
  for (const zone of ['Europe/Berlin', 'Australia/Lord_Howe', 'Africa/Cairo']) {
    const read = wallClock(zone);
    for (const dayAt of daysToCheck(zone, Date.UTC(2026, 0, 1), Date.UTC(2026, 11, 1)))
      for (let atMs = dayAt; atMs < dayAt + dayMs; atMs += 5 * minuteMs)
        for (const window of windows)
          if (isWindowOpen(window, zone, atMs) !== isOpenByTheWall(window, read(atMs)))
            throw new Error(`${zone} ${window.from} at ${new Date(atMs).toISOString()}`);
  }
});

test('an edge is the first instant at which the window changes: nothing changes before it, and it does there', () => {
  for (const zone of zones) {
    const read = wallClock(zone);
    for (const window of windows) {
      const fromMs = Date.UTC(2026, 2, 27, 13, 17);
      const edgeMs = nextEdgeMs(window, zone, fromMs);
      const state = isOpenByTheWall(window, read(fromMs));
      for (let atMs = fromMs; atMs < edgeMs; atMs += 7 * minuteMs)
        expect(isOpenByTheWall(window, read(atMs))).toBe(state);
      expect(isOpenByTheWall(window, read(edgeMs - 1))).toBe(state);
      if (edgeMs < fromMs + 7 * dayMs) expect(isOpenByTheWall(window, read(edgeMs))).toBe(!state);
    }
  }
});

const at = (text: string): number => Temporal.ZonedDateTime.from(text).epochMilliseconds;

test('a window over midnight belongs to the day on which it opens', () => {
  const friday = scheduleBody({ days: ['fri'] });
  expect(isWindowOpen(friday, 'UTC', at('2026-11-27T20:59:59[UTC]'))).toBe(false);
  expect(isWindowOpen(friday, 'UTC', at('2026-11-27T21:00:00[UTC]'))).toBe(true);
  expect(isWindowOpen(friday, 'UTC', at('2026-11-28T05:59:59.999[UTC]'))).toBe(true);
  expect(isWindowOpen(friday, 'UTC', at('2026-11-28T06:00:00[UTC]'))).toBe(false);
  expect(isWindowOpen(friday, 'UTC', at('2026-11-27T03:00:00[UTC]'))).toBe(false);
});

test('an exception keeps a window shut that would open on its date, to its end on the next morning', () => {
  const window = scheduleBody({ except_dates: ['2026-12-24'] });
  expect(isWindowOpen(window, 'UTC', at('2026-12-24T03:00:00[UTC]'))).toBe(true);
  expect(isWindowOpen(window, 'UTC', at('2026-12-24T22:00:00[UTC]'))).toBe(false);
  expect(isWindowOpen(window, 'UTC', at('2026-12-25T03:00:00[UTC]'))).toBe(false);
  expect(isWindowOpen(window, 'UTC', at('2026-12-25T22:00:00[UTC]'))).toBe(true);
});

test('an hour that summer time skips opens nothing, and one that winter repeats is open twice', () => {
  const window = scheduleBody({ from: '02:00', to: '03:00' });
  const [spring, autumn] = ['2026-03-29', '2026-10-25'];
  const openMinutes = (date: string): number => {
    const start = at(`${date}T00:00:00[Europe/Berlin]`);
    return Array.from({ length: 30 * 60 }, (_, n) => start + n * minuteMs)
      .filter((minute) => minute < at(`${date}T12:00:00[Europe/Berlin]`))
      .filter((minute) => isWindowOpen(window, 'Europe/Berlin', minute)).length;
  };
  expect([openMinutes(spring), openMinutes(autumn), openMinutes('2026-06-01')]).toEqual([0, 120, 60]);
});

test('a warm question reads no clock: the state is the same object until its edge', () => {
  const window = scheduleBody();
  const fromMs = at('2026-11-23T12:00:00[UTC]');
  const state = windowState(window, 'UTC', fromMs);
  expect(state).toMatchObject({ isOpen: false, edgeMs: at('2026-11-23T21:00:00[UTC]') });
  expect(windowState(window, 'UTC', state.edgeMs - 1)).toBe(state);
  expect(windowState(window, 'UTC', state.edgeMs)).toMatchObject({
    isOpen: true,
    edgeMs: at('2026-11-24T06:00:00[UTC]'),
  });
  expect(windowState(window, 'UTC', fromMs)).toMatchObject({ isOpen: false });
});

test('a zone that this machine does not know never opens a window, and breaks nothing', () => {
  const fromMs = at('2026-11-23T22:00:00[UTC]');
  expect(windowState(scheduleBody(), 'Atlantis/Capital', fromMs)).toMatchObject({
    isOpen: false,
    edgeMs: fromMs + 7 * dayMs,
  });
});
