import { stated } from '../../openai/responses/chat-of-responses.ts';
import { isSealedHere, sealedWith } from '../../../canonical/text/sealed-reasoning.ts';
import type { CountTokensBody, MessagesBody } from './messages-schema.ts';

/** The same request as a chat, with fields of its own left out. */
export function chatOfMessages(body: CountTokensBody & Partial<MessagesBody>): Record<string, unknown> {
  const { system, tool_choice: choice, output_config: output } = body;
  const instructions = system === undefined || system.length === 0 ? [] : [{ role: 'system', content: textOf(system) }];
  const isNotParallel = choice !== undefined && choice.type !== 'none' && choice.disable_parallel_tool_use === true;
  return stated({
    model: body.model,
    messages: withCacheAtTheEnd([...instructions, ...body.messages.flatMap(messagesOf)], body.cache_control),
    stream: body.stream,
    max_completion_tokens: body.max_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    stop: body.stop_sequences,
    tools: body.tools?.map(toolOf),
    tool_choice: choice && choiceOf(choice, body.tools ?? []),
    parallel_tool_calls: isNotParallel ? false : undefined,
    response_format: output?.format && {
      type: 'json_schema',
      json_schema: { name: 'answer', schema: output.format.schema, strict: true },
    },
    reasoning_effort: effortOf(body),
  });
}

/** The hint for the whole request is one for its last message. */
const withCacheAtTheEnd = (messages: object[], cache: unknown): object[] =>
  cache === undefined || cache === null
    ? messages
    : messages.map((message, index) =>
        index === messages.length - 1 ? { cache_control: cache, ...message } : message,
      );

type Tool = NonNullable<MessagesBody['tools']>[number];
type OwnTool = Extract<Tool, { input_schema: object }>;
const isOwn = (tool: Tool): tool is OwnTool =>
  (tool.type === undefined || tool.type === null || tool.type === 'custom') && 'input_schema' in tool;

function toolOf(tool: Tool): object {
  if (!isOwn(tool)) return { type: tool.type };
  const { name, description, input_schema: parameters, strict, cache_control } = tool;
  return stated({ type: 'function', function: stated({ name, description, parameters, strict }), cache_control });
}

function choiceOf(choice: NonNullable<MessagesBody['tool_choice']>, tools: readonly Tool[]): unknown {
  if (choice.type !== 'tool') return choice.type === 'any' ? 'required' : choice.type;
  const meant = tools.find(({ name }) => name === choice.name);
  if (meant && !isOwn(meant)) return { type: meant.type };
  return { type: 'function', function: { name: choice.name } };
}

/** How hard to think: in words as stated, else by the budget for it, at the budgets usual for low and medium. */
function effortOf({ thinking, output_config: output }: CountTokensBody): string | undefined {
  if (output?.effort) return output.effort;
  if (thinking?.type !== 'enabled' || !thinking.budget_tokens) return undefined;
  return thinking.budget_tokens <= 2_048 ? 'low' : thinking.budget_tokens <= 8_192 ? 'medium' : 'high';
}

type Message = MessagesBody['messages'][number];
type UserBlock = Exclude<Extract<Message, { role: 'user' }>['content'], string>[number];
type AssistantBlock = Exclude<Extract<Message, { role: 'assistant' }>['content'], string>[number];
type Block = UserBlock | AssistantBlock | ResultBlock;
type ResultBlock = Exclude<NonNullable<Extract<UserBlock, { type: 'tool_result' }>['content']>, string>[number];
type Shown = Exclude<ResultBlock, { type: 'tool_reference' }>;

const textOf = (content: string | readonly Extract<Block, { type: 'text' }>[]): unknown =>
  typeof content === 'string' ? content : content.flatMap(partsOf);

/** One turn here may be several messages there: results of tools are messages of their own, and come first. */
function messagesOf(message: Message): object[] {
  if (typeof message.content === 'string') return [{ role: message.role, content: message.content }];
  if (message.role === 'user') return fromUser(message.content);
  return message.role === 'system'
    ? [{ role: 'system', content: textOf(message.content) }]
    : [fromAssistant(message.content)];
}

function fromUser(blocks: readonly UserBlock[]): object[] {
  const results: object[] = [];
  const parts: object[] = [];
  for (const block of blocks) {
    if (block.type === 'tool_result') results.push(resultOf(block));
    else parts.push(...partsOf(block));
  }
  return parts.length === 0 ? results : [...results, { role: 'user', content: parts }];
}

/** What a block shows, as parts of a message. */
function partsOf(block: Shown): object[] {
  const { cache_control } = block;
  if (block.type === 'text') return [stated({ type: 'text', text: block.text, cache_control })];
  if (block.type === 'image')
    return [stated({ type: 'image_url', image_url: { url: urlOf(block.source) }, cache_control })];
  if (block.type === 'search_result') {
    const said = [block.title, block.source, ...block.content.map(({ text }) => text)];
    return [stated({ type: 'text', text: said.join('\n'), cache_control })];
  }
  const { source, title, context } = block;
  const head = [title, context].filter((line) => typeof line === 'string' && line !== '').join('\n');
  const before = head === '' ? [] : [{ type: 'text', text: head }];
  if (source.type === 'text') return [...before, stated({ type: 'text', text: source.data, cache_control })];
  if (typeof source.content === 'string')
    return [...before, stated({ type: 'text', text: source.content, cache_control })];
  return [...before, ...source.content.flatMap(partsOf)];
}

/** The chat form has no place to say that a tool failed, so the words say it. */
function resultOf(block: Extract<UserBlock, { type: 'tool_result' }>): object {
  const { content, is_error: isError, cache_control } = block;
  const failed = isError === true ? 'Error: ' : '';
  const message = { role: 'tool', tool_call_id: block.tool_use_id };
  if (typeof content === 'string' || !content)
    return stated({ ...message, content: failed + (content ?? ''), cache_control });
  const parts = content.flatMap((shown) =>
    shown.type === 'tool_reference' ? [{ type: 'text', text: shown.tool_name }] : partsOf(shown),
  );
  return stated({
    ...message,
    content: failed === '' ? parts : [{ type: 'text', text: 'Error:' }, ...parts],
    cache_control,
  });
}

const urlOf = (source: Extract<UserBlock, { type: 'image' }>['source']): string =>
  source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`;

/** What the block right before a call keeps for the model. */
const sealedBefore = (block: AssistantBlock | undefined): string | undefined =>
  block?.type === 'redacted_thinking' && isSealedHere(block['data']) ? block['data'] : undefined;

function fromAssistant(blocks: readonly AssistantBlock[]): object {
  const parts = blocks.flatMap((block) => (block.type === 'text' || block.type === 'image' ? partsOf(block) : []));
  const calls = blocks.flatMap((block, index) =>
    block.type === 'tool_use'
      ? [
          {
            id: block.id,
            type: 'function',
            function: { name: block.name, arguments: JSON.stringify(block.input ?? {}) },
            ...sealedWith(sealedBefore(blocks[index - 1])),
          },
        ]
      : [],
  );
  return { role: 'assistant', content: parts.length > 0 ? parts : '', ...(calls.length > 0 && { tool_calls: calls }) };
}
