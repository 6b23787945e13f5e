import { dataClasses, isCustomerData, isSensitiveData, strictestOf, type DataClass } from '../domain/data-class.ts';
import type { DataRequirement } from '../eligibility/data-requirement.ts';
import type {
  ClientDocument,
  DocumentKind,
  ProjectDocument,
  Residency,
  SettingsDocument,
} from '../domain/documents.ts';
import { brokenDataRules } from '../eligibility/eligibility.ts';
import type { Model, Snapshot } from './snapshot.ts';
import { nameKey } from '../domain/names.ts';

/** A rule on data that admits more after a change of documents than before. */
export interface Loosening {
  readonly kind: DocumentKind;
  /** Of the document after the change. */
  readonly slug: string;
  /** The field that does it: `avoid_cloud`, `security_level`. */
  readonly field: string;
  /** `avoid_cloud is no longer asked for`. */
  readonly words: string;
}

/** Documents of one kind by every name that callers may use for them. */
export interface LastKnown {
  readonly models: readonly Model[];
  readonly clients: readonly ClientDocument[];
  readonly projects: readonly ProjectDocument[];
}

/**
 * Rules on data that a change of documents loosens. A document is compared with whatever had one of its names before,
 * so that neither a rename nor a new slug hides a change; `removed` are documents that earlier changes removed. A new
 * document under a new name loosens nothing: before it there was nobody to free.
 */
export function loosenings(before: Snapshot, after: Snapshot, removed: LastKnown, nowMs: number): readonly Loosening[] {
  const models = predecessors([...removed.models, ...before.models.values()], after.models.values(), ofModel);
  const clients = predecessors([...removed.clients, ...before.clients.values()], after.clients.values(), namesOf);
  const projects = predecessors([...removed.projects, ...before.projects.values()], after.projects.values(), namesOf);
  const found = [
    ...looserSettings(settingsOf(before), settingsOf(after)).map(placed('settings', 'global')),
    ...models.flatMap(([old, model]) => looserTags(old, model, nowMs).map(placed('model', model.slug))),
    ...clients.flatMap(([old, client]) =>
      looserRules([[rulesOfClient(before, old), rulesOfClient(after, client)]]).map(placed('client', client.slug)),
    ),
    ...projects.flatMap(([old, project]) =>
      looserRules(pairsOfProject(before, old, after, project)).map(placed('project', project.slug)),
    ),
  ];
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
}

/** The settings document, or its defaults; without such a document: nothing. */
export const settingsOf = ({ documents }: Pick<Snapshot, 'documents'>): SettingsDocument | undefined =>
  documents.flatMap(({ kind, body }) => (kind === 'settings' ? [body] : []))[0];

type Found = Pick<Loosening, 'field' | 'words'>;

const placed =
  (kind: DocumentKind, slug: string) =>
  (found: Found): Loosening => ({ kind, slug, ...found });

interface Named {
  readonly slug: string;
  readonly name: string;
  readonly aliases?: readonly string[];
}

/** Every name of a document, in the form in which names are compared. */
export const namesOf = ({ slug, name, aliases = [] }: Named): readonly string[] => [
  ...new Set([slug, name, ...aliases].map(nameKey)),
];
const ofModel = ({ document }: Model): readonly string[] => namesOf(document);

/** Each document of now with every one that had one of its names before; of two that had it the later one counts. */
function predecessors<T>(
  old: readonly T[],
  present: Iterable<T>,
  names: (document: T) => readonly string[],
): readonly (readonly [T, T])[] {
  const byName = new Map(old.flatMap((document) => names(document).map((name) => [name, document] as const)));
  return [...present].flatMap((document) => {
    const before = new Set(names(document).flatMap((name) => byName.get(name) ?? []));
    return [...before].map((one) => [one, document] as const);
  });
}

// --- what documents ask for ----------------------------------------------------------------------------------------

const rulesOfClient = ({ defaultDataClass }: Snapshot, client: ClientDocument): DataRequirement =>
  rulesOf([client], defaultDataClass);

/**
 * A project's rules with those of its client. Where any client may name it, it is compared twice: for a client that
 * states no class, and for one whose data is open.
 */
function pairsOfProject(
  before: Snapshot,
  old: ProjectDocument,
  after: Snapshot,
  project: ProjectDocument,
): readonly (readonly [DataRequirement, DataRequirement])[] {
  const [then, now] = [withOwner(before, old), withOwner(after, project)];
  const pair = (thenDefault: DataClass, nowDefault: DataClass) =>
    [rulesOf(then, thenDefault), rulesOf(now, nowDefault)] as const;
  const usual = pair(before.defaultDataClass, after.defaultDataClass);
  return old.client === undefined ? [usual, pair('open', 'open')] : [usual];
}

const withOwner = ({ clients }: Snapshot, project: ProjectDocument): readonly (ClientDocument | ProjectDocument)[] => {
  const owner = project.client === undefined ? undefined : clients.get(project.client);
  return owner ? [project, owner] : [project];
};

function rulesOf(owners: readonly (ClientDocument | ProjectDocument)[], defaultClass: DataClass): DataRequirement {
  const rules = owners.map(({ data_rules }) => data_rules ?? {});
  const classes = owners.flatMap(({ data_class }) => data_class ?? []);
  const compliantOnly = rules.some(({ use_compliant_only }) => use_compliant_only === true);
  return {
    dataClass: classes.length === 0 ? defaultClass : classes.reduce(strictestOf),
    avoidCloud: rules.some(({ avoid_cloud }) => avoid_cloud === true),
    compliantOnly,
    standards: compliantOnly ? owners.flatMap(({ compliance }) => compliance ?? []) : [],
    residencies: rules.flatMap(({ data_residency }) => data_residency ?? []),
  };
}

function looserRules(pairs: readonly (readonly [DataRequirement, DataRequirement])[]): readonly Found[] {
  return pairs.flatMap(([before, after]) => [
    ...looserClass('data_class', before.dataClass, after.dataClass),
    ...(before.avoidCloud && !after.avoidCloud ? [noLonger('avoid_cloud')] : []),
    ...(before.compliantOnly && !after.compliantOnly ? [noLonger('use_compliant_only')] : []),
    ...(after.compliantOnly ? lostStandards(before, after) : []),
    ...looserResidency(before.residencies, after.residencies),
  ]);
}

const noLonger = (field: string): Found => ({ field, words: `${field} is no longer asked for` });

const looserClass = (field: string, before: DataClass, after: DataClass): readonly Found[] =>
  strictestOf(before, after) === after ? [] : [{ field, words: `${field} ${before} becomes ${after}` }];

const lostStandards = (before: DataRequirement, after: DataRequirement): readonly Found[] =>
  before.standards
    .filter((standard) => !after.standards.includes(standard))
    .map((standard) => ({ field: 'compliance', words: `compliance ${standard} is no longer asked for` }));

/** Every place that is stated lies within `Global`. */
function looserResidency(before: readonly Residency[], after: readonly Residency[]): readonly Found[] {
  const isHeld = (demanded: Residency): boolean =>
    after.includes(demanded) || (demanded === 'Global' && after.length > 0);
  return before
    .filter((demanded) => !isHeld(demanded))
    .map((demanded) => ({
      field: 'data_residency',
      words: `data_residency ${demanded} becomes ${after.join(' and ') || 'none'}`,
    }));
}

function looserSettings(before: SettingsDocument | undefined, after: SettingsDocument | undefined): readonly Found[] {
  const isOff = before?.strict_changes === true && after?.strict_changes !== true;
  const isOpened = before?.unnamed === 'reject' && after?.unnamed !== 'reject';
  return [
    ...looserClass('default_data_class', classOf(before), classOf(after)),
    ...(isOff ? [{ field: 'strict_changes', words: 'strict_changes is no longer asked for' }] : []),
    ...(isOpened ? [{ field: 'unnamed', words: 'requests that name no client are no longer rejected' }] : []),
  ];
}

const classOf = (settings: SettingsDocument | undefined): DataClass =>
  settings?.default_data_class ?? 'customer-sensitive';

// --- what models may see ---------------------------------------------------------------------------------------------

const nothingAsked: DataRequirement = {
  dataClass: 'open',
  avoidCloud: false,
  compliantOnly: false,
  standards: [],
  residencies: [],
};

/** One demand for each thing that a rule on data can ask for, and the field of a model that meets it. */
const demands: readonly (readonly [string, string, DataRequirement])[] = [
  ...dataClasses
    .filter((dataClass) => isCustomerData(dataClass) !== isSensitiveData(dataClass))
    .map((dataClass) => [fieldOfClass(dataClass), `${dataClass} data`, { ...nothingAsked, dataClass }] as const),
  ['endpoint', 'data that must avoid the cloud', { ...nothingAsked, avoidCloud: true }],
  ...(['HIPAA', 'GDPR'] as const).map(
    (standard) =>
      [
        'compliance',
        `data that needs ${standard}`,
        { ...nothingAsked, compliantOnly: true, standards: [standard] },
      ] as const,
  ),
  ...(['US', 'EU', 'Global'] as const).map(
    (place) =>
      ['data_residency', `data that must stay in ${place}`, { ...nothingAsked, residencies: [place] }] as const,
  ),
];

function fieldOfClass(dataClass: DataClass): string {
  return isCustomerData(dataClass) ? 'allowed_tasks' : 'security_level';
}

/** Looked at now and when a tag of before would have expired: a longer one loosens, too. */
function looserTags(before: Model, after: Model, nowMs: number): readonly Found[] {
  if (dataTagsOf(before) === dataTagsOf(after)) return [];
  const expiries = (before.compliance ?? []).map(({ expiresAtMs }) => expiresAtMs);
  const instants = [nowMs, ...expiries.filter((atMs) => atMs > nowMs && Number.isFinite(atMs))];
  return demands.flatMap(([field, what, demand]) =>
    instants.some((atMs) => meets(after, demand, atMs) && !meets(before, demand, atMs))
      ? [{ field, words: `${field}: it may see ${what}, which it might not before` }]
      : [],
  );
}

const meets = (model: Model, demand: DataRequirement, atMs: number): boolean =>
  brokenDataRules(model, demand, atMs).length === 0;

/** All of a model that rules on data read: equal tags admit the same. */
export const dataTagsOf = (model: Model): string =>
  JSON.stringify([
    model.maySeeCustomerData,
    model.securityLevel,
    model.callMethod,
    model.isPrivate,
    model.dataResidency,
    model.compliance?.map(({ standard, expiresAtMs }) => [
      standard,
      expiresAtMs === Number.POSITIVE_INFINITY ? 'never' : expiresAtMs,
    ]),
  ]);
