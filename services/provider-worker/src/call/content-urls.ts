import { isPublicOrInline, publicOrInlineInWords } from '@will/core';

/**
 * The problem with a URL among the parts of a chat; undefined: nothing. The HTTP, gRPC and JSON servers have checked
 * theirs; a task that came as bytes over NATS or gRPC is first read here. Never quotes the URL: it is content.
 */
export function wrongUrlIn(chat: unknown): string | undefined {
  for (const message of listOf(fieldOf(chat, 'messages')))
    for (const part of listOf(fieldOf(message, 'content'))) {
      const name = wrongUrlOf(part);
      if (name !== undefined) return `a ${name} of the chat ${publicOrInlineInWords}`;
    }
  return undefined;
}

/** The first `image_url`, `video_url`, … of a part that is wrong, as text or as an object with `url`. */
function wrongUrlOf(part: unknown): string | undefined {
  if (!isObject(part)) return undefined;
  return Object.keys(part).find((name) => {
    if (!name.endsWith('_url')) return false;
    const value = part[name];
    const url = isObject(value) ? value['url'] : value;
    return typeof url !== 'string' || !isPublicOrInline(url);
  });
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
const fieldOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);
const none: readonly unknown[] = [];
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : none);
