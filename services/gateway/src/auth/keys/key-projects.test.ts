import { create } from '@bufbuild/protobuf';
import type { TaskOwner } from '@will/client';
import { wire } from '@will/contracts';
import { describe, expect, test } from 'vitest';
import type { Queries } from '../../ports.ts';
import { parts, recordedBackends } from '../../testing/recorded-backends.ts';
import { GuardedBackends } from './guarded-backends.ts';
import { type Identity, inNameOf } from './identity.ts';

// A key that is bound to projects sees what is of these, and nothing else of its client.

const keyOf = (projects: readonly string[]): Identity => ({
  keyId: 'k',
  client: 'acme',
  role: 'caller',
  projects,
  taskTypes: [],
  dataClass: undefined,
  refused: () => {},
});

/** What arrives behind the guard: of each request who is meant. */
function behind(answers: Partial<Queries> = {}) {
  const { asked, open } = recordedBackends(answers);
  return { asked, ...parts(new GuardedBackends(open)) };
}

const onTask = ['task', 'result', 'cancelTask', 'events', 'requeueTask'] as const;

describe('durable tasks', () => {
  test.each(onTask)('%s finds tasks of the key’s projects alone', async (name) => {
    const { client, asked } = behind();
    await inNameOf(keyOf(['site']), () => client[name]('task-1', { client: 'acme' }));
    expect(asked).toEqual([[name, 'task-1', { client: 'acme', projects: ['site'] }]]);
  });

  test('a list holds tasks of the key’s projects alone, and all of the client’s for a key without', async () => {
    const { client, asked } = behind();
    await inNameOf(keyOf(['site', 'shop']), () => client.tasks({ state: 'waiting' }));
    await inNameOf(keyOf([]), () => client.tasks());
    expect(asked.map((one) => (one as unknown[])[1])).toEqual([
      { client: 'acme', projects: ['site', 'shop'], state: 'waiting' },
      { client: 'acme', projects: [] },
    ]);
  });

  const requests = {
    get: create(wire.GetTaskRequestSchema, { taskId: 'task-1' }),
    cancel: create(wire.CancelTaskRequestSchema, { taskId: 'task-1' }),
    list: create(wire.ListTasksRequestSchema),
    requeue: create(wire.RequeueTaskRequestSchema, { taskId: 'task-1' }),
  };
  test.each(['get', 'cancel', 'list', 'requeue'] as const)('%s by gRPC is bound alike', async (name) => {
    const { queries, asked } = behind();
    const ask = (projects: string[]) =>
      (queries.durable[name] as (client: string, request: object) => Promise<unknown>)('', {
        ...requests[name],
        projects,
      });
    await inNameOf(keyOf(['site', 'shop']), () => ask([]));
    await inNameOf(keyOf(['site', 'shop']), () => ask(['shop']));
    expect(asked).toMatchObject([
      [name, 'acme', { projects: ['site', 'shop'] }],
      [name, 'acme', { projects: ['shop'] }],
    ]);
    await expect(inNameOf(keyOf(['site']), () => ask(['shop']))).rejects.toMatchObject({ code: 'forbidden' });
    expect(asked).toHaveLength(2);
  });

  test.each(['default', 'Default', 'globex'])(
    'who names the client %s by another client’s key is refused',
    async (client) => {
      const { client: tasks, asked } = behind();
      const owner: TaskOwner = { client };
      await expect(inNameOf(keyOf([]), async () => tasks.tasks(owner))).rejects.toMatchObject({ code: 'forbidden' });
      expect(asked).toEqual([]);
    },
  );
});

describe('records', () => {
  const call = (project: string) => create(wire.CallRecordSchema, { client: 'acme', project });

  test('calls are those of the project that is named, or of the only one', async () => {
    const seen: unknown[] = [];
    const { queries } = behind({
      calls: async (request) => {
        seen.push([request.client, request.project]);
        return create(wire.QueryCallsResponseSchema);
      },
    });
    await inNameOf(keyOf(['site']), () => queries.calls({}));
    await inNameOf(keyOf(['site', 'shop']), () => queries.calls({ project: 'site' }));
    await inNameOf(keyOf([]), () => queries.calls({ project: 'removed-long-ago' }));
    for (const project of ['', 'shop', 'nope'])
      await expect(inNameOf(keyOf(['site', 'other']), () => queries.calls({ project }))).rejects.toMatchObject({
        code: 'forbidden',
      });
    expect(seen).toEqual([
      ['acme', 'site'],
      ['acme', 'site'],
      ['acme', 'removed-long-ago'],
    ]);
  });

  test('sums, which tell no projects apart, are refused', async () => {
    const { queries } = behind({ usage: async () => create(wire.QueryUsageResponseSchema) });
    await expect(inNameOf(keyOf(['site']), () => queries.usage({}))).rejects.toMatchObject({ code: 'forbidden' });
    await inNameOf(keyOf([]), () => queries.usage({}));
  });

  test('a decision of another project is as one that is not there', async () => {
    const decision = (project: string) =>
      create(wire.GetDecisionResponseSchema, {
        decision: { client: 'acme' },
        set: { facts: { client: 'acme', project } },
      });
    const { queries } = behind({ decision: async ({ taskId = '' }) => decision(taskId) });
    const found = async (projects: string[], project: string) =>
      (await inNameOf(keyOf(projects), () => queries.decision({ taskId: project }))).decision !== undefined;
    expect(await found(['site'], 'site')).toBe(true);
    expect(await found(['site'], 'shop')).toBe(false);
    expect(await found(['site'], '')).toBe(false);
    expect(await found([], 'shop')).toBe(true);
  });

  test('an output of another project is scored by nobody', async () => {
    const scored: unknown[] = [];
    const { queries } = behind({
      calls: async ({ taskId = '' }) => create(wire.QueryCallsResponseSchema, { calls: [call(taskId)] }),
      feedback: async ({ taskId }) => {
        scored.push(taskId);
        return create(wire.FeedbackResponseSchema, { model: 'm' });
      },
    });
    const score = (projects: string[], taskId: string) =>
      inNameOf(keyOf(projects), () => queries.feedback({ taskId, score: 5 }));
    expect((await score(['site'], 'shop')).error).toBe('no model is known to have answered task "shop"');
    await score(['site'], 'site');
    await score([], 'shop');
    expect(scored).toEqual(['site', 'shop']);
  });
});
