import { isSealedHere, sealedIn, sealedWith } from '../../../canonical/text/sealed-reasoning.ts';
import type { ChatMessage } from './chat-schema.ts';

type Of<R extends ChatMessage['role']> = Extract<ChatMessage, { role: R }>;
type Part = Exclude<NonNullable<ChatMessage['content']>, string>[number];
type ImagePart = Extract<Part, { type: 'image_url' }>;
type Call = NonNullable<Of<'assistant'>['tool_calls']>[number];

/**
 * Messages as every provider reads them: content as text or parts, calls of functions with their arguments as text,
 * and images only where somebody asks or a tool answers. The very same list where there is nothing to change.
 */
export function neutralMessages(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  return withoutAnsweredImages(mapSame(messages, neutralMessage));
}

/** The very same list where no item changes. */
function mapSame<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  let changed: T[] | undefined;
  list.forEach((item, index) => {
    const made = change(item);
    if (made !== item) (changed ??= [...list])[index] = made;
  });
  return changed ?? list;
}

function neutralMessage(message: ChatMessage): ChatMessage {
  const content = neutralContent(message);
  const calls =
    message.role === 'assistant' && message.tool_calls ? mapSame(message.tool_calls, neutralCall) : undefined;
  const isNamed = 'name' in message && !isKnownName(message.name);
  const isSame =
    content === message.content &&
    !isNamed &&
    message.cache_control === undefined &&
    !('images' in message) &&
    (message.role !== 'assistant' || calls === (message.tool_calls ?? undefined));
  if (isSame) return message;
  const { cache_control: _moved, ...kept } = message;
  const made: Record<string, unknown> = { ...kept, content, ...(calls && { tool_calls: calls }) };
  delete made['images'];
  if (isNamed) delete made['name'];
  return made as unknown as ChatMessage;
}

/** Vendors that know the field refuse other names. */
const isKnownName = (name: string | null | undefined): boolean =>
  name === undefined || name === null || /^[^\s<|\\/>]{1,64}$/.test(name);

/** The content with what libraries put beside it. */
function neutralContent(message: ChatMessage): ChatMessage['content'] {
  const { content, cache_control: cache } = message;
  const beside = 'images' in message ? (message.images ?? []).map(imageOf) : [];
  // A tool that says nothing has still answered.
  if (message.role === 'tool' && beside.length === 0 && (content ?? '').length === 0) return '';
  if (typeof content === 'string' || !content) {
    if (beside.length === 0 && (!cache || !content)) return content;
    const said = content ? [{ type: 'text', text: content, ...(cache && { cache_control: cache }) }] : [];
    return [...said, ...beside] as Part[] as typeof content & Part[];
  }
  const kept = content.some(isThought) ? (content as Part[]).filter((part) => !isThought(part)) : (content as Part[]);
  const parts = mapSame(kept, neutralPart);
  const all = beside.length === 0 ? parts : [...parts, ...beside];
  return (cache ? withCache(all, cache) : all) as typeof content;
}

const isThought = ({ type }: Part): boolean =>
  type === 'thinking' || type === 'redacted_thinking' || type === 'reasoning';

const neutralPart = (part: Part): Part =>
  part.type === 'image_url' && typeof part.image_url === 'string' ? imageOf(part) : part;

/** A message's hint is one for its last part. */
const withCache = (parts: readonly Part[], cache: object): readonly Part[] =>
  parts.map((part, index) => (index === parts.length - 1 ? ({ cache_control: cache, ...part } as Part) : part));

/** An image as a part: libraries also write its address alone, or nothing but its base64. */
function imageOf(image: string | ImagePart): ImagePart {
  if (typeof image !== 'string')
    return typeof image.image_url === 'string' ? { ...image, image_url: { url: image.image_url } } : image;
  const isAddress = /^(data|https):/.test(image);
  return { type: 'image_url', image_url: { url: isAddress ? image : `data:${mediaTypeOf(image)};base64,${image}` } };
}

/** By the first bytes, as base64 has them. */
const mediaTypeOf = (base64: string): string =>
  base64.startsWith('/9j/')
    ? 'image/jpeg'
    : base64.startsWith('R0lG')
      ? 'image/gif'
      : base64.startsWith('UklG')
        ? 'image/webp'
        : 'image/png';

/** A vendor's own signature is nobody's here. */
function sealedHereIn(call: Call): string | undefined {
  const sealed = sealedIn(call);
  return isSealedHere(sealed) ? sealed : undefined;
}

function neutralCall(call: Call): Call {
  if (call.type === 'custom')
    return functionCall(call.id, call.custom.name, JSON.stringify({ input: call.custom.input }));
  const { name, arguments: given } = call.function;
  const kept = sealedWith(sealedHereIn(call));
  const isSame = call.extra_content === undefined || Object.keys(kept).length > 0;
  if (call.type === 'function' && typeof given === 'string' && isSame) return call;
  return { ...functionCall(call.id, name, typeof given === 'string' ? given : JSON.stringify(given)), ...kept };
}

const functionCall = (id: string, name: string, given: string): Call => ({
  id,
  type: 'function',
  function: { name, arguments: given },
});

/**
 * No vendor takes images as something that a model said: they are shown by the user right after that turn, which ends
 * with the results of its tools.
 */
function withoutAnsweredImages(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!messages.some((message) => message.role === 'assistant' && imagesIn(message).length > 0)) return messages;
  const all: ChatMessage[] = [];
  let shown: ImagePart[] = [];
  const show = (): void => {
    if (shown.length > 0) all.push({ role: 'user', content: shown });
    shown = [];
  };
  for (const message of messages) {
    if (message.role !== 'tool') show();
    if (message.role !== 'assistant') all.push(message);
    else {
      shown.push(...imagesIn(message));
      all.push(shown.length === 0 ? message : withoutImages(message));
    }
  }
  show();
  return all;
}

const imagesIn = ({ content }: Of<'assistant'>): readonly ImagePart[] =>
  typeof content === 'string' || !content ? [] : content.filter((part) => part.type === 'image_url');

function withoutImages(message: Of<'assistant'>): Of<'assistant'> {
  const { content } = message;
  if (typeof content === 'string' || !content) return message;
  const said = content.filter((part) => part.type !== 'image_url');
  return { ...message, content: said.length > 0 ? said : '' };
}
