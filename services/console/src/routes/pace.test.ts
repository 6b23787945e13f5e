import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import { paceOf } from './pace.ts';

const endsMs = Date.UTC(2026, 10, 29);
const limit = (used: bigint, period = 'day') =>
  create(wire.LimitStateSchema, { period, used, most: 1_000n, periodEndsUnixMs: BigInt(endsMs) });
const hourMs = 3_600_000;

test('use goes on as so far: half of a limit after a quarter of the day comes to twice the limit', () => {
  const nowMs = endsMs - 18 * hourMs;
  expect(paceOf(limit(500n), nowMs)).toEqual({ forecast: 2_000n, usedUpUnixMs: nowMs + 6 * hourMs });
});

test('a pace that stays within the limit names no end', () => {
  expect(paceOf(limit(100n), endsMs - 12 * hourMs)).toEqual({ forecast: 200n });
});

test('a month begins with its first day', () => {
  const end = Date.UTC(2026, 2, 1);
  const february = create(wire.LimitStateSchema, {
    period: 'month',
    used: 7n,
    most: 100n,
    periodEndsUnixMs: BigInt(end),
  });
  expect(paceOf(february, Date.UTC(2026, 1, 8))).toEqual({ forecast: 28n });
});

test('a period that has only begun, and one without use, have no forecast', () => {
  expect(paceOf(limit(5n), endsMs - 24 * hourMs + 60_000)).toEqual({});
  expect(paceOf(limit(0n), endsMs - hourMs)).toEqual({});
});
