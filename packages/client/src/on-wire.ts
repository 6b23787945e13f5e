import { create, dataClassFromWire, priorityFromWire, unavailableModelFromWire, wire } from '@will/contracts';
import { type Modality, splitCostTag } from '@will/core';
import type { TaskError, TaskRequest, TaskResult } from './api.ts';
import { dataOf } from './data.ts';
import { failureCodeOf } from './failure.ts';

const encoder = new TextEncoder();

/** A task as it came over a wire, as a request. Its words are checked by the router; here they only pass. */
export function requestOf(task: wire.Task): Omit<TaskRequest, 'timeoutMs' | 'signal'> {
  const dataClass = dataClassFromWire(task.dataClass);
  const unavailableModel = unavailableModelFromWire(task.unavailableModel);
  return {
    taskId: task.taskId,
    type: task.type,
    input: task.input,
    inputKind: task.inputKind === '' ? 'chat' : task.inputKind,
    maxOutputTokens: task.maxOutputTokens,
    maxOutputIsExact: task.maxOutputIsExact,
    inputModalities: task.inputModalities as Modality[],
    outputModalities: task.outputModalities as Modality[],
    needs: task.needs,
    ...(task.priority !== wire.Priority.UNSPECIFIED && { priority: priorityFromWire(task.priority) }),
    ...(task.highPriority !== undefined && { highPriority: task.highPriority }),
    ...(unavailableModel !== undefined && { unavailableModel }),
    ...(task.project !== '' && { project: task.project }),
    ...(task.reflex !== '' && { reflex: task.reflex }),
    ...(task.model !== '' && { model: task.model }),
    ...(dataClass !== undefined && { dataClass }),
    ...(task.floor && { floor: task.floor }),
    ...(task.firstTokenTimeoutMs > 0 && { firstTokenTimeoutMs: task.firstTokenTimeoutMs }),
    ...(task.costTags.length > 0 && { costTags: costTagsOf(task) }),
    ...(task.idleTimeoutMs > 0 && { idleTimeoutMs: task.idleTimeoutMs }),
  };
}

/** Words of a refusal as they stand in a result or a delta: nowhere where there are none. */
export const refusalOf = (refusal: string): Pick<TaskResult, 'refusal'> => (refusal === '' ? {} : { refusal });

/** The end of a task that was not streamed, as a result. */
export function resultOfEnd(taskId: string, end: wire.End): TaskResult {
  const { output, finish, usage, model, modelName, decisionId, attempts, costNanoUsd, notices } = end;
  return {
    taskId,
    outcome: 'Success',
    model,
    modelName,
    output: output?.text ?? '',
    ...refusalOf(output?.refusal ?? ''),
    reasoning: output?.reasoning ?? '',
    toolCalls: new TextDecoder().decode(output?.toolCalls),
    ...(output && dataOf(output)),
    finish,
    usage,
    costNanoUsd,
    attempts,
    decisionId,
    ...noticesOf(notices),
  };
}

/** Names what the task states and the router ignored; without `notices` where that is nothing. */
export const noticesOf = (notices: readonly string[]): Pick<TaskResult, 'notices'> =>
  notices.length === 0 ? {} : { notices };

/** A result as the end of a task on the wire. */
export function endOf(result: TaskResult, withOutput: boolean): wire.End {
  const {
    finish,
    usage,
    model,
    modelName,
    decisionId,
    attempts,
    costNanoUsd,
    output,
    refusal = '',
    reasoning,
    toolCalls,
    notices = [],
  } = result;
  const data = result.data === undefined ? {} : { data: result.data, dataType: result.dataType ?? '' };
  return create(wire.EndSchema, {
    finish,
    model,
    modelName,
    decisionId,
    attempts: [...attempts],
    notices: [...notices],
    ...(usage !== undefined && { usage }),
    ...(costNanoUsd !== undefined && { costNanoUsd }),
    ...(withOutput && { output: { text: output, refusal, reasoning, toolCalls: encoder.encode(toolCalls), ...data } }),
  });
}

/** A task's failure on the wire. */
export const failureOf = (error: TaskError): wire.Failure =>
  create(wire.FailureSchema, {
    code: failureCodeOf(error.code),
    message: error.message,
    retryable: error.isRetryable,
    retryAfterMs: error.retryAfterMs,
    decisionId: error.decisionId,
    attempts: [...error.attempts],
    exclusions: [...error.exclusions],
  });

const costTagsOf = ({ costTags }: wire.Task): Readonly<Record<string, string>> =>
  Object.fromEntries(costTags.map(splitCostTag).map(([key, value = '']) => [key, value]));
