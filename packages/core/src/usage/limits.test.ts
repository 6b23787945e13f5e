import fc from 'fast-check';
import { expect, test } from 'vitest';
import { client, model, project, snapshotOf } from '../testing/documents.ts';
import {
  allLimits,
  amountsOf,
  blockSize,
  counterKey,
  holderName,
  limitInWords,
  limitsOn,
  periodAt,
  periodOfKey,
  processOfHolder,
  reserveOf,
  type Limit,
} from './limits.ts';

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

test('a block is a share of what is left only where that is more than what is needed, and one where nothing is', () => {
  expect(blockSize(100n, 1, 25n)).toBe(25n);
  expect(blockSize(100n, 1, 24n)).toBe(25n);
  expect(blockSize(3n, 1, 0n)).toBe(1n);
  expect(blockSize(0n, 1, 0n)).toBe(0n);
});

const caps = { requests: 5, tokens: 600, usd: 0.25 };
const budgeted = snapshotOf(
  model('gpt', { limits: { rpm: 7, tpm: 800, daily: caps, monthly: { requests: 90 } } }),
  model('free'),
  client('acme', {
    time_zone: 'Europe/Berlin',
    budget: { daily: { usd: 2 }, monthly: { tokens: 4_000 }, warn_at: 0.5 },
  }),
  client('other'),
  project('apollo', { client: 'acme', budget: { daily: { requests: 3 } } }),
  project('shared', { budget: { monthly: { requests: 30 } } }),
);
const modelOf = (slug: string) => {
  const found = budgeted.models.get(slug);
  if (!found) throw new Error(`no model ${slug}`);
  return found;
};
const linesOf = (limits: readonly Limit[]): string[] =>
  limits.map(
    ({ scope, id, metric, period, zone, most, warnAt }) =>
      `${scope} ${id}: ${most} ${metric} per ${period} in ${zone}, ${warnAt ?? 'no'} warning`,
  );
const ofModel = [
  'model gpt: 7 requests per minute in UTC, no warning',
  'model gpt: 800 tokens per minute in UTC, no warning',
  'model gpt: 5 requests per day in UTC, 0.8 warning',
  'model gpt: 600 tokens per day in UTC, 0.8 warning',
  'model gpt: 250000000 nano_usd per day in UTC, 0.8 warning',
  'model gpt: 90 requests per month in UTC, 0.8 warning',
];
const ofClient = [
  'client acme: 2000000000 nano_usd per day in Europe/Berlin, 0.5 warning',
  'client acme: 4000 tokens per month in Europe/Berlin, 0.5 warning',
];
const ofProject = ['project apollo: 3 requests per day in Europe/Berlin, 0.8 warning'];
const ofShared = ['project shared: 30 requests per month in UTC, 0.8 warning'];

test('a call counts against every limit of its model, its client and its project', () => {
  expect(linesOf(limitsOn(budgeted, modelOf('gpt'), 'acme', 'apollo'))).toEqual([
    ...ofModel,
    ...ofClient,
    ...ofProject,
  ]);
  expect(linesOf(limitsOn(budgeted, modelOf('free'), 'acme', undefined))).toEqual(ofClient);
  expect(limitsOn(budgeted, modelOf('free'), 'other', undefined)).toEqual([]);
  expect(limitsOn(budgeted, modelOf('free'), 'unknown', 'unknown')).toEqual([]);
});

test('a project of another client is not charged; one that belongs to none is charged by all who name it', () => {
  expect(limitsOn(budgeted, modelOf('free'), 'other', 'apollo')).toEqual([]);
  expect(linesOf(limitsOn(budgeted, modelOf('free'), 'other', 'shared'))).toEqual(ofShared);
});

test('all limits are those of each model, client and project, each once', () => {
  expect(linesOf(allLimits(budgeted)).toSorted()).toEqual(
    [...ofModel, ...ofClient, ...ofProject, ...ofShared].toSorted(),
  );
});

test('a call reserves its input and the most that it may answer, at the dearest price, and settles what it used', () => {
  const price = { input: 1e9, output: 2e9 };
  expect(reserveOf(300, 200, price)).toEqual({ requests: 1n, tokens: 500n, nano_usd: 700_000n });
  expect(reserveOf(300, 200, undefined)).toEqual({ requests: 1n, tokens: 500n, nano_usd: undefined });
  const usage = { inputTokens: 30, outputTokens: 20, cachedInputTokens: 0, reasoningTokens: 0, estimated: false };
  expect(amountsOf(usage, price)).toEqual({ requests: 1n, tokens: 50n, nano_usd: 70_000n });
  expect(amountsOf(undefined, price)).toEqual({ requests: 1n, tokens: 0n, nano_usd: 0n });
});

test('the process of a holder is found by its name, whatever points its own name has', () => {
  expect(holderName('worker.a', 3)).toBe('worker.a.3');
  expect(processOfHolder('worker.a.3')).toBe('worker.a');
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
