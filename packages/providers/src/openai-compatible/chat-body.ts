import { chatFields } from '@will/core';
import { keptItems } from '../chat/kept-reasoning.ts';
import { detailsOf, type Fields } from '../chat/unreadable.ts';

/**
 * A chat as servers of OpenAI's form take it: only fields that they all know and those that `passThrough` names, images
 * of tool results behind the results, and hints for caches only where `passThrough` has `cache_control`. What `origin`
 * gave with its reasoning comes back to it; what others gave does not.
 */
export function chatBody(chat: Fields, passThrough: ReadonlySet<string>, origin: string): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const name of Object.keys(chat)) if (chatFields.has(name) || passThrough.has(name)) body[name] = chat[name];
  const takesHints = passThrough.has('cache_control');
  body['messages'] = withImagesBehind(listOf(chat['messages'])).map((message) => {
    const whole = withKept(message, origin);
    return takesHints ? whole : withoutHints(whole);
  });
  const { tools } = body;
  if (!takesHints && Array.isArray(tools)) body['tools'] = tools.map(withoutHint);
  return body;
}

const none: readonly unknown[] = [];
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : none);
const partsOf = (message: unknown): readonly unknown[] => listOf(detailsOf(message)['content']);

/** An assistant's message with what was kept of the reasoning before its calls. */
function withKept(message: unknown, origin: string): unknown {
  const calls = listOf(detailsOf(message)['tool_calls']);
  if (!calls.some((call) => Object.hasOwn(detailsOf(call), 'extra_content'))) return message;
  const { tool_calls: _calls, ...said } = detailsOf(message);
  const thought: Record<string, string> = {};
  const plain = calls.map(detailsOf).map((call) => {
    const items = keptItems(call, origin);
    for (const { field, text } of items)
      if (typeof field === 'string') thought[field] = (thought[field] ?? '') + String(text);
    // Absent in JSON where nothing of it is this server's own.
    return { ...call, extra_content: items.find(({ extra }) => extra !== undefined)?.['extra'] };
  });
  return { ...said, ...thought, tool_calls: plain };
}

const isHinted = (item: unknown): boolean => Object.hasOwn(detailsOf(item), 'cache_control');

function withoutHint(item: unknown): unknown {
  if (!isHinted(item)) return item;
  const { cache_control: _hint, ...rest } = detailsOf(item);
  return rest;
}

function withoutHints(message: unknown): unknown {
  const parts = partsOf(message);
  return withoutHint(parts.some(isHinted) ? { ...detailsOf(message), content: parts.map(withoutHint) } : message);
}

const isImage = (part: unknown): boolean => detailsOf(part)['type'] === 'image_url';

const isResult = (message: unknown): boolean => detailsOf(message)['role'] === 'tool';

/** This form has no images in results of tools: the user shows them, after the last result of the turn. */
function withImagesBehind(messages: readonly unknown[]): readonly unknown[] {
  if (!messages.some((message) => isResult(message) && partsOf(message).some(isImage))) return messages;
  const all: unknown[] = [];
  let shown: unknown[] = [];
  const show = (): void => {
    if (shown.length > 0)
      all.push({ role: 'user', content: [{ type: 'text', text: 'Images of the tool results above:' }, ...shown] });
    shown = [];
  };
  for (const message of messages) {
    const images = isResult(message) ? partsOf(message).filter(isImage) : [];
    if (!isResult(message)) show();
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
