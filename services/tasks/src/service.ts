import { createHash } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  isOpaqueId,
  newId,
  priorityFromWire,
  priorityOfTask,
  priorityToWire,
  type Refusals,
  requirementToWire,
  sizes,
  wire,
} from '@will/contracts';
import {
  priorityConflict,
  requirementOf,
  resolveCaller,
  type ScheduleDocument,
  slugOf,
  slugPattern,
  type Snapshot,
  unknownClient,
  quote,
} from '@will/core';
import type { StoredTask, TaskStore } from '@will/store';
import { durableTask, isTerminal, outcomeBytes } from './durable-task.ts';
import type { TasksSnapshots, TaskQueue } from './ports.ts';
import { cheapestStart } from './cheapest-start.ts';
import { leadMs, startTime } from './start-time.ts';
import { factsOfTask } from './task-facts.ts';

export interface TasksDeps {
  readonly store: TaskStore;
  readonly queue: TaskQueue;
  readonly snapshots: TasksSnapshots;
  readonly nowMs: () => number;
  /** Of the work under way; '' where nothing is traced. */
  readonly traceparent?: () => string;
  readonly refusals: Refusals;
  /** Notes for the audit log that somebody had a dead letter run anew. */
  readonly noteRequeued: (client: string, taskId: string, whyItWasDead: string) => void;
}

/** What was asked cannot be done; the message names the value and what was allowed. */
export class TasksError extends Error {
  override readonly name = 'TasksError';
  readonly code: wire.FailureCode;
  constructor(code: wire.FailureCode, message: string) {
    super(message);
    this.code = code;
  }
  /** The same request may be answered a moment later. */
  get isRetryable(): boolean {
    return this.code === wire.FailureCode.UNAVAILABLE;
  }
}

/** Whose tasks are meant: the client's, of one of these projects. */
export interface Owner {
  readonly client: string;
  /** Slugs; absent or empty: any task of the client. */
  readonly projects?: readonly string[];
}

/** When to start: while a schedule is open, or when it costs least before its deadline. */
type StartWish = { readonly schedule: ScheduleDocument | undefined } | { readonly cheapest: wire.Task };

const defaultDeadlineMs = 24 * 3_600_000;
const maxDeadlineMs = 31 * 24 * 3_600_000;
const maxKey = 200;
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
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #stopListening: () => void;

  constructor(deps: TasksDeps) {
    this.#deps = deps;
    this.#stopListening = deps.queue.onResult((client, taskId) => {
      for (const wake of this.#waiting.get(`${client} ${taskId}`) ?? []) wake();
    });
  }

  /** Stores it, puts it into the queue, and only then accepts it. @throws {TasksError} */
  async submit(client: string, request: wire.SubmitRequest): Promise<{ task: wire.DurableTask; repeated: boolean }> {
    const nowMs = this.#deps.nowMs();
    const { task, wish } = this.#read(request, nowMs);
    const key = request.idempotencyKey === '' ? task.taskId : request.idempotencyKey;
    const accepted = this.#withFloor(client, task);
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
    if (kind === 'conflict')
      throw invalid(`idempotency key or task id ${quote(key)} belongs to another task, ${stored.taskId}`);
    const messagedAtMs =
      kind === 'inserted' ? await this.#enqueue(stored, wish, Number(request.notBeforeUnixMs)) : stored.messagedAtMs;
    return { task: this.#told({ ...stored, messagedAtMs }), repeated: kind === 'repeated' };
  }

  /** The task as it is, or, with a wait, at its end if that comes first. @throws {TasksError} */
  async get({ client, projects = [] }: Owner, taskId: string, waitMs = 0): Promise<wire.DurableTask> {
    const [woken, stop] = this.#nextWord(client, taskId, Math.min(waitMs, maxWaitMs));
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
    return this.#told(await this.#endBy(await this.#mustKnow(owner, taskId), 'cancelled', failure));
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

  /** Puts tasks back into the queue of which no message is under way. @returns how many. */
  async reconcile(sinceMs: number): Promise<number> {
    const { store, queue, nowMs } = this.#deps;
    // Who ended them died or lost the bus before anybody heard of it.
    for (const task of await store.unpublished(sinceMs, 500)) await publishEnd(this.#deps, task);
    let lost = 0;
    for (const task of await store.withoutMessageSince(sinceMs, 500)) {
      const { client, taskId } = task;
      if (task.deadlineMs <= nowMs()) {
        // Also one that somebody picked up and nobody shows to be running.
        await this.#endBy(task, 'expired', expiredFailure());
        continue;
      }
      if (!(await this.#isQueued(task))) {
        lost += 1;
        if (task.fence === 0) {
          await this.#enqueueLost(task);
          continue;
        }
        // As one that was parked: it is the task's only message, whatever is thought of who ran it.
        const reference = create(wire.TaskReferenceSchema, { client, taskId, parkings: 1 });
        await queue.add(reference, task.priority, task.type, `${client}.${taskId}:${nowMs()}`);
      }
      await store.messaged(client, taskId, nowMs());
    }
    return lost;
  }

  /** Behind a long queue a task waits for long without being lost: a second message would have it run twice. */
  async #isQueued({ state, priority, createdAtMs, messagedAtMs = createdAtMs }: StoredTask): Promise<boolean> {
    return state === 'waiting' && messagedAtMs > (await this.#deps.queue.queuedSinceMs(priority)) - 1_000;
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
        if ((await this.#endBy(task, 'cancelled', failure)).state === 'cancelled') cancelled += 1;
      if (earlier.length === 0) return cancelled;
    }
  }

  stop(): void {
    this.#stopListening();
    for (const waiting of this.#waiting.values()) for (const wake of waiting) wake();
  }

  /** It was accepted by a process that died before it had put it into the queue: to start when it was to start. */
  async #enqueueLost(stored: StoredTask): Promise<void> {
    const { task, defer, notBeforeUnixMs } = fromBinary(wire.SubmitRequestSchema, stored.body);
    await this.#enqueue(stored, this.#wishStill(defer, task), Number(notBeforeUnixMs), `:${this.#deps.nowMs()}`);
  }

  /** At once, where the schedule is not stated any more. */
  #wishStill(defer: string, task: wire.Task | undefined): StartWish {
    try {
      return this.#wish(defer, task ?? create(wire.TaskSchema));
    } catch {
      return { schedule: undefined };
    }
  }

  #told(task: StoredTask): wire.DurableTask {
    return durableTask(task, this.#deps.nowMs());
  }

  /** @param again tells this message from an earlier one of the task, which is not put there twice. */
  async #enqueue(
    { client, taskId, priority, type, deadlineMs }: StoredTask,
    wish: StartWish,
    notBeforeMs: number,
    again = '',
  ): Promise<number> {
    const { queue, store, snapshots, nowMs } = this.#deps;
    const now = nowMs();
    const snapshot = snapshots.current;
    const atMs =
      'cheapest' in wish && snapshot
        ? cheapestStart({
            snapshot,
            client,
            task: wish.cheapest,
            earliestMs: Math.max(now, notBeforeMs),
            latestMs: deadlineMs - leadMs,
          })
        : startTime({
            nowMs: now,
            notBeforeMs,
            deadlineMs,
            schedule: 'schedule' in wish ? wish.schedule : undefined,
            client: snapshot?.clients.get(client),
            spread: spreadOf(taskId),
          });
    const reference = create(wire.TaskReferenceSchema, { client, taskId });
    if (atMs > now) await queue.addAt(reference, priority, type, atMs);
    else await queue.add(reference, priority, type, `${client}.${taskId}${again}`);
    await store.messaged(client, taskId, atMs);
    return atMs;
  }

  /** The task with the rules on data that hold for it now: documents may be loosened before it runs. @throws {TasksError} */
  #withFloor(client: string, task: wire.Task): wire.Task {
    const snapshot = this.#deps.snapshots.current;
    if (!snapshot)
      throw new TasksError(wire.FailureCode.UNAVAILABLE, 'the registry has published no documents yet; try again');
    const named = this.#named(snapshot, client, task);
    return { ...named, floor: requirementToWire(requirementOf(snapshot, factsOfTask(client, named))) };
  }

  /** The task with the slug of its project. @throws {TasksError} */
  #named(snapshot: Snapshot, client: string, task: wire.Task): wire.Task {
    const { project, reflex } = task;
    const { refusals } = this.#deps;
    const who = resolveCaller(snapshot, { client, project, reflex }, { clientOfProject: false });
    if ('rule' in who) throw new TasksError(...refusals(who));
    if (who.client !== client) throw new TasksError(...refusals(unknownClient(client)));
    return { ...task, project: who.project ?? '' };
  }

  #read(request: wire.SubmitRequest, nowMs: number): { task: wire.Task; wish: StartWish } {
    const { task, idempotencyKey, defer, notBeforeUnixMs } = request;
    if (!task) throw invalid('task is missing');
    const taskId = task.taskId === '' ? newId() : task.taskId;
    if (!isOpaqueId(taskId)) throw invalid(`task id ${quote(taskId)} must be 1 to 64 of A-Z a-z 0-9 _ -`);
    if (!slugPattern.test(task.type)) throw invalid(`type ${quote(task.type)} must match ${slugPattern.source}`);
    if (idempotencyKey.length > maxKey) throw invalid(`idempotency key must have at most ${maxKey} characters`);
    if (task.input.length > sizes.inputBytes)
      throw new TasksError(
        wire.FailureCode.TOO_LARGE,
        `input of ${task.input.length} bytes exceeds ${sizes.inputBytes}`,
      );
    const deadline = task.deadlineUnixMs === 0n ? nowMs + defaultDeadlineMs : Number(task.deadlineUnixMs);
    if (deadline <= nowMs || deadline > nowMs + maxDeadlineMs)
      throw invalid(`deadline ${instant(deadline)} must lie within the next ${maxDeadlineMs / 86_400_000} days`);
    if (Number(notBeforeUnixMs) >= deadline)
      throw invalid(`not_before ${instant(Number(notBeforeUnixMs))} must lie before the deadline ${instant(deadline)}`);
    const { highPriority: _said, ...rest } = task;
    const priority = priorityOf(task);
    const accepted: wire.Task = { ...rest, taskId, priority, deadlineUnixMs: BigInt(Math.floor(deadline)) };
    return { task: accepted, wish: this.#wish(defer, accepted) };
  }

  /** A schedule of that name counts before the word. */
  #wish(defer: string, task: wire.Task): StartWish {
    const isSchedule = this.#deps.snapshots.current?.schedules.has(slugOf(defer)) ?? false;
    if (defer === 'cheapest' && !isSchedule) return { cheapest: task };
    return { schedule: defer === '' ? undefined : this.#schedule(defer) };
  }

  #schedule(name: string): ScheduleDocument {
    const schedules = this.#deps.snapshots.current?.schedules;
    const found = schedules?.get(slugOf(name));
    if (found) return found;
    const known = [...(schedules?.keys() ?? [])].join(', ') || 'none is stated';
    throw invalid(`defer ${quote(name)} must be cheapest or name a schedule: ${known}`);
  }

  async #mustKnow({ client, projects = [] }: Owner, taskId: string): Promise<StoredTask> {
    const task = isOpaqueId(taskId) ? await this.#deps.store.get(client, taskId) : undefined;
    if (!task || (projects.length > 0 && !projects.includes(task.project))) throw unknownTask(client, taskId);
    return task;
  }

  async #expireIfDue(task: StoredTask): Promise<StoredTask> {
    if (task.state !== 'waiting' || task.deadlineMs > this.#deps.nowMs()) return task;
    return this.#endBy(task, 'expired', expiredFailure());
  }

  async #endBy(task: StoredTask, state: 'cancelled' | 'expired', failure: wire.Failure): Promise<StoredTask> {
    const { store, nowMs } = this.#deps;
    const { client, taskId } = task;
    const claim = await store.claim(client, taskId);
    if (claim.kind === 'unknown') return task;
    if (claim.kind === 'finished') {
      // The one that ended it may have died before it could tell the end.
      await publishEnd(this.#deps, claim.task);
      return claim.task;
    }
    const { fence } = claim.task;
    const ended = await store.finish({
      client,
      taskId,
      fence,
      state,
      result: outcomeBytes({ failure }),
      atMs: nowMs(),
    });
    const now = ended.kind === 'unknown' ? task : ended.task;
    if (isTerminal(now.state)) await publishEnd(this.#deps, now);
    return now;
  }

  #nextWord(client: string, taskId: string, waitMs: number): [Promise<void>, () => void] {
    const key = `${client} ${taskId}`;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(resolve));
    const timer = setTimeout(resolve, waitMs);
    const stop = (): void => {
      clearTimeout(timer);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(key);
    };
    return [promise, stop];
  }
}

export const expiredFailure = (): wire.Failure =>
  create(wire.FailureSchema, {
    code: wire.FailureCode.DEADLINE,
    message: 'the deadline passed before it could be done',
  });

/** What was submitted, but for what differs when the same is submitted again. */
function hashOf(request: wire.SubmitRequest): string {
  const task = request.task && { ...request.task, taskId: '', deadlineUnixMs: 0n };
  const bytes = toBinary(wire.SubmitRequestSchema, {
    ...request,
    idempotencyKey: '',
    traceparent: '',
    ...(task && { task }),
  });
  return createHash('sha256').update(bytes).digest('hex');
}

/** The same for the same task: where in the first part of a window it starts. */
const spreadOf = (taskId: string): number => createHash('sha256').update(taskId).digest().readUInt32BE(0) / 2 ** 32;

/** @throws {TasksError} it is stated in two ways that contradict each other. */
function priorityOf(task: wire.Task): wire.Priority {
  const stated = priorityOfTask(task);
  if (stated === 'conflict')
    throw invalid(priorityConflict(priorityFromWire(task.priority), task.highPriority === true));
  return priorityToWire(stated ?? 'background');
}

const invalid = (message: string): TasksError => new TasksError(wire.FailureCode.INVALID_TASK, message);
const unknownTask = (client: string, taskId: string): TasksError =>
  new TasksError(wire.FailureCode.UNKNOWN_TASK, `task ${quote(taskId)} is not known of client ${client}`);

/** @returns why it is dead. @throws {TasksError} it is not, or nothing is left to run. */
function mustBeDead({ taskId, state, deadReason, body }: StoredTask): string {
  if (deadReason === undefined)
    throw invalid(`task ${quote(taskId)} is ${state} and no dead letter; only dead letters can be requeued`);
  if (body.length === 0)
    throw invalid(`task ${quote(taskId)} cannot be requeued: what it asked was kept for 24 hours after its end`);
  return deadReason;
}
const instant = (ms: number): string => (Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : `${ms}`);

/** The task as it was submitted. */
export const submittedTask = (stored: StoredTask): wire.Task => submissionOf(stored).task;

/** The same, with the trace that it was submitted in. */
export function submissionOf({ body }: StoredTask): { readonly task: wire.Task; readonly traceparent: string } {
  const { task = create(wire.TaskSchema), traceparent } = fromBinary(wire.SubmitRequestSchema, body);
  return { task, traceparent };
}

/** Publishes the end of a task that has ended, and notes it; once more does nothing. */
export async function publishEnd(
  { store, queue }: Pick<TasksDeps, 'store' | 'queue'>,
  task: StoredTask,
): Promise<void> {
  await queue.publishResult(durableTask(task, Number(task.finishedAtMs ?? 0)));
  await store.published(task.client, task.taskId);
}
