import { createHash } from 'node:crypto';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  create,
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
  quote,
  requirementOf,
  resolveCaller,
  type ScheduleDocument,
  slugOf,
  slugPattern,
  type Snapshot,
  unknownClient,
} from '@will/core';
import type { StoredTask } from '@will/store';
import type { TasksSnapshots } from './ports.ts';
import { factsOfTask } from './task-facts.ts';
import { invalid, TasksError } from './tasks-error.ts';

/** When to start: while a schedule is open, or when it costs least before its deadline. */
export type StartWish = { readonly schedule: ScheduleDocument | undefined } | { readonly cheapest: wire.Task };

const defaultDeadlineMs = 24 * 3_600_000;
const maxDeadlineMs = 31 * 24 * 3_600_000;
const maxKey = 200;

/** A submitted task as it is accepted, and when it wishes to start. */
export interface Submission {
  readonly task: wire.Task;
  readonly wish: StartWish;
}

/** Reads what callers submit, by the documents in force. */
export class Submissions {
  readonly #snapshots: TasksSnapshots;
  readonly #refusals: Refusals;

  constructor(snapshots: TasksSnapshots, refusals: Refusals) {
    this.#snapshots = snapshots;
    this.#refusals = refusals;
  }

  /** The task with the rules on data that hold for it now: documents may be loosened before it runs. @throws {TasksError} */
  withFloor(client: string, task: wire.Task): wire.Task {
    const snapshot = this.#snapshots.current;
    if (!snapshot)
      throw new TasksError(wire.FailureCode.UNAVAILABLE, 'the registry has published no documents yet; try again');
    const named = this.#named(snapshot, client, task);
    return { ...named, floor: requirementToWire(requirementOf(snapshot, factsOfTask(client, named))) };
  }

  /** The task with the slug of its project. @throws {TasksError} */
  #named(snapshot: Snapshot, client: string, task: wire.Task): wire.Task {
    const { project, reflex } = task;
    const refusals = this.#refusals;
    const who = resolveCaller(snapshot, { client, project, reflex }, { clientOfProject: false });
    if ('rule' in who) throw new TasksError(...refusals(who));
    if (who.client !== client) throw new TasksError(...refusals(unknownClient(client)));
    return { ...task, project: who.project ?? '' };
  }

  read(request: wire.SubmitRequest, nowMs: number): Submission {
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
    const isSchedule = this.#snapshots.current?.schedules.has(slugOf(defer)) ?? false;
    if (defer === 'cheapest' && !isSchedule) return { cheapest: task };
    return { schedule: defer === '' ? undefined : this.#schedule(defer) };
  }

  #schedule(name: string): ScheduleDocument {
    const schedules = this.#snapshots.current?.schedules;
    const found = schedules?.get(slugOf(name));
    if (found) return found;
    const known = [...(schedules?.keys() ?? [])].join(', ') || 'none is stated';
    throw invalid(`defer ${quote(name)} must be cheapest or name a schedule: ${known}`);
  }

  /** At once, where the schedule is not stated any more. */
  wishStill(defer: string, task: wire.Task | undefined): StartWish {
    try {
      return this.#wish(defer, task ?? create(wire.TaskSchema));
    } catch {
      return { schedule: undefined };
    }
  }
}

/** The digest of a submission, but for what differs when the same is submitted again. */
export function hashOf(request: wire.SubmitRequest): string {
  const task = request.task && { ...request.task, taskId: '', deadlineUnixMs: 0n };
  const bytes = toBinary(wire.SubmitRequestSchema, {
    ...request,
    idempotencyKey: '',
    traceparent: '',
    ...(task && { task }),
  });
  return createHash('sha256').update(bytes).digest('hex');
}

/** @throws {TasksError} it is stated in two ways that contradict each other. */
function priorityOf(task: wire.Task): wire.Priority {
  const stated = priorityOfTask(task);
  if (stated === 'conflict')
    throw invalid(priorityConflict(priorityFromWire(task.priority), task.highPriority === true));
  return priorityToWire(stated ?? 'background');
}

const instant = (ms: number): string => (Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : `${ms}`);

/** The task as it was submitted. */
export const submittedTask = (stored: StoredTask): wire.Task => submissionOf(stored).task;

/** The same, with the trace that it was submitted in. */
export function submissionOf({ body }: StoredTask): { readonly task: wire.Task; readonly traceparent: string } {
  const { task = create(wire.TaskSchema), traceparent } = fromBinary(wire.SubmitRequestSchema, body);
  return { task, traceparent };
}
