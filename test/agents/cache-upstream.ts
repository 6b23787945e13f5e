import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { costNanoUsd, type Price, type Usage } from '@will/core';

/** A vendor with a prompt cache by its own rules. */
export interface CacheVendor {
  readonly model: string;
  readonly provider: 'anthropic' | 'openai' | 'google';
  readonly price: Price;
  /** Shorter prefixes are not kept. */
  readonly minTokens: number;
  /** How long an answer takes now. */
  latencyMs(call: number): number;
}

/** What became of one request. */
export interface CacheCall {
  readonly model: string;
  readonly usage: Usage;
  readonly costNanoUsd: bigint;
  readonly cacheKey: string | undefined;
}

export interface CacheUpstream {
  readonly url: string;
  readonly calls: CacheCall[];
  /** Models that answer 503 from now on. */
  readonly down: Set<string>;
  /** A pause that outlives every cache. */
  forget(): void;
  close(): Promise<void>;
}

const bytesPerToken = 4;
const outputTokens = 200;
/** OpenAI counts what it read in steps. */
const stepTokens = 128;

/** A prompt as its vendor's cache sees it: one text, and where the caller marked ends of what is to be kept. */
interface Prompt {
  readonly text: string;
  readonly marks: readonly number[];
}

/** Vendors that keep the beginnings of prompts as their documentation says, each in its own form of request and answer. */
export async function startCacheUpstream(vendors: readonly CacheVendor[]): Promise<CacheUpstream> {
  const kept = new Map<string, Set<string>>();
  const upstream: CacheUpstream = {
    url: '',
    calls: [],
    down: new Set(),
    forget: () => kept.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = '' } = request;
    if (request.method !== 'POST') return send(response, 200, { object: 'list', data: [] });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    const name = body.model ?? /models\/([^:/]+):/.exec(url)?.[1];
    const vendor = vendors.find(({ model }) => model === name);
    if (!vendor) return send(response, 404, { error: { message: 'no such model' } });
    if (upstream.down.has(vendor.model)) return send(response, 503, { error: { message: 'overloaded' } });
    const entries = kept.get(vendor.model) ?? new Set<string>();
    kept.set(vendor.model, entries);
    const usage = vendor.provider === 'anthropic' ? marked(body, vendor, entries) : implicit(body, vendor, entries);
    const cost = costNanoUsd(usage, vendor.price);
    if (cost === undefined) throw new Error('a vendor knows its price');
    upstream.calls.push({ model: vendor.model, usage, costNanoUsd: cost, cacheKey: body.prompt_cache_key });
    await new Promise((resolve) => setTimeout(resolve, vendor.latencyMs(upstream.calls.length)));
    send(response, 200, answers[vendor.provider](usage));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, 500, { error: String(error) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(upstream, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

interface Body {
  readonly model?: string;
  readonly prompt_cache_key?: string;
  readonly [field: string]: unknown;
}

const tokensOf = (text: string): number => Math.ceil(text.length / bytesPerToken);

/** Anthropic: what stands before a mark is kept; what was kept before is read, and the rest up to the last mark written. */
function marked(body: Body, { minTokens }: CacheVendor, entries: Set<string>): Usage {
  const { text, marks } = promptOf(body);
  const inputTokens = tokensOf(text);
  const readable = [...entries].filter((entry) => text.startsWith(entry));
  const read = Math.max(0, ...readable.map((entry) => entry.length));
  const ends = marks.filter((end) => end / bytesPerToken >= minTokens);
  for (const end of ends) entries.add(text.slice(0, end));
  const written = Math.max(read, ...ends) - read;
  return usageOf(inputTokens, Math.floor(read / bytesPerToken), Math.floor(written / bytesPerToken));
}

/** OpenAI and Google: the longest beginning that was sent before is read, in steps; writing costs nothing more. */
function implicit(body: Body, { minTokens }: CacheVendor, entries: Set<string>): Usage {
  const { text } = promptOf(body);
  const common = Math.max(0, ...[...entries].map((entry) => commonPrefix(entry, text)));
  const read = Math.floor(common / bytesPerToken / stepTokens) * stepTokens;
  for (const entry of entries) if (text.startsWith(entry)) entries.delete(entry);
  entries.add(text);
  return usageOf(tokensOf(text), read >= minTokens ? read : 0, 0);
}

const usageOf = (inputTokens: number, cachedInputTokens: number, cacheWriteTokens: number): Usage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens,
  reasoningTokens: 0,
  ...(cacheWriteTokens > 0 && { cacheWriteTokens }),
  estimated: false,
});

function commonPrefix(one: string, other: string): number {
  let [low, high] = [0, Math.min(one.length, other.length)];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (one.startsWith(other.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Everything that is said in a request, in its order, without the marks. */
function promptOf(body: Body): Prompt {
  const marks: number[] = [];
  let text = '';
  const add = (value: unknown): void => {
    if (typeof value === 'string') text += `${value}\n`;
    else if (Array.isArray(value)) for (const item of value) add(item);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) if (key !== 'cache_control') add(item);
      if ('cache_control' in value) marks.push(text.length);
    }
  };
  for (const field of ['tools', 'instructions', 'system', 'systemInstruction', 'input', 'messages', 'contents'])
    add(body[field]);
  return { text, marks };
}

const answers: Readonly<Record<CacheVendor['provider'], (usage: Usage) => object>> = {
  anthropic: ({ inputTokens, cachedInputTokens, cacheWriteTokens = 0 }) => ({
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text: 'Done.' }],
    stop_reason: 'end_turn',
    usage: {
      input_tokens: inputTokens - cachedInputTokens - cacheWriteTokens,
      cache_read_input_tokens: cachedInputTokens,
      cache_creation_input_tokens: cacheWriteTokens,
      output_tokens: outputTokens,
    },
  }),
  openai: ({ inputTokens, cachedInputTokens }) => ({
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Done.' }] }],
    usage: {
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
      input_tokens_details: { cached_tokens: cachedInputTokens },
      output_tokens_details: { reasoning_tokens: 0 },
    },
  }),
  google: ({ inputTokens, cachedInputTokens }) => ({
    candidates: [{ content: { role: 'model', parts: [{ text: 'Done.' }] }, finishReason: 'STOP' }],
    usageMetadata: {
      promptTokenCount: inputTokens,
      candidatesTokenCount: outputTokens,
      cachedContentTokenCount: cachedInputTokens,
      totalTokenCount: inputTokens + outputTokens,
    },
  }),
};

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
