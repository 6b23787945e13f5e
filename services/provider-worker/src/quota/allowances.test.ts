import type { CounterName } from '@will/bus';
import type { Amounts, Limit } from '@will/core';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Allowances, type Hold, type LimitReached } from './allowances.ts';
import { type Ledger, LedgerError } from './ports.ts';

const startMs = Date.UTC(2026, 10, 23, 12);
beforeEach(() => void vi.useFakeTimers({ now: startMs }));
afterEach(() => void vi.useRealTimers());

const daily = (most: number, over: Partial<Limit> = {}): Limit => ({
  scope: 'model',
  id: 'gpt',
  metric: 'requests',
  period: 'day',
  zone: 'UTC',
  warnAt: undefined,
  most: BigInt(most),
  ...over,
});
const one: Amounts = { requests: 1n, tokens: 100n, nano_usd: 1_000n };

/** Counters that all processes of a test share; each word takes a random while. */
class SharedCounters implements Ledger {
  readonly totals = new Map<string, bigint>();
  readonly heldBy = new Map<string, bigint>();
  readonly #ids = new Set<string>();
  readonly #delay: () => Promise<void>;
  additions = 0;
  /** Who hears when somebody has nothing left. */
  readonly sharers: Allowances[] = [];
  isDisconnected = false;
  isReachable = true;

  constructor(delay: () => Promise<void> = async () => {}) {
    this.#delay = delay;
  }

  async total(_limit: unknown, _period: unknown, { key }: CounterName): Promise<bigint> {
    await this.#delay();
    if (this.isDisconnected) throw new LedgerError('it is being counted anew');
    const total = this.totals.get(key) ?? 0n;
    await this.#delay();
    return total;
  }

  async add({ key }: CounterName, amount: bigint, holder: string): Promise<bigint> {
    await this.#delay();
    const total = this.#add(key, amount, holder);
    await this.#delay();
    return total;
  }

  async recall({ key }: CounterName): Promise<void> {
    await this.#delay();
    for (const allowances of this.sharers) allowances.answerRecall(key);
    await this.#delay();
  }

  addSurely({ key }: CounterName, amount: bigint, holder: string, id?: string): void {
    void this.#delay().then(() => {
      if (id === undefined || !this.#ids.has(id)) this.#add(key, amount, holder);
      if (id !== undefined) this.#ids.add(id);
    });
  }

  #add(key: string, amount: bigint, holder: string): bigint {
    this.additions += 1;
    const total = (this.totals.get(key) ?? 0n) + amount;
    this.totals.set(key, total);
    this.heldBy.set(holder, (this.heldBy.get(holder) ?? 0n) + amount);
    return total;
  }
}

function process(ledger: SharedCounters, holder = 'w.1', processes = 1): Allowances {
  const made = new Allowances({ ledger, lease: { holder: () => holder }, nowMs: Date.now, processes: () => processes });
  ledger.sharers.push(made);
  return made;
}
const isHold = (answer: Hold | LimitReached): answer is Hold => 'settle' in answer;

test('a limit grants as much as it says and not one more, and tells until when', async () => {
  const allowances = process(new SharedCounters());
  for (let n = 0; n < 10; n += 1) expect(isHold(await allowances.take([daily(10)], one))).toBe(true);
  expect(await allowances.take([daily(10)], one)).toEqual({
    reason: 'the limit of 10 requests per day of model gpt is reached',
    untilMs: Date.UTC(2026, 10, 24),
    isBudget: true,
  });
});

test('what a call did not use is free again, and what was not made takes nothing', async () => {
  const allowances = process(new SharedCounters());
  const tokens = daily(250, { metric: 'tokens' });
  const first = (await allowances.take([tokens], one)) as Hold;
  const second = (await allowances.take([tokens], one)) as Hold;
  expect(isHold(await allowances.take([tokens], one))).toBe(false);
  first.settle({ ...one, tokens: 20n });
  second.release();
  expect(isHold(await allowances.take([tokens], { ...one, tokens: 230n }))).toBe(true);
  expect(isHold(await allowances.take([tokens], { ...one, tokens: 1n }))).toBe(false);
});

test('a call takes from all its limits or from none', async () => {
  const ledger = new SharedCounters();
  const allowances = process(ledger);
  const limits = [daily(5), daily(1_000, { metric: 'nano_usd', scope: 'client', id: 'acme' })];
  expect(isHold(await allowances.take(limits, one))).toBe(true);
  expect(await allowances.take(limits, one)).toMatchObject({ reason: expect.stringContaining('client acme') });
  const left = Array.from({ length: 4 }, () => allowances.take([daily(5)], one));
  expect((await Promise.all(left)).every(isHold)).toBe(true);
});

test('most calls are counted without a word to the bus', async () => {
  const ledger = new SharedCounters();
  const allowances = process(ledger);
  for (let n = 0; n < 5_000; n += 1) ((await allowances.take([daily(10_000)], one)) as Hold).settle(one);
  expect(ledger.additions).toBeLessThan(10);
  expect(allowances.take([daily(10_000)], one)).not.toBeInstanceOf(Promise);
});

test('an unknown price cannot be held to a limit in money, nor a call larger than the whole limit be made', async () => {
  const allowances = process(new SharedCounters());
  const money = daily(10, { metric: 'nano_usd' });
  expect(allowances.take([money], { ...one, nano_usd: undefined })).toMatchObject({ untilMs: Infinity });
  expect(allowances.take([daily(99, { metric: 'tokens' })], one)).toMatchObject({ untilMs: Infinity });
});

test('in the last moments of a period nothing is taken, and the next one counts from nought', async () => {
  const allowances = process(new SharedCounters());
  const perMinute = daily(1, { period: 'minute' });
  expect(isHold(await allowances.take([perMinute], one))).toBe(true);
  vi.setSystemTime(startMs + 59_950);
  expect(await allowances.take([perMinute], one)).toMatchObject({ untilMs: startMs + 60_000 });
  vi.setSystemTime(startMs + 60_000);
  expect(isHold(await allowances.take([perMinute], one))).toBe(true);
});

test('a limit that was lowered in its document holds from the next call on', async () => {
  const allowances = process(new SharedCounters());
  for (let n = 0; n < 3; n += 1) await allowances.take([daily(100)], one);
  expect(isHold(await allowances.take([daily(3)], one))).toBe(false);
  expect(isHold(await allowances.take([daily(4)], one))).toBe(true);
});

test('what a process held by a name that it lost is not given back a second time, and what was taken too late is not used', async () => {
  const ledger = new SharedCounters(() => new Promise((resolve) => setTimeout(resolve, 50)));
  let holder: string | undefined = 'w.1';
  const lease = { holder: () => holder };
  const allowances = new Allowances({ ledger, lease, nowMs: Date.now, processes: () => 1 });
  const taking = allowances.take([daily(100)], one);
  await vi.advanceTimersByTimeAsync(300);
  expect(isHold(await taking)).toBe(true);
  const late = allowances.take([daily(50, { id: 'other' })], one);
  holder = undefined;
  await vi.advanceTimersByTimeAsync(300);
  expect(await late).toMatchObject({ reason: expect.stringContaining('too late') });
  // The keeper of the ledger ended it meanwhile.
  ledger.addSurely(
    { kind: 'ledger', key: 'model.gpt.requests.d20261123' },
    -24n,
    'w.1',
    'w.1:model.gpt.requests.d20261123:end:0',
  );
  await vi.advanceTimersByTimeAsync(10_000);
  expect(ledger.totals.get('model.gpt.requests.d20261123')).toBe(1n);
  expect(ledger.totals.get('model.other.requests.d20261123')).toBe(0n);
  allowances.close();
});

test('what lies idle goes back to the others, and so does everything at the end', async () => {
  const ledger = new SharedCounters();
  const idle = process(ledger, 'w.1', 1);
  const busy = process(ledger, 'w.2', 1);
  await idle.take([daily(100)], one);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(ledger.totals.get('model.gpt.requests.d20261123')).toBe(1n);
  for (let n = 0; n < 99; n += 1) expect(isHold(await busy.take([daily(100)], one))).toBe(true);
  ((await idle.take([daily(200)], one)) as Hold).settle(one);
  idle.close();
  busy.close();
  await vi.advanceTimersByTimeAsync(1);
  expect(ledger.totals.get('model.gpt.requests.d20261123')).toBe(101n);
});

test('what lies idle while NATS is not connected goes back by the end of the hold once the lease is lost', async () => {
  const ledger = new SharedCounters();
  let holder: string | undefined = 'w.1';
  const allowances = new Allowances({ ledger, lease: { holder: () => holder }, nowMs: Date.now, processes: () => 1 });
  ((await allowances.take([daily(100)], one)) as Hold).settle(one);
  const ends = vi.spyOn(ledger, 'addSurely');
  ledger.isReachable = false;
  await vi.advanceTimersByTimeAsync(14_000);
  expect(ends).not.toHaveBeenCalled();
  holder = undefined;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(ends.mock.calls.map(([, , , id]) => id)).toEqual(['w.1:model.gpt.requests.d20261123:end:0']);
  expect(ledger.totals.get('model.gpt.requests.d20261123')).toBe(1n);
  allowances.close();
});

test('what others have in hand and do not need is called in before a call is refused', async () => {
  const ledger = new SharedCounters();
  const [first, second] = [process(ledger, 'w.1', 1), process(ledger, 'w.2', 1)];
  for (const one_ of [first, second]) ((await one_.take([daily(40)], one)) as Hold).release();
  for (let n = 0; n < 40; n += 1) expect(isHold(await first.take([daily(40)], one))).toBe(true);
  expect(isHold(await second.take([daily(40)], one))).toBe(false);
});

test('a total that was known long ago refuses nobody: what others have in hand is called in first', async () => {
  const ledger = new SharedCounters();
  const [first, second] = [process(ledger, 'w.1', 2), process(ledger, 'w.2', 2)];
  await first.take([daily(40)], one);
  // Meanwhile the other one takes all that is left, uses a part, and has the rest in hand.
  ((await second.take([daily(40)], { ...one, requests: 35n })) as Hold).settle(one);
  for (let n = 0; n < 38; n += 1) expect(isHold(await first.take([daily(40)], one))).toBe(true);
  expect(isHold(await first.take([daily(40)], one))).toBe(false);
});

test('a counter that is not to be trusted yet refuses for a moment, with the reason', async () => {
  const ledger = new SharedCounters();
  ledger.isDisconnected = true;
  const allowances = process(ledger);
  expect(await allowances.take([daily(5)], one)).toEqual({
    reason: 'the limit of 5 requests per day of model gpt: it is being counted anew',
    untilMs: startMs + 500,
  });
});

test('a process that could not show that it lives takes nothing, and afterwards holds by another name', async () => {
  const ledger = new SharedCounters();
  let holder: string | undefined = 'w.1';
  const allowances = new Allowances({ ledger, lease: { holder: () => holder }, nowMs: Date.now, processes: () => 1 });
  const before = (await allowances.take([daily(100)], one)) as Hold;
  holder = undefined;
  expect(isHold(await allowances.take([daily(100)], one))).toBe(false);
  holder = 'w.2';
  expect(isHold(await allowances.take([daily(100)], one))).toBe(true);
  before.release();
  allowances.close();
  await vi.advanceTimersByTimeAsync(1);
  // The call under way when the old name ended stays counted as its reserve.
  expect(ledger.totals.get('model.gpt.requests.d20261123')).toBe(2n);
});

const key = 'model.gpt.requests.d20261123';

test('what is taken at once is free again once, and what another limit refuses is given back', async () => {
  const ledger = new SharedCounters();
  const allowances = process(ledger);
  const limits = [daily(100), daily(1_000, { metric: 'nano_usd', scope: 'client', id: 'acme' })];
  expect(isHold(await allowances.take(limits, one))).toBe(true);
  expect(isHold(await allowances.take(limits, one))).toBe(false);
  const atOnce = allowances.take([daily(100)], one);
  if (atOnce instanceof Promise || !isHold(atOnce)) throw new Error('it was in hand');
  atOnce.release();
  atOnce.release();
  atOnce.settle(one);
  allowances.close();
  await vi.advanceTimersByTimeAsync(1);
  expect(ledger.totals.get(key)).toBe(1n);
});

test('a limit per minute that is reached is no budget, and is counted by a counter of its own kind', async () => {
  const ledger = new SharedCounters();
  const kinds = vi.spyOn(ledger, 'add');
  const allowances = process(ledger);
  const perMinute = daily(1, { period: 'minute' });
  await allowances.take([perMinute, daily(9)], one);
  expect(kinds.mock.calls.map(([{ kind }]) => kind)).toEqual(['rate', 'ledger']);
  expect(await allowances.take([perMinute], one)).toEqual({
    reason: 'the limit of 1 requests per minute of model gpt is reached',
    untilMs: startMs + 60_000,
    isBudget: false,
  });
});

test('a tenth of a second before its end a period still grants, and not a moment later', async () => {
  const allowances = process(new SharedCounters());
  const perMinute = daily(9, { period: 'minute' });
  vi.setSystemTime(startMs + 59_900);
  expect(isHold(await allowances.take([perMinute], one))).toBe(true);
  vi.setSystemTime(startMs + 59_901);
  expect(isHold(await allowances.take([perMinute], one))).toBe(false);
});

test('what was taken after its period ended is not used, and is given back', async () => {
  const ledger = new SharedCounters(() => new Promise((resolve) => setTimeout(resolve, 50)));
  const allowances = process(ledger);
  vi.setSystemTime(startMs + 59_800);
  const late = allowances.take([daily(1, { period: 'minute' })], one);
  await vi.advanceTimersByTimeAsync(200);
  expect(await late).toEqual({
    reason: 'the limit of 1 requests per minute of model gpt was answered too late',
    untilMs: startMs + 60_000 + 500,
  });
  allowances.close();
  await vi.advanceTimersByTimeAsync(100);
  expect([...ledger.totals.values()]).toEqual([0n]);
});

test('a call that ends under a lost name gives nothing back by itself, and has the hold looked at once more', async () => {
  const ledger = new SharedCounters();
  let holder: string | undefined = 'w.1';
  const allowances = new Allowances({ ledger, lease: { holder: () => holder }, nowMs: Date.now, processes: () => 1 });
  const hold = (await allowances.take([daily(100)], one)) as Hold;
  const words = vi.spyOn(ledger, 'addSurely');
  holder = undefined;
  expect(allowances.take([daily(100)], one)).toEqual({
    reason: 'this worker could not confirm to others that it lives',
    untilMs: startMs + 500,
  });
  hold.release();
  expect(words.mock.calls).toEqual([[{ kind: 'ledger', key }, 0n, 'w.1']]);
  holder = 'w.1';
  const last = (await allowances.take([daily(100)], one)) as Hold;
  allowances.close();
  words.mockClear();
  last.release();
  expect(words.mock.calls).toEqual([[{ kind: 'ledger', key }, 0n, 'w.1']]);
});

test('what was used within two seconds stays in hand, and then goes back', async () => {
  const ledger = new SharedCounters();
  await process(ledger).take([daily(100)], one);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(ledger.totals.get(key)).toBe(25n);
  await vi.advanceTimersByTimeAsync(1);
  expect(ledger.totals.get(key)).toBe(1n);
});

test('a counter that cannot be asked leaves what the other limits granted', async () => {
  const ledger = new SharedCounters();
  const allowances = process(ledger);
  const total = ledger.total.bind(ledger);
  vi.spyOn(ledger, 'total').mockImplementation(async (limit, period, counter) => {
    if (counter.key.startsWith('client')) throw new Error('connection closed');
    return total(limit, period, counter);
  });
  expect(await allowances.take([daily(100), daily(9, { scope: 'client', id: 'acme' })], one)).toEqual({
    reason: 'the limit of 9 requests per day of client acme: what is left of it is not known now',
    untilMs: startMs + 500,
  });
  allowances.close();
  await vi.advanceTimersByTimeAsync(1);
  expect(ledger.totals.get(key)).toBe(0n);
});

test('who waits for much is not passed by who asks for little', async () => {
  const allowances = process(new SharedCounters());
  await allowances.take([daily(100)], one);
  const much = allowances.take([daily(100)], { ...one, requests: 30n });
  const little = allowances.take([daily(100)], one);
  expect(little).toBeInstanceOf(Promise);
  expect([await much, await little].every(isHold)).toBe(true);
});

test('what a call used beyond its reserve is counted, and no word is said where nothing is left over', async () => {
  const ledger = new SharedCounters();
  const words = vi.spyOn(ledger, 'addSurely');
  const allowances = process(ledger);
  const [first, second] = [await allowances.take([daily(4)], one), await allowances.take([daily(4)], one)];
  (first as Hold).settle(one);
  expect(words).not.toHaveBeenCalled();
  (second as Hold).settle({ ...one, requests: 3n });
  expect(words.mock.calls).toEqual([[{ kind: 'ledger', key }, 2n, 'w.1']]);
  allowances.close();
  expect(words).toHaveBeenCalledTimes(1);
});

test('all who ask at once are served by one addition, and nobody is asked to give back where enough is left', async () => {
  const ledger = new SharedCounters();
  const recalls = vi.spyOn(ledger, 'recall');
  const totals = vi.spyOn(ledger, 'total');
  const allowances = process(ledger);
  const answers = Array.from({ length: 10 }, () => allowances.take([daily(12)], one));
  expect((await Promise.all(answers)).every(isHold)).toBe(true);
  expect(ledger.additions).toBe(1);
  expect(isHold(await allowances.take([daily(12)], { ...one, requests: 2n }))).toBe(true);
  expect(totals).toHaveBeenCalledTimes(1);
  expect(recalls).not.toHaveBeenCalled();
});

test('others are asked once where that is enough, and are left alone for a while where it was in vain', async () => {
  const ledger = new SharedCounters();
  const recalls = vi.spyOn(ledger, 'recall');
  const [first, second] = [process(ledger, 'w.1'), process(ledger, 'w.2')];
  ((await first.take([daily(40)], { ...one, requests: 40n })) as Hold).release();
  expect(isHold(await second.take([daily(40)], { ...one, requests: 40n }))).toBe(true);
  expect(recalls).toHaveBeenCalledTimes(1);
  for (let n = 0; n < 3; n += 1) expect(isHold(await second.take([daily(40)], one))).toBe(false);
  expect(recalls).toHaveBeenCalledTimes(3);
  vi.setSystemTime(startMs + 250);
  expect(isHold(await second.take([daily(40)], one))).toBe(false);
  expect(recalls).toHaveBeenCalledTimes(5);
});

test('whichever process asks, however the messages cross, and whichever process dies: never above the limit, and nothing is lost for good', async () => {
  vi.useRealTimers();
  vi.useFakeTimers({ now: startMs, toFake: ['Date'] });
  const world = fc.record({
    most: fc.integer({ min: 1, max: 60 }),
    processes: fc.integer({ min: 1, max: 4 }),
    callers: fc.integer({ min: 1, max: 8 }),
    need: fc.integer({ min: 1, max: 4 }),
    deaths: fc.integer({ min: 0, max: 3 }),
  });
  const runs = fc.asyncProperty(
    world,
    fc.scheduler(),
    async ({ most, processes, callers, need, deaths }, scheduler) => {
      const ledger = new SharedCounters(() => scheduler.schedule(Promise.resolve()).then(() => {}));
      const limit = daily(most);
      const amount: Amounts = { ...one, requests: BigInt(need) };
      const consumedBy = new Map<string, bigint>();
      let consumed = 0n;
      const lives = Array.from({ length: processes }, (_, n) => ({ holder: `w${n}.1`, isDead: n < deaths && n > 0 }));
      const callers_ = lives.flatMap(({ holder, isDead }) => {
        const allowances = process(ledger, holder, processes);
        return Array.from({ length: callers }, async () => {
          for (let refusals = 0; refusals < 3; ) {
            const hold = await allowances.take([limit], amount);
            if (!isHold(hold)) {
              refusals += 1;
              continue;
            }
            consumed += amount.requests;
            consumedBy.set(holder, (consumedBy.get(holder) ?? 0n) + amount.requests);
            expect(consumed).toBeLessThanOrEqual(BigInt(most));
            // The dead never settle, and never give back what they have in hand.
            if (!isDead) hold.settle(amount);
          }
          if (!isDead) allowances.close();
        });
      });
      await scheduler.waitFor(Promise.all(callers_));
      await scheduler.waitIdle();
      // What others do for the dead: what they held and did not use goes back.
      for (const { holder, isDead } of lives) {
        const unused = (ledger.heldBy.get(holder) ?? 0n) - (consumedBy.get(holder) ?? 0n);
        if (isDead) ledger.addSurely({ kind: 'ledger', key }, -unused, holder);
      }
      await scheduler.waitIdle();
      expect(ledger.totals.get(key) ?? 0n).toBe(consumed);
    },
  );
  await fc.assert(runs, { numRuns: Number(globalThis.process.env['WILL_LIMIT_RUNS'] ?? 300) });
});
