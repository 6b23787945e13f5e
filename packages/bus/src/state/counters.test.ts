import { newId } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connectBus, openCounters, type Counters, type Increment } from '../index.ts';

let nats: NatsServer;
const opened: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function open(): Promise<Counters> {
  const bus = await connectBus({ servers: nats.url, processId: `t-${newId()}`, inboxScope: 'test' });
  opened.push(() => bus.close());
  return openCounters(bus);
}
const day = (model: string) => ({ kind: 'ledger', key: `model.${model}.requests.d20261123` }) as const;

test('a counter that nobody added to has no value; each addition tells the new total', async () => {
  const counters = await open();
  expect(await counters.total(day('a'))).toBeUndefined();
  expect(await counters.add(day('a'), 5n, 'w1')).toEqual({ total: 5n });
  expect(await counters.add(day('a'), -2n, 'w1')).toEqual({ total: 3n });
  expect(await counters.total(day('a'))).toBe(3n);
});

test('additions of many at once add up, and each sees a total of its own', async () => {
  const all = await Promise.all([open(), open(), open()]);
  const added = await Promise.all(
    all.flatMap((counters) => Array.from({ length: 64 }, () => counters.add(day('b'), 7n, 'w'))),
  );
  const totals = added.map((one) => (one === 'repeated' ? 0n : one.total));
  expect(new Set(totals).size).toBe(192);
  expect(await (all[0] as Counters).total(day('b'))).toBe(192n * 7n);
});

test('an addition with an id is made once', async () => {
  const [one, two] = (await Promise.all([open(), open()])) as [Counters, Counters];
  await one.add(day('c'), 10n, 'w1');
  expect(await one.add(day('c'), -10n, 'w1', 'w1:c:end')).toEqual({ total: 0n });
  expect(await two.add(day('c'), -10n, 'w1', 'w1:c:end')).toBe('repeated');
  expect(await two.total(day('c'))).toBe(0n);
});

test('an addition of nothing is written and heard as well', async () => {
  const counters = await open();
  await counters.add(day('e'), 5n, 'w1');
  expect(await counters.add(day('e'), 0n, 'w1', 'the end')).toEqual({ total: 5n });
  expect(await counters.add(day('e'), 0n, 'w1', 'the end')).toBe('repeated');
});

test('who follows hears every increment with its holder and its id, from the first on', async () => {
  const counters = await open();
  const minute = { kind: 'rate', key: 'model.d.tokens.m29731245' } as const;
  await counters.add(minute, 100n, 'w1');
  const heard: Increment[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = await counters.follow('rate', (increment) => {
    heard.push(increment);
    if (heard.length === 2) resolve();
  });
  opened.push(stop);
  await counters.add(minute, -40n, 'w2', 'w2:end');
  await promise;
  expect(heard.map(({ key, amount, total, holder }) => [key, amount, total, holder])).toEqual([
    [minute.key, 100n, 100n, 'w1'],
    [minute.key, -40n, 60n, 'w2'],
  ]);
  expect(heard[1]?.id).toBe('w2:end');
  await counters.compact(minute);
  expect(await counters.total(minute)).toBe(60n);
});

test('what is no counter never becomes a subject', async () => {
  const counters = await open();
  await expect(counters.add({ kind: 'ledger', key: 'model.>.requests.d20261123' }, 1n, 'w')).rejects.toThrow('counter');
});
