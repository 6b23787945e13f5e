import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { create, priorityToWire, wire } from '@will/contracts';
import type { StoredTask, TaskState } from '@will/store';

const states: Record<TaskState, wire.DurableState> = {
  waiting: wire.DurableState.WAITING,
  running: wire.DurableState.RUNNING,
  succeeded: wire.DurableState.SUCCEEDED,
  failed: wire.DurableState.FAILED,
  cancelled: wire.DurableState.CANCELLED,
  expired: wire.DurableState.EXPIRED,
};
const byNumber = new Map(Object.entries(states).map(([state, number]) => [number, state as TaskState]));

/** Undefined: none is stated, or one that is not known. */
export const stateFromWire = (state: wire.DurableState): TaskState | undefined => byNumber.get(state);

/** The outcome of a task, as it is stored. */
export type DurableOutcome = { readonly end: wire.End } | { readonly failure: wire.Failure };

export const outcomeBytes = (outcome: DurableOutcome): Uint8Array =>
  toBinary(wire.DurableTaskSchema, create(wire.DurableTaskSchema, outcome));

/** A stored task as callers see it. Lists leave out what it came to. */
export function durableTask(task: StoredTask, nowMs: number, { withOutcome = true } = {}): wire.DurableTask {
  const startsAtMs = startOf(task, nowMs);
  const outcome = withOutcome ? outcomeOf(task) : undefined;
  return create(wire.DurableTaskSchema, {
    taskId: task.taskId,
    client: task.client,
    type: task.type,
    project: task.project,
    priority: priorityToWire(task.priority),
    // The one that ran it gave it up until then: nobody has it.
    state: startsAtMs === 0 ? states[task.state] : wire.DurableState.WAITING,
    startsUnixMs: BigInt(Math.ceil(startsAtMs)),
    waitsFor: startsAtMs === 0 ? '' : (task.waitsFor ?? ''),
    createdUnixMs: BigInt(task.createdAtMs),
    deadlineUnixMs: BigInt(task.deadlineMs),
    finishedUnixMs: BigInt(task.finishedAtMs ?? 0),
    pickups: task.fence - task.idlePickups,
    idempotencyKey: task.idempotencyKey,
    deadReason: task.deadReason ?? '',
    ...(outcome?.end && { end: outcome.end }),
    ...(outcome?.failure && { failure: outcome.failure }),
  });
}

/** When a task that waits for its time, a worker or a limit goes into the queue; 0: it does not wait for that. */
const startOf = ({ state, messagedAtMs = 0 }: StoredTask, nowMs: number): number =>
  !isTerminal(state) && messagedAtMs > nowMs ? messagedAtMs : 0;

function outcomeOf({ taskId, state, result }: StoredTask): Pick<wire.DurableTask, 'end' | 'failure'> | undefined {
  if (result) return fromBinary(wire.DurableTaskSchema, result);
  if (!isTerminal(state)) return undefined;
  const message = `what task ${JSON.stringify(taskId)} came to was kept for 24 hours after its end`;
  return { end: undefined, failure: create(wire.FailureSchema, { code: wire.FailureCode.INVALID_TASK, message }) };
}

export const isTerminal = (state: TaskState): boolean => state !== 'waiting' && state !== 'running';
