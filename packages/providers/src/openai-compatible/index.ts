import { failureOf, type Model, passThroughOf } from '@will/core';
import type { Secret } from '@will/runtime';
import { type Egress, openEgress, reachOf } from '../egress/index.ts';
import { checkHealthByGet } from '../egress/health-check.ts';
import {
  abortedBy,
  failed,
  type ContentDelta,
  type Health,
  type ModelCall,
  type ModelConnection,
  type Provider,
  ProviderConfigError,
  type ProviderOutcome,
} from '../port.ts';
import { resolveSecret } from '../secrets.ts';
import { ChatCall } from '../chat/chat-call.ts';
import { cacheHintsOf, keyPlaceOf } from '../chat/cache-hints.ts';
import { wantsMarks, withCacheMarks } from '../chat/cache-marks.ts';
import { originOf } from '../chat/kept-reasoning.ts';
import { openAiForm } from '../chat/openai-form.ts';
import { detailsOf, type Fields, parseJson } from '../chat/unreadable.ts';
import { chatBody } from './chat-body.ts';
import { MediaCall } from './media-call.ts';
import { mediaRequest } from './media-request.ts';

/** Everything that speaks OpenAI's chat completions: OpenAI, vLLM, llama-server, Ollama, LM Studio, … */
export const openAiCompatible: Provider = openAiCompatibleOver(openEgress);

/** The same over another way out. */
export function openAiCompatibleOver(open: typeof openEgress): Provider {
  return {
    name: 'openai-compatible',
    open: (model) => Promise.resolve().then(() => new ChatConnection(model, open)),
  };
}

class ChatConnection implements ModelConnection {
  readonly naturalConcurrency = undefined;
  readonly takesAttachments = true;
  readonly #egress: Egress;
  /** A server of one's own, or in a container: no vendor's. */
  readonly #isOwnServer: boolean;
  readonly #path: string;
  readonly #key: Secret | undefined;
  readonly #model: string;
  /** OpenAI's newer models refuse `max_tokens`, most others know nothing else. */
  readonly #maximum: 'max_tokens' | 'max_completion_tokens';
  readonly #passThrough: ReadonlySet<string>;
  readonly #origin: string;
  readonly #isAuto: boolean;
  /** Where a key for the server's prompt cache stands; undefined: none is sent. */
  readonly #keyPlace: ReturnType<typeof keyPlaceOf>;

  constructor(model: Model, open: typeof openEgress) {
    const { document, slug } = model;
    const endpoint = document.endpoint ?? document.local?.endpoint;
    if (endpoint === undefined) throw new ProviderConfigError(`model ${slug} has no endpoint`);
    const url = parseEndpoint(endpoint, slug);
    this.#key = document.api_key === undefined ? undefined : resolveSecret(document.api_key);
    // A local server may bear a name that only the own network knows, such as a container's; a cloud model's may not.
    this.#egress = open(url.origin, reachOf(model));
    this.#isOwnServer = document.call_method !== 'API';
    this.#path = url.pathname.replace(/\/+$/, '');
    this.#model = document.provider_model ?? slug;
    this.#maximum = document.max_tokens_field ?? 'max_tokens';
    this.#passThrough = passThroughOf(document);
    this.#isAuto = document.prompt_cache === 'auto';
    this.#keyPlace = this.#passThrough.has('prompt_cache_key') ? 'field' : keyPlaceOf(url.hostname);
    this.#origin = originOf('openai-compatible', url.href, this.#model);
  }

  run(
    call: ModelCall,
    onDelta: (delta: ContentDelta) => void,
    signal: AbortSignal,
    read?: unknown,
  ): Promise<ProviderOutcome> {
    if (signal.aborted) return Promise.resolve(failed(failureOf(abortedBy(signal))));
    if (call.inputKind !== 'chat') return this.#media(call, signal);
    const input = chatIn(read ?? parseJson(call.input));
    if (!input) return Promise.resolve(failed(failureOf('bad_request', { detail: 'input is no chat of JSON' })));
    const cacheKey = this.#keyPlace && cacheHintsOf(input, call, this.#isAuto).key;
    const headers = this.#headers(call.stream ? 'text/event-stream' : 'application/json');
    if (cacheKey !== undefined && this.#keyPlace === 'x-grok-conv-id') headers['x-grok-conv-id'] = cacheKey;
    const request = {
      method: 'POST' as const,
      path: `${this.#path}/chat/completions`,
      headers,
      body: this.#body(input, call, this.#keyPlace === 'field' ? cacheKey : undefined),
      headersTimeoutMs: call.firstContentTimeoutMs,
      idleTimeoutMs: call.idleTimeoutMs,
    };
    return new ChatCall(this.#egress, { request, form: openAiForm(), origin: this.#origin }, call, onDelta, signal)
      .outcome;
  }

  async #media(call: ModelCall, signal: AbortSignal): Promise<ProviderOutcome> {
    const media = await mediaRequest(call.inputKind, call.input, this.#model, call.attachment);
    if (!media) return failed(failureOf('bad_request', { detail: `the input is no ${call.inputKind}` }));
    if (signal.aborted) return failed(failureOf(abortedBy(signal)));
    const headers = { ...this.#headers('*/*'), 'content-type': media.contentType };
    return new MediaCall(this.#egress, { path: this.#path + media.path, headers }, media, call, signal).outcome;
  }

  async checkHealth(signal: AbortSignal): Promise<Health> {
    if (this.#isOwnServer) {
      let status = 0;
      const isHealthy = (seen: number): boolean => {
        status = seen;
        return seen < 500;
      };
      const health = await this.#get('/health', isHealthy, signal);
      // llama-server lists its model before it has loaded it; only those without this path are asked for their list.
      if (status === 0 || status < 300 || status >= 500) return health;
    }
    return this.#get(`${this.#path}/models`, isUsable, signal);
  }

  #get(path: string, isHealthy: (status: number) => boolean, signal: AbortSignal): Promise<Health> {
    return checkHealthByGet(this.#egress, path, this.#headers('application/json'), isHealthy, signal);
  }

  close(): Promise<void> {
    return this.#egress.close();
  }

  #headers(accept: string): Record<string, string> {
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept,
      'accept-encoding': 'identity',
    };
    if (this.#key) headers['authorization'] = `Bearer ${this.#key.reveal()}`;
    return headers;
  }

  #marked(input: Fields, call: ModelCall): Fields {
    const setsMarks = this.#isAuto && this.#passThrough.has('cache_control');
    if (!setsMarks || !wantsMarks(call.input, this.#model)) return input;
    return withCacheMarks(input as Fields & { readonly messages: readonly object[] });
  }

  /** The caller's input with what the registry decides. */
  #body(input: Fields, call: ModelCall, cacheKey: string | undefined): string {
    const body = chatBody(this.#marked(input, call), this.#passThrough, this.#origin);
    body['prompt_cache_key'] = cacheKey;
    body['model'] = this.#model;
    body['stream'] = call.stream;
    if (call.stream) body['stream_options'] = { include_usage: true };
    body[this.#maximum] = call.maxOutputTokens;
    return JSON.stringify(body);
  }
}

/** Not every server has a list of models, so that an unknown path is no bad sign; a refused key is one. */
const isUsable = (status: number): boolean => status < 500 && status !== 401 && status !== 403;

function parseEndpoint(endpoint: string, slug: string): URL {
  const url = URL.parse(endpoint);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new ProviderConfigError(`endpoint of model ${slug} must be an http or https address`);
  return url;
}

/** The value of the caller's bytes as a chat; undefined: it is none. */
function chatIn(read: unknown): Fields | undefined {
  const value = detailsOf(read);
  return Array.isArray(value['messages']) ? value : undefined;
}
