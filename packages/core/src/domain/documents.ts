import type { Goal, RankMode } from './goal.ts';
import type { HedgeAfter } from '../routing/hedge.ts';
import type { DeclaredCostTags } from './cost-tags.ts';

/**
 * Documents as operators write them, after validation and normalisation: names in snake_case, as in the
 * specification; absent means not stated. `packages/contracts` parses text into these, `snapshot.ts` compiles them.
 */
export type DocumentKind = 'model' | 'route' | 'task_type' | 'client' | 'project' | 'reflex' | 'schedule' | 'settings';

/** All kinds of documents, in the order in which they are shown. */
export const documentKinds: readonly DocumentKind[] = [
  'model',
  'route',
  'task_type',
  'client',
  'project',
  'reflex',
  'schedule',
  'settings',
];

/** The way in which a model is called. */
export type CallMethod = 'API' | 'Local' | 'on-device' | 'container';
/** The region in which a model's data stays. */
export type Residency = 'US' | 'EU' | 'Global';
/** A standard that a model complies with. */
export type ComplianceStandard = 'HIPAA' | 'GDPR';
/** The sensitivity of data that a model may see. */
export type SecurityLevel = 'safe_for_sensitive' | 'non_sensitive_only';
/** The quality class of a model. */
export type Tier = 'standard' | 'premium';
/**
 * A kind of content that goes in or comes out. An open set is not wanted here: a new one needs a provider that speaks
 * it.
 */
export type Modality = 'text' | 'image' | 'audio' | 'video' | 'embedding' | 'score';

/** All kinds of content that models take or give. */
export const modalities: readonly Modality[] = ['text', 'image', 'audio', 'video', 'embedding', 'score'];

/** The choice for a task that names a model that it may not have: an error, or the route answers instead. */
export type UnavailableModel = 'error' | 'route';
/** Choices for a named model that may not do the task. */
export const unavailableModels: readonly UnavailableModel[] = ['error', 'route'];

/** A compliance tag, with optional evidence; only a passed expiry voids it. */
export interface ComplianceTag {
  readonly standard: ComplianceStandard;
  readonly evidence?: string;
  /** ISO instant. */
  readonly expires_at?: string;
}

/** A cap on requests, tokens and money of a period. */
export interface CapDocument {
  readonly requests?: number;
  readonly tokens?: number;
  readonly usd?: number;
}

/** US dollars per million tokens. */
export interface RatesDocument {
  readonly input?: number;
  readonly output?: number;
  readonly cached_input?: number;
  readonly cache_write?: number;
  readonly cache_write_1h?: number;
  readonly reasoning?: number;
  readonly audio_input?: number;
  readonly audio_output?: number;
  readonly image_input?: number;
  readonly image_output?: number;
}

/** Prices of a model. */
export interface PricesDocument extends RatesDocument {
  readonly input: number;
  readonly output: number;
  /** US dollars for each. */
  readonly image?: number;
  readonly request?: number;
  readonly tiers?: readonly (RatesDocument & { readonly above_input_tokens: number })[];
  readonly hours?: readonly (RatesDocument & {
    /** `HH:MM`; an end before the start passes midnight. */
    readonly from: string;
    readonly to: string;
    readonly days?: readonly string[];
    /** IANA zone; absent: UTC. */
    readonly time_zone?: string;
  })[];
}

/** A model as the registry keeps it. */
export interface ModelDocument {
  /** Display name: `GPT-4`. */
  readonly name: string;
  readonly slug: string;
  readonly aliases: readonly string[];
  readonly version?: string;
  /** ISO instants. When it came out; from when on it should no longer be chosen; from when on it must not be used. */
  readonly released?: string;
  readonly deprecated?: string;
  /** `true`: at once. */
  readonly retired?: string | true;
  /** The model that comes after this version. It says so and nothing else: `stand_in` is what changes routes. */
  readonly replaced_by?: string;
  /** Use-case tags = task types. */
  readonly tags: readonly string[];
  readonly call_method: CallMethod;
  /** Which provider package speaks to it: `openai-compatible`, `gguf`, … */
  readonly provider: string;
  /** The provider's own name of the model; default: the slug. */
  readonly provider_model?: string;
  /** Base URL for API, Local and container models. */
  readonly endpoint?: string;
  /** Reference to the key: `env://NAME` or `file:///path`. Never the key. */
  readonly api_key?: string;
  readonly modalities?: { readonly input: readonly Modality[]; readonly output: readonly Modality[] };
  /** `tools`, `json_schema`, … */
  readonly capabilities: readonly string[];
  readonly context_tokens?: number;
  /** The most that one answer may have, as its vendor states it. */
  readonly max_output_tokens?: number;
  /** What the maximum of output tokens is called in OpenAI's form; absent: `max_tokens`. */
  readonly max_tokens_field?: 'max_tokens' | 'max_completion_tokens';
  readonly prompt_cache?: 'auto' | 'off';
  /** Fields of a chat that go to it beside the known ones; absent: see `passThroughOf`. */
  readonly pass_through?: readonly string[];
  readonly benchmark?: {
    readonly avg_latency_ms?: number;
    /** 1 to 10. */
    readonly accuracy?: number;
    readonly cost_per_1k_tokens_usd?: { readonly input: number; readonly output: number };
  };
  /** Where stated it counts, and not the cost of the benchmark. */
  readonly prices?: PricesDocument;
  readonly limits?: {
    readonly max_tokens_per_call?: number;
    readonly daily?: CapDocument;
    readonly monthly?: CapDocument;
    readonly rpm?: number;
    readonly tpm?: number;
    readonly concurrency?: number;
    readonly cooldown_seconds?: number;
  };
  readonly style?: {
    readonly prompt_format?: string;
    readonly tone?: string;
    readonly strengths?: readonly string[];
    readonly quirks?: readonly string[];
  };
  readonly data_residency?: Residency;
  /** Absent: unknown. Empty: none. */
  readonly compliance?: readonly ComplianceTag[];
  readonly security_level?: SecurityLevel;
  readonly allowed_tasks?: { readonly can_this_model_see_customer_data: boolean };
  readonly tier: Tier;
  /** Its workers may be none: one is started when a task wants it. Default: false. */
  readonly scalable?: boolean;
  /** False: its first content is waited for however long it takes. Default: true. */
  readonly adaptive_timeout?: boolean;
  /** False: it is asked for whole answers only, since it cannot stream, or counts no usage in streams. Default: true. */
  readonly streaming?: boolean;
  readonly local?: {
    readonly path?: string;
    readonly container?: string;
    /** The port that the server in the container listens on. */
    readonly port?: number;
    /** A container is started where none runs. */
    readonly start?: boolean;
    /** One that was started for this model is stopped after so long without a call; absent: never. */
    readonly stop_when_idle_seconds?: number;
    readonly endpoint?: string;
    readonly device?: 'cpu' | 'gpu' | 'either';
    readonly memory_mb?: number;
    readonly profile?: { readonly tokens_per_second?: number; readonly accuracy?: number };
    readonly auto_healthcheck?: boolean;
  };
  /** The model that it was tuned from, as its maker names it. */
  readonly base_model?: string;
  /** Where the adapter lies that made it of its base. */
  readonly adapter?: string;
  /** How it came about, oldest first: data, runs, evaluations. */
  readonly lineage?: readonly string[];
  /** The model that follows this one wherever a route names it. */
  readonly stand_in?: string;
}

/** Timeouts that a document of a task type, route or client states, in milliseconds. Absent: nothing. */
export interface TimeoutsDocument {
  readonly first_token_ms?: number;
  readonly idle_ms?: number;
  readonly max_ms?: number;
}

/** A route as the registry keeps it. */
export interface RouteDocument {
  /** The task type; the slug too. */
  readonly name: string;
  readonly slug: string;
  /** Declared order: `primary`, `fallback_1`, … Model names, aliases or slugs; in a snapshot always slugs. */
  readonly steps: readonly { readonly step: string; readonly model: string }[];
  readonly premium_if_empty?: boolean;
  /** How long a full candidate is waited for before the next is tried. Default 200. */
  readonly wait_ms?: number;
  /** Default `cascade`: the declared order. */
  readonly mode?: RankMode;
  /** False: models are waited for however long their first content takes. Default: true. */
  readonly adaptive_timeout?: boolean;
  /** What `mode: auto` and `shadow` order by. Default `balanced`. */
  readonly goal?: Goal;
  readonly timeouts?: TimeoutsDocument;
  /** When a streamed task that has no content yet is given to the next model besides. Absent: never. */
  readonly hedge_after?: HedgeAfter;
}

/** JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A task type that is described here and in no program. Its name is what tasks and tags say. */
export interface TaskTypeDocument {
  readonly name: string;
  readonly slug: string;
  /** What goes in and comes out, where a task does not say it. Default: text. */
  readonly modalities?: { readonly input: readonly Modality[]; readonly output: readonly Modality[] };
  /** Capabilities that a model must have for it, beside those that the task names. */
  readonly needs?: readonly string[];
  /** What an input of kind `fields` must be. */
  readonly fields?: JsonSchema;
  /** What the answer must be; a model is held to it. */
  readonly answer?: JsonSchema;
  /** The system prompt of a task with fields. */
  readonly instructions?: string;
  /** The user's message of a task with fields, with `{field}` for each. Default: the fields as JSON. */
  readonly prompt?: string;
  readonly timeouts?: TimeoutsDocument;
}

/** Rules on the data of a client, project or reflex. */
export interface DataRules {
  readonly use_compliant_only?: boolean;
  readonly avoid_cloud?: boolean;
  readonly data_residency?: Residency;
}

/** What client and project documents share. */
interface OverrideDocument {
  readonly name: string;
  readonly slug: string;
  /** Other names that callers may use. */
  readonly aliases?: readonly string[];
  readonly default_model?: string;
  /** What happens when a task names a model that it may not have. Default `error`. */
  readonly unavailable_model?: UnavailableModel;
  readonly force_tone?: string;
  readonly data_rules?: DataRules;
  /** Standards that `use_compliant_only` asks for; absent: any one. */
  readonly compliance?: readonly ComplianceStandard[];
  readonly data_class?: DataClassToken;
  readonly budget?: BudgetDocument;
  readonly mode?: RankMode;
  readonly goal?: Goal;
}
/** A budget in all; days and months are those of the client's zone, else UTC. */
export interface BudgetDocument {
  readonly daily?: CapDocument;
  readonly monthly?: CapDocument;
  /** Share of a cap from which on operators are warned, 0 to 1. */
  readonly warn_at?: number;
  /** Where operators are told that a threshold is reached; absent: nowhere. */
  readonly alerts?: AlertsDocument;
}

/** A webhook, signed as Standard Webhooks are. */
export interface AlertsDocument {
  readonly url: string;
  /** Reference to the secret that signs: `env://NAME` or `file:///path`, on the machine of telemetry. */
  readonly secret: string;
}
type DataClassToken = 'open' | 'customer' | 'sensitive' | 'customer-sensitive';

/** A client as the registry keeps it. */
export interface ClientDocument extends OverrideDocument {
  /** What a request says and Will does not know is an error, where it would be ignored with a notice. Default: false. */
  readonly strict_requests?: boolean;
  /** IANA zone. */
  readonly time_zone?: string;
  /** How long prompts and answers of its calls are kept; absent: they are not. */
  readonly keep_content_hours?: number;
  readonly timeouts?: TimeoutsDocument;
  /** Keys that its tasks may count costs under, and the values of each. */
  readonly cost_tags?: DeclaredCostTags;
}
/** A project as the registry keeps it. */
export interface ProjectDocument extends OverrideDocument {
  /** The client it belongs to; absent: any client may name it. */
  readonly client?: string;
}
/** A reflex as the registry keeps it. */
export interface ReflexDocument {
  readonly name: string;
  readonly slug: string;
  readonly preferred_model?: string;
  /** Tried in order after the preferred one. */
  readonly fallback?: readonly string[];
}
/** A schedule as the registry keeps it. */
export interface ScheduleDocument {
  readonly name: string;
  readonly slug: string;
  /** IANA zone. */
  readonly time_zone: string;
  /** `mon` … `sun`; absent: every day. */
  readonly days?: readonly string[];
  /** `HH:MM`; an end before the start passes midnight. */
  readonly from: string;
  readonly to: string;
  /** ISO dates on which the window does not open. */
  readonly except_dates?: readonly string[];
  /** What is preferred inside the window. */
  readonly prefer?: 'local' | 'cheapest' | { readonly tags: readonly string[] };
  /** Which tasks it is for; absent: all. */
  readonly priorities?: readonly ('background' | 'normal' | 'high')[];
  readonly task_types?: readonly string[];
}
/** The one document of global settings; its slug is `global`. */
export interface SettingsDocument {
  readonly name: string;
  readonly slug: string;
  /** Absent: the strictest. */
  readonly default_data_class?: DataClassToken;
  /** True: a change that loosens a rule on data is refused unless the one that applies it allows that. Default: false. */
  readonly strict_changes?: boolean;
  /** `reject`: a request that names no client is an error. Default: it is the client `default`. */
  readonly unnamed?: 'default' | 'reject';
  /** Names below these domains are private addresses: `svc.cluster.local`. Default: none. */
  readonly private_domains?: readonly string[];
}

/** The body of a document by its kind. */
export interface DocumentOf {
  model: ModelDocument;
  route: RouteDocument;
  task_type: TaskTypeDocument;
  client: ClientDocument;
  project: ProjectDocument;
  reflex: ReflexDocument;
  schedule: ScheduleDocument;
  settings: SettingsDocument;
}

/** A document with its kind: what parsing yields and the store keeps. */
export type AnyDocument = { [K in DocumentKind]: { readonly kind: K; readonly body: DocumentOf[K] } }[DocumentKind];
