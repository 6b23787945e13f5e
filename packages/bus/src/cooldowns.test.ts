import { newId } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { connectBus, openCooldowns, type Cooldowns } from './index.ts';

let nats: NatsServer;
const opened: (() => Promise<unknown> | unknown)[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function replica(clock: { nowMs: number }): Promise<Cooldowns> {
  const bus = await connectBus({ servers: nats.url, processId: `t-${newId()}`, inboxScope: 'test' });
  opened.push(() => bus.close());
  const cooldowns = await openCooldowns(bus, () => clock.nowMs);
  opened.push(() => cooldowns.stop());
  return cooldowns;
}
const replicas = (count: number, clock: { nowMs: number }): Promise<Cooldowns[]> =>
  Promise.all(Array.from({ length: count }, () => replica(clock)));

/** Resolves once the replica sees what is asked for. */
function until(cooldowns: Cooldowns, holds: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (holds()) resolve();
  };
  const stop = cooldowns.onChange(look);
  look();
  return promise.finally(stop);
}
const rest = (untilMs: number, reason = 'limit'): { untilMs: number; reason: string; openings: number } => ({
  untilMs,
  reason,
  openings: 1,
});

test('what one replica sends to rest rests for all, also for those who come later', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.rest('m1', rest(clock.nowMs + 60_000));
  expect(one.restOf('m1')?.reason).toBe('limit');
  await until(two, () => two.restOf('m1') !== undefined);
  const late = await replica(clock);
  expect(late.restOf('m1')).toEqual(rest(clock.nowMs + 60_000));
});

test('an entry that nobody can read counts as none, for those who are there and those who come later', async () => {
  const clock = { nowMs: Date.now() };
  const one = await replica(clock);
  const bus = await connectBus({ servers: nats.url, processId: 'raw', inboxScope: 'test' });
  opened.push(() => bus.close());
  await bus.request('$KV.will_cooldown.garbled', new Uint8Array([0x78]), 2_000);
  await one.rest('m0', rest(clock.nowMs + 60_000));
  await until(one, () => one.restOf('m0') !== undefined);
  expect(one.restOf('garbled')).toBeUndefined();
  const late = await replica(clock);
  expect(late.restOf('garbled')).toBeUndefined();
  await one.rest('garbled', rest(clock.nowMs + 60_000));
  await until(late, () => late.restOf('garbled') !== undefined);
});

test('of rests that are told at once the latest end stands', async () => {
  const clock = { nowMs: Date.now() };
  const all = await replicas(6, clock);
  const ends = all.map((_, n) => clock.nowMs + 10_000 + ((n * 7) % 6) * 1_000);
  await Promise.all(all.map((cooldowns, n) => cooldowns.rest('m2', rest(ends[n] as number))));
  for (const cooldowns of all) await until(cooldowns, () => cooldowns.restOf('m2')?.untilMs === Math.max(...ends));
});

test('after its end exactly one replica gets the probe, and its success makes the model well for all', async () => {
  const clock = { nowMs: Date.now() };
  const all = await replicas(5, clock);
  for (let round = 0; round < 20; round += 1) {
    const model = `probe-${round}`;
    await (all[0] as Cooldowns).rest(model, rest(clock.nowMs + 5_000));
    for (const cooldowns of all) await until(cooldowns, () => cooldowns.restOf(model) !== undefined);
    expect(await Promise.all(all.map((cooldowns) => cooldowns.takeProbe(model, 10_000)))).not.toContain(true);
    clock.nowMs += 6_000;
    const won = await Promise.all(all.map((cooldowns) => cooldowns.takeProbe(model, 10_000)));
    expect(won.filter(Boolean)).toHaveLength(1);
    await (all[won.indexOf(true)] as Cooldowns).recover(model);
    for (const cooldowns of all) await until(cooldowns, () => cooldowns.restOf(model) === undefined);
  }
});

test('a probe whose holder died is taken over when its lease is over, and one that was given back at once', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.rest('m3', rest(clock.nowMs + 1_000));
  await until(two, () => two.restOf('m3') !== undefined);
  clock.nowMs += 1_001;
  expect(await one.takeProbe('m3', 10_000)).toBe(true);
  expect(await two.takeProbe('m3', 10_000)).toBe(false);
  clock.nowMs += 10_001;
  expect(await two.takeProbe('m3', 10_000)).toBe(true);
  await two.giveProbe('m3');
  // The word is on its way to the other.
  await vi.waitFor(async () => expect(await one.takeProbe('m3', 10_000)).toBe(true));
});

test('a look that finds a model well ends a rest that was a guess, for all, and none that the provider asked for', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.rest('m5', { ...rest(clock.nowMs + 60_000), isGuess: true });
  await one.rest('m6', rest(clock.nowMs + 60_000));
  await until(two, () => two.restOf('m6') !== undefined);
  await two.endEarly('m5');
  await two.endEarly('m6');
  await until(one, () => one.restOf('m5')?.untilMs === clock.nowMs);
  expect(await one.takeProbe('m5', 1_000)).toBe(true);
  expect(one.restOf('m6')?.untilMs).toBe(clock.nowMs + 60_000);
});

test('a probe that failed sends the model to rest again, and a recovery of somebody else does not end it', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.rest('m4', rest(clock.nowMs + 1_000));
  await until(two, () => two.restOf('m4') !== undefined);
  clock.nowMs += 1_001;
  expect(await one.takeProbe('m4', 10_000)).toBe(true);
  await one.rest('m4', { ...rest(clock.nowMs + 15_000), openings: 2 });
  await until(two, () => two.restOf('m4')?.openings === 2);
  await two.recover('m4');
  expect(await two.takeProbe('m4', 1_000)).toBe(false);
  expect(one.restOf('m4')?.openings).toBe(2);
});
