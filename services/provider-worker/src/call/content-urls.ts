import { isPublicOrInline, publicOrInlineInWords } from '@will/core';

/** Without one of these no part of a chat can hold a URL: a key may be written with escapes. */
const signs = ['_url', '\\u'];

/**
 * The problem with a URL among the parts of a chat; undefined: nothing. The HTTP, gRPC and JSON servers have checked
 * theirs; a task that came as bytes over NATS or gRPC is first read here. Never quotes the URL: it is content.
 */
export function wrongUrlIn(chat: Uint8Array): string | undefined {
  const bytes = Buffer.from(chat.buffer, chat.byteOffset, chat.byteLength);
  if (!signs.some((sign) => bytes.includes(sign))) return undefined;
  const wrong = urlsIn(parse(bytes)).find(([, url]) => typeof url !== 'string' || !isPublicOrInline(url));
  return wrong && `a ${wrong[0]} of the chat ${publicOrInlineInWords}`;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    // What is no JSON is for the provider's package to refuse.
    return undefined;
  }
}

/** Every `image_url`, `video_url`, … of the messages' parts, as text or as an object with `url`. */
function urlsIn(chat: unknown): (readonly [name: string, url: unknown])[] {
  return listOf(fieldOf(chat, 'messages'))
    .flatMap((message) => listOf(fieldOf(message, 'content')))
    .flatMap((part) => (isObject(part) ? Object.entries(part) : []))
    .filter(([name]) => name.endsWith('_url'))
    .map(([name, value]) => [name, isObject(value) ? fieldOf(value, 'url') : value]);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
const fieldOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);
