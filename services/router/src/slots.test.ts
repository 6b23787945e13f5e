import { expect, test } from 'vitest';
import { SlotQueues } from './slots.ts';

const never = new AbortController().signal;
const settled = async (promise: Promise<string>): Promise<string> =>
  Promise.race([promise, new Promise<string>((resolve) => setImmediate(() => resolve('waiting')))]);

test('a freed slot goes to the highest priority first', async () => {
  const queues = new SlotQueues();
  const background = queues.wait('m', 'background', 'a', 5_000, never);
  const normal = queues.wait('m', 'normal', 'a', 5_000, never);
  const high = queues.wait('m', 'high', 'a', 5_000, never);
  queues.free('m', 1);
  expect(await settled(high)).toBe('try');
  expect(await settled(normal)).toBe('waiting');
  queues.free('m', 2);
  expect(await settled(normal)).toBe('try');
  expect(await settled(background)).toBe('try');
});

test('within a priority the clients take turns, so a flood of one does not hold up another', async () => {
  const queues = new SlotQueues();
  const order: string[] = [];
  const wait = (client: string, name: string): Promise<unknown> =>
    queues.wait('m', 'normal', client, 5_000, never).then(() => order.push(name));
  const all = [wait('noisy', 'n1'), wait('noisy', 'n2'), wait('noisy', 'n3'), wait('quiet', 'q1')];
  queues.free('m', 4);
  await Promise.all(all);
  expect(order).toEqual(['n1', 'q1', 'n2', 'n3']);
});

test('a task that gave up waiting does not use up a freed slot', async () => {
  const queues = new SlotQueues();
  const giveUp = new AbortController();
  const gone = queues.wait('m', 'normal', 'a', 5_000, giveUp.signal);
  const next = queues.wait('m', 'normal', 'b', 5_000, never);
  giveUp.abort();
  expect(await settled(gone)).toBe('timeout');
  queues.free('m', 1);
  expect(await settled(next)).toBe('try');
  expect(queues.waiting('m')).toBe(0);
});

test('a queue at its bound refuses at once', async () => {
  const queues = new SlotQueues(1);
  void queues.wait('m', 'normal', 'a', 50, never);
  expect(await settled(queues.wait('m', 'normal', 'b', 5_000, never))).toBe('full');
  expect(await settled(queues.wait('other', 'normal', 'b', 1, never))).toBe('waiting');
});

test('a poll lets one waiting task per model try', async () => {
  const queues = new SlotQueues();
  const first = queues.wait('m', 'normal', 'a', 5_000, never);
  const second = queues.wait('m', 'normal', 'b', 5_000, never);
  const other = queues.wait('o', 'normal', 'a', 5_000, never);
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
  const gone = Array.from({ length: 5_000 }, (_, n) => queues.wait('m', 'normal', `c${n % 7}`, 5_000, giveUp.signal));
  giveUp.abort();
  await Promise.all(gone);
  expect(queues.waiting('m')).toBe(0);
  const next = queues.wait('m', 'normal', 'a', 5_000, never);
  queues.free('m', 1);
  expect(await settled(next)).toBe('try');
});

test('background work gets one slot in twelve also where higher priorities never end', async () => {
  const queues = new SlotQueues();
  const background = queues.wait('m', 'background', 'b', 60_000, never);
  let high = 0;
  for (; (await settled(background)) === 'waiting'; high += 1) {
    void queues.wait('m', 'high', 'h', 60_000, never);
    void queues.wait('m', 'high', 'h', 60_000, never);
    queues.free('m', 1);
  }
  expect(high).toBe(12);
});

test('when to come again follows how fast slots are freed', async () => {
  const queues = new SlotQueues();
  expect(queues.retryAfterMs('m')).toBe(1_000);
  const waits = Array.from({ length: 40 }, () => queues.wait('m', 'normal', 'a', 5_000, never));
  queues.free('m', 30);
  expect(queues.retryAfterMs('m')).toBe(250);
  queues.free('m', 10);
  await Promise.all(waits);
});
