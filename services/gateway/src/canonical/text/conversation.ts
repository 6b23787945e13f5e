import { createHmac } from 'node:crypto';
import type { RequestHeaders } from '../../api/openai/chat/facts.ts';

/** Headers by which coding agents name a conversation; the first one counts. */
const headerNames: ReadonlySet<string> = new Set([
  'x-claude-code-session-id',
  'session-id',
  'session_id',
  'thread-id',
  'x-session-id',
  'x-session-affinity',
]);

interface Named {
  readonly prompt_cache_key?: string | undefined;
  readonly user?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The name of the conversation in a request, as its client says it; undefined: nothing does. */
export function statedConversation({ rawHeaders }: RequestHeaders, body: Named): string | undefined {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    if (headerNames.has((rawHeaders[at] as string).toLowerCase())) return rawHeaders[at + 1];
  const { metadata } = body;
  return body.prompt_cache_key ?? wordsIn(metadata?.['session_id'] ?? metadata?.['user_id']) ?? body.user;
}

const wordsIn = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Shorter inputs are kept by no vendor's cache, so that nobody needs to know where they were answered. */
const minInputBytes = 4_096;
/** So much of each stable part tells one conversation from another. */
const maxPartChars = 8_192;

interface Chat {
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
  readonly tools: readonly unknown[];
}

/**
 * The id that tells a conversation from all others of its client: its name, where it has one, else its beginning.
 * Requests with other tools are another conversation: agents ask for titles and summaries under the name of their main
 * one. Undefined: it is not worth knowing.
 */
export function conversationOf({ messages, tools }: Chat, inputBytes: number, stated?: string): string | undefined {
  if (stated !== undefined) return JSON.stringify([stated, tools.length]);
  if (inputBytes < minInputBytes) return undefined;
  const firstUser = messages.findIndex(({ role }) => role === 'user');
  return JSON.stringify([messages.slice(0, firstUser + 1).map(partOf), tools.length]);
}

const partOf = ({ role, content }: Chat['messages'][number]): readonly string[] => [
  role,
  (typeof content === 'string' ? content : (JSON.stringify(content) ?? '')).slice(0, maxPartChars),
];

/** The digest that names a conversation on the bus. Without the installation's secret it reveals nothing. */
export const sessionOf = (
  secret: Uint8Array | undefined,
  client: string | undefined,
  conversation: string | undefined,
): string | undefined => (secret && conversation !== undefined ? digestOf(secret, client, conversation) : undefined);

/** Digests of names that came before, by the secret: an agent says the same one with each call. */
const knownDigests = new WeakMap<Uint8Array, Map<string, string>>();
const maxKnownDigests = 10_000;
/** The beginnings of conversations without a name are too long to be kept. */
const maxKnownChars = 256;

function digestOf(secret: Uint8Array, client = '', words: string): string {
  const text = `${client}\0${words}`;
  if (text.length > maxKnownChars) return digest(secret, text);
  let known = knownDigests.get(secret);
  if (!known || known.size >= maxKnownDigests) knownDigests.set(secret, (known = new Map()));
  let found = known.get(text);
  if (found === undefined) known.set(text, (found = digest(secret, text)));
  return found;
}

const digest = (secret: Uint8Array, text: string): string =>
  createHmac('sha256', secret).update(text).digest('base64url').slice(0, 22);

type StatedHints = {
  readonly prompt_cache_key?: string | undefined;
  readonly prompt_cache_retention?: string | undefined;
  readonly prompt_cache_options?: Readonly<Record<string, unknown>> | undefined;
};

/**
 * The hints for prompt caches in a request that go on to the models that know them: its key as a digest of the
 * client's own, how long to keep, and nothing else. Marks do not go on, so that `mode`, which counts on them, does not
 * either.
 */
export function cacheHintsOf(
  { prompt_cache_key: key, prompt_cache_retention: retention, prompt_cache_options: options }: StatedHints,
  secret: Uint8Array | undefined,
  client: string | undefined,
): StatedHints {
  const ttl = options?.['ttl'];
  return {
    ...(secret && key && { prompt_cache_key: digestOf(secret, client, JSON.stringify(['key', key])) }),
    ...(retention && { prompt_cache_retention: retention }),
    ...(ttl !== undefined && { prompt_cache_options: { ttl } }),
  };
}
