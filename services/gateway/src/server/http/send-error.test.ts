import { expect, test } from 'vitest';
import { TaskError } from '@will/client';
import { startTestServer } from '../../testing/test-server.ts';

test('a task whose id cannot stand in a header is refused, and the server stays open', async () => {
  const server = await startTestServer();
  server.tasks.task = async (taskId) => {
    throw new TaskError('invalid_task', 'there is no such task', { taskId });
  };
  for (const id of ['a%0D%0Ab', '%00', '%E2%80%AE', encodeURIComponent('x'.repeat(5_000))])
    expect((await fetch(`${server.url}/v1/tasks/${id}`)).status).toBe(400);
  const failing = server.tasks.script;
  server.tasks.script = () => {
    throw new TaskError('blocked', 'no', { taskId: 'a\u0000\r\nb' });
  };
  const refused = await server.post({ model: 'text_gen', messages: [{ role: 'user', content: 'x' }] });
  expect(refused.status).toBe(403);
  expect(refused.headers.get('x-will-task-id')).toBe('a???b');
  server.tasks.script = failing;
  expect((await server.post({ model: 'text_gen', messages: [{ role: 'user', content: 'x' }] })).status).toBe(200);
  await server.stop();
});
