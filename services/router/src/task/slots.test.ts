import { expect, test, vi } from 'vitest';
import { SlotQueues } from './slots.ts';

const never = new AbortController().signal;
const settled = async (promise: Promise<string>): Promise<string> =>
  Promise.race([promise, new Promise<string>((resolve) => setImmediate(() => resolve('waiting')))]);

test('a freed slot goes to the highest priority first', async () => {
  const queues = new SlotQueues();
  const background = queues.wait('m', { priority: 'background', client: 'a', timeoutMs: 5_000, signal: never });
  const normal = queues.wait('m', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: never });
  const high = queues.wait('m', { priority: 'high', client: 'a', timeoutMs: 5_000, signal: never });
  queues.free('m', 1);
  expect(await settled(high)).toBe('try');
  expect(await settled(normal)).toBe('waiting');
  queues.free('m', 2);
  expect(await settled(normal)).toBe('try');
  expect(await settled(background)).toBe('try');
});

test('within a priority the clients take turns, so an overload of one does not hold up another', async () => {
  const queues = new SlotQueues();
  const order: string[] = [];
  const wait = (client: string, name: string): Promise<unknown> =>
    queues
      .wait('m', { priority: 'normal', client: client, timeoutMs: 5_000, signal: never })
      .then(() => order.push(name));
  const all = [wait('noisy', 'n1'), wait('noisy', 'n2'), wait('noisy', 'n3'), wait('quiet', 'q1')];
  queues.free('m', 4);
  await Promise.all(all);
  expect(order).toEqual(['n1', 'q1', 'n2', 'n3']);
});

test('a task that gave up waiting does not use up a freed slot', async () => {
  const queues = new SlotQueues();
  const giveUp = new AbortController();
  const gone = queues.wait('m', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: giveUp.signal });
  const next = queues.wait('m', { priority: 'normal', client: 'b', timeoutMs: 5_000, signal: never });
  giveUp.abort();
  expect(await settled(gone)).toBe('timeout');
  queues.free('m', 1);
  expect(await settled(next)).toBe('try');
  expect([...queues.waitingByModel()]).toEqual([]);
});

test('a queue at its bound refuses at once', async () => {
  const queues = new SlotQueues(1);
  void queues.wait('m', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: never });
  expect(await settled(queues.wait('m', { priority: 'normal', client: 'b', timeoutMs: 5_000, signal: never }))).toBe(
    'full',
  );
  expect(
    await settled(queues.wait('other', { priority: 'normal', client: 'b', timeoutMs: 5_000, signal: never })),
  ).toBe('waiting');
});

test('a poll lets one waiting task per model try', async () => {
  const queues = new SlotQueues();
  const first = queues.wait('m', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: never });
  const second = queues.wait('m', { priority: 'normal', client: 'b', timeoutMs: 5_000, signal: never });
  const other = queues.wait('o', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: never });
  queues.poll();
  expect(await settled(first)).toBe('try');
  expect(await settled(other)).toBe('try');
  expect(await settled(second)).toBe('waiting');
  queues.poll();
  expect(await settled(second)).toBe('try');
});

test('tasks that gave up leave nothing behind, however many there were', async () => {
  const queues = new SlotQueues(10_000);
  const giveUp = new AbortController();
  const gone = Array.from({ length: 5_000 }, (_, n) =>
    queues.wait('m', { priority: 'normal', client: `c${n % 7}`, timeoutMs: 5_000, signal: giveUp.signal }),
  );
  giveUp.abort();
  await Promise.all(gone);
  expect([...queues.waitingByModel()]).toEqual([]);
  const next = queues.wait('m', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: never });
  queues.free('m', 1);
  expect(await settled(next)).toBe('try');
});

test('background work gets one slot in twelve also where higher priorities never end', async () => {
  const queues = new SlotQueues();
  const background = queues.wait('m', { priority: 'background', client: 'b', timeoutMs: 60_000, signal: never });
  let high = 0;
  for (; (await settled(background)) === 'waiting'; high += 1) {
    void queues.wait('m', { priority: 'high', client: 'h', timeoutMs: 60_000, signal: never });
    void queues.wait('m', { priority: 'high', client: 'h', timeoutMs: 60_000, signal: never });
    queues.free('m', 1);
  }
  expect(high).toBe(12);
});

test('a freed slot goes to the client that has the fewest calls under way, and what is freed at once is shared', async () => {
  const queues = new SlotQueues();
  const wait = (client: string) => queues.wait('m', { priority: 'normal', client, timeoutMs: 5_000, signal: never });
  const leaves = [queues.hold('m', 'noisy'), queues.hold('m', 'noisy'), queues.hold('m', 'busy')];
  const [noisy1, noisy2, busy, quiet1, quiet2] = ['noisy', 'noisy', 'busy', 'quiet', 'quiet'].map(wait);
  queues.free('m', 3);
  expect(await Promise.all([quiet1, quiet2, busy].map((each) => settled(each as Promise<string>)))).toEqual([
    'try',
    'try',
    'try',
  ]);
  expect(await settled(noisy1 as Promise<string>)).toBe('waiting');
  for (const leave of leaves) leave();
  queues.free('m', 2);
  expect([await noisy1, await noisy2]).toEqual(['try', 'try']);
});

test('a newcomer need not wait behind clients that hold more, but behind its own and its betters', () => {
  const queues = new SlotQueues();
  const claim = (client: string, priority: 'high' | 'normal' = 'normal') => ({ client, priority });
  expect(queues.mayTryFirst('m', claim('quiet'))).toBe(true);
  const leave = queues.hold('m', 'noisy');
  void queues.wait('m', { ...claim('noisy'), timeoutMs: 50, signal: never });
  expect(queues.mayTryFirst('m', claim('quiet'))).toBe(true);
  expect(queues.mayTryFirst('m', claim('noisy'))).toBe(false);
  expect(queues.mayTryFirst('m', claim('noisy', 'high'))).toBe(true);
  leave();
  leave();
  expect(queues.mayTryFirst('m', claim('quiet'))).toBe(false);
  void queues.wait('m', { ...claim('other', 'high'), timeoutMs: 50, signal: never });
  expect(queues.mayTryFirst('m', claim('another'))).toBe(false);
});

test('a client that was told that slots are kept for others is passed over for a moment, and not for ever', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const queues = new SlotQueues();
  const wait = (client: string) => queues.wait('m', { priority: 'normal', client, timeoutMs: 5_000, signal: never });
  queues.hold('m', 'quiet');
  const [noisy, quiet] = [wait('noisy'), wait('quiet')];
  queues.kept('m', 'noisy');
  queues.free('m', 0, 2);
  expect(await settled(quiet)).toBe('try');
  expect(await settled(noisy)).toBe('waiting');
  vi.advanceTimersByTime(25);
  queues.took('m', { priority: 'normal', client: 'quiet' });
  expect(await settled(noisy)).toBe('try');
  vi.useRealTimers();
});

test('of one client a task that had its turn in vain goes first, and a new one does not overtake', async () => {
  const queues = new SlotQueues();
  const wait = (client: string, isAgain = false) => ({
    priority: 'normal' as const,
    client,
    timeoutMs: 5_000,
    signal: never,
    isAgain,
  });
  const first = queues.wait('m', wait('a'));
  queues.free('m', 1);
  expect(await settled(first)).toBe('try');
  const other = queues.wait('m', wait('a'));
  const newcomer = queues.comeInTurn('m', wait('a'));
  const again = queues.wait('m', wait('a', true));
  queues.free('m', 1);
  expect(await settled(again)).toBe('try');
  expect(await settled(newcomer)).toBe('waiting');
  queues.free('m', 1);
  expect(await settled(other)).toBe('try');
  expect(await settled(newcomer)).toBe('waiting');
});

test('a task whose expected wait is too long is rejected immediately, by its client’s queue and not by the length of another’s', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const queues = new SlotQueues();
  const wait = (client: string, timeoutMs: number) =>
    queues.wait('m', { priority: 'normal', client, timeoutMs, signal: never });
  const waits = Array.from({ length: 60 }, () => wait('noisy', 60_000));
  for (let n = 0; n < 10; n += 1) {
    vi.advanceTimersByTime(100);
    queues.free('m', 1);
    queues.took('m', { priority: 'normal', client: 'noisy' });
  }
  // Forty of its own are ahead of it, a tenth of a second each.
  expect(await settled(wait('noisy', 4_000))).toBe('full');
  expect(await settled(wait('noisy', 10_000))).toBe('waiting');
  expect(await settled(wait('quiet', 500))).toBe('waiting');
  vi.useRealTimers();
  queues.free('m', 60);
  await Promise.all(waits);
});

test('a moment in which nothing moved is no reason to reject what comes after it', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  const queues = new SlotQueues();
  const claim = { priority: 'normal', client: 'a' } as const;
  const wait = (): Promise<string> => queues.wait('m', { ...claim, timeoutMs: 60_000, signal: never });
  const waits = Array.from({ length: 200 }, wait);
  const goes = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      vi.advanceTimersByTime(16);
      queues.free('m', 1);
      queues.took('m', claim);
    }
  };
  goes(40);
  vi.advanceTimersByTime(20_000);
  goes(2);
  expect(await settled(wait())).toBe('waiting');
  // It became slow for good.
  for (let n = 0; n < 5; n += 1) {
    vi.advanceTimersByTime(5_000);
    goes(1);
  }
  expect(await settled(wait())).toBe('full');
  vi.useRealTimers();
  queues.free('m', 300);
  await Promise.all(waits);
});

test('a queue that was slow for some seconds rejects nobody who can wait for a minute; one that stays so does', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  const queues = new SlotQueues();
  const claim = { priority: 'normal', client: 'a' } as const;
  const wait = (): Promise<string> => queues.wait('m', { ...claim, timeoutMs: 60_000, signal: never });
  const waits = Array.from({ length: 200 }, wait);
  const goes = (seconds: number): void => {
    for (let n = 0; n < seconds; n += 1) {
      vi.advanceTimersByTime(1_000);
      queues.free('m', 1);
      queues.took('m', claim);
    }
  };
  goes(10);
  expect(await settled(wait())).toBe('waiting');
  goes(20);
  expect(await settled(wait())).toBe('full');
  vi.useRealTimers();
  queues.free('m', 300);
  await Promise.all(waits);
});

test('each call that is taken lets the next one try, so that slots of which no word came are found', async () => {
  const queues = new SlotQueues();
  const waits = Array.from({ length: 5 }, () =>
    queues.wait('m', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: never }),
  );
  queues.poll();
  for (const wait of waits) {
    expect(await settled(wait)).toBe('try');
    queues.took('m', { priority: 'normal', client: 'a' });
  }
});

test('when to retry follows how fast calls are taken', async () => {
  const queues = new SlotQueues();
  expect(queues.retryAfterMs('m')).toBe(1_000);
  const waits = Array.from({ length: 40 }, () =>
    queues.wait('m', { priority: 'normal', client: 'a', timeoutMs: 5_000, signal: never }),
  );
  for (let n = 0; n < 30; n += 1) {
    queues.free('m', 1);
    queues.took('m', { priority: 'normal', client: 'a' });
  }
  expect(queues.retryAfterMs('m')).toBe(250);
  queues.free('m', 10);
  await Promise.all(waits);
});
