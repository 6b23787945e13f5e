import { create, dataClassToWire, isOpaqueId, newId, priorityToWire, sizes, toBinary, wire } from '@will/contracts';
import { estimateChatTokens } from '@will/core';
import { TaskError, type TaskRequest } from './api.ts';

/** A task as it goes over the bus. */
export interface TaskMessage {
  readonly taskId: string;
  /** 0: the router sets it. */
  readonly deadlineUnixMs: number;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();

/** An input as bytes of its kind. */
export function inputBytes(input: TaskRequest['input']): Uint8Array {
  if (input instanceof Uint8Array) return input;
  return encoder.encode(
    JSON.stringify(typeof input === 'string' ? { messages: [{ role: 'user', content: input }] } : input),
  );
}

/** 0: the router estimates by the size. */
export const tokensOf = (input: TaskRequest['input'], bytes: number): number =>
  typeof input === 'string' || input instanceof Uint8Array ? 0 : estimateChatTokens(input.messages, bytes);

/** @throws {TaskError} 'invalid_task' */
export function checkTaskId(taskId: string): void {
  if (isOpaqueId(taskId)) return;
  const message = `task id ${JSON.stringify(taskId.slice(0, 80))} must be 1 to 64 of A-Z a-z 0-9 _ -`;
  throw new TaskError('invalid_task', message, { taskId });
}

/** The task as it goes on the bus. @throws {TaskError} 'invalid_task' or 'too_large', before anything is sent. */
export function taskMessage(request: TaskRequest, stream: boolean, nowMs: number): TaskMessage {
  const taskId = request.taskId ?? newId();
  checkTaskId(taskId);
  const input = inputBytes(request.input);
  if (input.length > sizes.inputBytes)
    throw new TaskError('too_large', `input of ${input.length} bytes exceeds ${sizes.inputBytes}`, { taskId });
  const deadlineUnixMs = deadlineOf(request.timeoutMs, nowMs);
  try {
    const task = taskOnWire(request, taskId, deadlineUnixMs, stream, input);
    return { taskId, deadlineUnixMs, bytes: toBinary(wire.TaskSchema, task) };
  } catch (cause) {
    throw new TaskError('invalid_task', `the task cannot be encoded: ${(cause as Error).message}`, { taskId, cause });
  }
}

/** UTC milliseconds; 0: the caller sets none, and the router does by the documents. */
export const deadlineOf = (timeoutMs: number | undefined, nowMs: number): number =>
  timeoutMs === undefined ? 0 : Math.floor(nowMs + timeoutMs);

/** The task itself, not yet checked. */
export function taskOnWire(
  request: TaskRequest,
  taskId: string,
  deadlineUnixMs: number,
  stream: boolean,
  input: Uint8Array,
): wire.Task {
  const priority = request.priority ?? (request.highPriority ? 'high' : undefined);
  return create(wire.TaskSchema, {
    taskId,
    type: request.type,
    project: request.project ?? '',
    reflex: request.reflex ?? '',
    // Left open where nobody says it, so that an attribute beside the task may.
    ...(priority !== undefined && { priority: priorityToWire(priority) }),
    dataClass: dataClassToWire(request.dataClass),
    model: request.model ?? '',
    unavailableModel: request.unavailableModel ?? '',
    maxOutputTokens: request.maxOutputTokens ?? 0,
    maxOutputIsExact: request.maxOutputIsExact ?? false,
    deadlineUnixMs: BigInt(deadlineUnixMs),
    stream,
    inputModalities: [...(request.inputModalities ?? [])],
    outputModalities: [...(request.outputModalities ?? [])],
    needs: [...(request.needs ?? [])],
    inputKind: request.inputKind ?? 'chat',
    input,
    inputTokens: request.inputTokens ?? tokensOf(request.input, input.length),
    ...(request.payload && { payload: request.payload }),
    firstTokenTimeoutMs: Math.ceil(request.firstTokenTimeoutMs ?? 0),
    idleTimeoutMs: Math.ceil(request.idleTimeoutMs ?? 0),
    ...(request.floor && { floor: request.floor }),
    ignoredFields: [...(request.ignoredFields ?? [])],
    session: request.session ?? '',
    costTags: Object.entries(request.costTags ?? {}).map(([key, value]) => `${key}=${value}`),
  });
}
