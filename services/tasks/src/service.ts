import { toBinary } from '@bufbuild/protobuf';
import { create, isOpaqueId, priorityFromWire, type Refusals, wire } from '@will/contracts';
import { quote, slugPattern } from '@will/core';
import type { StoredTask } from '@will/store';
import { durableTask, isTerminal } from './durable-task.ts';
import { Queueing, type QueueingDeps } from './queueing.ts';
import { hashOf, Submissions } from './submission.ts';
import { endTask, expiredFailure } from './task-end.ts';
import { TaskWaits } from './task-waits.ts';
import { invalid, unknownTask } from './tasks-error.ts';

/** Ports of durable tasks. */
export interface TasksDeps extends QueueingDeps {
  /** Of the work under way; '' where nothing is traced. */
  readonly traceparent?: () => string;
  readonly refusals: Refusals;
  /** Notes for the audit log that somebody had a dead letter run anew. */
  readonly noteRequeued: (client: string, taskId: string, whyItWasDead: string) => void;
}

/** The owner of the tasks that are meant: the client's, of one of these projects. */
export interface Owner {
  readonly client: string;
  /** Slugs; absent or empty: any task of the client. */
  readonly projects?: readonly string[];
}

const defaultList = 20;
const maxList = 200;
const maxWaitMs = 25_000;
/** As long as results stay on the bus. */
const contentKeptMs = 24 * 3_600_000;
const factsKeptMs = 31 * 24 * 3_600_000;
const forgottenAtOnce = 500;
const erasedAtOnce = 500;

/** Durable tasks for callers: taken, told of, waited for, cancelled. */
export class Tasks {
  readonly #deps: TasksDeps;
  readonly #submissions: Submissions;
  readonly #queueing: Queueing;
  readonly #waits: TaskWaits;

  constructor(deps: TasksDeps) {
    this.#deps = deps;
    this.#submissions = new Submissions(deps.snapshots, deps.refusals);
    this.#queueing = new Queueing(deps, this.#submissions);
    this.#waits = new TaskWaits(deps.queue);
  }

  /** Wakes those that wait. */
  stop(): void {
    this.#waits.stop();
  }

  /** Puts tasks back into the queue of which no message is under way. @returns how many. */
  reconcile(sinceMs: number): Promise<number> {
    return this.#queueing.reconcile(sinceMs);
  }

  /** Stores it, puts it into the queue, and only then accepts it. @throws {TasksError} */
  async submit(client: string, request: wire.SubmitRequest): Promise<{ task: wire.DurableTask; repeated: boolean }> {
    const nowMs = this.#deps.nowMs();
    const { task, wish } = this.#submissions.read(request, nowMs);
    const key = request.idempotencyKey === '' ? task.taskId : request.idempotencyKey;
    const accepted = this.#submissions.withFloor(client, task);
    const { kind, task: stored } = await this.#deps.store.insert({
      client,
      taskId: task.taskId,
      idempotencyKey: key,
      bodyHash: hashOf(request),
      type: task.type,
      project: accepted.project,
      priority: priorityFromWire(task.priority),
      createdAtMs: nowMs,
      deadlineMs: Number(task.deadlineUnixMs),
      body: toBinary(wire.SubmitRequestSchema, {
        ...request,
        task: accepted,
        traceparent: this.#deps.traceparent?.() ?? '',
      }),
    });
    if (kind === 'conflict') throw invalid(conflictOf(key, stored, accepted.project));
    const messagedAtMs =
      kind === 'inserted'
        ? await this.#queueing.add(stored, wish, Number(request.notBeforeUnixMs))
        : stored.messagedAtMs;
    return { task: this.#told({ ...stored, messagedAtMs }), repeated: kind === 'repeated' };
  }

  /** The task as it is, or, with a wait, at its end if that comes first. @throws {TasksError} */
  async get({ client, projects = [] }: Owner, taskId: string, waitMs = 0): Promise<wire.DurableTask> {
    const [woken, stop] = this.#waits.nextWord(client, taskId, Math.min(waitMs, maxWaitMs));
    try {
      let task = await this.#mustKnow({ client, projects }, taskId);
      if (waitMs > 0 && !isTerminal(task.state)) {
        await woken;
        task = await this.#mustKnow({ client, projects }, taskId);
      }
      return this.#told(await this.#expireIfDue(task));
    } finally {
      stop();
    }
  }

  async list(
    { client, projects = [] }: Owner,
    { state, dead = false }: { readonly state?: StoredTask['state'] | undefined; readonly dead?: boolean },
    limit: number,
  ): Promise<wire.DurableTask[]> {
    const most = limit === 0 ? defaultList : limit;
    if (most > maxList) throw invalid(`limit ${limit} must be between 1 and ${maxList}`);
    const tasks = await this.#deps.store.list({ client, projects, ...(state && { state }), dead }, most);
    return tasks.map((task) => durableTask(task, this.#deps.nowMs(), { withOutcome: false }));
  }

  /** Ends a task that has not ended; the one that runs it is no longer able to. @throws {TasksError} */
  async cancel(owner: Owner, taskId: string): Promise<wire.DurableTask> {
    const failure = create(wire.FailureSchema, { code: wire.FailureCode.CANCELLED, message: 'the task was cancelled' });
    return this.#told(await endTask(this.#deps, await this.#mustKnow(owner, taskId), 'cancelled', failure));
  }

  /**
   * Has a dead letter run anew, under its id and its key: its runs count from none, and it has as long as it had at first. A
   * task that has not ended stays as it is: asked twice is as asked once. @throws {TasksError}
   */
  async requeue({ client, projects = [] }: Owner, taskId: string): Promise<wire.DurableTask> {
    const { store, queue, nowMs, noteRequeued } = this.#deps;
    const known = await this.#mustKnow({ client, projects }, taskId);
    if (!isTerminal(known.state)) return this.#told(known);
    const whyDead = mustBeDead(known);
    // Its second end would not be heard of while the first one stands.
    await queue.withdrawResult(client, taskId);
    const now = nowMs();
    const requeued = await store.requeue(client, taskId, now, now + known.deadlineMs - known.createdAtMs);
    if (requeued.kind === 'unknown') throw unknownTask(client, taskId);
    const { task, kind } = requeued;
    if (kind === 'requeued') {
      noteRequeued(client, taskId, whyDead);
      const reference = create(wire.TaskReferenceSchema, { client, taskId });
      await queue.add(reference, task.priority, task.type, `${client}.${taskId}:after.${task.fence}`);
    }
    return this.#told(task);
  }

  /** Forgets what was said in tasks that ended a day ago, and after a month the tasks themselves. */
  async forget(): Promise<void> {
    const { store, nowMs } = this.#deps;
    while ((await store.dropContent(nowMs() - contentKeptMs, forgottenAtOnce)) === forgottenAtOnce);
    while ((await store.drop(nowMs() - factsKeptMs, forgottenAtOnce)) === forgottenAtOnce);
  }

  /**
   * Removes every task that the client has now, with what was said in it and its result. One that has not ended is
   * cancelled before: nothing that it would still say may come after the erasure. @throws {TasksError}
   */
  async erase(client: string): Promise<{ readonly tasks: number; readonly cancelled: number }> {
    if (!slugPattern.test(client)) throw invalid(`client ${quote(client)} must match ${slugPattern.source}`);
    const { store, queue } = this.#deps;
    const cancelled = (await this.#cancelAll(client, 'waiting')) + (await this.#cancelAll(client, 'running'));
    let tasks = 0;
    let part = erasedAtOnce;
    while (part === erasedAtOnce) {
      part = await store.erase(client, erasedAtOnce);
      tasks += part;
    }
    await queue.erase(client);
    return { tasks, cancelled };
  }

  /** Those that stand in this state when it is asked; one that ends by itself meanwhile is not counted. */
  async #cancelAll(client: string, state: StoredTask['state']): Promise<number> {
    const failure = create(wire.FailureSchema, {
      code: wire.FailureCode.CANCELLED,
      message: 'the client was erased',
    });
    const until = this.#deps.nowMs();
    let cancelled = 0;
    while (true) {
      const some = await this.#deps.store.list({ client, state }, maxList);
      const earlier = some.filter(({ createdAtMs }) => createdAtMs <= until);
      for (const task of earlier)
        if ((await endTask(this.#deps, task, 'cancelled', failure)).state === 'cancelled') cancelled += 1;
      if (earlier.length === 0) return cancelled;
    }
  }

  #told(task: StoredTask): wire.DurableTask {
    return durableTask(task, this.#deps.nowMs());
  }

  async #mustKnow({ client, projects = [] }: Owner, taskId: string): Promise<StoredTask> {
    const task = isOpaqueId(taskId) ? await this.#deps.store.get(client, taskId) : undefined;
    if (!task || (projects.length > 0 && !projects.includes(task.project))) throw unknownTask(client, taskId);
    return task;
  }

  async #expireIfDue(task: StoredTask): Promise<StoredTask> {
    if (task.state !== 'waiting' || task.deadlineMs > this.#deps.nowMs()) return task;
    return endTask(this.#deps, task, 'expired', expiredFailure());
  }
}

/** @returns why it is dead. @throws {TasksError} it is not, or nothing is left to run. */
function mustBeDead({ taskId, state, deadReason, body }: StoredTask): string {
  if (deadReason === undefined)
    throw invalid(`task ${quote(taskId)} is ${state} and no dead letter; only dead letters can be requeued`);
  if (body.length === 0)
    throw invalid(`task ${quote(taskId)} cannot be requeued: what it asked was kept for 24 hours after its end`);
  return deadReason;
}

/** A caller of another project is not told which task it is. */
const conflictOf = (
  key: string,
  stored: { readonly taskId: string; readonly project: string },
  project: string,
): string =>
  `idempotency key or task id ${quote(key)} belongs to another task${stored.project === project ? `, ${stored.taskId}` : ''}`;
