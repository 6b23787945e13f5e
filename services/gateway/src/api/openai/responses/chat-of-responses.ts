import { argumentsOfCustom, functionOfCustom } from './custom-tools.ts';
import type { OwnItems } from './kept-items.ts';
import { invalid } from '../../../server/http/errors.ts';
import { type InputItem, type InputMessage, isCustom, type Reference, type ResponsesBody } from './responses-schema.ts';
import { isSealedHere, sealedWith } from '../../../canonical/text/sealed-reasoning.ts';
import { textInId } from './sealed-items.ts';

/** The same request as a chat, with fields of its own left out. */
export function chatOfResponses(body: ResponsesBody, kept: Pick<OwnItems, 'find'>): Record<string, unknown> {
  const { instructions, input, text, reasoning, tools, tool_choice: choice } = body;
  const messages = typeof input === 'string' ? [{ role: 'user', content: input }] : messagesOf(input, kept);
  const fields = {
    model: body.model,
    messages: instructions === undefined ? messages : [{ role: 'system', content: instructions }, ...messages],
    stream: body.stream,
    max_completion_tokens: body.max_output_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    tools: tools?.map(toolOf),
    tool_choice: choice && choiceOf(choice),
    parallel_tool_calls: body.parallel_tool_calls,
    response_format: formatOf(text?.format),
    reasoning_effort: reasoning?.effort,
    service_tier: body.service_tier,
    metadata: body.metadata,
    prompt_cache_key: body.prompt_cache_key,
    prompt_cache_retention: body.prompt_cache_retention,
    prompt_cache_options: body.prompt_cache_options,
  };
  return stated(fields);
}

function toolOf(tool: NonNullable<ResponsesBody['tools']>[number]): object {
  if (isCustom(tool)) return functionOfCustom(tool);
  const { type, ...described } = tool;
  return type === 'function' ? { type, function: stated(described) } : { type };
}

function choiceOf(choice: NonNullable<ResponsesBody['tool_choice']>): unknown {
  if (typeof choice === 'string') return choice;
  if (choice.type === 'function' || choice.type === 'custom')
    return { type: 'function', function: { name: choice['name'] } };
  const { type, ...allowed } = choice;
  return type === 'allowed_tools' ? { type, allowed_tools: allowed } : { type };
}

/** Without what is not stated. */
export const stated = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));

function formatOf(format: NonNullable<ResponsesBody['text']>['format']): object | undefined {
  if (format?.type !== 'json_schema') return format ?? undefined;
  const { type, ...described } = format;
  return { type, json_schema: stated(described) };
}

interface ChatMessage {
  readonly role: string;
  content?: unknown;
  tool_calls?: { readonly id: string }[];
  readonly tool_call_id?: string;
}

/** Calls stand beside messages there and inside the assistant's message here, so neighbours are put together. */
function messagesOf(items: readonly InputItem[], kept: Pick<OwnItems, 'find'>): ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const [index, said] of items.entries()) {
    const item = isReference(said) ? referredTo(said.id, index, kept) : said;
    if (item.type === 'reasoning' || item.type === 'web_search_call') continue;
    if (item.type === 'function_call') addCall(messages, item.call_id, item.name, item.arguments, items[index - 1]);
    else if (item.type === 'custom_tool_call')
      addCall(messages, item.call_id, item.name, argumentsOfCustom(item.input));
    else if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output')
      messages.push({
        role: 'tool',
        tool_call_id: item.call_id ?? lastCallIn(messages),
        content: contentOf(item.output),
      });
    else if (isMessage(item)) messages.push({ role: item.role, content: contentOf(item.content) });
  }
  if (messages.length === 0)
    throw invalid('input holds nothing that a model can be shown: send a message or the result of a tool', 'input');
  return messages;
}

const lastCallIn = (messages: readonly ChatMessage[]): string =>
  messages.flatMap(({ tool_calls: calls }) => calls ?? []).at(-1)?.id ?? '';

const isMessage = (item: InputItem): item is InputMessage => 'role' in item;
const isReference = (item: InputItem): item is Reference =>
  item.type === 'item_reference' || (!('role' in item) && 'id' in item && (item.type ?? '') === '');

/** `before` is the item before the call: it may keep what the model must see again. */
function addCall(messages: ChatMessage[], id: string, name: string, given: string, before?: InputItem): void {
  const call = { id, type: 'function', function: { name, arguments: given }, ...sealedWith(sealedIn(before)) };
  const last = messages.at(-1);
  if (last?.role !== 'assistant') return void messages.push({ role: 'assistant', content: null, tool_calls: [call] });
  last.tool_calls = [...(last.tool_calls ?? []), call];
}

const sealedIn = (item: InputItem | undefined): string | undefined =>
  item?.type === 'reasoning' && isSealedHere(item['encrypted_content']) ? item['encrypted_content'] : undefined;

/** An item of an earlier answer, which its own id holds, or this process. @throws {HttpError} 400 */
function referredTo(id: string, index: number, kept: Pick<OwnItems, 'find'>): Exclude<InputItem, Reference> {
  // Reasoning is not passed on, whether it is sent or referred to.
  if (id.startsWith('rs_')) return { type: 'reasoning' };
  const text = textInId(id);
  if (text !== undefined) return { role: 'assistant', content: text };
  const item = kept.find(id);
  if (item !== undefined) return item as Exclude<InputItem, Reference>;
  throw invalid(
    `input.${index}: the item ${JSON.stringify(id.slice(0, 80))} is not kept here; say store: false, so that the library sends items themselves, or send the item`,
    `input.${index}.id`,
  );
}

function contentOf(content: InputMessage['content']): unknown {
  if (typeof content === 'string') return content;
  const parts = content.map((part) => {
    if (part.type === 'refusal') return part;
    if (part.type !== 'input_image') return { type: 'text', text: part.text };
    return { type: 'image_url', image_url: stated({ url: part.image_url, detail: part.detail }) };
  });
  return parts.length === 0 ? '' : parts;
}
