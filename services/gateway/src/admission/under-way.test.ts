import { expect, test } from 'vitest';
import { hangs } from '../testing/fake-tasks.ts';
import { startTestServer } from '../testing/test-server.ts';

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
