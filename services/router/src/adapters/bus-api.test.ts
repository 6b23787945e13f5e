import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { headers } from '@nats-io/nats-core';
import { type Bus, connectBus } from '@will/bus';
import { isInbox, newId, subjects, wire, strayInWords } from '@will/contracts';
import { attributeNames, headerOf } from '@will/core';
import { startNatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Router } from '../service.ts';
import { serveTasks } from './bus-api.ts';

// Headers of a message on the bus mean what they mean by HTTP.

let nats: Awaited<ReturnType<typeof startNatsServer>>;
/** How long the router stood still. */
let stoodStillMs = 0;
const loop = { stoodStillMs: () => stoodStillMs };
let bus: Bus;
let caller: Bus;
let serving: ReturnType<typeof serveTasks>;
const taken: wire.Task[] = [];
const errors: string[] = [];
beforeAll(async () => {
  nats = await startNatsServer();
  bus = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'router' });
  caller = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'anna' });
  const router: Pick<Router, 'take' | 'cancel' | 'has'> = {
    take(task, _client, { send }) {
      taken.push(task);
      send(create(wire.FrameSchema, { taskId: task.taskId, kind: { case: 'accepted', value: { routerId: 'r' } } }));
    },
    cancel() {},
    has: () => false,
  };
  serving = serveTasks(
    bus,
    router as Router,
    loop,
    isInbox,
    (subject, stray) => void errors.push(strayInWords(subject, stray)),
  );
  await bus.connection.flush();
});
afterAll(async () => {
  await serving.stop();
  await Promise.all([bus.close(), caller.close()]);
  await nats.stop();
});

/** What the task was taken as, or why it was rejected. */
async function send(lines: readonly (readonly [string, string])[], task: object = {}): Promise<wire.Task | string> {
  const carried = headers();
  for (const [key, value] of lines) carried.append(key, value);
  const message = create(wire.TaskSchema, { taskId: newId(), type: 'text_gen', inputKind: 'chat', ...task });
  const before = taken.length;
  const { data } = await caller.connection.request(subjects.taskRun('anna'), toBinary(wire.TaskSchema, message), {
    headers: carried,
    timeout: 60_000,
  });
  const { kind } = fromBinary(wire.FrameSchema, data);
  if (kind.case === 'failure') return `${wire.FailureCode[kind.value.code]}: ${kind.value.message}`;
  return taken.slice(before).at(-1) as wire.Task;
}

const said: Readonly<Record<(typeof attributeNames)[number], readonly [string, string, object]>> = {
  client: ['Anna', 'bert', {}],
  project: ['merger', 'other', { project: 'merger' }],
  reflex: ['debug', 'other', { reflex: 'debug' }],
  priority: ['high', 'normal', { priority: wire.Priority.HIGH }],
  high_priority: ['true', 'false', { priority: wire.Priority.HIGH }],
  data_class: ['customer', 'open', { dataClass: wire.DataClass.CUSTOMER }],
  task_type: ['text_gen', 'code', {}],
  timeout_ms: ['2500', '3000', {}],
  first_token_timeout_ms: ['2500', '3000', { firstTokenTimeoutMs: 2_500 }],
  idle_timeout_ms: ['2500', '3000', { idleTimeoutMs: 2_500 }],
  unavailable_model: ['route', 'error', { unavailableModel: 'route' }],
  cost_tags: ['team=search', 'team=ads', { costTags: ['team=search'] }],
};

test('every attribute is understood among the headers of a task, in several spellings', async () => {
  for (const attribute of attributeNames) {
    const key = headerOf(attribute);
    for (const spelling of [key, key.toUpperCase(), key.replaceAll('-', '_'), key.replaceAll('-', '.')]) {
      const [value, , shown] = said[attribute];
      expect([spelling, await send([[spelling, value]])]).toMatchObject([
        spelling,
        { taskId: expect.any(String), ...shown },
      ]);
    }
  }
});

test('one that is unknown, wrong, or stated twice with two values is rejected', async () => {
  expect(await send([['x-will-foo', 'a']])).toMatch(/^INVALID_TASK: header "x-will-foo" must be one of/i);
  expect(await send([['X-Will-Priority', 'urgent']])).toContain('must be one of background, normal, high');
  for (const attribute of attributeNames) {
    const [first, second] = said[attribute];
    const key = headerOf(attribute);
    const twice = [
      [key, first],
      [key.toUpperCase(), second],
    ] as const;
    expect([attribute, await send(twice)]).toEqual([attribute, expect.stringContaining('INVALID_TASK')]);
  }
});

test('a header and the task that say two things are rejected', async () => {
  for (const [line, task] of [
    [['x-will-client', 'bert'], {}],
    [['x-will-task-type', 'code'], {}],
    [['x-will-project', 'a'], { project: 'b' }],
    [['x-will-data-class', 'customer'], { dataClass: wire.DataClass.OPEN }],
    [['x-will-priority', 'high'], { priority: wire.Priority.NORMAL }],
    [['x-will-high-priority', 'false'], { priority: wire.Priority.HIGH }],
    [['x-will-unavailable-model', 'route'], { unavailableModel: 'error' }],
  ] as const)
    expect([line, await send([line], task)]).toEqual([line, expect.stringContaining('INVALID_TASK')]);
  expect(await send([['x-will-project', 'A']], { project: 'a' })).toMatchObject({ project: 'a' });
});

test('headers that are not ours change nothing', async () => {
  expect(
    await send([
      ['traceparent', '00-1-2-01'],
      ['x-willow', 'a'],
      ['Nats-Msg-Id', 'b'],
    ]),
  ).toMatchObject({
    project: '',
    unavailableModel: '',
  });
});

test('a task that was taken after a standstill is run only once its caller says that it still waits', async () => {
  stoodStillMs = 700;
  try {
    const inbox = `_INBOX.anna.late.${newId()}`;
    const frames: wire.Frame['kind'][] = [];
    let next = Promise.withResolvers<void>();
    caller.listen(inbox, ({ data }) => {
      frames.push(fromBinary(wire.FrameSchema, data).kind);
      next.resolve();
    });
    await caller.connection.flush();
    const publish = (taskId: string): Promise<void> => {
      next = Promise.withResolvers<void>();
      const task = create(wire.TaskSchema, { taskId, type: 'text_gen', inputKind: 'chat' });
      caller.publish(subjects.taskRun('anna'), toBinary(wire.TaskSchema, task), inbox);
      return next.promise;
    };
    const before = taken.length;
    await publish('wanted');
    expect(frames.at(-1)).toMatchObject({ case: 'accepted', value: { confirmWanted: true, routerId: bus.processId } });
    expect(taken.length).toBe(before);
    next = Promise.withResolvers<void>();
    const wanted = create(wire.InFlightRequestSchema, { wanted: ['wanted'] });
    caller.publish(subjects.inFlight(bus.processId, 'anna'), toBinary(wire.InFlightRequestSchema, wanted));
    await next.promise;
    expect(taken.slice(before).map(({ taskId }) => taskId)).toEqual(['wanted']);
    await publish('nobody-says-so');
    next = Promise.withResolvers<void>();
    await next.promise;
    expect(frames.at(-1)).toMatchObject({ case: 'failure', value: { retryable: true } });
    expect(taken.slice(before).map(({ taskId }) => taskId)).toEqual(['wanted']);
  } finally {
    stoodStillMs = 0;
  }
});

/** What is answered to a task on this subject, at this inbox. */
async function answered(subject: string, inbox: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const hearing = caller.connection.subscribe(inbox, { callback: (_error, { data }) => resolve(data) });
  const task = create(wire.TaskSchema, { taskId: newId(), type: 'text_gen', inputKind: 'chat' });
  caller.connection.publish(subject, toBinary(wire.TaskSchema, task), { reply: inbox });
  const { kind } = fromBinary(wire.FrameSchema, await promise);
  hearing.unsubscribe();
  return kind.case === 'failure' ? `${wire.FailureCode[kind.value.code]}: ${kind.value.message}` : `${kind.case}`;
}

test('a subject with a display name, or a reply elsewhere, is told why nothing is done', async () => {
  const before = taken.length;
  expect(await answered('will.v1.task.run.AcmeLegal', '_INBOX.AcmeLegal.c.t')).toBe(
    'UNKNOWN_CLIENT: no client has the slug, name or alias "AcmeLegal"; the subject ends in the slug of a client, such as acmelegal',
  );
  expect(await answered('will.v1.task.run.anna', '_INBOX.abcdefghijklmnopqrstuv.12345678')).toBe(
    "INVALID_TASK: the reply inbox must lie below _INBOX.anna, where the client's results go",
  );
  expect(errors.filter((error) => error.includes('was not taken'))).toHaveLength(2);
  expect(taken).toHaveLength(before);
});
