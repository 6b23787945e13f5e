import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ending, StoredTask, TaskStore } from '../tasks.ts';
import { onStore, type Place } from './place.ts';
import { newTask } from './samples.ts';

const ending = (stated: Partial<Ending> = {}): Ending => ({
  client: 'acmelegal',
  taskId: 'task-1',
  fence: 1,
  state: 'succeeded',
  result: Uint8Array.of(9),
  atMs: 2_000,
  ...stated,
});

const fresh = (task = newTask()): StoredTask => ({
  ...task,
  state: 'waiting',
  fence: 0,
  messagedAtMs: undefined,
  waitsFor: undefined,
  finishedAtMs: undefined,
  result: undefined,
  deadReason: undefined,
  idlePickups: 0,
});

/** What every task store promises. */
export function taskStoreContract(newPlace: () => Promise<Place<TaskStore>>): void {
  test('a task is stored as it was submitted, and is still there when the store is opened again', () =>
    onStore(newPlace, async (store, reopen) => {
      expect(await store.insert(newTask())).toEqual({ kind: 'inserted', task: fresh() });
      expect(await (await reopen()).get('acmelegal', 'task-1')).toEqual(fresh());
    }));

  test('submitting the same again returns the task that is there, whatever id it would have got', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      expect(await store.insert(newTask({ taskId: 'task-2' }))).toEqual({ kind: 'repeated', task: fresh() });
      expect(await store.get('acmelegal', 'task-2')).toBeUndefined();
    }));

  test('another body under the same idempotency key is a conflict', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      expect(await store.insert(newTask({ taskId: 'task-2', bodyHash: 'other' }))).toEqual({
        kind: 'conflict',
        task: fresh(),
      });
    }));

  test('another idempotency key under the same task id is a conflict', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      expect(await store.insert(newTask({ idempotencyKey: 'other' }))).toEqual({ kind: 'conflict', task: fresh() });
    }));

  test('two clients may use the same task id and idempotency key without meeting', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      const other = newTask({ client: 'globex', bodyHash: 'other' });
      expect(await store.insert(other)).toEqual({ kind: 'inserted', task: fresh(other) });
      await store.claim('globex', 'task-1');
      expect(await store.get('acmelegal', 'task-1')).toEqual(fresh());
    }));

  test('of many submits at once with one key exactly one is inserted', () =>
    onStore(newPlace, async (store) => {
      const submits = Array.from({ length: 20 }, (_, index) => store.insert(newTask({ taskId: `task-${index}` })));
      const kinds = (await Promise.all(submits)).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'inserted')).toHaveLength(1);
      expect(kinds.filter((kind) => kind === 'repeated')).toHaveLength(19);
    }));

  test('each pickup raises the fence, and only the last may finish', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      expect(await store.claim('acmelegal', 'task-1')).toMatchObject({
        kind: 'claimed',
        task: { fence: 1, state: 'running' },
      });
      expect(await store.claim('acmelegal', 'task-1')).toMatchObject({ kind: 'claimed', task: { fence: 2 } });
      expect(await store.finish(ending({ fence: 1 }))).toMatchObject({
        kind: 'fenced_off',
        task: { state: 'running' },
      });
      const finished = { ...fresh(), state: 'succeeded', fence: 2, finishedAtMs: 2_000, result: Uint8Array.of(9) };
      expect(await store.finish(ending({ fence: 2 }))).toEqual({ kind: 'finished', task: finished });
    }));

  test('a finished task keeps its result: it can be neither finished again nor picked up', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      await store.claim('acmelegal', 'task-1');
      await store.finish(ending());
      const stays = { task: { state: 'succeeded', fence: 1, result: Uint8Array.of(9) } };
      const second = ending({ state: 'failed', result: Uint8Array.of(1) });
      expect(await store.finish(second)).toMatchObject({ kind: 'was_finished', ...stays });
      expect(await store.claim('acmelegal', 'task-1')).toMatchObject({ kind: 'finished', ...stays });
    }));

  test('an unknown task can be neither picked up, finished nor noted', () =>
    onStore(newPlace, async (store) => {
      expect(await store.get('acmelegal', 'task-1')).toBeUndefined();
      expect(await store.claim('acmelegal', 'task-1')).toEqual({ kind: 'unknown' });
      expect(await store.finish(ending())).toEqual({ kind: 'unknown' });
      await expect(store.messaged('acmelegal', 'task-1', 1)).rejects.toMatchObject({ code: 'not_found' });
    }));

  test('pickups that called nobody add up', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      await store.messaged('acmelegal', 'task-1', 1, 1);
      await store.messaged('acmelegal', 'task-1', 2);
      await store.messaged('acmelegal', 'task-1', 3, 1);
      expect(await store.get('acmelegal', 'task-1')).toMatchObject({ idlePickups: 2, messagedAtMs: 3 });
      await store.messaged('acmelegal', 'task-1', 4, 0, 'a limit');
      expect((await store.get('acmelegal', 'task-1'))?.waitsFor).toBe('a limit');
      await store.messaged('acmelegal', 'task-1', 5);
      expect((await store.get('acmelegal', 'task-1'))?.waitsFor).toBeUndefined();
    }));

  test('a list is newest first, by client, by projects, by state, by all of them, and no longer than asked for', () =>
    onStore(newPlace, async (store) => {
      const add = (client: string, taskId: string, createdAtMs: number, project = ''): Promise<unknown> =>
        store.insert(newTask({ client, taskId, idempotencyKey: taskId, createdAtMs, project }));
      await add('acmelegal', 'a', 1, "o'site");
      await add('globex', 'b', 3);
      await add('acmelegal', 'c', 2, 'shop');
      await store.claim('acmelegal', 'c');
      const ids = async (filter: Parameters<TaskStore['list']>[0], limit = 10): Promise<unknown> =>
        (await store.list(filter, limit)).map(({ taskId }) => taskId);
      expect(await ids({})).toEqual(['b', 'c', 'a']);
      expect(await ids({}, 2)).toEqual(['b', 'c']);
      expect(await ids({ client: 'acmelegal' })).toEqual(['c', 'a']);
      expect(await ids({ state: 'waiting' })).toEqual(['b', 'a']);
      expect(await ids({ client: 'acmelegal', state: 'running' })).toEqual(['c']);
      expect(await ids({ client: 'acmelegal', projects: [] })).toEqual(['c', 'a']);
      expect(await ids({ client: 'acmelegal', projects: ["o'site", 'nope'] })).toEqual(['a']);
      expect(await ids({ projects: ['shop', "o'site"] })).toEqual(['c', 'a']);
      expect(await ids({ projects: ['shop'], state: 'waiting' })).toEqual([]);
    }));

  test('tasks without a message since an instant are found until they end', () =>
    onStore(newPlace, async (store) => {
      const add = (taskId: string, createdAtMs: number): Promise<unknown> =>
        store.insert(newTask({ taskId, idempotencyKey: taskId, createdAtMs }));
      await add('old', 10);
      await add('told', 5);
      await add('young', 100);
      await store.messaged('acmelegal', 'told', 60);
      const ids = async (sinceMs: number): Promise<unknown> =>
        (await store.withoutMessageSince(sinceMs, 10)).map(({ taskId }) => taskId);
      expect(await ids(50)).toEqual(['old']);
      expect(await ids(61)).toEqual(['old', 'told']);
      expect(await store.withoutMessageSince(1_000, 2)).toHaveLength(2);
      await store.claim('acmelegal', 'old');
      await store.finish(ending({ taskId: 'old' }));
      expect(await ids(61)).toEqual(['told']);
    }));

  test('tasks that have not ended are counted by priority', () =>
    onStore(newPlace, async (store) => {
      for (const [taskId, priority] of [
        ['a', 'high'],
        ['b', 'background'],
        ['c', 'background'],
        ['d', 'high'],
      ] as const)
        await store.insert(newTask({ taskId, idempotencyKey: taskId, priority }));
      await store.claim('acmelegal', 'a');
      expect(await store.unfinished()).toMatchObject({ high: 2, background: 2 });
      await store.finish(ending({ taskId: 'a' }));
      const { high, background, normal = 0 } = await store.unfinished();
      expect([high, background, normal]).toEqual([1, 2, 0]);
    }));

  test('a dead letter is listed apart, and requeued once: then it waits again and can end once more', () =>
    onStore(newPlace, async (store) => {
      for (const taskId of ['dead', 'failed', 'open']) await store.insert(newTask({ taskId, idempotencyKey: taskId }));
      for (const taskId of ['dead', 'failed']) await store.claim('acmelegal', taskId);
      await store.finish(ending({ taskId: 'dead', state: 'failed', deadReason: 'given up' }));
      await store.finish(ending({ taskId: 'failed', state: 'failed' }));
      await store.published('acmelegal', 'dead');
      const dead = async (): Promise<unknown> =>
        (await store.list({ client: 'acmelegal', state: 'failed', dead: true }, 10)).map(({ taskId }) => taskId);
      expect(await dead()).toEqual(['dead']);
      expect(await store.list({ client: 'globex', dead: true }, 10)).toEqual([]);
      expect((await store.get('acmelegal', 'dead'))?.deadReason).toBe('given up');
      expect((await store.requeue('acmelegal', 'failed', 3_000, 9_000)).kind).toBe('refused');
      expect((await store.requeue('acmelegal', 'open', 3_000, 9_000)).kind).toBe('refused');
      expect((await store.requeue('acmelegal', 'unknown', 3_000, 9_000)).kind).toBe('unknown');
      const again = { ...fresh(newTask({ taskId: 'dead', idempotencyKey: 'dead' })), fence: 1 };
      const requeued = { ...again, messagedAtMs: 3_000, deadlineMs: 9_000 };
      expect(await store.requeue('acmelegal', 'dead', 3_000, 9_000)).toEqual({ kind: 'requeued', task: requeued });
      expect((await store.requeue('acmelegal', 'dead', 3_000, 9_000)).kind).toBe('refused');
      expect(await dead()).toEqual([]);
      const silent = await store.withoutMessageSince(3_001, 10);
      expect(silent.map(({ taskId }) => taskId)).toContain('dead');
      expect(await store.finish(ending({ taskId: 'dead', fence: 0 }))).toMatchObject({ kind: 'fenced_off' });
      expect(await store.claim('acmelegal', 'dead')).toMatchObject({ kind: 'claimed', task: { fence: 2 } });
      expect(await store.finish(ending({ taskId: 'dead', fence: 2, atMs: 4_000 }))).toMatchObject({ kind: 'finished' });
      expect((await store.unpublished(9_000, 10)).map(({ taskId }) => taskId)).toContain('dead');
    }));

  test('a dead letter whose content was dropped is not requeued', () =>
    onStore(newPlace, async (store) => {
      await store.insert(newTask());
      await store.claim('acmelegal', 'task-1');
      await store.finish(ending({ state: 'failed', deadReason: 'given up' }));
      await store.dropContent(2_500, 10);
      expect(await store.requeue('acmelegal', 'task-1', 3_000, 9_000)).toMatchObject({
        kind: 'refused',
        task: { state: 'failed', deadReason: 'given up' },
      });
    }));

  test('an end counts as unpublished until somebody notes that it was', () =>
    onStore(newPlace, async (store) => {
      for (const taskId of ['a', 'b', 'open']) await store.insert(newTask({ taskId, idempotencyKey: taskId }));
      for (const taskId of ['a', 'b']) await store.claim('acmelegal', taskId);
      await store.finish(ending({ taskId: 'a', atMs: 2_000 }));
      await store.finish(ending({ taskId: 'b', atMs: 3_000 }));
      const ids = async (beforeMs: number): Promise<unknown> =>
        (await store.unpublished(beforeMs, 10)).map(({ taskId }) => taskId);
      expect(await ids(2_500)).toEqual(['a']);
      expect(await ids(9_000)).toEqual(['a', 'b']);
      await store.published('acmelegal', 'a');
      expect(await ids(9_000)).toEqual(['b']);
    }));

  test('of a task that ended long ago first the content goes, then all of it; what has not ended stays', () =>
    onStore(newPlace, async (store) => {
      const add = (taskId: string): Promise<unknown> => store.insert(newTask({ taskId, idempotencyKey: taskId }));
      for (const taskId of ['ended', 'later', 'open']) await add(taskId);
      for (const taskId of ['ended', 'later']) await store.claim('acmelegal', taskId);
      await store.finish(ending({ taskId: 'ended', atMs: 2_000 }));
      await store.finish(ending({ taskId: 'later', atMs: 3_000 }));
      expect(await store.dropContent(2_500, 10)).toBe(1);
      expect(await store.dropContent(2_500, 10)).toBe(0);
      const emptied = await store.get('acmelegal', 'ended');
      expect(emptied).toMatchObject({ state: 'succeeded', finishedAtMs: 2_000, result: undefined });
      expect(emptied?.body).toHaveLength(0);
      expect((await store.get('acmelegal', 'later'))?.result).toEqual(Uint8Array.of(9));
      expect(await store.drop(2_500, 10)).toBe(1);
      expect(await store.get('acmelegal', 'ended')).toBeUndefined();
      expect(await store.dropContent(Infinity, 10)).toBe(1);
      expect((await store.get('acmelegal', 'open'))?.body).not.toHaveLength(0);
      expect(await store.drop(Infinity, 1)).toBe(1);
      expect(await store.list({}, 10)).toHaveLength(1);
    }));

  test('all ended tasks of one client can be forgotten, in parts; what has not ended and what is of others stays', () =>
    onStore(newPlace, async (store) => {
      const add = async (client: string, taskId: string, isEnded: boolean): Promise<void> => {
        await store.insert(newTask({ client, taskId, idempotencyKey: taskId }));
        if (!isEnded) return;
        await store.claim(client, taskId);
        await store.finish(ending({ client, taskId, atMs: 2_000 }));
      };
      for (const taskId of ['one', 'two', 'three']) await add('gone', taskId, true);
      await add('gone', 'open', false);
      await add('stays', 'one', true);
      expect(await store.erase('gone', 2)).toBe(2);
      expect(await store.erase('gone', 2)).toBe(1);
      expect(await store.erase('gone', 2)).toBe(0);
      expect((await store.list({}, 10)).map(({ client, taskId }) => `${client} ${taskId}`).sort()).toEqual([
        'gone open',
        'stays one',
      ]);
    }));

  test('whatever holders do in whatever order, a task has one result and only the newest holder can give it', () =>
    onStore(newPlace, async (store) => {
      let round = 0;
      const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        round += 1;
        expect(await storeDoes(store, `task-${round}`, steps)).toEqual(modelDoes(steps));
      });
      await fc.assert(property, { numRuns: 150 });
    }));
}

type Step =
  | { readonly kind: 'insert' }
  | { readonly kind: 'claim' }
  | { readonly kind: 'finish'; readonly fence: number; readonly result: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('insert') }),
  fc.record({ kind: fc.constant('claim') }),
  fc.record({ kind: fc.constant('finish'), fence: fc.nat(4), result: fc.nat(255) }),
);

interface Model {
  readonly fence: number;
  readonly result: number | undefined;
}

interface Run {
  readonly answers: readonly string[];
  readonly end: Model | undefined;
}

/** All steps are in flight at once; they take effect in the order they were asked. */
async function storeDoes(store: TaskStore, taskId: string, steps: readonly Step[]): Promise<Run> {
  const answers = await Promise.all(steps.map((next) => act(store, taskId, next)));
  const task = await store.get('acmelegal', taskId);
  return { answers, end: task && { fence: task.fence, result: task.result?.[0] } };
}

function modelDoes(steps: readonly Step[]): Run {
  let model: Model | undefined;
  const answers = steps.map((next) => {
    const [answer, after] = expectedOf(next, model);
    model = after;
    return answer;
  });
  return { answers, end: model };
}

async function act(store: TaskStore, taskId: string, next: Step): Promise<string> {
  if (next.kind === 'insert') return (await store.insert(newTask({ taskId, idempotencyKey: taskId }))).kind;
  if (next.kind === 'claim') return (await store.claim('acmelegal', taskId)).kind;
  return (await store.finish(ending({ taskId, fence: next.fence, result: Uint8Array.of(next.result) }))).kind;
}

function expectedOf(next: Step, model: Model | undefined): [string, Model | undefined] {
  if (next.kind === 'insert') return model ? ['repeated', model] : ['inserted', { fence: 0, result: undefined }];
  if (!model) return ['unknown', undefined];
  if (model.result !== undefined) return [next.kind === 'claim' ? 'finished' : 'was_finished', model];
  if (next.kind === 'claim') return ['claimed', { ...model, fence: model.fence + 1 }];
  return next.fence === model.fence ? ['finished', { ...model, result: next.result }] : ['fenced_off', model];
}
