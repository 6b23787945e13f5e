import type { Bus, Counters } from '@will/bus';
import { endOfHold, type Limit } from '@will/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Allowances, type Hold } from '../quota/allowances.ts';
import { BusLedger, PresenceLease } from './bus-ledger.ts';

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 23, 12) }));
afterEach(() => void vi.useRealTimers());

const limit: Limit = {
  scope: 'model',
  id: 'gpt',
  metric: 'requests',
  period: 'day',
  zone: 'UTC',
  most: 100n,
  warnAt: undefined,
};
const key = 'model.gpt.requests.d20261123';
const three = { requests: 3n, tokens: 0n, nano_usd: 0n };
const one = { ...three, requests: 1n };

function worker(addMs = 0) {
  const words: { amount: bigint; holder: string; id: string | undefined }[] = [];
  let total = 0n;
  const counters: Counters = {
    total: async () => total,
    add: async (_counter, amount, holder, id) => {
      if (addMs > 0) await new Promise((resolve) => setTimeout(resolve, addMs));
      total += amount;
      words.push({ amount, holder, id });
      return { total };
    },
    bornMs: () => 0,
    follow: async () => async () => {},
    compact: async () => {},
  };
  const lease = new PresenceLease('w');
  lease.confirm(performance.now());
  const ledger = new BusLedger({ isConnected: true } as Bus, counters, lease);
  const allowances = new Allowances({ ledger, lease, nowMs: Date.now, processes: () => 1 });
  const stop = async (): Promise<void> => {
    allowances.close();
    await ledger.close();
  };
  return { words, lease, allowances, stop };
}

test('a call that ends after its worker lost the name it held by is told of once more after that hold’s end', async () => {
  const { words, allowances, stop } = worker();
  const hold = (await allowances.take([limit], three)) as Hold;
  // As after it stood still: the call ends before anything else sees that the name is lost.
  vi.setSystemTime(Date.now() + 20_000);
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 20_000);
  hold.settle(one);
  await vi.advanceTimersByTimeAsync(2_000);
  const end = words.findIndex(({ id }) => id === endOfHold('w.1', key, 0));
  expect(end).toBeGreaterThan(0);
  expect(words.slice(end + 1).map(({ amount, holder }) => [amount, holder])).toEqual([[0n, 'w.1']]);
  await stop();
  vi.restoreAllMocks();
});

test('a worker that is stopped waits for the word that it is saying, and for the one that follows it', async () => {
  const { words, allowances, stop } = worker(20);
  const taken = allowances.take([limit], three);
  await vi.advanceTimersByTimeAsync(100);
  ((await taken) as Hold).settle(one);
  vi.setSystemTime(Date.now() + 20_000);
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 20_000);
  const saidByThen = stop().then(() => words.length);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(words.slice(-2).map(({ id, amount }) => [id === endOfHold('w.1', key, 0), amount < 0n])).toEqual([
    [true, true],
    [false, false],
  ]);
  expect(await saidByThen).toBe(words.length);
  vi.restoreAllMocks();
});

test('a worker that never lost its name ends its hold with the last word', async () => {
  const { words, allowances, stop } = worker();
  ((await allowances.take([limit], three)) as Hold).settle(one);
  await stop();
  expect(words.at(-1)?.id).toBe(endOfHold('w.1', key, 0));
});
