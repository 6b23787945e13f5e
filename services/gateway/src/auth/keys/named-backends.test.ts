import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { describe, expect, test } from 'vitest';
import type { Backends } from '../../ports.ts';
import { parts, recordedBackends } from '../../testing/recorded-backends.ts';
import { type Identity, inNameOf } from './identity.ts';
import { busNaming, NamedBackends, type NamingOptions, openNaming } from './named-backends.ts';

// Every way to name a client, a project or a model, each by itself: what arrives behind are slugs.

function behind(options: NamingOptions = openNaming, over: Partial<Backends> = {}) {
  const { asked, open } = recordedBackends();
  return { asked, ...parts(new NamedBackends({ ...open, ...over }, options)) };
}
const said = { client: 'Kanzlei М' };
const slug = { client: 'm-ller-recht' };
const unknown = { client: 'nobody at all' };

describe('tasks', () => {
  const task = { type: 'text_gen', input: 'x', taskId: 'task-1' };
  type Client = ReturnType<typeof behind>['client'];
  const asNew: readonly (readonly [string, (client: Client, who: { client: string }) => unknown])[] = [
    ['run', (client, who) => client.run({ ...task, ...who })],
    ['stream', (client, who) => client.stream({ ...task, ...who })],
    ['start', (client, who) => client.start({ ...task, ...who }, true, () => {})],
    ['submit', (client, who) => client.submit({ ...task, ...who })],
    ['explain', (client, who) => client.explain({ ...task, ...who })],
  ];
  const onTask = ['task', 'result', 'cancelTask', 'events', 'requeueTask'] as const;

  test.each(asNew)('%s carries the slug of the client that was named, or is rejected', async (name, ask) => {
    const { client, asked } = behind();
    await ask(client, said);
    expect(asked.map(([way, first]) => [way, first])).toEqual([[name, { ...task, ...slug }]]);
    await expect((async () => ask(client, unknown))()).rejects.toMatchObject({ code: 'unknown_client' });
    expect(asked).toHaveLength(1);
  });

  test.each(onTask)('%s is asked of the client that was named, or is rejected', async (name) => {
    const { client, asked } = behind();
    await client[name]('task-1', said);
    await client[name]('task-1');
    expect(asked).toEqual([
      [name, 'task-1', slug],
      [name, 'task-1', { client: 'default' }],
    ]);
    await expect((async () => client[name]('task-1', unknown))()).rejects.toMatchObject({ code: 'unknown_client' });
  });

  test('a list is of the client that was named, with its filter', async () => {
    const { client, asked } = behind();
    await client.tasks({ ...said, state: 'waiting' });
    await client.close();
    expect(asked).toEqual([['tasks', { ...slug, state: 'waiting' }], ['close']]);
  });

  test('a project names its client', async () => {
    const { client, asked } = behind();
    await client.run({ ...task, project: 'MERGER 7' });
    expect(asked).toEqual([['run', { ...task, client: 'acmelegal', project: 'merger-7' }]]);
  });
});

describe('durable tasks by gRPC', () => {
  test.each(['get', 'cancel', 'list', 'requeue'] as const)('%s is of the client that was named', async (name) => {
    const { queries, asked } = behind();
    const ask = queries.durable[name] as (client: string, request: object) => Promise<unknown>;
    await ask(said.client, { taskId: 'task-1' });
    expect(asked).toEqual([[name, slug.client, { taskId: 'task-1' }]]);
    await expect(ask(unknown.client, {})).rejects.toMatchObject({ code: 'unknown_client' });
  });

  test('a submission carries the slugs of its client and project', async () => {
    const { queries, asked } = behind();
    const request = (project: string) =>
      create(wire.SubmitRequestSchema, { task: create(wire.TaskSchema, { type: 'code', project, taskId: 'task-1' }) });
    await queries.durable.submit('', request('MERGER 7'));
    await queries.durable.submit(said.client, request(''));
    const empty = create(wire.SubmitRequestSchema);
    await queries.durable.submit(said.client, empty);
    expect(asked).toMatchObject([
      ['submit', 'acmelegal', { task: { type: 'code', project: 'merger-7' } }],
      ['submit', slug.client, { task: { type: 'code', project: '' } }],
      ['submit', slug.client, empty],
    ]);
    await expect(queries.durable.submit('', request('nope'))).rejects.toMatchObject({
      code: 'unknown_project',
      taskId: 'task-1',
    });
  });
});

describe('content', () => {
  test('is put away for the client that was named, and fetched as it is', async () => {
    const { payloads, asked } = behind();
    const ref = create(wire.PayloadRefSchema, { object: 'acme.1' });
    const bytes = new Uint8Array(1);
    await payloads.put({ project: 'MERGER 7' }, bytes, 'file');
    await payloads.get(ref, new AbortController().signal);
    await payloads.remove(ref);
    expect(asked.map(([name, first]) => [name, first])).toEqual([
      ['put', { client: 'acmelegal' }],
      ['get', ref],
      ['remove', ref],
    ]);
    expect(asked[0]?.slice(2)).toEqual([bytes, 'file']);
  });
});

describe('questions', () => {
  test('how a task would be decided is asked of the client and project that were named', async () => {
    const { queries, asked } = behind();
    await queries.explain({ atUnixMs: 5n, facts: { taskType: 'code', project: 'MERGER 7' } });
    await queries.explain({ facts: { ...said } });
    await queries.explain({});
    expect(asked).toMatchObject([
      ['query explain', { atUnixMs: 5n, facts: { taskType: 'code', client: 'acmelegal', project: 'merger-7' } }],
      ['query explain', { atUnixMs: 0n, facts: { ...slug, project: '' } }],
      ['query explain', { atUnixMs: 0n }],
    ]);
  });

  test('records are found by any name of their client, project and model, also of those that were removed', async () => {
    const { queries, asked } = behind();
    await queries.calls({ ...said, project: 'Merger 7', reflex: 'gone', model: 'openai:gpt4', limit: 3 });
    await queries.calls({ client: 'removed-long-ago' });
    await queries.usage({ ...said, model: 'GPT-4' });
    await queries.feedback({ ...said, taskId: 'task-1' });
    await queries.decision({ taskId: 'task-1' });
    expect(asked).toEqual([
      ['query calls', { ...slug, project: 'merger-7', reflex: 'gone', model: 'gpt-4', limit: 3 }],
      ['query calls', { client: 'removed-long-ago', project: '', reflex: '', model: '' }],
      ['query usage', { ...slug, model: 'gpt-4' }],
      ['query feedback', { ...slug, taskId: 'task-1' }],
      ['query decision', { taskId: 'task-1' }],
    ]);
    for (const ask of [() => queries.calls(unknown), () => queries.usage(unknown), () => queries.feedback(unknown)])
      await expect(ask()).rejects.toMatchObject({ code: 'unknown_client' });
  });

  test('documents and the state of the registry are asked for as they are', async () => {
    const { queries, asked } = behind();
    await queries.documents({ kind: 'model' });
    await queries.registryStatus();
    expect(asked).toEqual([['query documents', { kind: 'model' }], ['query registryStatus']]);
  });
});

describe('names like it', () => {
  const key = (role: Identity['role']): Identity => ({
    keyId: 'k',
    client: 'acme',
    role,
    projects: [],
    taskTypes: [],
    dataClass: undefined,
    refused: () => {},
  });
  const errorOf = async (who: object, options?: NamingOptions): Promise<string> =>
    behind(options)
      .client.run({ type: 'text_gen', input: 'x', ...who })
      .then(
        () => 'none',
        (error: Error) => error.message,
      );

  test('are told of clients and of projects, each among its own', async () => {
    expect(await errorOf({ client: 'AcmeLegall' })).toContain('nearest: "AcmeLegal"');
    expect(await errorOf({ client: 'acme', project: 'mergr' })).toContain('nearest: "merger"');
  });

  test('are told to operators, and never to a caller with a key nor on the bus', async () => {
    const ask = () => errorOf({ client: 'AcmeLegall' });
    expect(await inNameOf(key('operator'), ask)).toContain('nearest');
    expect(await inNameOf(key('caller'), ask)).not.toContain('nearest');
    expect(await errorOf({ client: 'acmelegall' }, busNaming(undefined))).not.toContain('nearest');
  });

  test('are not told of a project of another client', async () => {
    expect(await errorOf({ client: 'acme', project: 'Merger 7' })).not.toContain('nearest');
  });
});

test('on a bus whose users have seeds a project names no client', async () => {
  const { client, asked } = behind(busNaming('seed'));
  const task = { type: 'text_gen', input: 'x', project: 'merger-7' };
  await expect(client.run(task)).rejects.toMatchObject({ code: 'forbidden' });
  await behind(busNaming(undefined)).client.run(task);
  expect(asked).toEqual([]);
});

test('before documents are published nobody can be named: try again in a second', async () => {
  const { client } = behind(openNaming, { snapshot: undefined });
  await expect(client.run({ type: 'text_gen', input: 'x' })).rejects.toMatchObject({
    code: 'unavailable',
    isRetryable: true,
    retryAfterMs: 1_000,
    taskId: '',
  });
});
