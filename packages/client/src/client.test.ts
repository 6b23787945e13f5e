import { getEventListeners } from 'node:events';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { answerForRouters, answerInFlight, heartbeat, type Bus, connectBus } from '@will/bus';
import { newId, patterns, queues, sizes, subjects, wire } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectClient, TaskError, type StreamPart, type TaskClient } from './index.ts';

let nats: NatsServer;
let bus: Bus;
let client: TaskClient;
const opened: (() => Promise<unknown> | unknown)[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());
beforeEach(async () => {
  bus = await connectBus({ servers: nats.url, processId: `c-${newId()}`, inboxScope: 'test' });
  client = await connectClient({ bus, client: 'acme' });
});
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await client.close();
  await bus.close();
});

type Say = (attempt: number, sequence: number, kind: wire.Frame['kind']) => void;

/** A router's voice: each task is handed to `answer` with a way to send frames. */
async function router(
  answer: (task: wire.Task, say: Say, id: string) => void,
): Promise<{ bus: Bus; stopHeartbeat: () => void }> {
  const own = await connectBus({ servers: nats.url, processId: `r-${newId()}`, inboxScope: 'router' });
  own.serve(patterns.taskRun, queues.router, ({ data, reply }) => {
    const task = fromBinary(wire.TaskSchema, data);
    const say: Say = (attempt, sequence, kind) =>
      own.publish(
        reply,
        toBinary(wire.FrameSchema, create(wire.FrameSchema, { taskId: task.taskId, attempt, sequence, kind })),
      );
    answer(task, say, own.processId);
    return undefined;
  });
  const stopHeartbeat = heartbeat(own);
  await own.connection.flush();
  opened.push(() => {
    stopHeartbeat();
    return own.close();
  });
  return { bus: own, stopHeartbeat };
}

const accepted = (routerId: string): wire.Frame['kind'] => ({
  case: 'accepted',
  value: create(wire.AcceptedSchema, { routerId }),
});
const started = (workerId: string): wire.Frame['kind'] => ({
  case: 'started',
  value: create(wire.StartedSchema, { workerId, model: 'm' }),
});
const delta = (text: string): wire.Frame['kind'] => ({ case: 'delta', value: create(wire.DeltaSchema, { text }) });
const end = (text?: string): wire.Frame['kind'] => ({
  case: 'end',
  value: create(wire.EndSchema, { model: 'm', finish: 'stop', ...(text !== undefined && { output: { text } }) }),
});
const request = { type: 'text_gen', input: 'hi', timeoutMs: 5_000 };
const failureOf = async (result: Promise<unknown>): Promise<TaskError> => {
  const error = await result.then(() => undefined).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TaskError);
  return error as TaskError;
};

test('without any router the caller is told at once', async () => {
  const error = await failureOf(client.run({ ...request, timeoutMs: 600_000 }));
  expect(error.code).toBe('unavailable');
});

test('pieces that come twice count once: a worker whose connection was lost says again what may not have come', async () => {
  await router((_task, say, id) => {
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    say(1, 2, delta('one '));
    say(1, 1, started(id));
    say(1, 2, delta('one '));
    say(1, 3, delta('two'));
    say(1, 4, end());
    say(1, 4, end());
  });
  expect((await client.run(request)).output).toBe('one two');
});

test('a streamed answer arrives piece by piece and ends with the whole', async () => {
  await router((_task, say, id) => {
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    say(1, 2, delta('Hello '));
    say(1, 3, delta('world'));
    say(1, 4, end());
  });
  const parts: StreamPart[] = [];
  for await (const part of client.stream(request)) parts.push(part);
  expect(parts.map(({ kind }) => kind)).toEqual(['started', 'delta', 'delta', 'end']);
  const last = parts.at(-1);
  expect(last?.kind === 'end' && last.result.output).toBe('Hello world');
});

test('content of a lower attempt is dropped once a higher one counts', async () => {
  await router((_task, say, id) => {
    say(0, 0, accepted(id));
    say(0, 0, { case: 'counts', value: create(wire.CountsSchema, { attempt: 2 }) });
    say(1, 1, started(id));
    say(1, 2, delta('stale'));
    say(2, 1, started(id));
    say(2, 2, delta('fresh'));
    say(2, 3, end());
  });
  expect((await client.run(request)).output).toBe('fresh');
});

test('a lost piece ends the stream as truncated instead of leaving a hole', async () => {
  await router((_task, say, id) => {
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    say(1, 3, delta('world'));
  });
  expect((await failureOf(client.run(request))).code).toBe('truncated');
});

test('a task that its dead router had taken is given to another one by itself', async () => {
  let answered = 0;
  const first = await router((_task, say, id) => {
    answered += 1;
    say(0, 0, accepted(id));
    if (answered === 1) first.stopHeartbeat();
    else say(1, 1, end('second time'));
  });
  expect((await client.run({ ...request, timeoutMs: 600_000 })).output).toBe('second time');
});

test('a task whose router died before it said a word is given to another one, once the others were asked', async () => {
  const seen: string[] = [];
  let dead: string | undefined;
  const take = () =>
    router((_task, say, id) => {
      dead ??= id;
      if (dead === id) void both.find(({ bus: { processId } }) => processId === id)?.bus.close();
      else {
        seen.push('task');
        say(1, 1, end(id));
      }
    });
  const both = [await take(), await take()];
  const presences = both.map(({ bus: { processId } }) => ({ processId, service: 'router' }) as wire.Presence);
  const processes = new Map(presences.map((presence) => [presence.processId, presence]));
  for (const { bus: own } of both) {
    answerForRouters(own, { processes });
    answerInFlight(own, () => {
      seen.push('asked');
      return false;
    });
    await own.connection.flush();
  }
  const { output } = await client.run({ ...request, timeoutMs: 600_000 });
  expect(both.map(({ bus: { processId } }) => processId).filter((id) => id !== dead)).toEqual([output]);
  expect(seen.filter((what, n) => what !== seen[n - 1])).toEqual(['asked', 'task']);
});

const passedOn: wire.Frame['kind'] = {
  case: 'failure',
  value: create(wire.FailureSchema, {
    code: wire.FailureCode.UNAVAILABLE,
    message: 'the router is not ready',
    retryable: true,
    retryAfterMs: 1,
    notTaken: true,
  }),
};

test('a task that a router passes on is given to another one by itself, and once only to each', async () => {
  const ids: string[] = [];
  await router(({ taskId }, say, id) => {
    ids.push(taskId);
    if (ids.length <= 3) return say(0, 0, passedOn);
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    say(1, 2, end('done'));
  });
  expect((await client.run(request)).output).toBe('done');
  expect(ids).toHaveLength(4);
  expect(new Set(ids).size).toBe(1);
});

test('a task that every router passes on ends with what they say', async () => {
  let asked = 0;
  await router((_task, say) => {
    asked += 1;
    say(0, 0, passedOn);
  });
  const error = await failureOf(client.run(request));
  expect([error.code, error.message, error.isRetryable]).toEqual(['unavailable', 'the router is not ready', true]);
  expect(asked).toBe(6);
});

test('a task that nobody wants any more is not given to another router', async () => {
  let asked = 0;
  await router((_task, say, routerId) => {
    asked += 1;
    say(0, 0, { case: 'accepted', value: create(wire.AcceptedSchema, { routerId, confirmWanted: true }) });
    setTimeout(() => say(0, 0, passedOn), 20);
  });
  const error = await failureOf(client.run({ ...request, isStillWanted: () => Promise.resolve(false) }));
  expect([error.code, asked]).toEqual(['unavailable', 1]);
});

test.each<[string, MessageInitShape<typeof wire.FailureSchema> | undefined, string]>([
  ['passed it on', { notTaken: true, retryable: true, code: wire.FailureCode.UNAVAILABLE }, 'unavailable'],
  ['died', undefined, 'router_lost'],
])('a task whose router %s is not sent again where it is somebody else’s by now', async (_how, failure, code) => {
  let asked = 0;
  const first = await router((_task, say, id) => {
    asked += 1;
    if (failure) return say(0, 0, { case: 'failure', value: create(wire.FailureSchema, failure) });
    say(0, 0, accepted(id));
    first.stopHeartbeat();
  });
  // As of a runner that stood still, and asks its store whether the task is still its own.
  const isStillWanted = async (): Promise<boolean> => new Promise((resolve) => setImmediate(resolve, false));
  const error = await failureOf(client.run({ ...request, timeoutMs: 600_000, isStillWanted }));
  expect([error.code, error.isRetryable, asked]).toEqual([code, true, 1]);
});

test('what a router says after it passed a task on does not count, and no pause that it names is waited for', async () => {
  let asked = 0;
  await router((_task, say, id) => {
    asked += 1;
    if (asked > 1) return say(1, 1, end('by the second'));
    const { value } = passedOn as { readonly value: wire.Failure };
    say(0, 0, { case: 'failure', value: create(wire.FailureSchema, { ...value, retryAfterMs: 3_600_000 }) });
    say(0, 0, { case: 'counts', value: create(wire.CountsSchema, { attempt: 1 }) });
    say(1, 1, started(id));
    say(1, 2, end('by the first'));
  });
  expect((await client.run({ ...request, timeoutMs: 600_000 })).output).toBe('by the second');
});

test('a worker that dies in the middle of an answer is told within a second', async () => {
  const worker = await router((_task, say, id) => {
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    say(1, 2, delta('Hel'));
  });
  const result = client.start({ ...request, timeoutMs: 600_000 }, true, ({ kind }) => {
    if (kind !== 'delta') return;
    worker.stopHeartbeat();
  });
  const error = await failureOf(result);
  expect(error.code).toBe('worker_lost');
  expect(error.isRetryable).toBe(true);
});

test('leaving a stream early cancels the task at its owner', async () => {
  const cancelled = Promise.withResolvers<string>();
  const own = await router((_task, say, id) => {
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    say(1, 2, delta('Hel'));
  });
  own.bus.listen(patterns.cancels(own.bus.processId), ({ data }) =>
    cancelled.resolve(fromBinary(wire.CancelSchema, data).taskId),
  );
  await own.bus.connection.flush();
  for await (const part of client.stream({ ...request, taskId: 'to-cancel' })) if (part.kind === 'delta') break;
  expect(await cancelled.promise).toBe('to-cancel');
});

test('the signal of a stream cancels it, and is listened to no longer once the stream has ended', async () => {
  const own = await router((task, say, id) => {
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    if (task.taskId === 'whole') say(1, 2, end('hi'));
  });
  const abort = new AbortController();
  const { signal } = abort;
  for await (const part of client.stream({ ...request, taskId: 'whole', signal })) expect(part).toBeDefined();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  const cancelled = Promise.withResolvers<string>();
  own.bus.listen(patterns.cancels(own.bus.processId), ({ data }) =>
    cancelled.resolve(fromBinary(wire.CancelSchema, data).taskId),
  );
  await own.bus.connection.flush();
  const read = async (): Promise<void> => {
    for await (const _part of client.stream({ ...request, taskId: 'cut', signal })) abort.abort();
  };
  expect((await failureOf(read())).code).toBe('cancelled');
  expect(await cancelled.promise).toBe('cut');
  const late = client.stream({ ...request, signal });
  expect((await failureOf(late[Symbol.asyncIterator]().next())).code).toBe('cancelled');
});

test('the signal of a stream is listened to no longer once its task is over, also where nobody reads its parts', async () => {
  await router((_task, say, id) => {
    say(1, 1, started(id));
    say(1, 2, end('hi'));
  });
  const { signal } = new AbortController();
  await client
    .stream({ ...request, signal })
    [Symbol.asyncIterator]()
    .next();
  await client.run(request);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test.each([
  ['a router has it', (say: Say, id: string) => say(0, 0, accepted(id))],
  ['a worker answers it', (say: Say, id: string) => say(1, 1, started(id))],
])('a task cancelled before anybody spoke is cancelled as soon as %s', async (_, speak) => {
  const cancelled = Promise.withResolvers<string>();
  const received = Promise.withResolvers<void>();
  let accept = (): void => {};
  const own = await router((_task, say, id) => {
    accept = () => speak(say, id);
    received.resolve();
  });
  own.bus.listen(patterns.cancels(own.bus.processId), ({ data }) =>
    cancelled.resolve(fromBinary(wire.CancelSchema, data).taskId),
  );
  await own.bus.connection.flush();
  const abort = new AbortController();
  const result = failureOf(client.run({ ...request, taskId: 'early', signal: abort.signal }));
  await received.promise;
  abort.abort();
  expect((await result).code).toBe('cancelled');
  accept();
  expect(await cancelled.promise).toBe('early');
});

test('a deadline ends the task also when nobody else does', async () => {
  await router((_task, say, id) => say(0, 0, accepted(id)));
  expect((await failureOf(client.run({ ...request, timeoutMs: 100 }))).code).toBe('deadline');
});

test('a failure keeps its attempts and exclusions', async () => {
  await router((_task, say, id) => {
    say(0, 0, accepted(id));
    const value = create(wire.FailureSchema, {
      code: wire.FailureCode.BLOCKED,
      message: 'no model may do it',
      exclusions: [{ model: 'gpt-4', rule: 'avoid_cloud', detail: 'API' }],
    });
    say(0, 0, { case: 'failure', value });
  });
  const error = await failureOf(client.run(request));
  expect(error.code).toBe('blocked');
  expect(error.exclusions[0]?.rule).toBe('avoid_cloud');
});

test.each([
  [{ taskId: 'x y' }, 'task id "x y" must be'],
  [{ timeoutMs: -1 }, 'timeoutMs -1 must be between 1 and 3600000'],
])('%o is refused before anything is sent', async (fields, message) => {
  const error = await failureOf(client.run({ ...request, ...fields }));
  expect(error.code).toBe('invalid_task');
  expect(error.message).toContain(message);
});

test('an input beyond the bound is refused before anything is sent', async () => {
  expect((await failureOf(client.run({ ...request, input: new Uint8Array(sizes.payloadBytes + 1) }))).code).toBe(
    'too_large',
  );
});

test('tool calls that came in pieces are put together', async () => {
  const piece = (json: object): wire.Frame['kind'] => ({
    case: 'delta',
    value: create(wire.DeltaSchema, { toolCalls: new TextEncoder().encode(JSON.stringify([json])) }),
  });
  await router((_task, say, id) => {
    say(0, 0, accepted(id));
    say(1, 1, started(id));
    say(1, 2, piece({ index: 0, id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a"' } }));
    say(1, 3, piece({ index: 0, function: { arguments: ':1}' } }));
    say(1, 4, end());
  });
  const { toolCalls } = await client.run(request);
  expect(JSON.parse(toolCalls)).toEqual([
    { id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
  ]);
});

test('a client may be said by any of its names: the registry tells the slug, and a name that nobody has is rejected', async () => {
  const registry = bus.serve(subjects.registry('resolve'), 'registry', ({ data }) => {
    const { kind, name } = fromBinary(wire.ResolveRequestSchema, data);
    const slug = kind === 'client' && name === 'Müller Recht' ? 'm-ller-recht' : '';
    return toBinary(wire.ResolveResponseSchema, create(wire.ResolveResponseSchema, { slug }));
  });
  const took: string[] = [];
  const serving = bus.serve('will.v1.task.run.*', 'router', ({ subject, reply, data }) => {
    took.push(`${subject} ${reply?.split('.')[1]}`);
    const { taskId } = fromBinary(wire.TaskSchema, data);
    const value = create(wire.FailureSchema, { code: wire.FailureCode.BLOCKED, message: 'no' });
    bus.publish(
      reply ?? '',
      toBinary(wire.FrameSchema, create(wire.FrameSchema, { taskId, kind: { case: 'failure', value } })),
    );
    return undefined;
  });
  expect((await failureOf(client.run({ ...request, client: 'Müller Recht' }))).code).toBe('blocked');
  for (const name of ['a.b', '>', 'Muller Recht'])
    expect((await failureOf(client.run({ ...request, client: name }))).code).toBe('unknown_client');
  expect(took).toEqual(['will.v1.task.run.m-ller-recht m-ller-recht']);
  await Promise.all([registry.stop(), serving.stop()]);
});
