import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, openRefusals, wire } from '@will/contracts';
import { type AnyDocument, compileSnapshot, type DataRules, type Snapshot } from '@will/core';
import type { TaskStore } from '@will/store';
import { onTestFinished } from 'vitest';
import { outcomeBytes } from '../durable-task.ts';
import { Tasks, type TasksDeps } from '../service.ts';
import { FakeQueue } from './fake-queue.ts';
import { useTaskStore } from './task-store.ts';

export const hour = 3_600_000;
export const day = 24 * hour;
export const startMs = Date.UTC(2026, 0, 5);
/** An instant so many hours after the start, as it stands in requests. */
export const inHours = (hours: number): bigint => BigInt(startMs + hours * hour);

/** The documents of a client with these rules, and of others without any. */
export function documents(rules: DataRules = {}, ...more: readonly AnyDocument[]): Snapshot {
  const body = { name: 'anna', slug: 'anna', data_rules: rules };
  const others = ['erased', 'stays', 'lists', 'leaves'].map(
    (name) => ({ kind: 'client', body: { name, slug: name } }) as const,
  );
  const projects = ['site', 'shop'].map(
    (name) => ({ kind: 'project', body: { name, slug: name, client: 'anna' } }) as const,
  );
  const compiled = compileSnapshot(1, [{ kind: 'client', body }, ...others, ...projects, ...more]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

type TaskFields = MessageInitShape<typeof wire.TaskSchema>;
type RequestFields = Pick<
  MessageInitShape<typeof wire.SubmitRequestSchema>,
  'idempotencyKey' | 'notBeforeUnixMs' | 'defer' | 'traceparent'
>;

/** Durable tasks of a test, with a queue of their own. */
export interface Served {
  readonly tasks: Tasks;
  readonly queue: FakeQueue;
  readonly notes: string[];
  readonly snapshots: { current: Snapshot | undefined };
  submit(task: TaskFields, more?: RequestFields, client?: string): ReturnType<Tasks['submit']>;
}

/** Durable tasks in the store of a test file. */
export interface TasksTests {
  store(): TaskStore;
  readonly clock: { ms: number };
  served(over?: Partial<TasksDeps>): Served;
  /** The task as a run of it ends it. */
  endRun(client: string, taskId: string, over?: { readonly deadReason?: string }): Promise<void>;
}

export function useTasks(): TasksTests {
  const store = useTaskStore();
  const clock = { ms: startMs };
  return {
    store,
    clock,
    served: (over = {}) => serve({ store: store(), nowMs: () => clock.ms, ...over }),
    async endRun(client, taskId, over = {}) {
      const claim = await store().claim(client, taskId);
      if (claim.kind !== 'claimed') throw new Error(claim.kind);
      const failure = create(wire.FailureSchema, { code: wire.FailureCode.ALL_FAILED, message: 'all failed' });
      const { fence } = claim.task;
      const result = outcomeBytes({ failure });
      await store().finish({ client, taskId, fence, state: 'failed', result, atMs: clock.ms, ...over });
    },
  };
}

function serve(given: Pick<TasksDeps, 'store' | 'nowMs'> & Partial<TasksDeps>): Served {
  const queue = new FakeQueue();
  const notes: string[] = [];
  const snapshots: Served['snapshots'] = { current: documents() };
  const tasks = new Tasks({
    queue,
    snapshots,
    refusals: openRefusals,
    noteRequeued: (client, taskId, why) => notes.push(`${client} ${taskId}: ${why}`),
    ...given,
  });
  onTestFinished(() => tasks.stop());
  const submit: Served['submit'] = (task, more = {}, client = 'anna') =>
    tasks.submit(
      client,
      create(wire.SubmitRequestSchema, {
        task: create(wire.TaskSchema, { type: 'text_gen', ...task } as never),
        ...more,
      }),
    );
  return { tasks, queue, notes, snapshots, submit };
}
