import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LateTasks } from './late-tasks.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('of a task that came twice the newest is run, whose caller alone still listens', async () => {
  const late = new LateTasks();
  const answers = [late.isWanted('anna', 't'), late.isWanted('anna', 't')];
  late.wanted('anna', 't');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await Promise.all(answers)).toEqual([false, true]);
});

test('each word of a caller is for one task that came, and none for another client’s or another task', async () => {
  const late = new LateTasks();
  const tasks = [
    ['anna', 't'],
    ['anna', 't'],
    ['bert', 't'],
    ['anna', 'u'],
  ] as const;
  const answers = tasks.map(([client, taskId]) => late.isWanted(client, taskId));
  late.wanted('anna', 't');
  late.wanted('anna', 't');
  late.wanted('anna', 't');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await Promise.all(answers)).toEqual([true, true, false, false]);
});
