import { create, newId, priorityFromWire, priorityToWire, sizes, wire } from '@will/contracts';
import {
  type DurableTask,
  type DurableTasks,
  TaskError,
  type TaskOwner,
  type TaskResult,
  type TaskSubmission,
} from './api.ts';
import { checkSubmission } from './check-request.ts';
import { taskErrorOf } from './failure.ts';
import { resultOfEnd } from './on-wire.ts';
import { inputBytes, taskOnWire } from './task-message.ts';

/**
 * The way of the operations on durable tasks to the service: over the bus or over gRPC. All throw {@link TaskError}.
 */
export interface DurableWire {
  submit(client: string, request: wire.SubmitRequest): Promise<wire.SubmitResponse>;
  get(client: string, request: wire.GetTaskRequest): Promise<wire.GetTaskResponse>;
  cancel(client: string, request: wire.CancelTaskRequest): Promise<wire.CancelTaskResponse>;
  list(client: string, request: wire.ListTasksRequest): Promise<wire.ListTasksResponse>;
  requeue(client: string, request: wire.RequeueTaskRequest): Promise<wire.RequeueTaskResponse>;
}

/** One question that waits; longer waits are several of them. */
const maxWaitMs = 20_000;
/** How soon a change of state is told; an end is told at once. */
const pollIntervalMs = 1_000;
const defaultDeadlineMs = 24 * 3_600_000;

const states: Record<wire.DurableState, DurableTask['state']> = {
  [wire.DurableState.UNSPECIFIED]: 'waiting',
  [wire.DurableState.WAITING]: 'waiting',
  [wire.DurableState.RUNNING]: 'running',
  [wire.DurableState.SUCCEEDED]: 'succeeded',
  [wire.DurableState.FAILED]: 'failed',
  [wire.DurableState.CANCELLED]: 'cancelled',
  [wire.DurableState.EXPIRED]: 'expired',
};

/** Undefined: every state. */
const stateOnWire = (state: DurableTask['state'] | undefined): wire.DurableState =>
  state === undefined
    ? wire.DurableState.UNSPECIFIED
    : wire.DurableState[state.toUpperCase() as keyof typeof wire.DurableState];

/** Durable tasks over some wire. */
export function durableTasks(over: DurableWire, defaultClient: string): DurableTasks {
  const known = (
    answer: { readonly task?: wire.DurableTask | undefined; readonly failure?: wire.Failure | undefined },
    taskId: string,
  ) => {
    if (answer.failure) throw taskErrorOf(answer.failure, taskId);
    if (!answer.task) throw new TaskError('internal', 'the answer holds no task', { taskId });
    return durableTaskOf(answer.task);
  };
  const task: DurableTasks['task'] = async (taskId, { client = defaultClient, projects = [], waitMs = 0 } = {}) =>
    known(
      await over.get(client, create(wire.GetTaskRequestSchema, { taskId, waitMs, projects: [...projects] })),
      taskId,
    );
  /** While nobody answers for durable tasks the last state stands. */
  const stillThere = async (last: DurableTask, owner: TaskOwner): Promise<DurableTask> => {
    try {
      return await task(last.taskId, { ...owner, waitMs: pollIntervalMs });
    } catch (error) {
      if (!(error instanceof TaskError) || !error.isRetryable) throw error;
      await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
      return last;
    }
  };
  return {
    async submit(submission) {
      const request = submissionOnWire(submission, Date.now());
      const taskId = request.task?.taskId ?? '';
      const answer = await over.submit(submission.client ?? defaultClient, request);
      return { ...known(answer, taskId), isRepeated: answer.repeated };
    },
    task,
    async result(taskId, { timeoutMs = Infinity, signal, ...owner } = {}) {
      const untilMs = performance.now() + timeoutMs;
      for (;;) {
        const leftMs = untilMs - performance.now();
        if (signal?.aborted) throw new TaskError('cancelled', 'the caller waits no more', { taskId });
        const found = await task(taskId, {
          ...owner,
          waitMs: Math.round(Math.max(0, Math.min(maxWaitMs, leftMs))),
        });
        if (found.result) return found.result;
        if (found.failure) throw found.failure;
        if (leftMs <= 0)
          throw new TaskError('deadline', `the task is still ${found.state}`, { taskId, isRetryable: true });
      }
    },
    async *events(taskId, { signal, ...owner } = {}) {
      let found = await task(taskId, owner);
      for (let told: string | undefined; ; found = await stillThere(found, owner)) {
        if (signal?.aborted) throw new TaskError('cancelled', 'the caller waits no more', { taskId });
        const change = `${found.state} ${found.pickups}`;
        if (change !== told) yield found;
        told = change;
        if (found.finishedUnixMs !== undefined) return;
      }
    },
    cancelTask: async (taskId, { client = defaultClient, projects = [] } = {}) =>
      known(
        await over.cancel(client, create(wire.CancelTaskRequestSchema, { taskId, projects: [...projects] })),
        taskId,
      ),
    requeueTask: async (taskId, { client = defaultClient, projects = [] } = {}) =>
      known(
        await over.requeue(client, create(wire.RequeueTaskRequestSchema, { taskId, projects: [...projects] })),
        taskId,
      ),
    async tasks({ client = defaultClient, projects = [], state, dead = false, limit = 0 } = {}) {
      const request = create(wire.ListTasksRequestSchema, {
        limit,
        state: stateOnWire(state),
        dead,
        projects: [...projects],
      });
      const { tasks, failure } = await over.list(client, request);
      if (failure) throw taskErrorOf(failure, '');
      return tasks.map(durableTaskOf);
    },
  };
}

/** @throws {TaskError} 'invalid_task', 'too_large' */
export function submissionOnWire(submission: TaskSubmission, nowMs: number): wire.SubmitRequest {
  checkSubmission(submission);
  const taskId = submission.taskId ?? newId();
  const input = inputBytes(submission.input);
  if (input.length > sizes.inputBytes)
    throw new TaskError('too_large', `input of ${input.length} bytes exceeds ${sizes.inputBytes}`, { taskId });
  const deadlineUnixMs = Math.floor(nowMs + (submission.timeoutMs ?? defaultDeadlineMs));
  const task = taskOnWire(submission, taskId, deadlineUnixMs, false, input);
  return create(wire.SubmitRequestSchema, {
    task: {
      ...task,
      priority: priorityToWire(submission.priority ?? (submission.highPriority ? 'high' : 'background')),
    },
    idempotencyKey: submission.idempotencyKey ?? '',
    notBeforeUnixMs: BigInt(Math.floor(submission.notBeforeUnixMs ?? 0)),
    defer: submission.defer ?? '',
  });
}

function durableTaskOf(task: wire.DurableTask): DurableTask {
  const { taskId, client, project, type, pickups, idempotencyKey } = task;
  const result: TaskResult | undefined = task.end && resultOfEnd(taskId, task.end);
  return {
    taskId,
    client,
    ...(project !== '' && { project }),
    type,
    pickups,
    idempotencyKey,
    priority: priorityFromWire(task.priority),
    state: states[task.state],
    createdUnixMs: Number(task.createdUnixMs),
    deadlineUnixMs: Number(task.deadlineUnixMs),
    ...(task.startsUnixMs > 0n && { startsUnixMs: Number(task.startsUnixMs) }),
    ...(task.waitsFor !== '' && { waitsFor: task.waitsFor }),
    ...(task.finishedUnixMs > 0n && { finishedUnixMs: Number(task.finishedUnixMs) }),
    ...(result && { result }),
    ...(task.deadReason !== '' && { deadReason: task.deadReason }),
    ...(task.failure && { failure: taskErrorOf(task.failure, taskId) }),
  };
}
