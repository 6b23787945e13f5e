import { create } from '@bufbuild/protobuf';
import type { CounterName } from '@will/bus';
import { wire } from '@will/contracts';
import { type CallRecord, compileSnapshot, counterKey, type Limit, periodAt } from '@will/core';
import { expect, test } from 'vitest';
import { Absences } from './absences.ts';
import { LedgerKeeper, NotOpenedError } from './ledger.ts';
import { eventsFromWire } from './adapters/events-from-wire.ts';
import { batchOf, callEvent, wireRecord } from './samples.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const limit: Limit = {
  scope: 'client',
  id: 'acme',
  metric: 'tokens',
  period: 'day',
  zone: 'UTC',
  most: 1_000n,
  warnAt: 0.8,
};
const key = counterKey(limit, periodAt('day', 'UTC', nowMs));
const name: CounterName = { kind: 'ledger', key };

function world(records: readonly CallRecord[] = []) {
  const added: { amount: bigint; holder: string; id: string | undefined }[] = [];
  const clock = { nowMs, readUntilMs: nowMs as number | undefined };
  const living = new Set<string>();
  const totals = new Map<string, bigint>();
  const warnings: string[] = [];
  const open: { worker: string }[] = [];
  const compiled = compileSnapshot(1, [
    { kind: 'client', body: { name: 'acme', slug: 'acme', budget: { daily: { tokens: 1_000 } } } },
  ]);
  if ('problems' in compiled) throw new Error('a bad sample');
  const keeper = new LedgerKeeper({
    counters: {
      add: async (_counter, amount, holder, id) => {
        added.push({ amount, holder, id });
        return { total: 0n };
      },
      total: async ({ key: asked }) => totals.get(asked),
      compact: async () => {},
      bornMs: () => 7,
    },
    log: {
      calls: async ({ client, fromMs = 0, toMs = Infinity }) =>
        records.filter((one) => one.client === client && one.startedAtMs >= fromMs && one.startedAtMs < toMs),
      openIntents: async () => open.map(({ worker }) => ({ record: call('open', worker), deadlineMs: 0 })),
    },
    progress: { readUntilMs: async () => clock.readUntilMs },
    snapshot: () => compiled.snapshot,
    absences: new Absences(
      () => living,
      () => clock.nowMs,
    ),
    nowMs: () => clock.nowMs,
    onWarning: (what, share) => warnings.push(`${what}: ${share}`),
  });
  const take = (amount: bigint, total: bigint, holder = 'w1.1', id = 'any') =>
    keeper.take({ ...name, amount, total, holder, id, atMs: nowMs });
  return { keeper, added, clock, living, totals, warnings, open, take };
}

const usage = { inputTokens: 60, outputTokens: 40 };
const startedUnixMs = BigInt(nowMs);

function call(attemptId: string, workerId: string): CallRecord {
  const told = wireRecord({
    attemptId,
    workerId,
    client: 'acme',
    startedUnixMs,
    usage: create(wire.UsageSchema, usage),
  });
  const [event] = eventsFromWire(batchOf(callEvent(told)), () => {});
  if (event?.kind !== 'call') throw new Error('a bad sample');
  return event.record;
}

test('what a dead worker held and its records do not tell goes back, once and not before it counts as dead', async () => {
  const { keeper, added, clock, take } = world([call('a', 'w1'), call('b', 'w2')]);
  take(500n, 500n);
  expect(await keeper.sweep()).toBe(0);
  clock.nowMs += 29_000;
  clock.readUntilMs = clock.nowMs;
  expect(await keeper.sweep()).toBe(0);
  clock.nowMs += 2_000;
  clock.readUntilMs = clock.nowMs;
  expect(await keeper.sweep()).toBe(1);
  take(-400n, 100n, 'w1.1', `w1.1:${key}:end:0`);
  expect(await keeper.sweep()).toBe(0);
  expect(added).toEqual([{ amount: -400n, holder: 'w1.1', id: `w1.1:${key}:end:0` }]);
});

test('what a dead worker had sent and was heard after its end goes back by an end of its own', async () => {
  const { keeper, added, clock, take } = world([call('a', 'w1')]);
  take(500n, 500n);
  await keeper.sweep();
  clock.nowMs += 31_000;
  clock.readUntilMs = clock.nowMs;
  await keeper.sweep();
  take(50n, 550n);
  // Not yet heard: the end is the same one again, which the counter makes once.
  await keeper.sweep();
  take(-400n, 150n, 'w1.1', `w1.1:${key}:end:0`);
  take(7n, 157n);
  await keeper.sweep();
  expect(added.map(({ amount, id }) => [amount, id])).toEqual([
    [-400n, `w1.1:${key}:end:0`],
    [-450n, `w1.1:${key}:end:0`],
    [-57n, `w1.1:${key}:end:1`],
  ]);
});

test('a word of an earlier name after the ends of both names has what is left go back by an end that was not made yet', async () => {
  const { keeper, added, clock, take } = world([call('a', 'w1')]);
  take(105n, 105n, 'w1.1');
  take(0n, 105n, 'w1.1', `w1.1:${key}:end:0`);
  take(20n, 125n, 'w1.2');
  take(-20n, 105n, 'w1.2', `w1.2:${key}:end:0`);
  take(0n, 105n, 'w1.1');
  await keeper.sweep();
  clock.nowMs += 31_000;
  clock.readUntilMs = clock.nowMs;
  await keeper.sweep();
  expect(added).toEqual([{ amount: -5n, holder: 'w1.1', id: `w1.1:${key}:end:1` }]);
});

test('a hold that was ended stays as it is when the log has forgotten its calls', async () => {
  const records = [call('a', 'w1')];
  const { keeper, added, clock, take } = world(records);
  take(100n, 100n);
  await keeper.sweep();
  clock.nowMs += 31_000;
  clock.readUntilMs = clock.nowMs;
  await keeper.sweep();
  expect(added).toEqual([{ amount: 0n, holder: 'w1.1', id: `w1.1:${key}:end:0` }]);
  take(0n, 100n, 'w1.1', `w1.1:${key}:end:0`);
  records.pop();
  expect(await keeper.sweep()).toBe(0);
  expect(added).toHaveLength(1);
});

test('calls of another day are no part of what a dead worker used of a day', async () => {
  const tomorrow = { ...call('b', 'w1'), startedAtMs: nowMs + 13 * 3_600_000 };
  const { keeper, added, clock, take } = world([call('a', 'w1'), tomorrow]);
  take(500n, 500n);
  await keeper.sweep();
  clock.nowMs += 31_000;
  clock.readUntilMs = clock.nowMs;
  await keeper.sweep();
  expect(added.map(({ amount }) => amount)).toEqual([-400n]);
});

test('a worker that lives keeps what it holds, and so does one whose attempts are still open or not yet read', async () => {
  const { keeper, added, clock, living, open, take } = world();
  living.add('w1');
  take(500n, 500n);
  clock.nowMs += 60_000;
  expect(await keeper.sweep()).toBe(0);
  living.clear();
  await keeper.sweep();
  clock.nowMs += 60_000;
  clock.readUntilMs = clock.nowMs - 60_000;
  expect(await keeper.sweep()).toBe(0);
  clock.readUntilMs = clock.nowMs;
  open.push({ worker: 'w1' });
  expect(await keeper.sweep()).toBe(0);
  open.pop();
  expect(await keeper.sweep()).toBe(1);
  expect(added.map(({ amount }) => amount)).toEqual([-500n]);
});

test('a counter younger than its period is opened with what the log knows, and one that is in use is left alone', async () => {
  const { keeper, added, totals } = world([call('a', 'w1'), call('b', 'w2')]);
  await keeper.open(name, nowMs - 1_000, nowMs + 1_000);
  expect(added).toEqual([{ amount: 200n, holder: '', id: `7:${key}:open` }]);
  totals.set(key, 200n);
  await keeper.open(name, nowMs - 1_000, nowMs + 1_000);
  expect(added).toHaveLength(1);
});

test('a counter that nothing was used of before is opened as well, so that who asked at the same time cannot count twice', async () => {
  const { keeper, added } = world();
  await keeper.open(name, nowMs - 1_000, nowMs + 1_000);
  expect(added).toEqual([{ amount: 0n, holder: '', id: `7:${key}:open` }]);
});

test('while the log is behind nothing is opened', async () => {
  const { keeper, clock } = world();
  clock.readUntilMs = nowMs - 60_000;
  await expect(keeper.open(name, nowMs, nowMs + 1)).rejects.toThrow(NotOpenedError);
});

test('operators are warned once when a budget is nearly used up, and see how much is used', () => {
  const { keeper, warnings, take } = world();
  take(790n, 790n);
  keeper.warn();
  expect(warnings).toEqual([]);
  take(10n, 800n);
  keeper.warn();
  keeper.warn();
  expect(warnings).toEqual(['the limit of 1000 tokens per day of client acme: 0.8']);
  expect(keeper.states()).toMatchObject([{ used: 800n, warns: true, limit: { most: 1_000n } }]);
});

test('a limit that no call has counted against yet tells what the log knows of its period, and opens nothing', async () => {
  const { keeper, added, clock, take } = world([call('a', 'w1'), call('b', 'w2')]);
  const used = () => keeper.states().map((state) => state.used);
  clock.readUntilMs = undefined;
  await keeper.lookUpUnopened();
  expect(used()).toEqual([0n]);
  clock.readUntilMs = nowMs;
  await keeper.lookUpUnopened();
  expect(used()).toEqual([200n]);
  expect(added).toEqual([]);
  // The counter knows more than the log.
  take(350n, 350n);
  expect(used()).toEqual([350n]);
});
