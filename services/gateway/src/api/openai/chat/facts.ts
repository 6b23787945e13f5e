import type { IncomingMessage } from 'node:http';
import {
  attributeNames,
  type Attributes,
  costTagsIn,
  type DataClass,
  defaultClient,
  headerOf,
  isForeignHeader,
  nameKey,
  type Priority,
  readAttributes,
  splitCostTag,
  type StatedAttribute,
  type UnavailableModel,
} from '@will/core';
import { identity } from '../../../auth/keys/identity.ts';
import { invalid } from '../../../server/http/errors.ts';

/** Facts that a caller states of a task beside its content. */
export interface StatedFacts {
  /** By any of its names, as the caller says it; unsaid: the key's client, without keys `default`. */
  readonly client: string;
  readonly project?: string;
  readonly reflex?: string;
  readonly priority?: Priority;
  readonly dataClass?: DataClass;
  readonly taskType?: string;
  readonly timeoutMs?: number;
  readonly firstTokenTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly unavailableModel?: UnavailableModel;
  readonly costTags?: Readonly<Record<string, string>>;
}

/** Headers as they came, each line by itself: node joins what is sent twice. And all else that an attribute may stand in. */
export type RequestHeaders = Pick<IncomingMessage, 'rawHeaders'> &
  Partial<Pick<IncomingMessage, 'rawTrailers' | 'url'>>;

/** The headers that facts may come by. */
export const factHeaders: readonly string[] = attributeNames.map(headerOf);

/** Reads `x-will-*` headers and `metadata.will_*`, in any spelling. @throws {HttpError} 400, 403 */
export function readFacts(headers: RequestHeaders, metadata?: Readonly<Record<string, unknown>>): StatedFacts {
  const { rawHeaders, rawTrailers = [], url = '' } = headers;
  const stated: StatedAttribute[] = [];
  takeLines('header', rawHeaders, stated);
  takeLines('trailer', rawTrailers, stated);
  if (url.includes('?')) stated.push(...queryAttributes(url));
  if (metadata) stated.push(...metadataAttributes(metadata));
  return factsOf(attributesIn(stated));
}

/** @throws {HttpError} 400, naming the attribute and what is allowed */
export function attributesIn(stated: Iterable<StatedAttribute>): Attributes {
  const read = readAttributes(stated);
  if ('problem' in read) throw invalid(read.problem.message, read.problem.at);
  return read.attributes;
}

/** Most lines are of the protocol's own headers: no more is made of them than a look. */
function takeLines(source: 'header' | 'trailer', raw: readonly string[], stated: StatedAttribute[]): void {
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const key = raw[at] ?? '';
    if (!isForeignHeader(key)) stated.push({ source, key, value: fromLatin1(raw[at + 1] ?? '') });
  }
}

/** Nothing is stated there, and what looks as if it were must not go unheard. */
function queryAttributes(url: string): readonly StatedAttribute[] {
  const { searchParams } = new URL(url, 'http://server');
  return [...searchParams].map(([key, value]) => ({ source: 'query', key, value }));
}

/** Will's attributes that `metadata` states. */
export const metadataAttributes = (metadata: Readonly<Record<string, unknown>>): readonly StatedAttribute[] =>
  Object.entries(metadata).map(([key, value]) => ({
    source: 'metadata',
    key,
    value: typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
  }));

/** A header carries the bytes of UTF-8 one by one. */
function fromLatin1(value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Names stay as they were said: whatever is asked finds their documents. @throws {HttpError} 400 */
export function factsOf(stated: Attributes): StatedFacts {
  const project = named('project', stated.project);
  const reflex = named('reflex', stated.reflex);
  return {
    client: named('client', stated.client) ?? unnamedClient(),
    ...(project !== undefined && { project }),
    ...(reflex !== undefined && { reflex }),
    ...(stated.priority !== undefined && { priority: stated.priority }),
    ...(stated.data_class !== undefined && { dataClass: stated.data_class }),
    ...(stated.task_type !== undefined && { taskType: stated.task_type }),
    ...(stated.timeout_ms !== undefined && { timeoutMs: stated.timeout_ms }),
    ...(stated.first_token_timeout_ms !== undefined && { firstTokenTimeoutMs: stated.first_token_timeout_ms }),
    ...(stated.idle_timeout_ms !== undefined && { idleTimeoutMs: stated.idle_timeout_ms }),
    ...(stated.unavailable_model !== undefined && { unavailableModel: stated.unavailable_model }),
    ...(stated.cost_tags !== undefined && {
      costTags: Object.fromEntries(costTagsIn(stated.cost_tags).map(splitCostTag)) as Record<string, string>,
    }),
  };
}

/** @throws {HttpError} 400: nothing of the name is visible, or it is too long */
function named(what: string, name: string | undefined): string | undefined {
  if (name === undefined || (nameKey(name) !== '' && name.length <= maxNameLength)) return name;
  throw invalid(
    `${what} ${JSON.stringify(name.slice(0, 80))} must be a name of 1 to ${maxNameLength} characters`,
    what,
  );
}
const maxNameLength = 128;

/** A caller that names no client came with a key, or is the client `default`. */
function unnamedClient(): string {
  const who = identity();
  return who?.role === 'caller' ? who.client : defaultClient;
}
