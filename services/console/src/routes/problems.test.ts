import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import { type ModelNow, type Present, problemsOf } from './problems.ts';

const nowMs = 1_000_000;
const services = ['registry', 'policy', 'router', 'provider-worker', 'telemetry', 'gateway'];
const process = (service: string) => create(wire.PresenceSchema, { service, processId: `${service}-1`, revision: 4n });
const well: Present = {
  models: [],
  processes: services.map(process),
  silent: [],
  lagging: [],
  limits: [],
  hasRegistry: true,
  nowMs,
};
const model: ModelNow = {
  model: 'gpt',
  workers: 1,
  slots: 4,
  inFlight: 0,
  reason: '',
  coolingUntilMs: 0,
  coolingReason: '',
  calls: 0,
  errors: 0,
};
const whats = (present: Partial<Present>): readonly string[] =>
  problemsOf({ ...well, ...present }).map(({ what }) => what);

test('a product that is well has no problem', () => {
  expect(problemsOf({ ...well, models: [{ ...model, calls: 100, errors: 5 }] })).toEqual([]);
});

test('a missing service is an error for all clients, and stands before warnings', () => {
  const problems = problemsOf({
    ...well,
    processes: well.processes.filter(({ service }) => service !== 'router'),
    lagging: ['policy-1'],
  });
  expect(problems.map(({ severity, what }) => `${severity}: ${what}`)).toEqual([
    'error: no router answers',
    'warning: policy policy-1 has revision 4, not the newest',
  ]);
});

test('a model is in cooldown, not served, or failing; each says so once', () => {
  expect(whats({ models: [{ ...model, coolingUntilMs: nowMs + 1, coolingReason: 'rate limit', workers: 0 }] })).toEqual(
    ['gpt is in cooldown: rate limit'],
  );
  expect(whats({ models: [{ ...model, workers: 0, reason: 'no key' }] })).toEqual(['gpt is not served: no key']);
  expect(whats({ models: [{ ...model, calls: 10, errors: 2 }] })).toEqual([
    '2 of 10 calls of gpt failed in the last minute',
  ]);
});

test('a limit is a warning from 90 % on, and an error when it is used up', () => {
  const limit = (used: bigint) =>
    create(wire.LimitStateSchema, { scope: 'client', id: 'acme', metric: 'nano_usd', period: 'day', used, most: 100n });
  const severities = (used: bigint) => problemsOf({ ...well, limits: [limit(used)] }).map(({ severity }) => severity);
  expect([severities(89n), severities(90n), severities(100n)]).toEqual([[], ['warning'], ['error']]);
});

test('a limit that is nearly used tells when it will be, at the pace of its period', () => {
  const dayMs = 86_400_000;
  const limit = (used: bigint) =>
    create(wire.LimitStateSchema, {
      scope: 'client',
      id: 'acme',
      metric: 'nano_usd',
      period: 'day',
      used,
      most: 100n,
      periodEndsUnixMs: BigInt(dayMs),
    });
  const at = (used: bigint) => problemsOf({ ...well, nowMs: dayMs / 2, limits: [limit(used)] })[0]?.usedUpMs;
  expect([at(90n), at(100n)]).toEqual([dayMs / 2 + (dayMs / 2) * (10 / 90), undefined]);
});
