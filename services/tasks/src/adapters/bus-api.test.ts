import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { connectBus } from '@will/bus';
import { mayAnswerOn, newId, subjects, type TaskOperation, wire } from '@will/contracts';
import { startNatsServer } from '@will/testkit';
import { expect, test } from 'vitest';
import type { Tasks } from '../service.ts';
import { serveTasks } from './bus-api.ts';

const operations: readonly TaskOperation[] = ['submit', 'get', 'cancel', 'list', 'requeue'];

test('an answer goes to an inbox of the client that the subject names, and nothing is done for another inbox', async () => {
  const nats = await startNatsServer();
  const bus = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'tasks' });
  const asker = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'anna' });
  const done: string[] = [];
  const strays: string[] = [];
  const task = create(wire.DurableTaskSchema, { client: 'anna', taskId: 'one' });
  const tasks: Pick<Tasks, 'submit' | 'get' | 'cancel' | 'list' | 'requeue'> = {
    submit: async () => (done.push('submit'), { task, repeated: false }),
    get: async () => (done.push('get'), task),
    cancel: async () => (done.push('cancel'), task),
    list: async () => (done.push('list'), [task]),
    requeue: async () => (done.push('requeue'), task),
  };
  const server = serveTasks(
    bus,
    tasks as Tasks,
    mayAnswerOn('a-seed'),
    (subject, { reason }) => strays.push(`${reason} ${subject}`),
    () => {},
  );
  const heard: string[] = [];
  asker.listen('_INBOX.bert.>', ({ subject }) => heard.push(subject));
  asker.listen('_INBOX.annabel.>', ({ subject }) => heard.push(subject));
  asker.listen('will.v1.result.>', ({ subject }) => heard.push(subject));
  await bus.connection.flush();
  const question = toBinary(wire.GetTaskRequestSchema, create(wire.GetTaskRequestSchema, { taskId: 'one' }));
  for (const operation of operations) {
    for (const reply of ['_INBOX.bert.a.b', '_INBOX.annabel.a.b', 'will.v1.result.bert.one'])
      asker.connection.publish(subjects.task(operation, 'anna'), question, { reply });
    // Answered after the others would have been.
    await asker.request(subjects.task(operation, 'anna'), question, 5_000);
  }
  expect(done).toEqual(operations);
  expect(heard).toEqual([]);
  expect(new Set(strays)).toEqual(new Set(operations.map((operation) => `inbox will.v1.task.${operation}.anna`)));
  await server.stop();
  await asker.close();
  await bus.close();
  await nats.stop();
});

test('who names its client in another way than by its slug is told so, as is who asks for answers elsewhere', async () => {
  const nats = await startNatsServer();
  const bus = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'tasks' });
  const asker = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'SomeLibrary' });
  const server = serveTasks(
    bus,
    {} as Tasks,
    mayAnswerOn(undefined),
    () => {},
    () => {},
  );
  await bus.connection.flush();
  const ask = async (subject: string): Promise<wire.Failure | undefined> =>
    fromBinary(wire.SubmitResponseSchema, await asker.request(subject, new Uint8Array(), 5_000)).failure;
  try {
    expect(await ask('will.v1.task.submit.AcmeLegal')).toMatchObject({
      code: wire.FailureCode.UNKNOWN_CLIENT,
      message: expect.stringContaining('acmelegal'),
    });
    expect(await ask('will.v1.task.submit.acmelegal')).toMatchObject({
      code: wire.FailureCode.INVALID_TASK,
      message: expect.stringContaining('_INBOX.acmelegal'),
    });
  } finally {
    await server.stop();
    await asker.close();
    await bus.close();
    await nats.stop();
  }
});
