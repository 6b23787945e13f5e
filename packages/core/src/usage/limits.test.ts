import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockSize, counterKey, limitInWords, periodAt, periodOfKey, type Limit } from './limits.ts';

const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString();

test('a day begins at the midnight of its zone, and has 23 or 25 hours when the clock is changed', () => {
  const spring = periodAt('day', 'Europe/Berlin', at('2026-03-29T10:00:00Z'));
  expect([iso(spring.startMs), iso(spring.endMs)]).toEqual(['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z']);
  const autumn = periodAt('day', 'Europe/Berlin', at('2026-10-25T10:00:00Z'));
  expect(autumn.endMs - autumn.startMs).toBe(25 * 3_600_000);
  expect(autumn.token).toBe('d20261025');
});

test('a month ends where the next begins, also in leap years and zones with half hours', () => {
  const february = periodAt('month', 'Asia/Kolkata', at('2028-02-29T12:00:00Z'));
  expect([iso(february.startMs), iso(february.endMs)]).toEqual([
    '2028-01-31T18:30:00.000Z',
    '2028-02-29T18:30:00.000Z',
  ]);
  expect(february.token).toBe('mo202802');
});

test('an instant lies in exactly one period, and the next one begins where it ends', () => {
  const zones = ['UTC', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];
  const kinds = ['minute', 'day', 'month'] as const;
  const instants = fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') });
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.constantFrom(...zones), instants, (kind, zone, nowMs) => {
      const { startMs, endMs, token } = periodAt(kind, zone, nowMs);
      const next = periodAt(kind, zone, endMs);
      return (
        startMs <= nowMs &&
        nowMs < endMs &&
        periodAt(kind, zone, endMs - 1).token === token &&
        next.startMs === endMs &&
        next.token !== token
      );
    }),
  );
});

test('a block is never more than what is left, nor less than what is needed where that is left', () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 15n });
  fc.assert(
    fc.property(amounts, fc.integer({ min: 1, max: 50 }), amounts, (remaining, processes, needed) => {
      const block = blockSize(remaining, processes, needed);
      return block <= remaining && (block >= needed || block === remaining);
    }),
  );
  expect(blockSize(1_200n, 3, 1n)).toBe(100n);
  expect(blockSize(5n, 3, 1n)).toBe(1n);
});

test('a limit says in words what it is, and names its counter', () => {
  const limit: Limit = {
    scope: 'client',
    id: 'acme',
    metric: 'nano_usd',
    period: 'month',
    zone: 'UTC',
    most: 2_500_000_000n,
    warnAt: undefined,
  };
  expect(limitInWords(limit)).toBe('the limit of $2.5 per month of client acme');
  expect(counterKey(limit, periodAt('month', 'UTC', at('2026-11-23T00:00:00Z')))).toBe('client.acme.nano_usd.mo202611');
});

test('the period of a counter is found by its key', () => {
  for (const kind of ['minute', 'day', 'month'] as const) {
    const period = periodAt(kind, 'Europe/Berlin', Date.UTC(2026, 9, 25, 12));
    expect(periodOfKey(`client.acme.tokens.${period.token}`, 'Europe/Berlin')).toEqual(period);
  }
  expect(periodOfKey('client.acme.tokens', 'UTC')).toBeUndefined();
  expect(periodOfKey('client.acme.tokens.d1', 'UTC')).toBeUndefined();
});
