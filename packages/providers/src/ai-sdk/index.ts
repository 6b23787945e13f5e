import type {
  EmbeddingModelV4,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider';
import { cloudEndpointOf, failureOf, type Model, passThroughOf } from '@will/core';
import type { Secret } from '@will/runtime';
import { ChatCall, type ChatRequest } from '../chat/chat-call.ts';
import type { Form } from '../chat/form.ts';
import { type CacheHints, cacheHintsOf } from '../chat/cache-hints.ts';
import { wantsMarks, withCacheMarks } from '../chat/cache-marks.ts';
import { keptItems, originOf } from '../chat/kept-reasoning.ts';
import type { Fields } from '../chat/unreadable.ts';
import { type Egress, type openEgress, reachOf } from '../egress/index.ts';
import { checkHealthByGet } from '../egress/health-check.ts';
import {
  abortedBy,
  type ContentDelta,
  failed,
  type Health,
  type ModelCall,
  type ModelConnection,
  type Provider,
  ProviderConfigError,
  type ProviderOutcome,
} from '../port.ts';
import { resolveSecret } from '../secrets.ts';
import { type SdkChatInput, readChatInput } from './chat-input.ts';
import { captureRequest, jsonToolIn } from './captured-request.ts';
import { type EmbeddingModel, embeddingCall } from './embedding-call.ts';
import { callOptionsOf, type KeptParts } from './prompt.ts';

/** The parts that a vendor's model is made of for one call. */
export interface Wiring {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly fetch: typeof globalThis.fetch;
}

/** The parts that make one vendor of the AI SDK's packages a provider. */
export interface Vendor {
  readonly name: string;
  languageModel(wiring: Wiring): LanguageModelV4;
  /** Reads one answer of its language models. */
  form(): Form;
  /** Absent: it has no embeddings. */
  readonly embeddings?: Pick<EmbeddingModel, 'textsPerRequest' | 'vectorsIn'> & {
    model(wiring: Wiring): EmbeddingModelV4;
  };
  /** What the vendor wants to see beside a request for its list of models. */
  healthCheckHeaders(apiKey: string): Readonly<Record<string, string>>;
  /** Whether its requests may mark what its cache is to keep. Default: no. */
  readonly takesCacheMarks?: boolean;
  /** Whether it takes no request without a maximum of output tokens. */
  readonly needsMaximum: boolean;
  /** Whether it can be held to JSON without being given a schema. */
  readonly knowsJsonWithoutSchema: boolean;
  /** What {@link Form} kept of this vendor's reasoning, as its package takes it. */
  keptParts(items: readonly Fields[]): KeptParts;
  /** What only this vendor calls so. Hints are for those whose cache takes them; `model` is the vendor's name of it. */
  ownOptions(input: SdkChatInput, hints: CacheHints, model: string): SharedV4ProviderOptions;
}

/** A provider, by the way out that its requests take. */
export type ProviderOver = (open: typeof openEgress) => Provider;

/** A provider out of a vendor's package, which writes the requests; nothing retries in here. */
export const sdkProvider =
  (vendor: Vendor): ProviderOver =>
  (open) => ({
    name: vendor.name,
    open: (model) => Promise.resolve().then(() => new SdkConnection(vendor, model, open)),
  });

class SdkConnection implements ModelConnection {
  readonly naturalConcurrency = undefined;
  readonly #vendor: Vendor;
  readonly #egress: Egress;
  readonly #endpoint: URL;
  readonly #key: Secret;
  readonly #model: string;
  /** Sent where nothing else bounds the output; undefined: the vendor needs none, or its package's own default is used. */
  readonly #maxOutputTokens: number | undefined;
  readonly #passThrough: ReadonlySet<string>;
  readonly #origin: string;
  readonly #isAuto: boolean;

  constructor(vendor: Vendor, model: Model, open: typeof openEgress) {
    const { document, slug } = model;
    this.#vendor = vendor;
    this.#endpoint = endpointOf(vendor, document, slug);
    if (document.api_key === undefined)
      throw new ProviderConfigError(`model ${slug} has no api_key; provider ${vendor.name} needs one`);
    this.#key = resolveSecret(document.api_key);
    this.#egress = open(this.#endpoint.origin, reachOf(model));
    this.#model = document.provider_model ?? slug;
    this.#maxOutputTokens = vendor.needsMaximum ? document.max_output_tokens : undefined;
    this.#passThrough = passThroughOf(document);
    this.#isAuto = document.prompt_cache === 'auto';
    this.#origin = originOf(vendor.name, this.#endpoint.href, this.#model);
  }

  get #baseUrl(): string {
    return this.#endpoint.origin + this.#endpoint.pathname.replace(/\/+$/, '');
  }

  run(call: ModelCall, onDelta: (delta: ContentDelta) => void, signal: AbortSignal): Promise<ProviderOutcome> {
    if (signal.aborted) return Promise.resolve(failed(failureOf(abortedBy(signal))));
    const { embeddings } = this.#vendor;
    if (call.inputKind === 'embedding' && embeddings) {
      const model = (fetch: typeof globalThis.fetch): EmbeddingModelV4 => embeddings.model(this.#wiring(fetch));
      return embeddingCall(this.#egress, { ...embeddings, origin: this.#endpoint.origin, model }, call, signal);
    }
    const options = call.inputKind === 'chat' ? this.#options(call) : `input ${call.inputKind} is not taken`;
    if (typeof options === 'string') return Promise.resolve(failed(failureOf('bad_request', { detail: options })));
    return this.#chat(options, call, onDelta, signal);
  }

  async #chat(
    options: LanguageModelV4CallOptions,
    call: ModelCall,
    onDelta: (delta: ContentDelta) => void,
    signal: AbortSignal,
  ): Promise<ProviderOutcome> {
    const asked = await this.#request(options, call);
    if (typeof asked === 'string') return failed(failureOf('bad_request', { detail: asked }));
    if (signal.aborted) return failed(failureOf(abortedBy(signal)));
    return new ChatCall(this.#egress, asked, call, onDelta, signal).outcome;
  }

  /** Words instead: why it cannot be asked for. */
  async #request(options: LanguageModelV4CallOptions, call: ModelCall): Promise<ChatRequest | string> {
    const { stream, firstContentTimeoutMs, idleTimeoutMs } = call;
    try {
      const captured = await captureRequest((fetch) => {
        const model = this.#vendor.languageModel(this.#wiring(fetch));
        return stream ? model.doStream(options) : model.doGenerate(options);
      }, this.#endpoint.origin);
      const request = {
        method: 'POST' as const,
        ...captured,
        headersTimeoutMs: firstContentTimeoutMs,
        idleTimeoutMs,
      };
      return { request, form: this.#vendor.form(), origin: this.#origin, jsonTool: jsonToolIn(captured, options) };
    } catch {
      return 'this vendor cannot be asked for something in it';
    }
  }

  #wiring(fetch: typeof globalThis.fetch): Wiring {
    return { baseUrl: this.#baseUrl, apiKey: this.#key.reveal(), model: this.#model, fetch };
  }

  checkHealth(signal: AbortSignal): Promise<Health> {
    const headers = { accept: 'application/json', ...this.#vendor.healthCheckHeaders(this.#key.reveal()) };
    return checkHealthByGet(this.#egress, new URL(`${this.#baseUrl}/models`).pathname, headers, isUsable, signal);
  }

  close(): Promise<void> {
    return this.#egress.close();
  }

  #marked(chat: SdkChatInput, input: Uint8Array): SdkChatInput {
    const setsMarks = this.#isAuto && this.#vendor.takesCacheMarks === true;
    return setsMarks && wantsMarks(input, this.#model) ? withCacheMarks(chat) : chat;
  }

  /** Words instead: why the input cannot be called with. */
  #options(call: ModelCall): LanguageModelV4CallOptions | string {
    const { input, maxOutputTokens = this.#maxOutputTokens } = call;
    const chat = readChatInput(input);
    if (!chat) return 'input is no chat of JSON';
    if (chat.response_format?.type === 'json_object' && !this.#vendor.knowsJsonWithoutSchema)
      return 'JSON is to be had only with a schema';
    try {
      return {
        ...callOptionsOf(this.#marked(chat, input), this.#passThrough, (called) =>
          this.#vendor.keptParts(keptItems(called, this.#origin)),
        ),
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        providerOptions: this.#vendor.ownOptions(chat, cacheHintsOf(chat, call, this.#isAuto), this.#model),
      };
    } catch {
      return 'input has tool calls, results or addresses that cannot be read';
    }
  }
}

/** One vendor answers a refused key with 400; a busy one is not ill. */
const isUsable = (status: number): boolean => status < 400 || status === 404 || status === 429;

/** The vendor's own address is taken only for what says that it is in the cloud: a record that reads as local must not lead there. */
function endpointOf(vendor: Vendor, { call_method, endpoint, local }: Model['document'], slug: string): URL {
  const stated = endpoint ?? local?.endpoint ?? (call_method === 'API' ? cloudEndpointOf(vendor.name) : undefined);
  if (stated === undefined)
    throw new ProviderConfigError(
      `model ${slug} has no endpoint; only with call_method API is that of ${vendor.name} taken`,
    );
  const url = URL.parse(stated);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new ProviderConfigError(`endpoint of model ${slug} must be an http or https address`);
  return url;
}
