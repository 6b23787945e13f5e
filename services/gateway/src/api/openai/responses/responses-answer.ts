import type { TaskResult } from '@will/client';
import type { wire } from '@will/contracts';
import { type AnswerFor, finishBeside } from '../../../canonical/text/dialect.ts';
import { sealedIn } from '../../../canonical/text/sealed-reasoning.ts';
import { inputOfCustom } from './custom-tools.ts';
import { customNames, type ResponsesBody } from './responses-schema.ts';
import { sealedId } from './sealed-items.ts';

/** Ids of the items of one answer, and what becomes of those that later requests may refer to. */
export interface ItemIds {
  next(kind: ItemKind, index: number): string;
  /** Told of an item that is complete. */
  keep(item: ShownItem): void;
}

/** An item of a response's output. */
export interface ShownItem {
  readonly id: string;
  readonly type: 'message' | 'reasoning' | 'function_call' | 'custom_tool_call';
  readonly [field: string]: unknown;
}

/** The prefix of an item's id, which says what it is. */
export type ItemKind = 'msg' | 'rs' | 'fc' | 'ctc';

/** The id of a response. */
export const responseId = (taskId: string): string => `resp_${taskId}`;
/** The id of an item of a response. */
export const itemId = (kind: ItemKind, taskId: string, index: number): string => `${kind}_${taskId}_${index}`;

/** A part of a message that is text. */
export const textPart = (text: string): object => ({ type: 'output_text', text, annotations: [], logprobs: [] });

/** A part of a message that refuses. */
export const refusalPart = (refusal: string): object => ({ type: 'refusal', refusal });

/** A message of one part; undefined: it is still to come. */
export const messageItem = (id: string, part: object | undefined, status: string): ShownItem => ({
  id,
  type: 'message',
  role: 'assistant',
  status,
  content: part === undefined ? [] : [part],
});

/** An item of reasoning. */
export const reasoningItem = (id: string, text: string | undefined, status: string): ShownItem => ({
  id,
  type: 'reasoning',
  summary: [],
  content: text === undefined ? [] : [{ type: 'reasoning_text', text }],
  status,
});

/** Reasoning that only its model can read. */
export const encryptedItem = (id: string, encrypted: string): ShownItem => ({
  id,
  type: 'reasoning',
  summary: [],
  encrypted_content: encrypted,
});

/** True of a request for reasoning that it can send back. */
export const wantsEncrypted = ({ include }: Readonly<Record<string, unknown>>): boolean =>
  Array.isArray(include) && include.includes('reasoning.encrypted_content');

/** A tool call of a response. */
export interface ResponsesToolCall {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

/** An item that calls a function. */
export const callItem = (
  id: string,
  { id: callId, function: called }: ResponsesToolCall,
  status: string,
): ShownItem => ({
  id,
  type: 'function_call',
  call_id: callId,
  name: called.name,
  arguments: called.arguments,
  status,
});

/** An item that calls a custom tool. */
export const customCallItem = (
  id: string,
  { id: callId, function: called }: ResponsesToolCall,
  status: string,
): ShownItem => ({
  id,
  type: 'custom_tool_call',
  call_id: callId,
  name: called.name,
  input: inputOfCustom(called.arguments),
  status,
});

const shownUsage = (usage: wire.Usage): object => ({
  input_tokens: usage.inputTokens,
  input_tokens_details: { cached_tokens: usage.cachedInputTokens },
  output_tokens: usage.outputTokens,
  output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  total_tokens: usage.inputTokens + usage.outputTokens,
});

const incomplete: Readonly<Record<string, string>> = { length: 'max_output_tokens', content_filter: 'content_filter' };

/** OpenAI's response object; without a result it is still being made. `model` is the slug of what really answers. */
export function shownResponse(
  body: ResponsesBody,
  { taskId, createdUnixSeconds }: AnswerFor,
  model: string,
  output: readonly ShownItem[],
  result?: TaskResult,
): Record<string, unknown> {
  const reason = result && incomplete[finishBeside(result)];
  return {
    id: responseId(taskId),
    object: 'response',
    created_at: createdUnixSeconds,
    status: result === undefined ? 'in_progress' : reason === undefined ? 'completed' : 'incomplete',
    background: false,
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    model,
    output,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: body.temperature ?? null,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: (body.tools ?? []).map((tool) =>
      tool.type === 'function' ? { description: null, parameters: null, strict: null, ...tool } : tool,
    ),
    top_p: body.top_p ?? null,
    truncation: 'disabled',
    // Where it is not known it is not there: OpenAI's schema has no null for it.
    ...(result?.usage && { usage: shownUsage(result.usage) }),
  };
}

/**
 * Everything that a whole answer holds, in the order it was made. A message's id holds its text: see {@link sealedId}.
 * Calls are kept as `ids` says.
 */
export function itemsOf(
  body: ResponsesBody,
  { taskId, reasoning, output, refusal, toolCalls }: TaskResult,
  ids: ItemIds,
  isEncryptedWanted: boolean,
): readonly ShownItem[] {
  const custom = customNames(body);
  const calls = toolCalls === '' ? [] : (JSON.parse(toolCalls) as ResponsesToolCall[]);
  const items: ShownItem[] = [];
  if (reasoning !== '') items.push(reasoningItem(itemId('rs', taskId, items.length), reasoning, 'completed'));
  if (output !== '' || (calls.length === 0 && refusal === undefined))
    items.push(messageItem(sealedId(output) ?? itemId('msg', taskId, items.length), textPart(output), 'completed'));
  if (refusal !== undefined)
    items.push(
      messageItem(sealedId(refusal) ?? itemId('msg', taskId, items.length), refusalPart(refusal), 'completed'),
    );
  for (const call of calls) {
    const encrypted = isEncryptedWanted ? sealedIn(call) : undefined;
    if (encrypted !== undefined) items.push(encryptedItem(itemId('rs', taskId, items.length), encrypted));
    const item = custom.has(call.function.name)
      ? customCallItem(ids.next('ctc', items.length), call, 'completed')
      : callItem(ids.next('fc', items.length), call, 'completed');
    ids.keep(item);
    items.push(item);
  }
  return items;
}
