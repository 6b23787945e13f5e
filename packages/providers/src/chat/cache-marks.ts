import { minPrefixTokensOf } from '@will/core';

type Fields = Readonly<Record<string, unknown>>;
const mark = { cache_control: { type: 'ephemeral' } };
const bytesPerToken = 4;
const callersMark = '"cache_control"';

/** True where a chat is marked here: it is long enough for the model's cache, and its caller set no marks. */
export const wantsMarks = (input: Uint8Array, providerModel: string): boolean =>
  input.length >= bytesPerToken * minPrefixTokensOf(providerModel) &&
  !Buffer.from(input.buffer, input.byteOffset, input.length).includes(callersMark);

/**
 * A chat in OpenAI's form with marks for a vendor's cache: after its tools, after its instructions, and at the ends of the
 * last two turns, so that the next call reads what this one wrote. Four marks are as many as a vendor takes.
 */
export function withCacheMarks<C extends { readonly messages: readonly object[] }>(chat: C): C {
  const { messages } = chat;
  const tools = (chat as { readonly tools?: readonly object[] | null }).tools ?? [];
  const marked = new Set([lastInstruction(messages), ...endsOfTurns(messages)]);
  return {
    ...chat,
    messages: messages.map((message, index) => (marked.has(index) ? markedMessage(message as Fields) : message)),
    ...(tools.length > 0 && {
      tools: tools.map((tool, index) => (index === tools.length - 1 ? { ...tool, ...mark } : tool)),
    }),
  };
}

const roleOf = (message: object | undefined): unknown => (message as Fields | undefined)?.['role'];
const isInstruction = (message: object): boolean => roleOf(message) === 'system' || roleOf(message) === 'developer';

/** Of those at the front; -1: there are none. */
function lastInstruction(messages: readonly object[]): number {
  const first = messages.findIndex((message) => !isInstruction(message));
  return (first === -1 ? messages.length : first) - 1;
}

/** The last message, and the last one before the last answer of the model. */
function endsOfTurns(messages: readonly object[]): readonly number[] {
  const answer = messages.findLastIndex((message) => roleOf(message) === 'assistant');
  return [messages.length - 1, answer - 1].filter((index) => {
    const role = roleOf(messages[index]);
    return role === 'user' || role === 'tool';
  });
}

function markedMessage(message: Fields): Fields {
  const { content } = message;
  if (typeof content === 'string')
    return content === '' ? message : { ...message, content: [{ type: 'text', text: content, ...mark }] };
  if (!Array.isArray(content) || content.length === 0) return message;
  const parts = content as readonly Fields[];
  return {
    ...message,
    content: parts.map((part, index) => (index === parts.length - 1 ? { ...part, ...mark } : part)),
  };
}
