import { isPublicOrInline, publicOrInlineInWords } from '@will/core';

/**
 * The problem with a URL among the parts of a chat; undefined: nothing. The HTTP, gRPC and JSON servers have checked
 * theirs; a task that came as bytes over NATS or gRPC is first read here. Never quotes the URL: it is content.
 */
export function wrongUrlIn(chat: unknown): string | undefined {
  const wrong = urlsIn(chat).find(([, url]) => typeof url !== 'string' || !isPublicOrInline(url));
  return wrong && `a ${wrong[0]} of the chat ${publicOrInlineInWords}`;
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
