import type { InputItem, InputMessage, ResponsesBody } from './responses-schema.ts';

/** The same request as a chat, with fields of its own left out. */
export function chatOfResponses(body: ResponsesBody): Record<string, unknown> {
  const { instructions, input, text, reasoning, tools, tool_choice: choice } = body;
  const messages = typeof input === 'string' ? [{ role: 'user', content: input }] : messagesOf(input);
  const fields = {
    model: body.model,
    messages: instructions === undefined ? messages : [{ role: 'system', content: instructions }, ...messages],
    stream: body.stream,
    max_completion_tokens: body.max_output_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    tools: tools?.map(({ type, ...described }) => ({ type, function: stated(described) })),
    tool_choice: typeof choice === 'object' ? { type: 'function', function: { name: choice.name } } : choice,
    parallel_tool_calls: body.parallel_tool_calls,
    response_format: formatOf(text?.format),
    reasoning_effort: reasoning?.effort,
    service_tier: body.service_tier,
    metadata: body.metadata,
  };
  return stated(fields);
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
  tool_calls?: object[];
  readonly tool_call_id?: string;
}

/** Calls stand beside messages there and inside the assistant's message here, so neighbours are put together. */
function messagesOf(items: readonly InputItem[]): ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const item of items) {
    if (item.type === 'reasoning') continue;
    if (item.type === 'function_call') addCall(messages, item);
    else if (item.type === 'function_call_output')
      messages.push({ role: 'tool', tool_call_id: item.call_id as string, content: outputOf(item.output) });
    else messages.push(messageOf(item as InputMessage));
  }
  return messages;
}

function addCall(messages: ChatMessage[], item: InputItem): void {
  const { call_id: id, name, arguments: given } = item as Extract<InputItem, { type: 'function_call' }>;
  const call = { id, type: 'function', function: { name, arguments: given } };
  const last = messages.at(-1);
  if (last?.role !== 'assistant') return void messages.push({ role: 'assistant', content: null, tool_calls: [call] });
  last.tool_calls = [...(last.tool_calls ?? []), call];
}

const outputOf = (output: unknown): unknown =>
  typeof output === 'string' ? output : (output as { text: string }[]).map(({ text }) => ({ type: 'text', text }));

function messageOf({ role, content }: InputMessage): ChatMessage {
  if (typeof content === 'string') return { role, content };
  return {
    role,
    content: content.map((part) => {
      if (part.type === 'refusal') return part;
      if (part.type !== 'input_image') return { type: 'text', text: part.text };
      return { type: 'image_url', image_url: stated({ url: part.image_url, detail: part.detail }) };
    }),
  };
}
