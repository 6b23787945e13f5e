import type { Price, PriceHours } from '../usage/cost.ts';
import type { DataClass } from '../domain/data-class.ts';
import type {
  AnyDocument,
  CallMethod,
  ComplianceStandard,
  ModelDocument,
  Modality,
  ProjectDocument,
  ClientDocument,
  ReflexDocument,
  Residency,
  RouteDocument,
  ScheduleDocument,
  TaskTypeDocument,
  SecurityLevel,
  Tier,
} from '../domain/documents.ts';

/** A model as the rules read it: resolved, in integer money, with instants as numbers. */
export interface Model {
  readonly slug: string;
  readonly name: string;
  readonly version: string | undefined;
  /** From then on decisions warn of it; infinite: never. */
  readonly deprecatedAtMs: number;
  /** From then on no task may go there; infinite: never. */
  readonly retiredAtMs: number;
  /** Slug of the model that comes after it. */
  readonly replacedBy: string | undefined;
  readonly taskTypes: ReadonlySet<string>;
  readonly callMethod: CallMethod;
  /** The place it is called at has a private address, or is this very machine or process. */
  readonly isPrivate: boolean;
  readonly provider: string;
  readonly tier: Tier;
  readonly dataResidency: Residency | undefined;
  /** Absent: unknown, which is not allowed where compliance is asked for. */
  readonly compliance: readonly { readonly standard: ComplianceStandard; readonly expiresAtMs: number }[] | undefined;
  readonly securityLevel: SecurityLevel | undefined;
  readonly maySeeCustomerData: boolean | undefined;
  readonly input: ReadonlySet<Modality>;
  readonly output: ReadonlySet<Modality>;
  readonly capabilities: ReadonlySet<string>;
  readonly contextTokens: number | undefined;
  /** The most that one answer may have; undefined: unknown. */
  readonly maxOutputTokens: number | undefined;
  readonly maxTokensPerCall: number | undefined;
  /** Slots per worker process. */
  readonly concurrency: number | undefined;
  /** Absent: unknown, never zero. */
  readonly price: Price | undefined;
  /** Empty: the price is the same at all hours. */
  readonly priceHours: readonly PriceHours[];
  readonly document: ModelDocument;
}

/** All documents of one revision, compiled once and then only read. */
export interface Snapshot {
  readonly revision: number;
  readonly models: ReadonlyMap<string, Model>;
  /** Slug of every name, alias and slug of a model, by `nameKey`. So are those of clients, projects and reflexes. */
  readonly modelSlugs: ReadonlyMap<string, string>;
  readonly clientSlugs: ReadonlyMap<string, string>;
  readonly projectSlugs: ReadonlyMap<string, string>;
  readonly reflexSlugs: ReadonlyMap<string, string>;
  /** Slugs of the models with a tag, most accurate first, then cheapest, then by slug: the order where no route is declared. */
  readonly modelsByTaskType: ReadonlyMap<string, readonly string[]>;
  readonly routes: ReadonlyMap<string, RouteDocument>;
  readonly taskTypes: ReadonlyMap<string, TaskTypeDocument>;
  /** Everybody who may ask. Holds the built-in client `default`, unless the settings reject who names nobody. */
  readonly clients: ReadonlyMap<string, ClientDocument>;
  readonly projects: ReadonlyMap<string, ProjectDocument>;
  readonly reflexes: ReadonlyMap<string, ReflexDocument>;
  readonly schedules: ReadonlyMap<string, ScheduleDocument>;
  /** Absent in the settings: the strictest. */
  readonly defaultDataClass: DataClass;
  /** Ascending token counts at which some rule changes; estimates are rounded up to these. */
  readonly tokenEdges: readonly number[];
  readonly documents: readonly AnyDocument[];
}
