import { newId } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { connectBus, openCooldowns, type Cooldowns } from '../index.ts';

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
const cooldown = (untilMs: number, reason = 'limit'): { untilMs: number; reason: string; timesOpened: number } => ({
  untilMs,
  reason,
  timesOpened: 1,
});

test('a cooldown that one replica starts holds for all, also for those that start later', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.coolDown('m1', cooldown(clock.nowMs + 60_000));
  expect(one.cooldownOf('m1')?.reason).toBe('limit');
  await until(two, () => two.cooldownOf('m1') !== undefined);
  const late = await replica(clock);
  expect(late.cooldownOf('m1')).toEqual(cooldown(clock.nowMs + 60_000));
});

test('an entry that nobody can read counts as none, for those who are there and those who come later', async () => {
  const clock = { nowMs: Date.now() };
  const one = await replica(clock);
  const bus = await connectBus({ servers: nats.url, processId: 'raw', inboxScope: 'test' });
  opened.push(() => bus.close());
  await bus.request('$KV.will_cooldown.garbled', new Uint8Array([0x78]), 2_000);
  await one.coolDown('m0', cooldown(clock.nowMs + 60_000));
  await until(one, () => one.cooldownOf('m0') !== undefined);
  expect(one.cooldownOf('garbled')).toBeUndefined();
  const late = await replica(clock);
  expect(late.cooldownOf('garbled')).toBeUndefined();
  await one.coolDown('garbled', cooldown(clock.nowMs + 60_000));
  await until(late, () => late.cooldownOf('garbled') !== undefined);
});

test('of cooldowns written at once the latest end stands', async () => {
  const clock = { nowMs: Date.now() };
  const all = await replicas(6, clock);
  const ends = all.map((_, n) => clock.nowMs + 10_000 + ((n * 7) % 6) * 1_000);
  await Promise.all(all.map((cooldowns, n) => cooldowns.coolDown('m2', cooldown(ends[n] as number))));
  for (const cooldowns of all) await until(cooldowns, () => cooldowns.cooldownOf('m2')?.untilMs === Math.max(...ends));
});

test('after its end exactly one replica gets the trial call, and its success closes the circuit for all', async () => {
  const clock = { nowMs: Date.now() };
  const all = await replicas(5, clock);
  for (let round = 0; round < 20; round += 1) {
    const model = `trial-${round}`;
    await (all[0] as Cooldowns).coolDown(model, cooldown(clock.nowMs + 5_000));
    for (const cooldowns of all) await until(cooldowns, () => cooldowns.cooldownOf(model) !== undefined);
    expect(await Promise.all(all.map((cooldowns) => cooldowns.acquireTrial(model, 10_000)))).not.toContain(true);
    clock.nowMs += 6_000;
    const won = await Promise.all(all.map((cooldowns) => cooldowns.acquireTrial(model, 10_000)));
    expect(won.filter(Boolean)).toHaveLength(1);
    await (all[won.indexOf(true)] as Cooldowns).recover(model);
    for (const cooldowns of all) await until(cooldowns, () => cooldowns.cooldownOf(model) === undefined);
  }
});

test('a trial call whose holder died is taken over when its lease is over, and one that was given back at once', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.coolDown('m3', cooldown(clock.nowMs + 1_000));
  await until(two, () => two.cooldownOf('m3') !== undefined);
  clock.nowMs += 1_001;
  expect(await one.acquireTrial('m3', 10_000)).toBe(true);
  expect(await two.acquireTrial('m3', 10_000)).toBe(false);
  clock.nowMs += 10_001;
  expect(await two.acquireTrial('m3', 10_000)).toBe(true);
  await two.releaseTrial('m3');
  // The word is on its way to the other.
  await vi.waitFor(async () => expect(await one.acquireTrial('m3', 10_000)).toBe(true));
});

test('a health check that succeeds ends a cooldown whose length was a guess, for all, and none that the provider asked for', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.coolDown('m5', { ...cooldown(clock.nowMs + 60_000), isGuess: true });
  await one.coolDown('m6', cooldown(clock.nowMs + 60_000));
  await until(two, () => two.cooldownOf('m6') !== undefined);
  await two.endEarly('m5');
  await two.endEarly('m6');
  await until(one, () => one.cooldownOf('m5')?.untilMs === clock.nowMs);
  expect(await one.acquireTrial('m5', 1_000)).toBe(true);
  expect(one.cooldownOf('m6')?.untilMs).toBe(clock.nowMs + 60_000);
});

test('a trial call that failed starts a cooldown again, and a recovery by another process does not end it', async () => {
  const clock = { nowMs: Date.now() };
  const [one, two] = (await replicas(2, clock)) as [Cooldowns, Cooldowns];
  await one.coolDown('m4', cooldown(clock.nowMs + 1_000));
  await until(two, () => two.cooldownOf('m4') !== undefined);
  clock.nowMs += 1_001;
  expect(await one.acquireTrial('m4', 10_000)).toBe(true);
  await one.coolDown('m4', { ...cooldown(clock.nowMs + 15_000), timesOpened: 2 });
  await until(two, () => two.cooldownOf('m4')?.timesOpened === 2);
  await two.recover('m4');
  expect(await two.acquireTrial('m4', 1_000)).toBe(false);
  expect(one.cooldownOf('m4')?.timesOpened).toBe(2);
});
