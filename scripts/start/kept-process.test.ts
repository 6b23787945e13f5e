import { spawn } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import type { LogFile } from './log-file.ts';
import { KeptProcess } from './kept-process.ts';

afterEach(() => vi.restoreAllMocks());

test('a process that dies is started again at once, and waits only when it dies again', async () => {
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  const pids: (number | undefined)[] = [];
  const { promise: thirdBegan, resolve } = Promise.withResolvers<void>();
  const kept = new KeptProcess({
    name: 'sleeper',
    log: { path: 'sleeper.log', follow: () => {}, mute: () => {} } as unknown as LogFile,
    spawn: () => {
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      pids.push(child.pid);
      if (pids.length === 3) resolve();
      return child;
    },
    untilUp: (child) => {
      // Dies twice as soon as it is kept.
      if (pids.length <= 2) setImmediate(() => child.kill('SIGKILL'));
      return Promise.resolve();
    },
  });
  await kept.start();
  await thirdBegan;
  await kept.stop(5_000);
  expect(new Set(pids).size).toBe(3);
  const restarts = said.filter((line) => line.includes('starting it again'));
  expect(restarts.map((line) => /starting it again (now|in [\d.]+ s)/.exec(line)?.[1])).toEqual(['now', 'in 0.5 s']);
});
