/** The reason why a field cannot be honoured, and which values of it ask for nothing. */
export interface WishRefusal {
  readonly harmless: (value: unknown) => boolean;
  /** What is allowed, or what to do instead. */
  readonly instead: string;
}

/** Fields by their name. */
export type RefusedFields = Readonly<Record<string, WishRefusal>>;

/** True of no value. */
export const noValue = (): boolean => false;
/** True of `false`. */
export const isFalse = (value: unknown): boolean => value === false;
/** Says nothing: an empty text, list or object. */
export const saysNothing = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
const isFalseOrEmpty = (value: unknown): boolean => isFalse(value) || saysNothing(value);

const documents = 'is decided by the documents of the router, not by a request';
const seenBy =
  'which models may see data is decided by the documents of client and project; a request may state x-will-data-class';
const kept = 'nothing is kept between requests';
const isOneOf =
  (...allowed: readonly unknown[]) =>
  (value: unknown): boolean =>
    saysNothing(value) || allowed.includes(value);

/**
 * Fields that state a wish about data, storage, place, provider, model, guard, host, key, file or callback. Such a wish
 * is never dropped: where it cannot be honoured, the request is rejected. The names are those of {@link plainName}.
 */
const byName: RefusedFields = {
  store: { harmless: isFalse, instead: 'must be false: content is not kept' },
  background: { harmless: isFalse, instead: 'must be false: answers are not kept; POST /v1/tasks runs durable tasks' },
  previous_response_id: { harmless: saysNothing, instead: `${kept}; send the whole conversation as input` },
  deferred: { harmless: isFalse, instead: 'must be false: answers are not kept; POST /v1/tasks runs durable tasks' },
  conversation: { harmless: saysNothing, instead: `${kept}; send the whole conversation as input` },
  zdr: { harmless: isFalse, instead: `must be false: retention at a provider ${documents}` },
  data_collection: {
    harmless: isOneOf('allow'),
    instead: `must be "allow": what a provider may keep ${documents}; say x-will-data-class`,
  },
  no_log: {
    harmless: isFalse,
    instead: 'must be false: a request cannot switch the call log off; it holds no content',
  },
  cache: {
    harmless: (value) => isFalseOrEmpty(value) || onlyAvoidsCaches(value),
    instead: 'is not offered: answers are not cached',
  },
  safe_prompt: { harmless: isFalse, instead: 'must be false: no guard is added to a prompt here' },
  guardrails: { harmless: saysNothing, instead: 'must be empty: guards are extensions of the router' },
  avoid_cloud: { harmless: isFalse, instead: seenBy },
  use_compliant_only: { harmless: isFalse, instead: seenBy },
  provider: { harmless: saysNothing, instead: `${documents}; name a model, or ask for a data class` },
  models: { harmless: saysNothing, instead: `${documents}: a task type has a route; name one model` },
  fallbacks: { harmless: saysNothing, instead: `${documents}: a task type has a route with its fallbacks` },
  extra_body: { harmless: saysNothing, instead: 'belongs to a library: put its fields at the top of the body' },
  project: { harmless: saysNothing, instead: 'is stated by the header x-will-project' },
  client: { harmless: saysNothing, instead: 'is stated by the header x-will-client, or by the key' },
};

const onlyAvoidsCaches = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).every((key) => /^no[-_](cache|store)$/.test(key));

/** Kinds of wishes by the words in a name, for the names that nobody has listed. */
const byPattern: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/^(x_)?will(_|$)/, 'is no attribute that is known here; attributes are headers x-will-*, or will_* within metadata'],
  [/(^|_)(regions?|residency|geo|country|jurisdiction|locations?|zones?)(_|$)/, `where data goes ${documents}`],
  [
    /(^|_)(storage|stored?|retention|retain|persist\w*|logs?|logging|zdr|train|training|privacy|private|pii|redact\w*|anonymi\w*|mask\w*|confidential\w*|sensitiv\w*|classification|gdpr|hipaa|compliance|consent|data|memory|threads?|cache_salt|cached_content)(_|$)/,
    'what becomes of data is decided by the documents of the router; a request may state x-will-data-class',
  ],
  [
    /(^|_)(clouds?|compliant\w*|on_?prem\w*|offline|self_hosted|air_?gap\w*|sovereign\w*)(_|$)|^local$|(^|_)(local|eu|eea|us)_only(_|$)|^allowed_tasks$/,
    seenBy,
  ],
  [
    /(^|_)(guard\w*|safety|safe|moderat\w*|shields?|dlp|polic(y|ies)|security|content_filter\w*)(_|$)/,
    'guards are not set by a request',
  ],
  [
    /(^|_)(providers?|vendors?|deployments?|azure|aws|vertex|bedrock|gateway)(_|$)/,
    `which provider answers ${documents}`,
  ],
  [
    /(^|_)(models?|engine|fallbacks?|rout(e|es|ing|er)|lora\w*|adapters?|kv_transfer\w*|checkpoint)(_|$)/,
    `which model answers ${documents}; "model" names one`,
  ],
  [
    /(^|_)(urls?|uris?|hosts?|hostname|endpoints?|base|servers?|proxy|proxies|ip|address|socket|ssl\w*|tls\w*)(_|$)/,
    'a request cannot name an address that the router or a model is to reach',
  ],
  [
    /(^|_)(keys?|secrets?|passwords?|credentials?|auth\w*|certs?|certificates?|headers?)(_|$)|(^|_)(access|bearer|api|session|id|hf|refresh)_tokens?$/,
    'keys and headers for a provider are not taken from a request',
  ],
  [
    /(^|_)(projects?|workspaces?|teams?|tenants?|accounts?|organi[sz]ations?|profiles?)(_|$)|^(client|customer|org)(_(id|name|slug))?$/,
    'who asks and who pays is stated by the key, x-will-client and x-will-project',
  ],
  [
    /(^|_)(files?|documents?|attachments?|vector_stores?|folders?|paths?|buckets?|uploads?|artifacts?)(_|$)/,
    'files are not kept here; send the content itself',
  ],
  [/(^|_)(callbacks?|webhooks?|notif\w*|hooks?|plugins?|extensions?|mcp\w*|containers?)(_|$)/, 'is not offered'],
];

/** One form of a name however it is spelt: `dataCollection`, `no-log`, `data_collection`. */
export const plainName = (name: string): string =>
  name
    .slice(0, 128)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_');

/** The reason why a field is refused whatever dialect it came in; undefined: its name states no wish. */
export function wishIn(field: string): WishRefusal | undefined {
  const name = plainName(field).replace(/^_+/, '');
  if (Object.hasOwn(byName, name)) return byName[name];
  const found = byPattern.find(([pattern]) => pattern.test(name));
  return found && { harmless: saysNothing, instead: found[1] };
}
