import { chatFields } from '@will/core';
import { keptItems } from '../chat/kept-reasoning.ts';
import { detailsOf, type Fields } from '../chat/unreadable.ts';

/**
 * A chat as servers of OpenAI's form take it: only fields that they all know and those that `passThrough` names, images
 * of tool results behind the results, and hints for caches only where `passThrough` has `cache_control`. What `origin`
 * gave with its reasoning comes back to it; what others gave does not.
 */
export function chatBody(chat: Fields, passThrough: ReadonlySet<string>, origin: string): Fields {
  const isSent = (name: string): boolean => chatFields.has(name) || passThrough.has(name);
  const sent = Object.fromEntries(Object.entries(chat).filter(([name]) => isSent(name)));
  const messages = withImagesBehind(listOf(chat['messages'])).map((message) => withKept(message, origin));
  if (passThrough.has('cache_control')) return { ...sent, messages };
  const { tools } = sent;
  return {
    ...sent,
    messages: messages.map(withoutHints),
    ...(Array.isArray(tools) && { tools: tools.map(withoutHint) }),
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const partsOf = (message: unknown): readonly unknown[] => listOf(detailsOf(message)['content']);

/** An assistant's message with what was kept of the reasoning before its calls. */
function withKept(message: unknown, origin: string): unknown {
  const { tool_calls, ...said } = detailsOf(message);
  const calls = listOf(tool_calls).map(detailsOf);
  if (!calls.some((call) => Object.hasOwn(call, 'extra_content'))) return message;
  const thought: Record<string, string> = {};
  const plain = calls.map((call) => {
    const items = keptItems(call, origin);
    for (const { field, text } of items)
      if (typeof field === 'string') thought[field] = (thought[field] ?? '') + String(text);
    // Absent in JSON where nothing of it is this server's own.
    return { ...call, extra_content: items.find(({ extra }) => extra !== undefined)?.['extra'] };
  });
  return { ...said, ...thought, tool_calls: plain };
}

function withoutHint(item: unknown): unknown {
  if (!Object.hasOwn(detailsOf(item), 'cache_control')) return item;
  const { cache_control: _hint, ...rest } = detailsOf(item);
  return rest;
}

function withoutHints(message: unknown): unknown {
  const parts = partsOf(message);
  const plain = parts.map(withoutHint);
  const isSame = plain.every((part, index) => part === parts[index]);
  return withoutHint(isSame ? message : { ...detailsOf(message), content: plain });
}

const isImage = (part: unknown): boolean => detailsOf(part)['type'] === 'image_url';

/** This form has no images in results of tools: the user shows them, after the last result of the turn. */
function withImagesBehind(messages: readonly unknown[]): readonly unknown[] {
  const all: unknown[] = [];
  let shown: unknown[] = [];
  const show = (): void => {
    if (shown.length > 0)
      all.push({ role: 'user', content: [{ type: 'text', text: 'Images of the tool results above:' }, ...shown] });
    shown = [];
  };
  for (const message of messages) {
    const isResult = detailsOf(message)['role'] === 'tool';
    const images = isResult ? partsOf(message).filter(isImage) : [];
    if (!isResult) show();
    shown.push(...images);
    all.push(images.length === 0 ? message : { ...detailsOf(message), content: textBeside(partsOf(message)) });
  }
  show();
  return all;
}

/** What a result says beside its images. */
function textBeside(parts: readonly unknown[]): string {
  const texts = parts.map(detailsOf).flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return texts.length > 0 ? texts.join('\n') : 'The result is the image below.';
}
