import { status } from '@grpc/grpc-js';
import { endOf, requestOf, type StreamPart, type TaskClient, TaskError, type TaskRequest } from '@will/client';
import { mustBeSame, newId, taskWithAttributes, type wire, withAttributes } from '@will/contracts';
import { type Attributes, defaultClient, maxTimeoutMs, nameKey, type Snapshot } from '@will/core';
import type { Admission } from '../../admission/admission.ts';
import { HttpError } from '../http/errors.ts';
import { readTaskChat } from '../json/json-task.ts';
import { identity } from '../../auth/keys/identity.ts';
import { lifetimeHeaders } from '../../canonical/text/model-headers.ts';
import type { Backends } from '../../ports.ts';
import { readiness } from '../readiness.ts';
import type { UnderWay } from '../../admission/under-way.ts';
import { clientIn, understood } from './call-attributes.ts';
import { GrpcError } from './grpc-error.ts';
import { type GrpcCall, type Methods, whenLeft } from './serve-methods.ts';

/** Ports of the task service. */
export interface TaskServiceOptions {
  readonly backends: Backends;
  readonly admission: Admission;
  readonly underWay: UnderWay;
  readonly nowMs: () => number;
}

/** `will.v1.TaskService`. */
export function taskService({
  backends,
  admission,
  underWay,
  nowMs,
}: TaskServiceOptions): Methods<typeof wire.TaskService> {
  const started = async <T>(named: string, use: (client: TaskClient) => Promise<T>): Promise<T> => {
    const { client } = backends;
    if (!client) throw new GrpcError(status.UNAVAILABLE, readiness(backends).reason ?? 'the gateway is starting');
    const asking = identity()?.client ?? nameKey(named === '' ? defaultClient : named);
    if (!admission.enter(asking))
      throw new TaskError('overloaded', admission.whyFull(asking) ?? 'there is no room for more tasks', {
        taskId: '',
        isRetryable: true,
        retryAfterMs: admission.retryAfterMs(asking),
      });
    try {
      return await use(client);
    } finally {
      admission.leave(asking);
    }
  };
  return {
    run: (request, call) =>
      started(clientIn(request.client, call.attributes()), async (client) => {
        const task = taskOf(request, call, nowMs());
        const result = await underWay.run(whenLeft(call), (signal) =>
          client.start({ ...task, signal }, false, () => {}),
        );
        tellLifetime(call, backends.snapshot, result.model);
        return { taskId: result.taskId, end: endOf(result, true) };
      }),
    stream: (request, call, send) =>
      started(clientIn(request.client, call.attributes()), async (client) => {
        const task = taskOf(request, call, nowMs());
        const taskId = task.taskId as string;
        let hasContent = false;
        const onPart = (part: StreamPart): void => {
          if (part.kind === 'started') {
            tellLifetime(call, backends.snapshot, part.model);
            send({ taskId, part: { case: 'started', value: startedOf(part) } });
          }
          if (part.kind !== 'delta') return;
          hasContent = true;
          const { toolCalls, ...rest } = part.delta;
          send({ taskId, part: { case: 'delta', value: { ...rest, toolCalls: encoder.encode(toolCalls) } } });
        };
        const result = await underWay.run(whenLeft(call), (signal) => client.start({ ...task, signal }, true, onPart));
        send({ taskId, part: { case: 'end', value: endOf(result, !hasContent) } });
      }),
    async explain({ facts: inMessage, atUnixMs }, call) {
      const { queries } = backends;
      if (!queries) throw new GrpcError(status.UNAVAILABLE, 'NATS is not connected');
      if (!inMessage) throw new GrpcError(status.INVALID_ARGUMENT, 'facts are missing');
      const facts = factsIn(inMessage, call.attributes());
      const { set, wouldChange, error, retryable } = await queries.explain({ facts, atUnixMs });
      if (error !== '' || !set)
        throw new GrpcError(
          retryable ? status.UNAVAILABLE : status.INVALID_ARGUMENT,
          error || 'policy answered nothing',
        );
      return { set, wouldChange };
    },
  };
}

const encoder = new TextEncoder();

/** Metadata where the model's document says when it is deprecated or retires. */
function tellLifetime(call: GrpcCall, snapshot: Snapshot | undefined, model: string): void {
  const headers = lifetimeHeaders(snapshot?.models.get(model));
  if (headers.length > 0) call.tell(headers);
}

const startedOf = ({ notices = [], ...started }: Extract<StreamPart, { kind: 'started' }>) => ({
  ...started,
  notices: [...notices],
});

/** The caller's words as a task. @throws {GrpcError} INVALID_ARGUMENT, DEADLINE_EXCEEDED */
function taskOf(request: wire.RunRequest | wire.StreamRequest, call: GrpcCall, nowMs: number): TaskRequest {
  if (!request.task) throw new GrpcError(status.INVALID_ARGUMENT, 'task is missing');
  const attributes = call.attributes();
  const client = clientIn(request.client, attributes);
  const task = understood(taskWithAttributes(request.task, client, attributes, nowMs));
  return {
    ...requestOf(task),
    ...(client !== '' && { client }),
    taskId: task.taskId === '' ? newId() : task.taskId,
    input: inputOf(request, task),
    ...timeoutOf(task, call, nowMs),
  };
}

/** @throws {GrpcError} INVALID_ARGUMENT */
function factsIn(facts: wire.Facts, attributes: Attributes): wire.Facts {
  const problem = mustBeSame('task_type', facts.taskType, attributes.task_type);
  const client = clientIn(facts.client, attributes);
  return understood(problem ? { problem } : withAttributes({ ...facts, client }, attributes));
}

function inputOf(request: wire.RunRequest | wire.StreamRequest, task: wire.Task): string | Uint8Array {
  const stated = [request.prompt, request.inputJson, task.input].filter((input) => input.length > 0);
  const [input] = stated;
  if (stated.length !== 1 || input === undefined)
    throw new GrpcError(
      status.INVALID_ARGUMENT,
      `${stated.length} of prompt, input_json and task.input are there; exactly one must be`,
    );
  if (request.inputJson === '') return input;
  checkChat(request.inputJson, task.inputKind);
  return encoder.encode(request.inputJson);
}

/** What is no chat is the caller's mistake, told before a model is asked. @throws {GrpcError} INVALID_ARGUMENT */
function checkChat(inputJson: string, inputKind: string): void {
  const invalid = (message: string): GrpcError => new GrpcError(status.INVALID_ARGUMENT, `input_json ${message}`);
  let chat: { readonly messages?: unknown } | null;
  try {
    chat = JSON.parse(inputJson) as typeof chat;
  } catch {
    throw invalid('is not valid JSON');
  }
  if (typeof chat !== 'object' || chat === null || Array.isArray(chat)) throw invalid('must be a JSON object');
  const isChat = inputKind === '' || inputKind === 'chat';
  if (isChat && !(Array.isArray(chat.messages) && chat.messages.length > 0))
    throw invalid('must have at least one message in messages');
  if (isChat) asCallersMistake(() => readTaskChat(chat as Record<string, unknown>));
}

/** @throws {GrpcError} INVALID_ARGUMENT: what HTTP refuses as well */
function asCallersMistake(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw error instanceof HttpError ? new GrpcError(status.INVALID_ARGUMENT, error.message) : error;
  }
}

/** The earlier deadline of the call and the task counts; without one the router sets it. */
function timeoutOf(task: wire.Task, { deadlineUnixMs }: GrpcCall, nowMs: number): { readonly timeoutMs?: number } {
  const own = task.deadlineUnixMs === 0n ? Number.POSITIVE_INFINITY : Number(task.deadlineUnixMs);
  const earlier = Math.min(own, deadlineUnixMs);
  if (earlier === Number.POSITIVE_INFINITY) return {};
  const timeoutMs = earlier - nowMs;
  if (timeoutMs < 1) throw new GrpcError(status.DEADLINE_EXCEEDED, 'the deadline has passed');
  return { timeoutMs: Math.min(timeoutMs, maxTimeoutMs) };
}
