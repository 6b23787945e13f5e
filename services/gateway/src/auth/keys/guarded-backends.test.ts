import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { describe, expect, test } from 'vitest';
import type { Queries } from '../../ports.ts';
import { parts, recordedBackends } from '../../testing/recorded-backends.ts';
import { GuardedBackends } from './guarded-backends.ts';
import { type Identity, inNameOf } from './identity.ts';

// Whatever is asked by a key is bound to the key, each way by itself: no other check hides one that is missing here.

const refusals: string[] = [];
const callerKey: Identity = {
  keyId: 'k',
  client: 'acme',
  role: 'caller',
  projects: [],
  taskTypes: ['text_gen'],
  dataClass: 'customer',
  unavailableModel: 'route',
  refused: (why) => void refusals.push(why),
};
const plainKey: Identity = { ...callerKey, taskTypes: [], dataClass: undefined, unavailableModel: undefined };
const operatorKey: Identity = { ...plainKey, client: 'other', role: 'operator' };

function behind(answers: Partial<Queries> = {}) {
  const { asked, open } = recordedBackends(answers);
  return { asked, open, ...inNameOf(callerKey, () => parts(new GuardedBackends(open))) };
}
const forbidden = { code: 'forbidden' };
const bound = { client: 'acme', dataClass: 'customer', unavailableModel: 'route' };

describe('tasks', () => {
  const task = { type: 'text_gen', input: 'hello', taskId: 'task-1' };
  type Client = ReturnType<typeof behind>['client'];
  const ways: readonly (readonly [string, (client: Client, request: typeof task) => unknown])[] = [
    ['run', (client, request) => client.run(request)],
    ['stream', (client, request) => client.stream(request)],
    ['start', (client, request) => client.start(request, true, () => {})],
    ['submit', (client, request) => client.submit(request)],
    ['explain', (client, request) => client.explain(request)],
  ];

  test.each(ways)('%s is in the name of the key, with its data class and its choice', async (name, ask) => {
    const { client, asked } = behind();
    await inNameOf(callerKey, async () => ask(client, task));
    expect(asked.map(([way, first]) => [way, first])).toEqual([[name, { ...task, ...bound }]]);
  });

  test.each(ways)('%s by a key without bounds is as it was said, in the name of its client', async (_name, ask) => {
    const { client, asked } = behind();
    const said = { ...task, project: 'site', dataClass: 'open' as const, unavailableModel: 'error' as const };
    await inNameOf(plainKey, async () => ask(client, said));
    await inNameOf(plainKey, async () => ask(client, task));
    expect(asked.map(([, first]) => first)).toEqual([
      { ...said, client: 'acme' },
      { ...task, client: 'acme' },
    ]);
  });

  test.each(ways)('%s of another client, project or task type is refused and noted', async (_name, ask) => {
    const { client, asked } = behind();
    refusals.length = 0;
    for (const over of [{ client: 'globex' }, { project: 'merger-7' }, { type: 'code' }])
      await expect(inNameOf(callerKey, async () => ask(client, { ...task, ...over }))).rejects.toMatchObject(forbidden);
    expect(asked).toEqual([]);
    expect(refusals).toEqual([
      'client "globex" is not this key\'s, acme',
      expect.stringContaining('merger-7'),
      'task type "code" must be one of this key\'s: text_gen',
    ]);
  });

  test('a choice that the task states itself is kept, and its data class is never lowered', async () => {
    const { client, asked } = behind();
    const said = { ...task, unavailableModel: 'error', dataClass: 'sensitive' } as const;
    await inNameOf(callerKey, () => client.run(said));
    expect(asked[0]?.[1]).toMatchObject({ unavailableModel: 'error', dataClass: 'customer-sensitive' });
  });

  test('an operator may ask how any task would be decided; a name in a refusal is cut', async () => {
    const { client, asked } = behind();
    const question = { type: 'code', client: 'globex' };
    await inNameOf(operatorKey, () => client.explain(question));
    expect(asked).toEqual([['explain', question]]);
    refusals.length = 0;
    await expect(inNameOf(callerKey, () => client.run({ ...task, client: 'x'.repeat(999) }))).rejects.toThrow(
      'is not this key',
    );
    expect(refusals[0]?.length).toBeLessThan(120);
  });

  test('to close it needs no key', async () => {
    const { client, asked } = behind();
    await client.close();
    expect(asked).toEqual([['close']]);
  });
});

describe('durable tasks by gRPC', () => {
  const request = (task: MessageInitShape<typeof wire.TaskSchema>) =>
    create(wire.SubmitRequestSchema, { task: create(wire.TaskSchema, { type: 'text_gen', ...task } as typeof task) });
  const submit = async (who: Identity, sent: wire.SubmitRequest, client = '') => {
    const { queries, asked } = behind();
    await inNameOf(who, () => queries.durable.submit(client, sent));
    return asked[0] as [string, string, wire.SubmitRequest];
  };

  test('a submission is in the name of the key, with its data class and its choice', async () => {
    const [, client, { task }] = await submit(callerKey, request({ dataClass: wire.DataClass.OPEN, taskId: 'task-1' }));
    expect([client, task]).toMatchObject([
      'acme',
      { taskId: 'task-1', dataClass: wire.DataClass.CUSTOMER, unavailableModel: 'route', project: '' },
    ]);
  });

  test('by a key without bounds it stays as it was said', async () => {
    const said = { dataClass: wire.DataClass.SENSITIVE, unavailableModel: 'error', project: 'SITE' };
    const [, , { task }] = await submit(plainKey, request(said), 'acme');
    expect(task).toMatchObject({ ...said, project: 'site' });
    const [, , { task: plain }] = await submit(plainKey, request({}));
    expect(plain).toMatchObject({ dataClass: wire.DataClass.UNSPECIFIED, unavailableModel: '', project: '' });
  });

  test('of another client, project or task type it is refused', async () => {
    const refused = async (sent: wire.SubmitRequest, client?: string) =>
      expect(submit(callerKey, sent, client)).rejects.toMatchObject(forbidden);
    await refused(request({}), 'globex');
    await refused(request({ project: 'merger-7' }));
    await refused(request({ type: 'code' }));
  });

  test('one without a task is handed on in the name of the key, for the service to refuse', async () => {
    const empty = create(wire.SubmitRequestSchema);
    expect(await submit(plainKey, empty)).toEqual(['submit', 'acme', empty]);
    await expect(submit(callerKey, empty)).rejects.toMatchObject(forbidden);
  });
});

describe('content', () => {
  test('is put away in the name of the key, and of nobody else', async () => {
    const { payloads, asked } = behind();
    const bytes = new Uint8Array(3);
    await payloads.put({ client: 'ACME' }, bytes, 'file');
    await payloads.put({}, bytes);
    expect(asked).toEqual([
      ['put', { client: 'acme' }, bytes, 'file'],
      ['put', { client: 'acme' }, bytes, undefined],
    ]);
    await expect(payloads.put({ client: 'globex' }, bytes)).rejects.toMatchObject(forbidden);
  });

  test('is taken from nobody without a key', async () => {
    const { open, asked } = recordedBackends();
    const { payloads } = parts(new GuardedBackends(open));
    await expect(payloads.put({}, new Uint8Array())).rejects.toMatchObject({ ...forbidden, taskId: '' });
    expect(asked).toEqual([]);
  });

  test('that a task names is fetched and removed as it is named', async () => {
    const { payloads, asked } = behind();
    const ref = create(wire.PayloadRefSchema, { object: 'acme.1' });
    await payloads.get(ref, new AbortController().signal);
    await payloads.remove(ref);
    expect(asked.map(([name, of]) => [name, of])).toEqual([
      ['get', ref],
      ['remove', ref],
    ]);
  });
});

describe('questions', () => {
  const facts = { taskType: 'text_gen', inputTokens: 7 };
  const factsOf = (asked: unknown[][]): unknown => asked.map(([, request]) => (request as { facts: unknown }).facts)[0];

  test('how a task would be decided is told in the name of the key, with its data class and its choice', async () => {
    const { queries, asked } = behind();
    const said = { ...facts, dataClass: wire.DataClass.OPEN, project: 'SITE' };
    await inNameOf(callerKey, () => queries.explain({ facts: said, atUnixMs: 5n }));
    expect(asked[0]?.[1]).toMatchObject({ atUnixMs: 5n });
    expect(factsOf(asked)).toMatchObject({
      ...facts,
      client: 'acme',
      project: 'site',
      dataClass: wire.DataClass.CUSTOMER,
      unavailableModel: 'route',
    });
  });

  test('by a key without bounds it is told as it was asked', async () => {
    const { queries, asked } = behind();
    const said = { ...facts, client: 'acme', dataClass: wire.DataClass.SENSITIVE, unavailableModel: 'error' };
    await inNameOf(plainKey, () => queries.explain({ facts: { ...said, project: '' } }));
    expect(asked[0]?.[1]).toMatchObject({ atUnixMs: 0n });
    expect(factsOf(asked)).toMatchObject({ ...said, project: '' });
    const plain = behind();
    await inNameOf(plainKey, () => plain.queries.explain({ facts }));
    expect(factsOf(plain.asked)).toMatchObject({ dataClass: wire.DataClass.UNSPECIFIED, unavailableModel: '' });
  });

  test('how another client’s task, or one of another type, would be decided is told to no caller', async () => {
    const { queries, asked } = behind();
    for (const over of [{ client: 'globex' }, { project: 'merger-7' }, { taskType: 'code' }, { taskType: '' }])
      await expect(inNameOf(callerKey, () => queries.explain({ facts: { ...facts, ...over } }))).rejects.toMatchObject(
        forbidden,
      );
    expect(asked).toEqual([]);
  });

  test('an operator’s questions are handed on as they are, and so is one without facts', async () => {
    const { queries, asked } = behind();
    const request = { facts: { ...facts, client: 'globex' } };
    await inNameOf(operatorKey, () => queries.explain(request));
    await inNameOf(callerKey, () => queries.explain({}));
    await inNameOf(operatorKey, () => queries.calls({ client: 'globex' }));
    await inNameOf(operatorKey, () => queries.usage({ client: 'globex' }));
    await inNameOf(operatorKey, () => queries.documents({ kind: 'model' }));
    await inNameOf(operatorKey, () => queries.registryStatus());
    expect(asked).toEqual([
      ['query explain', request],
      ['query explain', {}],
      ['query calls', { client: 'globex' }],
      ['query usage', { client: 'globex' }],
      ['query documents', { kind: 'model' }],
      ['query registryStatus'],
    ]);
  });

  test('documents and the state of the registry are for no caller', async () => {
    const { queries, asked } = behind();
    await expect(inNameOf(callerKey, () => queries.documents({}))).rejects.toMatchObject(forbidden);
    await expect(inNameOf(callerKey, () => queries.registryStatus())).rejects.toMatchObject(forbidden);
    expect(asked).toEqual([]);
  });

  test('calls, sums and feedback are of the key’s client, and of no other that is named', async () => {
    const { queries, asked } = behind();
    await inNameOf(plainKey, () => queries.calls({ limit: 3 }));
    await inNameOf(plainKey, () => queries.usage({ model: 'llama' }));
    await inNameOf(plainKey, () => queries.feedback({ taskId: 'task-1', score: 4 }));
    expect(asked).toEqual([
      ['query calls', { limit: 3, client: 'acme', project: '' }],
      ['query usage', { model: 'llama', client: 'acme' }],
      ['query feedback', { taskId: 'task-1', score: 4, client: 'acme' }],
    ]);
    const asks: readonly (() => Promise<unknown>)[] = [
      () => queries.calls({ client: 'globex' }),
      () => queries.usage({ client: 'globex' }),
      () => queries.feedback({ client: 'globex', taskId: 'task-1', score: 4 }),
    ];
    for (const ask of asks) await expect(inNameOf(plainKey, ask)).rejects.toMatchObject(forbidden);
    expect(asked).toHaveLength(3);
  });

  test('a task is scored by a key of projects where one of its calls was for one of them', async () => {
    const calls = ['shop', 'site'].map((project) => create(wire.CallRecordSchema, { client: 'acme', project }));
    const { queries, asked } = behind({ calls: async () => create(wire.QueryCallsResponseSchema, { calls }) });
    await inNameOf({ ...plainKey, projects: ['site'] }, () => queries.feedback({ taskId: 'task-1', score: 4 }));
    expect(asked).toHaveLength(1);
  });

  test('a decision is told to its client, to operators, and to no other client', async () => {
    const answer = create(wire.GetDecisionResponseSchema, { decision: { client: 'globex' } });
    const { queries } = behind({ decision: async () => answer });
    const ask = () => queries.decision({ taskId: 'task-1' });
    expect(await inNameOf(plainKey, ask)).toEqual(create(wire.GetDecisionResponseSchema));
    expect(await inNameOf({ ...plainKey, client: 'globex' }, ask)).toBe(answer);
    expect(await inNameOf(operatorKey, ask)).toBe(answer);
  });
});

test('without a key nothing is done', async () => {
  const { client, queries, asked } = behind();
  const asks: readonly (() => unknown)[] = [
    () => client.run({ type: 'text_gen', input: 'x' }),
    () => client.explain({ type: 'text_gen' }),
    () => client.tasks(),
    () => queries.explain({}),
    () => queries.documents({}),
    () => queries.registryStatus(),
    () => queries.calls({}),
    () => queries.usage({}),
    () => queries.feedback({}),
    () => queries.decision({}),
    () => queries.durable.list('', create(wire.ListTasksRequestSchema)),
  ];
  for (const ask of asks)
    await expect((async () => ask())()).rejects.toMatchObject({ ...forbidden, message: 'nobody was let in by a key' });
  expect(asked).toEqual([]);
});

test('before documents are published a name cannot be looked up: try again', async () => {
  const { open } = recordedBackends();
  const { client } = parts(new GuardedBackends({ ...open, snapshot: undefined }));
  const run = () => client.run({ type: 'text_gen', input: 'x', client: 'acme', taskId: 'task-1' });
  await expect(inNameOf(callerKey, run)).rejects.toMatchObject({
    code: 'unavailable',
    isRetryable: true,
    taskId: 'task-1',
  });
});
