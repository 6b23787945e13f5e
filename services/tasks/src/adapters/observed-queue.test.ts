import { create } from '@bufbuild/protobuf';
import { connectBus } from '@will/bus';
import { newId, wire } from '@will/contracts';
import { observe } from '@will/observe';
import { startNatsServer } from '@will/testkit';
import { expect, test } from 'vitest';
import { observeQueue } from './observed-queue.ts';
import { openTaskStream } from './task-stream.ts';

test('waiting durable tasks are counted by priority, and the oldest of each tells the age', async () => {
  const nats = await startNatsServer();
  const bus = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'test' });
  const observing = await observe('test', { WILL_METRICS_PORT: '0' }, { warn: () => {} });
  const queue = await openTaskStream(bus);
  const reference = create(wire.TaskReferenceSchema, { client: 'anna', taskId: 'one' });
  await queue.add(reference, 'high', 'text_gen', 'one');
  await queue.add({ ...reference, taskId: 'two' }, 'high', 'code', 'two');
  const store = { unfinished: async () => ({ high: 5, background: 1 }) };
  // As it will be seen in ten minutes.
  const watching = await observeQueue(bus, observing, store, () => Date.now() + 600_000);
  const scrape = async (): Promise<string> => (await fetch(`${observing.url}/metrics`)).text();
  await expect.poll(scrape).toMatch(/will_queue_waiting\{priority="high"\} 2\n/);
  expect(await scrape()).toMatch(/will_queue_age_seconds\{priority="high"\} 60\d(\.\d+)?\n/);
  expect(await scrape()).toMatch(/will_queue_age_seconds\{priority="background"\} 0\n/);
  expect(await scrape()).toMatch(/will_queue_scheduled\{priority="high"\} 3\n/);
  expect(await scrape()).toMatch(/will_queue_scheduled\{priority="background"\} 1\n/);
  watching.stop();
  await observing.stop();
  await bus.close();
  await nats.stop();
});
