import { chatFields } from '@will/core';
import { keptItems } from '../chat/kept-reasoning.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * A chat as servers of OpenAI's form take it: only fields that they all know and those that `passThrough` names, images
 * of tool results behind the results, and hints for caches only where `passThrough` has `cache_control`. What `origin`
 * gave with its reasoning comes back to it; what others gave does not.
 */
export function chatBody(chat: Fields, passThrough: ReadonlySet<string>, origin: string): Fields {
  const isSent = (name: string): boolean => chatFields.has(name) || passThrough.has(name);
  const sent = Object.fromEntries(Object.entries(chat).filter(([name]) => isSent(name)));
  const takesHints = passThrough.has('cache_control');
  const messages = withImagesBehind(listOf(chat['messages'])).map((message) => withKept(message, origin));
  if (takesHints) return { ...sent, messages };
  const { cache_control: _whole, ...plain } = sent;
  return {
    ...plain,
    messages: messages.map(withoutHints),
    ...(Array.isArray(chat['tools']) && { tools: listOf(chat['tools']).map(withoutHint) }),
  };
}

const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);
const partsOf = (message: Fields): readonly Fields[] => listOf(message?.['content']);

/** An assistant's message with what was kept of the reasoning before its calls. */
function withKept(message: Fields, origin: string): Fields {
  const calls = listOf(message?.['tool_calls']);
  if (!calls.some((call) => Object.hasOwn(call, 'extra_content'))) return message;
  const thought: Record<string, string> = {};
  const plain = calls.map((call) => {
    const { extra_content: _sealed, ...kept } = call;
    const items = keptItems(call, origin);
    for (const { field, text } of items)
      if (typeof field === 'string') thought[field] = (thought[field] ?? '') + String(text);
    const extra = items.find((item) => item['extra'] !== undefined)?.['extra'];
    return extra === undefined ? kept : { ...kept, extra_content: extra };
  });
  return { ...message, ...thought, tool_calls: plain };
}

function withoutHint<T>(item: T): T {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, 'cache_control')) return item;
  const { cache_control: _hint, ...rest } = item as { readonly cache_control?: unknown };
  return rest as T;
}

function withoutHints(message: Fields): Fields {
  const parts = partsOf(message);
  const plain = parts.map(withoutHint);
  const isSame = plain.every((part, index) => part === parts[index]);
  return withoutHint(isSame ? message : { ...message, content: plain });
}

const isImage = (part: Fields): boolean => part?.['type'] === 'image_url';

/** This form has no images in results of tools: the user shows them, after the last result of the turn. */
function withImagesBehind(messages: readonly Fields[]): readonly Fields[] {
  if (!messages.some((message) => message?.['role'] === 'tool' && partsOf(message).some(isImage))) return messages;
  const all: Fields[] = [];
  let shown: Fields[] = [];
  const show = (): void => {
    if (shown.length > 0)
      all.push({ role: 'user', content: [{ type: 'text', text: 'Images of the tool results above:' }, ...shown] });
    shown = [];
  };
  for (const message of messages) {
    if (message?.['role'] !== 'tool') {
      show();
      all.push(message);
      continue;
    }
    const parts = partsOf(message);
    const images = parts.filter(isImage);
    shown.push(...images);
    all.push(images.length === 0 ? message : { ...message, content: textBeside(parts) });
  }
  show();
  return all;
}

/** What a result says beside its images. */
function textBeside(parts: readonly Fields[]): string {
  const texts = parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return texts.length > 0 ? texts.join('\n') : 'The result is the image below.';
}
