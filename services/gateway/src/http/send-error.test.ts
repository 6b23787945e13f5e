import { expect, test } from 'vitest';
import { TaskError } from '@will/client';
import { openTestDoor } from '../testing/test-door.ts';

test('a task whose id cannot stand in a header is refused, and the door stays open', async () => {
  const door = await openTestDoor();
  door.tasks.task = async (taskId) => {
    throw new TaskError('invalid_task', 'there is no such task', { taskId });
  };
  for (const id of ['a%0D%0Ab', '%00', '%E2%80%AE', encodeURIComponent('x'.repeat(5_000))])
    expect((await fetch(`${door.url}/v1/tasks/${id}`)).status).toBe(400);
  const failing = door.tasks.script;
  door.tasks.script = () => {
    throw new TaskError('blocked', 'no', { taskId: 'a\u0000\r\nb' });
  };
  const refused = await door.post({ model: 'text_gen', messages: [{ role: 'user', content: 'x' }] });
  expect(refused.status).toBe(403);
  expect(refused.headers.get('x-will-task-id')).toBe('a???b');
  door.tasks.script = failing;
  expect((await door.post({ model: 'text_gen', messages: [{ role: 'user', content: 'x' }] })).status).toBe(200);
  await door.stop();
});
