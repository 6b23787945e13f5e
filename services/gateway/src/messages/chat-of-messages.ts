import { stated } from '../responses/chat-of-responses.ts';
import type { MessagesBody } from './messages-schema.ts';

/** The same request as a chat, with fields of its own left out. */
export function chatOfMessages(body: MessagesBody): Record<string, unknown> {
  const { system, tools, tool_choice: choice, output_config: output } = body;
  const asked = body.messages.flatMap(messagesOf);
  const isNotParallel = choice !== undefined && choice.type !== 'none' && choice.disable_parallel_tool_use === true;
  return stated({
    model: body.model,
    messages:
      system === undefined || system.length === 0 ? asked : [{ role: 'system', content: textOf(system) }, ...asked],
    stream: body.stream,
    max_completion_tokens: body.max_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    stop: body.stop_sequences,
    tools: tools?.map(({ name, description, input_schema: parameters, strict }) => ({
      type: 'function',
      function: stated({ name, description, parameters, strict }),
    })),
    tool_choice: choice && choiceOf(choice),
    parallel_tool_calls: isNotParallel ? false : undefined,
    response_format: output?.format && {
      type: 'json_schema',
      json_schema: { name: 'answer', schema: output.format.schema, strict: true },
    },
    reasoning_effort: effortOf(body),
  });
}

function choiceOf(choice: NonNullable<MessagesBody['tool_choice']>): unknown {
  if (choice.type === 'tool') return { type: 'function', function: { name: choice.name } };
  return choice.type === 'any' ? 'required' : choice.type;
}

/** How hard to think: in words as stated, else by the budget for it, at the budgets usual for low and medium. */
function effortOf({ thinking, output_config: output }: MessagesBody): string | undefined {
  if (output?.effort) return output.effort === 'max' ? 'xhigh' : output.effort;
  if (thinking?.type !== 'enabled') return undefined;
  return thinking.budget_tokens <= 2_048 ? 'low' : thinking.budget_tokens <= 8_192 ? 'medium' : 'high';
}

type Message = MessagesBody['messages'][number];

const textOf = (content: string | readonly { readonly text: string }[]): unknown =>
  typeof content === 'string' ? content : content.map(({ text }) => ({ type: 'text', text }));

/** One turn here may be several messages there: results of tools are messages of their own, and come first. */
function messagesOf({ role, content }: Message): object[] {
  if (typeof content === 'string') return [{ role, content }];
  return role === 'user' ? fromUser(content) : [fromAssistant(content)];
}

type UserBlock = Exclude<Extract<Message, { role: 'user' }>['content'], string>[number];
type AssistantBlock = Exclude<Extract<Message, { role: 'assistant' }>['content'], string>[number];

function fromUser(blocks: readonly UserBlock[]): object[] {
  const results: object[] = [];
  const parts: object[] = [];
  for (const block of blocks) {
    if (block.type === 'tool_result')
      results.push({ role: 'tool', tool_call_id: block.tool_use_id, content: resultOf(block) });
    else if (block.type === 'text') parts.push({ type: 'text', text: block.text });
    else parts.push({ type: 'image_url', image_url: { url: urlOf(block.source) } });
  }
  return parts.length === 0 ? results : [...results, { role: 'user', content: parts }];
}

/** The chat form has no place to say that a tool failed, so the words say it. */
function resultOf({ content, is_error: isError }: Extract<UserBlock, { type: 'tool_result' }>): unknown {
  const said = typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join('\n');
  return isError === true ? `Error: ${said}` : said;
}

const urlOf = (source: Extract<UserBlock, { type: 'image' }>['source']): string =>
  source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`;

function fromAssistant(blocks: readonly AssistantBlock[]): object {
  const texts = blocks.flatMap((block) => (block.type === 'text' ? [{ type: 'text', text: block.text }] : []));
  const calls = blocks.flatMap((block) =>
    block.type === 'tool_use'
      ? [{ id: block.id, type: 'function', function: { name: block.name, arguments: JSON.stringify(block.input) } }]
      : [],
  );
  return { role: 'assistant', content: texts.length > 0 ? texts : '', ...(calls.length > 0 && { tool_calls: calls }) };
}
