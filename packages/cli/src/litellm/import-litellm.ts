import { isPrivateEndpoint } from '@will/core';
import { parse } from 'yaml';
import { type Destination, destinations } from './providers.ts';

export interface Unmapped {
  /** Where it stands: `model_list[0].litellm_params.api_key`. */
  readonly path: string;
  readonly why: string;
}
export interface Imported {
  /** Model documents, as a file would hold them. */
  readonly documents: readonly Readonly<Record<string, unknown>>[];
  /** Every field of the file that stands in no document. Values are not repeated: one may be a key. */
  readonly unmapped: readonly Unmapped[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * LiteLLM's `config.yaml` as model documents, with a list of all that has no place in them.
 * @throws {Error} the text is no YAML map.
 */
export function importLitellm(text: string): Imported {
  const config: unknown = parse(text);
  if (!isMap(config)) throw new Error('the file is no map of LiteLLM settings');
  const { model_list: list, ...others } = config;
  const names = new Map<string, number>();
  const documents: Fields[] = [];
  const unmapped: Unmapped[] = [];
  for (const [index, entry] of (Array.isArray(list) ? (list as readonly unknown[]) : []).entries()) {
    const read = new Deployment(entry, `model_list[${index}]`);
    const document = read.document(names);
    if (document) documents.push(document);
    unmapped.push(...read.unmapped());
  }
  for (const [path, field] of leaves(others, ''))
    unmapped.push({ path, why: whyNot.get(field) ?? 'it has no counterpart' });
  return { documents, unmapped };
}

/** What is better said than "no counterpart". */
const whyNot: ReadonlyMap<string, string> = new Map([
  ['fallbacks', 'write them as a route: primary, fallback_1, …, per task type'],
  ['context_window_fallbacks', 'not needed: models that are too small are left out of a route by themselves'],
  ['default_fallbacks', 'write them at the end of each route'],
  ['num_retries', 'a route goes on to its next model instead'],
  ['model_group_alias', 'write it among the aliases of a model'],
  ['master_key', 'keys of callers are not part of the documents'],
]);

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
class Deployment {
  readonly #root: unknown;
  readonly #path: string;
  readonly #params: Fields;
  readonly #info: Fields;
  readonly #read = new Set<string>();
  #refusal: string | undefined;

  constructor(root: unknown, path: string) {
    this.#root = root;
    this.#path = path;
    const entry = isMap(root) ? root : {};
    this.#params = isMap(entry['litellm_params']) ? entry['litellm_params'] : {};
    this.#info = isMap(entry['model_info']) ? entry['model_info'] : {};
  }

  /** Undefined: it cannot be called from here, and {@link unmapped} says why for each of its fields. */
  document(names: Map<string, number>): Fields | undefined {
    const model = this.#params['model'];
    if (typeof model !== 'string' || model.includes('*')) return this.#refuse('it names no single model');
    const slash = model.indexOf('/');
    const prefix = slash < 0 ? 'openai' : model.slice(0, slash);
    const destination = destinations.get(prefix);
    if (!destination) return this.#refuse(`provider ${prefix} is not spoken here; its whole entry is left out`);
    const address = this.#addressField && this.#params[this.#addressField];
    // Left out rather than sent to the provider's usual address, where this model's data was not meant to go.
    if (address !== undefined && !/^https?:/.test(String(address)))
      return this.#refuse('its address is not written in the file; its whole entry is left out');
    const endpoint = this.#endpoint(destination);
    if (endpoint === undefined && destination.provider === 'openai-compatible')
      return this.#refuse(`provider ${prefix} needs an api_base; its whole entry is left out`);
    this.#take('litellm_params.model');
    return {
      kind: 'model',
      name: this.#name(names, model),
      tags: this.#tags(),
      call_method: endpoint !== undefined && isPrivateEndpoint(endpoint) ? 'Local' : 'API',
      provider: destination.provider,
      provider_model: model.slice(slash + 1),
      ...(endpoint !== undefined && { endpoint }),
      ...this.#key(),
      ...this.#capabilities(),
      ...field('context_tokens', this.#number(this.#info, 'model_info.max_input_tokens')),
      ...this.#price(),
      ...this.#limits(),
      ...this.#residency(),
    };
  }

  unmapped(): readonly Unmapped[] {
    const all = leaves(this.#root, this.#path);
    const refusal = this.#refusal;
    if (refusal !== undefined) return all.map(([path]) => ({ path, why: refusal }));
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

  #take(path: string): void {
    this.#read.add(`${this.#path}.${path}`);
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

  /** Undefined: the provider has its own. */
  #endpoint({ endpoint, version }: Destination): string | undefined {
    const name = this.#addressField;
    if (name === undefined) return endpoint;
    this.#take(`litellm_params.${name}`);
    const address = String(this.#params[name]).replace(/\/+$/, '');
    return address.endsWith(version) ? address : address + version;
  }

  get #addressField(): string | undefined {
    return ['api_base', 'base_url'].find((name) => this.#params[name] !== undefined);
  }

  #key(): Fields {
    const reference = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/.exec(String(this.#params['api_key']))?.[1];
    if (reference === undefined) return {};
    this.#take('litellm_params.api_key');
    return { api_key: `env://${reference}` };
  }

  #tags(): string[] {
    const tag = tagOfMode[String(this.#info['mode'])];
    if (tag !== undefined) this.#take('model_info.mode');
    return [tag ?? 'text_gen', ...(this.#isTrue('supports_vision') ? ['vision'] : [])];
  }

  #capabilities(): Fields {
    const capabilities = [
      ...(this.#isTrue('supports_function_calling') ? ['tools'] : []),
      ...(this.#isTrue('supports_response_schema') ? ['json_schema'] : []),
    ];
    return capabilities.length > 0 ? { capabilities } : {};
  }

  /** Both or none: one that is not stated is unknown and not free. */
  #price(): Fields {
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

  #limits(): Fields {
    const limits = {
      ...field('rpm', this.#number(this.#params, 'litellm_params.rpm')),
      ...field('tpm', this.#number(this.#params, 'litellm_params.tpm')),
      ...field('concurrency', this.#number(this.#params, 'litellm_params.max_parallel_requests')),
      ...field('cooldown_seconds', this.#number(this.#params, 'litellm_params.cooldown_time')),
    };
    return Object.keys(limits).length > 0 ? { limits } : {};
  }

  /** Only the two words that mean the same here; a cloud's own name of a region is for people to read. */
  #residency(): Fields {
    const region = String(this.#params['region_name']).toUpperCase();
    if (region !== 'EU' && region !== 'US') return {};
    this.#take('litellm_params.region_name');
    return { data_residency: region };
  }

  #number(fields: Fields, path: string): number | undefined {
    const value = fields[path.slice(path.indexOf('.') + 1)];
    if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
    this.#take(path);
    return value;
  }

  #isTrue(name: string): boolean {
    if (this.#info[name] !== true) return false;
    this.#take(`model_info.${name}`);
    return true;
  }
}

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const field = (name: string, value: number | undefined): Fields => (value === undefined ? {} : { [name]: value });

/** The path of every value that holds no others, and the setting it belongs to: the last name that LiteLLM gives, not a model's. */
function leaves(value: unknown, path: string, name = ''): (readonly [path: string, name: string])[] {
  if (Array.isArray(value) && value.length > 0)
    return value.flatMap((item: unknown, index) => leaves(item, `${path}[${index}]`, name));
  if (isMap(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, item]) =>
      leaves(item, path === '' ? key : `${path}.${key}`, whyNot.has(name) ? name : key),
    );
  return path === '' ? [] : [[path, name]];
}
