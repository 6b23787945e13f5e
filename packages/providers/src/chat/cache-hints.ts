import { createHash } from 'node:crypto';
import type { ModelCall } from '../port.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Hints of a call to the prompt cache of a vendor. Content of the prompt never depends on it. */
export interface CacheHints {
  /** Steers calls with one prefix to one cache: 22 characters that are the client's own and reveal nothing. */
  readonly key?: string;
  /** The longest that the vendor may keep the prefix. */
  readonly retention?: 'in_memory' | '24h';
  /** The shortest that the vendor should keep the prefix. */
  readonly ttl?: '30m' | '12h';
}

/**
 * The hints of a chat. A key that the caller states counts; with `isAuto` the session of the call is the key of a chat
 * that states none.
 */
export function cacheHintsOf(chat: Fields, { client = '', session }: ModelCall, isAuto: boolean): CacheHints {
  const { prompt_cache_key: stated, prompt_cache_retention: retention, prompt_cache_options: options } = chat;
  const named = typeof stated === 'string' && stated !== '' ? stated : isAuto ? session : undefined;
  const ttl = (options as Fields | null | undefined)?.['ttl'];
  return {
    ...(named !== undefined && { key: scoped(client, named) }),
    ...((retention === 'in_memory' || retention === '24h') && { retention }),
    ...((ttl === '30m' || ttl === '12h') && { ttl }),
  };
}

/** Two clients never share a key, and no vendor sees the words that a caller chose. */
const scoped = (client: string, named: string): string =>
  createHash('sha256').update(`${client}\0${named}`).digest('base64url').slice(0, 22);

/** Servers of OpenAI's chat form whose documentation names where a key stands, by the end of their host name. */
const keyPlaces: readonly (readonly [host: RegExp, place: 'field' | 'x-grok-conv-id'])[] = [
  [/^api\.openai\.com$/, 'field'],
  [/\.openai\.azure\.com$/, 'field'],
  [/^api\.mistral\.ai$/, 'field'],
  [/^api\.x\.ai$/, 'x-grok-conv-id'],
];

/** The place of the key in a request to a host; undefined: nobody knows, and none is sent. */
export const keyPlaceOf = (hostname: string): 'field' | 'x-grok-conv-id' | undefined =>
  keyPlaces.find(([host]) => host.test(hostname))?.[1];

/** The hints as options of OpenAI's package, only those that the model takes. */
export function openAiHints(
  model: string,
  { key, retention, ttl }: CacheHints,
): Readonly<Record<string, string | object>> {
  const takes = retentionOf(model);
  return {
    ...(key !== undefined && { promptCacheKey: key }),
    ...(takes === 'ttl' && ttl !== undefined && { promptCacheOptions: { ttl } }),
    ...(retention !== undefined && takes.includes(retention) && { promptCacheRetention: retention }),
  };
}

/** GPT-5.6 and later take a lifetime; GPT-5.5 keeps for a day only; a model that nobody knows takes neither. */
function retentionOf(model: string): 'ttl' | readonly string[] {
  const [, major, minor] = /^gpt-(\d+)(?:\.(\d+))?(?:-|$)/.exec(model) ?? [];
  if (major === undefined) return [];
  const version = Number(major) * 100 + Number(minor ?? 0);
  if (version >= 506) return 'ttl';
  if (version === 505) return ['24h'];
  return version >= 500 || version === 401 ? ['24h', 'in_memory'] : [];
}
