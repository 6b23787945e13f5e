import { chatFields, quote, readAttributes, type StatedAttribute, wishIn } from '@will/core';

/** Fields of a chat that name no wish, whatever their name: hints, and what the task says beside its input. */
const heard: ReadonlySet<string> = new Set([
  ...chatFields,
  'metadata',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
]);

type Fields = Readonly<Record<string, unknown>>;

/**
 * The problem with what a chat says beside its messages: an attribute or a wish that nobody hears there. Undefined:
 * nothing. The HTTP and JSON servers have refused theirs; a task that came as bytes over NATS or gRPC is first read here.
 * @param passThrough names of further fields that this model takes
 */
export function unheardIn(chat: unknown, passThrough: ReadonlySet<string>): string | undefined {
  if (typeof chat !== 'object' || chat === null) return undefined;
  for (const name of Object.keys(chat)) {
    const value = (chat as Fields)[name];
    if (heard.has(name) || passThrough.has(name) || value === undefined || value === null) continue;
    if (isAttribute('field', name))
      return `${quote(name)} within the chat is heard by nobody: state it beside the input`;
    const wish = wishIn(name);
    if (wish && !wish.harmless(value)) return `${quote(name)} within the chat ${wish.instead}`;
  }
  const stated = Object.keys((chat as Fields)['metadata'] ?? {}).find((name) => isAttribute('metadata', name));
  return stated && `metadata ${quote(stated)} within the chat is heard by nobody: state it beside the input`;
}

function isAttribute(source: StatedAttribute['source'], key: string): boolean {
  const read = readAttributes([{ source, key, value: '' }]);
  return 'problem' in read || Object.keys(read.attributes).length > 0;
}
