import { isPrivateEndpoint } from '@will/core';
import { type Destination, destinations, readModelName } from './providers.ts';
import { type LitellmFields, isMap, type LitellmConfig, resolved, variableOf } from './read-config.ts';
import { leaves, type Unmapped } from './unmapped.ts';

const tagOfMode: Readonly<Record<string, string>> = {
  chat: 'text_gen',
  completion: 'text_gen',
  responses: 'text_gen',
  embedding: 'embedding',
  audio_transcription: 'transcription',
  audio_speech: 'speech',
  image_generation: 'image_gen',
  rerank: 'rerank',
};

/** One entry of `model_list`. What is read of it is noted, so that the rest can be told. */
export class Deployment {
  readonly path: string;
  readonly #root: unknown;
  readonly #config: LitellmConfig;
  readonly #params: LitellmFields;
  readonly #info: LitellmFields;
  readonly #read = new Set<string>();
  #refusal: string | undefined;

  constructor(root: unknown, path: string, config: LitellmConfig) {
    this.#root = root;
    this.path = path;
    this.#config = config;
    const entry = isMap(root) ? root : {};
    const own = isMap(entry['litellm_params']) ? entry['litellm_params'] : {};
    this.#params = { ...config.credentials.get(String(own['litellm_credential_name'])), ...own };
    this.#info = isMap(entry['model_info']) ? entry['model_info'] : {};
  }

  /** Why it becomes no document; undefined: it does. Known once {@link document} was asked. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Undefined: it cannot be called from here, and {@link unmapped} says why for each of its fields. */
  document(names: Map<string, number>): LitellmFields | undefined {
    const name = this.#value('model');
    if (typeof name !== 'string' || name.includes('*')) return this.#refuse('it names no single model');
    const credential = this.#params['litellm_credential_name'];
    if (credential !== undefined && !this.#config.credentials.has(String(credential)))
      return this.#refuse('its credential, which may hold its address, is not in credential_list');
    const stated = this.#value('custom_llm_provider');
    const { provider, model } = readModelName(name, typeof stated === 'string' ? stated : undefined);
    if (provider === undefined) return this.#refuse('its model name tells no provider; write provider/model');
    const destination = destinations.get(provider);
    if (!destination) return this.#refuse(`provider ${provider} is not spoken here`);
    const foreign = foreignFields.find((each) => this.#params[each] !== undefined);
    if (foreign !== undefined) return this.#refuse(`${foreign} sends it to a cloud whose protocol is not spoken here`);
    const endpoint = this.#endpoint(destination);
    if (endpoint === 'unknown')
      return this.#refuse('its address is not known: the variable it names is not set, or it is no http URL');
    if (endpoint === undefined && destination.provider === 'openai-compatible')
      return this.#refuse(`provider ${provider} needs an api_base`);
    for (const taken of ['model', 'custom_llm_provider', 'litellm_credential_name'])
      this.#take(`litellm_params.${taken}`);
    return {
      kind: 'model',
      name: this.#name(names, name),
      tags: this.#tags(),
      call_method: endpoint !== undefined && isPrivateEndpoint(endpoint) ? 'Local' : 'API',
      provider: destination.provider,
      provider_model: model,
      ...(endpoint !== undefined && { endpoint }),
      ...this.#key(destination),
      ...this.#capabilities(),
      ...field('context_tokens', this.#number(this.#info, 'model_info.max_input_tokens')),
      ...this.#price(),
      ...this.#limits(),
      ...this.#residency(),
    };
  }

  unmapped(): readonly Unmapped[] {
    const all = leaves(this.#root, this.path);
    const refusal = this.#refusal;
    if (refusal !== undefined) return all.map(([path]) => ({ path, why: `${refusal}; its whole entry is left out` }));
    return all
      .filter(([path]) => !this.#read.has(path))
      .map(([path, name]) => ({
        path,
        why:
          name === 'api_key' ? 'a key itself is not taken over; name where it is: env://NAME' : 'it has no counterpart',
      }));
  }

  #refuse(why: string): undefined {
    this.#refusal = why;
  }

  /** A setting with its reference to the environment followed. */
  #value(name: string): unknown {
    return resolved(this.#params[name], this.#config.environment);
  }

  #take(path: string): void {
    this.#read.add(`${this.path}.${path}`);
  }

  /** Entries of one name are told apart by a number, in the order of the file. */
  #name(names: Map<string, number>, model: string): string {
    const stated = isMap(this.#root) ? this.#root['model_name'] : undefined;
    const name = typeof stated === 'string' ? stated : model;
    this.#take('model_name');
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    return count === 1 ? name : `${name} ${count}`;
  }

  /**
   * Undefined: the provider has its own. 'unknown': one is meant that cannot be told; another one in its place would
   * get this model's data.
   */
  #endpoint({ endpoint, version, addressVariables }: Destination): string | undefined {
    const name = ['api_base', 'base_url'].find((each) => this.#params[each] !== undefined);
    const fromEnvironment = addressVariables.map((each) => this.#config.environment[each]).find(isGiven);
    const stated = name === undefined ? (this.#config.defaultAddress ?? fromEnvironment) : this.#value(name);
    if (name === undefined && stated === undefined) return endpoint;
    if (typeof stated !== 'string' || !/^https?:\/\//.test(stated)) return 'unknown';
    if (name !== undefined) this.#take(`litellm_params.${name}`);
    const address = stated.replace(/\/+$/, '');
    return address.endsWith(version) ? address : address + version;
  }

  #key({ keyVariable }: Destination): LitellmFields {
    const reference = variableOf(this.#params['api_key']);
    if (reference === undefined) return keyVariable === undefined ? {} : { api_key: `env://${keyVariable}` };
    this.#take('litellm_params.api_key');
    return { api_key: `env://${reference}` };
  }

  #tags(): string[] {
    const tag = tagOfMode[String(this.#info['mode'])];
    if (tag !== undefined) this.#take('model_info.mode');
    return [tag ?? 'text_gen', ...(this.#isTrue('supports_vision') ? ['vision'] : [])];
  }

  #capabilities(): LitellmFields {
    const capabilities = [
      ...(this.#isTrue('supports_function_calling') ? ['tools'] : []),
      ...(this.#isTrue('supports_response_schema') ? ['json_schema'] : []),
    ];
    return capabilities.length > 0 ? { capabilities } : {};
  }

  /** Both or none: one that is not stated is unknown and not free. */
  #price(): LitellmFields {
    const paths = ['input_cost_per_token', 'output_cost_per_token'].map((name) =>
      typeof this.#params[name] === 'number' ? `litellm_params.${name}` : `model_info.${name}`,
    );
    const [input, output] = paths.map((path) => this.#priceAt(path));
    if (input === undefined || output === undefined) return {};
    for (const path of paths) this.#take(path);
    return { benchmark: { cost_per_1k_tokens_usd: { input, output } } };
  }

  /** Per 1,000 tokens, rounded to a millionth of a cent: a price per token carries the errors of its binary fraction. */
  #priceAt(path: string): number | undefined {
    const [part = '', name = ''] = path.split('.');
    const price = (part === 'model_info' ? this.#info : this.#params)[name];
    return typeof price === 'number' ? Math.round(price * 1e3 * 1e8) / 1e8 : undefined;
  }

  #limits(): LitellmFields {
    const limits = {
      ...field('rpm', this.#number(this.#params, 'litellm_params.rpm')),
      ...field('tpm', this.#number(this.#params, 'litellm_params.tpm')),
      ...field('concurrency', this.#number(this.#params, 'litellm_params.max_parallel_requests')),
      ...field('cooldown_seconds', this.#number(this.#params, 'litellm_params.cooldown_time')),
    };
    return Object.keys(limits).length > 0 ? { limits } : {};
  }

  /** Only the two words that mean the same here; a cloud's own name of a region is for people to read. */
  #residency(): LitellmFields {
    const region = String(this.#params['region_name']).toUpperCase();
    if (region !== 'EU' && region !== 'US') return {};
    this.#take('litellm_params.region_name');
    return { data_residency: region };
  }

  #number(fields: LitellmFields, path: string): number | undefined {
    const value = Number(resolved(fields[path.slice(path.indexOf('.') + 1)], this.#config.environment) ?? Number.NaN);
    if (!Number.isFinite(value)) return undefined;
    this.#take(path);
    return value;
  }

  #isTrue(name: string): boolean {
    if (this.#info[name] !== true) return false;
    this.#take(`model_info.${name}`);
    return true;
  }
}

/** Settings of clouds that sign or address their calls in ways of their own. */
const foreignFields = ['vertex_project', 'vertex_location', 'vertex_credentials', 'aws_region_name', 'azure_ad_token'];

const isGiven = (value: string | undefined): value is string => value !== undefined && value !== '';

const field = (name: string, value: number | undefined): LitellmFields =>
  value === undefined ? {} : { [name]: value };
