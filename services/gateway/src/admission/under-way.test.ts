import { reportStrays } from '@will/runtime';
import { expect, test } from 'vitest';
import { hangs } from '../testing/fake-tasks.ts';
import { startTestServer } from '../testing/test-server.ts';
import { Leaving } from './under-way.ts';

test('a server that stops ends what it no longer waits for in words, and cancels it', async () => {
  const server = await startTestServer();
  const script = hangs();
  server.tasks.script = script;
  const asked = server.post({ model: 'auto', messages: [{ role: 'user', content: 'ping' }] });
  await script.begun;
  const stopped = server.stop();
  const response = await asked;
  expect([response.status, response.headers.get('retry-after'), response.headers.get('x-should-retry')]).toEqual([
    503,
    '1',
    'true',
  ]);
  expect(await response.json()).toMatchObject({
    error: { code: 'unavailable', message: 'the gateway stops, and waits no longer for this answer', retryable: true },
  });
  await script.cancelled;
  await stopped;
});

test('who leaves is heard once by all that listen still, also where one of them fails', () => {
  const left = new Leaving();
  const heard: string[] = [];
  const failures: unknown[] = [];
  const undo = reportStrays((error) => failures.push(error));
  const gone = (): void => void heard.push('gone');
  const first = (): void => {
    heard.push(`first ${left.signal.aborted}`);
    left.signal.removeEventListener('abort', first);
    throw new Error('fails');
  };
  for (const listener of [gone, first, () => void heard.push('second')])
    left.signal.addEventListener('abort', listener);
  left.signal.removeEventListener('abort', gone);
  left.abort('why');
  left.abort('again');
  undo();
  expect(heard).toEqual(['first true', 'second']);
  expect([left.signal.reason, failures]).toEqual(['why', [new Error('fails')]]);
});
