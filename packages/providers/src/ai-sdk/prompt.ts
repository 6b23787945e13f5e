import type {
  JSONSchema7,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4ReasoningPart,
  LanguageModelV4TextPart,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider';
import type { SdkChatInput, SdkChatMessage, ShownPart } from './chat-input.ts';

type UserMessage = Extract<SdkChatMessage, { role: 'user' }>;
type AssistantMessage = Extract<SdkChatMessage, { role: 'assistant' }>;
type UserPart = Exclude<UserMessage['content'], string>[number];

/** Parts that the vendor gave with a tool call of an earlier answer, in the words of its package. */
export interface KeptParts {
  readonly before: readonly LanguageModelV4ReasoningPart[];
  readonly onCall?: SharedV4ProviderOptions;
}
/** Reads what stands beside a tool call. */
export type KeptReader = (call: unknown) => KeptParts;
const nothingKept: KeptReader = () => ({ before: [] });

/**
 * A chat in OpenAI's form as the AI SDK's providers take it. Instructions stand together at the front, since these
 * vendors know only one place for them. `passThrough` names what the model takes beside the known fields.
 * @throws {Error} something in it has no counterpart: arguments that are no JSON, an address that is none.
 */
export function callOptionsOf(
  input: SdkChatInput,
  passThrough: ReadonlySet<string> = new Set(),
  kept: KeptReader = nothingKept,
): Omit<LanguageModelV4CallOptions, 'abortSignal'> {
  return {
    prompt: promptOf(input.messages, kept),
    ...present('temperature', input.temperature),
    ...present('topP', input.top_p),
    ...present('frequencyPenalty', input.frequency_penalty),
    ...present('presencePenalty', input.presence_penalty),
    ...present('seed', input.seed),
    ...(passThrough.has('top_k') && present('topK', input.top_k)),
    ...present('reasoning', input.reasoning_effort === 'max' ? 'xhigh' : input.reasoning_effort),
    ...present('stopSequences', typeof input.stop === 'string' ? [input.stop] : input.stop),
    ...present('responseFormat', responseFormatOf(input.response_format)),
    ...(input.tools && input.tools.length > 0 && { tools: input.tools.map(toolOf) }),
    ...present('toolChoice', toolChoiceOf(input.tool_choice)),
  };
}

/** The field where it has a value: an absent one must not be `undefined`. */
function present<N extends string, V>(name: N, value: V | null | undefined): { [K in N]?: V } {
  return (value === undefined || value === null ? {} : { [name]: value }) as { [K in N]?: V };
}

function promptOf(messages: readonly SdkChatMessage[], kept: KeptReader): LanguageModelV4Message[] {
  const toolNames = new Map<string, string>();
  const prompt = instructionsOf(messages);
  for (const message of messages) {
    if (message.role === 'user') prompt.push({ role: 'user', content: userParts(message) });
    if (message.role === 'assistant') prompt.push(assistantMessage(message, toolNames, kept));
    if (message.role === 'tool') addToolResult(prompt, message, toolNames);
  }
  return prompt;
}

type TextPart = Extract<ShownPart, { type: 'text' }>;
type Instruction = Extract<SdkChatMessage, { role: 'system' | 'developer' }>;

/** All instructions as one; with hints for caches each part by itself, since a hint ends what is kept. */
function instructionsOf(messages: readonly SdkChatMessage[]): LanguageModelV4Message[] {
  const all = messages.filter(
    (message): message is Instruction => message.role === 'system' || message.role === 'developer',
  );
  const parts = all.flatMap(({ content }): readonly TextPart[] =>
    typeof content === 'string' ? [{ type: 'text', text: content }] : content,
  );
  if (parts.some(({ cache_control: hint }) => hint))
    return parts.map(({ text, cache_control: hint }) => ({ role: 'system', content: text, ...cached(hint) }));
  return all.length === 0 ? [] : [{ role: 'system', content: all.map(({ content }) => textOf(content)).join('\n\n') }];
}

/** The hint in the words of the one vendor that takes it; the others' packages do not look. */
const cached = (hint: ShownPart['cache_control']): { readonly providerOptions?: SharedV4ProviderOptions } =>
  hint ? { providerOptions: { anthropic: { cacheControl: hint as { type: string } } } } : {};

const textOf = (content: string | readonly { readonly text: string }[]): string =>
  typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');

const userParts = ({ content }: UserMessage): (LanguageModelV4TextPart | LanguageModelV4FilePart)[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content.map(userPart);

function userPart(part: UserPart): LanguageModelV4TextPart | LanguageModelV4FilePart {
  if (part.type !== 'input_audio') return shownPart(part);
  const { data, format } = part.input_audio;
  return { type: 'file', mediaType: `audio/${format === 'mp3' ? 'mpeg' : format}`, data: { type: 'data', data } };
}

const shownPart = (part: ShownPart): LanguageModelV4TextPart | LanguageModelV4FilePart => ({
  ...(part.type === 'text' ? { type: 'text' as const, text: part.text } : imagePart(part.image_url.url)),
  ...cached(part.cache_control),
});

function imagePart(url: string): LanguageModelV4FilePart {
  if (!/^data:[a-z]+\/[a-z0-9.+-]+;base64,/i.test(url)) return imageAt(new URL(url));
  const mediaType = url.slice('data:'.length, url.indexOf(';'));
  return { type: 'file', mediaType, data: { type: 'data', data: url.slice(url.indexOf(',') + 1) } };
}

const imageTypes: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['heic', 'image/heic'],
]);

/** Google wants to be told what it fetches, and only the address's ending can tell. */
const imageAt = (url: URL): LanguageModelV4FilePart => ({
  type: 'file',
  mediaType: imageTypes.get(/\.([a-z]+)$/i.exec(url.pathname)?.[1]?.toLowerCase() ?? '') ?? 'image/*',
  data: { type: 'url', url },
});

type AssistantParts = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'];

function assistantMessage(
  message: AssistantMessage,
  toolNames: Map<string, string>,
  kept: KeptReader,
): LanguageModelV4Message {
  const text = saidIn(message);
  const said: AssistantParts = text === '' ? [] : [{ type: 'text', text }];
  const content = (message.tool_calls ?? []).reduce<AssistantParts>((parts, call, index) => {
    const { id, function: called } = call;
    toolNames.set(id, called.name);
    const { before, onCall } = kept(call);
    const input: unknown = JSON.parse(called.arguments === '' ? '{}' : called.arguments);
    const own = { type: 'tool-call' as const, toolCallId: id, toolName: called.name, input };
    const made = onCall ? { ...own, providerOptions: onCall } : own;
    // A turn begins with its reasoning, also where it says something before its first call.
    return index === 0 ? [...before, ...parts, made] : [...parts, ...before, made];
  }, said);
  return { role: 'assistant', content };
}

/** Its text, or the words by which it refused in its place. */
function saidIn({ content, refusal }: AssistantMessage): string {
  if (!content || content.length === 0) return refusal ?? '';
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('\n');
}

/** Results of calls that were made at once belong into one message. */
function addToolResult(
  prompt: LanguageModelV4Message[],
  { tool_call_id: toolCallId, content }: Extract<SdkChatMessage, { role: 'tool' }>,
  toolNames: ReadonlyMap<string, string>,
): void {
  const toolName = toolNames.get(toolCallId);
  if (toolName === undefined) throw new Error('a tool result answers no call of this chat');
  const result: LanguageModelV4ToolResultPart = {
    type: 'tool-result',
    toolCallId,
    toolName,
    output: outputOf(content),
  };
  const last = prompt.at(-1);
  if (last?.role === 'tool') last.content.push(result);
  else prompt.push({ role: 'tool', content: [result] });
}

type ToolContent = Extract<SdkChatMessage, { role: 'tool' }>['content'];

/** Text alone is said as text; images and hints need parts. */
function outputOf(content: ToolContent): LanguageModelV4ToolResultPart['output'] {
  if (typeof content === 'string') return { type: 'text', value: content };
  const texts = content.filter((part): part is TextPart => part.type === 'text');
  if (texts.length === content.length && texts.every(({ cache_control: hint }) => !hint))
    return { type: 'text', value: textOf(texts) };
  return { type: 'content', value: content.map(shownPart) };
}

function responseFormatOf(format: SdkChatInput['response_format']): LanguageModelV4CallOptions['responseFormat'] {
  if (!format || format.type === 'text') return undefined;
  if (format.type === 'json_object') return { type: 'json' };
  const { name, description, schema } = format.json_schema;
  return {
    type: 'json',
    name,
    ...present('description', description),
    ...present('schema', schema as JSONSchema7 | null | undefined),
  };
}

const toolOf = ({
  cache_control: hint,
  function: { name, description, parameters, strict },
}: NonNullable<SdkChatInput['tools']>[number]) => ({
  type: 'function' as const,
  name,
  inputSchema: (parameters ?? { type: 'object', properties: {} }) as JSONSchema7,
  ...present('description', description),
  ...present('strict', strict),
  ...cached(hint),
});

function toolChoiceOf(choice: SdkChatInput['tool_choice']): LanguageModelV4CallOptions['toolChoice'] {
  if (!choice) return undefined;
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.function.name };
}
