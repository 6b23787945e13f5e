import type { ScheduleDocument } from '@will/core';
import fc from 'fast-check';
import { isWindowOpen } from '@will/core';
import { expect, test } from 'vitest';
import { startTime } from './start-time.ts';

const offHours: ScheduleDocument = {
  name: 'off_hours',
  slug: 'off_hours',
  time_zone: 'UTC',
  from: '21:00',
  to: '06:00',
};
const at = (iso: string): number => Date.parse(iso);
const day = 24 * 3_600_000;
const question = (over: Partial<Parameters<typeof startTime>[0]> = {}) => ({
  nowMs: at('2026-11-23T12:00:00Z'),
  notBeforeMs: 0,
  deadlineMs: at('2026-11-24T12:00:00Z'),
  schedule: offHours,
  client: undefined,
  spread: 0,
  ...over,
});

test('what is not deferred starts at once, or when it may', () => {
  const { nowMs } = question();
  expect(startTime(question({ schedule: undefined }))).toBe(nowMs);
  expect(startTime(question({ schedule: undefined, notBeforeMs: nowMs + 5_000 }))).toBe(nowMs + 5_000);
});

test('a deferred task waits for its window in the client’s zone, and starts at once inside it', () => {
  expect(startTime(question())).toBe(at('2026-11-23T21:00:00Z'));
  const client = { name: 'a', slug: 'a', time_zone: 'Asia/Kolkata' };
  expect(startTime(question({ client }))).toBe(at('2026-11-23T15:30:00Z'));
  const night = at('2026-11-23T23:00:00Z');
  expect(startTime(question({ nowMs: night }))).toBe(night);
});

test('a deadline before the window wins, with time left to do it', () => {
  expect(startTime(question({ deadlineMs: at('2026-11-23T18:00:00Z') }))).toBe(at('2026-11-23T17:55:00Z'));
  const { nowMs } = question();
  expect(startTime(question({ deadlineMs: nowMs + 60_000 }))).toBe(nowMs);
});

test('many start spread over the first quarter of an hour and all inside the window', () => {
  const start = at('2026-01-01T00:00:00Z');
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 700 * 24 * 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (minutes, spread) => {
        const nowMs = start + minutes * 60_000;
        const atMs = startTime(question({ nowMs, deadlineMs: nowMs + 2 * day, spread }));
        return atMs >= nowMs && atMs <= nowMs + day && isWindowOpen(offHours, 'UTC', atMs);
      },
    ),
  );
});

test('a task starts by its own spread within the first tenth of the window, a quarter of an hour at most', () => {
  const opensMs = at('2026-11-23T21:00:00Z');
  const minutes = (over: Partial<Parameters<typeof startTime>[0]>): number =>
    (startTime(question(over)) - opensMs) / 60_000;
  expect([minutes({ spread: 0.5 }), minutes({ spread: 1 })]).toEqual([7.5, 15]);
  const anHour = { ...offHours, to: '22:00' };
  expect([minutes({ spread: 0.5, schedule: anHour }), minutes({ spread: 1, schedule: anHour })]).toEqual([3, 6]);
});
