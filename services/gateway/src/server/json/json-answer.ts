import type { Explanation, StreamPart, TaskResult } from '@will/client';
import { errorFields, type HttpError, shownAttempt } from '../http/errors.ts';

/** A result in our own JSON. Amounts of money are nano-USD in a string, since they may exceed what a number holds. */
export function shownResult(result: TaskResult): Record<string, unknown> {
  const { usage, costNanoUsd } = result;
  return {
    task_id: result.taskId,
    outcome: result.outcome,
    model: result.model,
    model_name: result.modelName,
    output: result.output,
    ...(result.refusal !== undefined && { refusal: result.refusal }),
    ...(result.reasoning !== '' && { reasoning: result.reasoning }),
    ...(result.toolCalls !== '' && { tool_calls: JSON.parse(result.toolCalls) as unknown }),
    ...shownData(result),
    finish: result.finish,
    usage: usage
      ? {
          input_tokens: usage.inputTokens,
          output_tokens: usage.outputTokens,
          cached_input_tokens: usage.cachedInputTokens,
          reasoning_tokens: usage.reasoningTokens,
          estimated: usage.estimated,
        }
      : null,
    cost_nano_usd: costNanoUsd === undefined ? null : String(costNanoUsd),
    decision_id: result.decisionId,
    ...(result.notices && { notices: result.notices }),
    attempts: result.attempts.map(shownAttempt),
  };
}

/** One message of a stream: `started`, `delta`s, and one `end` or `error`. */
export function shownPart(part: StreamPart): Record<string, unknown> {
  if (part.kind === 'started')
    return { kind: 'started', model: part.model, model_name: part.modelName, decision_id: part.decisionId };
  if (part.kind === 'end') return { kind: 'end', result: shownResult(part.result) };
  const { text, refusal, reasoning, toolCalls } = part.delta;
  return {
    kind: 'delta',
    ...(text !== '' && { text }),
    ...(refusal !== undefined && { refusal }),
    ...(reasoning !== '' && { reasoning }),
    ...(toolCalls !== '' && { tool_calls: JSON.parse(toolCalls) as unknown }),
    ...shownData(part.delta),
  };
}

const shownData = ({ data, dataType }: { readonly data?: Uint8Array; readonly dataType?: string }) =>
  data === undefined ? {} : { data: Buffer.from(data).toString('base64'), data_type: dataType ?? '' };

/** An error as JSON on the bus shows it. */
export const shownError = (error: HttpError): Record<string, unknown> => ({
  error: { ...errorFields(error), status: error.status },
});

/** An explanation as JSON on the bus shows it. */
export const shownExplanation = ({ set, wouldChange }: Explanation): Record<string, unknown> => ({
  revision: set.revision,
  data_class: set.dataClass,
  candidates: set.candidates,
  exclusions: set.exclusions,
  notes: set.notes,
  would_change: wouldChange,
});
