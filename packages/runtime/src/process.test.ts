import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('./testing/stray-process.ts', import.meta.url));
const run = (...args: string[]): Promise<{ code: number | string; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
  });

test('a service outlives callbacks that fail, and logs where, never what was said', async () => {
  const { code, out, err } = await run();
  expect([code, out]).toEqual([0, 'served to the end\n']);
  const logged = err
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { error: string; at: string[] });
  expect(logged).toHaveLength(5);
  for (const { error, at } of logged)
    expect([error, at.join(' ')]).toEqual(['TypeError', expect.stringContaining('stray-process.ts')]);
  expect(err).not.toContain('what somebody said');
});

test('before a service serves, such a failure ends its process', async () => {
  const { code, out } = await run('before');
  expect([code === 0, out]).toEqual([false, '']);
});

test('a service that is asked to stop while it starts stops once it has started', async () => {
  const { code, out } = await run('stopped at its start');
  expect([code, out]).toEqual([0, 'served to the end\n']);
});
