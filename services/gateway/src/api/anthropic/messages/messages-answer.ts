import type { TaskResult } from '@will/client';
import type { wire } from '@will/contracts';
import { errorFields, type HttpError } from '../../../server/http/errors.ts';
import { finishWith } from '../../../canonical/text/dialect.ts';
import { sealedIn } from '../../../canonical/text/sealed-reasoning.ts';

const stopReasons: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
};

/** Anthropic's word for why an answer ended; one that it has no word for counts as its usual end. */
export const stopReason = ({ finish, refusal }: TaskResult, hasCalls: boolean): string =>
  refusal !== undefined ? 'refusal' : (stopReasons[finishWith(finish, hasCalls)] ?? 'end_turn');

/** Anthropic's usage: tokens read from a cache and written to it stand beside the input's, not among them. */
export const shownUsage = (usage: wire.Usage | undefined): Record<string, unknown> => ({
  input_tokens: Math.max(
    0,
    (usage?.inputTokens ?? 0) - (usage?.cachedInputTokens ?? 0) - (usage?.cacheWriteTokens ?? 0),
  ),
  cache_creation_input_tokens: usage?.cacheWriteTokens ?? 0,
  cache_read_input_tokens: usage?.cachedInputTokens ?? 0,
  output_tokens: usage?.outputTokens ?? 0,
});

/** The id of a message in Anthropic's form. */
export const messageId = (taskId: string): string => `msg_${taskId}`;

/** A tool call in Anthropic's form. */
export interface MessagesToolCall {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

/** The message as it is before its content. */
export const emptyMessage = (taskId: string, model: string): Record<string, unknown> => ({
  id: messageId(taskId),
  type: 'message',
  role: 'assistant',
  model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: shownUsage(undefined),
});

/** The whole answer in Anthropic's form. `model` is the slug of what really answered. */
export function messagesAnswer(result: TaskResult): string {
  const { taskId, model, reasoning, refusal = '', toolCalls, usage } = result;
  // It has no place for a refusal but the text; its reason to stop tells it.
  const output = result.output + refusal;
  const calls = toolCalls === '' ? [] : (JSON.parse(toolCalls) as MessagesToolCall[]);
  const content = [
    ...(reasoning === '' ? [] : [{ type: 'thinking', thinking: reasoning, signature: '' }]),
    ...(output === '' && calls.length > 0 ? [] : [{ type: 'text', text: output }]),
    ...calls.flatMap((call) => [...redactedThinking(call), toolUse(call)]),
  ];
  const stop = { stop_reason: stopReason(result, calls.length > 0), usage: shownUsage(usage) };
  return JSON.stringify({ ...emptyMessage(taskId, model), content, ...stop });
}

/**
 * The opaque thinking that the model must see again before its call: the form has a block for what only a vendor can
 * read.
 */
export function redactedThinking(call: object): readonly object[] {
  const data = sealedIn(call);
  return data === undefined ? [] : [{ type: 'redacted_thinking', data }];
}

const toolUse = ({ id, function: { name, arguments: given } }: MessagesToolCall): object => ({
  type: 'tool_use',
  id,
  name,
  input: parsedArguments(given),
});

/** A model may write arguments that are no JSON object; the form has no other place for them than a field. */
function parsedArguments(given: string): object {
  try {
    const parsed: unknown = JSON.parse(given === '' ? '{}' : given);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Told below.
  }
  return { invalid_arguments: given };
}

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** Anthropic's libraries know an input that is too long by these words. */
const messageOf = ({ code, message }: HttpError): string =>
  code === 'context_length_exceeded' ? `prompt is too long: ${message}` : message;

/** The body that Anthropic's libraries understand, with what else is known beside their fields. */
export function messagesErrorBody(error: HttpError): string {
  const type = types[error.status] ?? (error.status < 500 ? 'invalid_request_error' : 'api_error');
  const taskId = error.more['task_id'];
  return JSON.stringify({
    type: 'error',
    error: { ...errorFields(error), message: messageOf(error), type },
    request_id: typeof taskId === 'string' ? taskId : null,
  });
}
