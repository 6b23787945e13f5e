import { type CallModalities, costNanoUsd, dearestNanoUsd, type Price } from './cost.ts';
import type { CapDocument, ProjectDocument } from '../domain/documents.ts';
import type { Usage } from '../domain/outcome.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';

/** The kind of document that states a limit. */
export type LimitScope = 'model' | 'client' | 'project';
/** `nano_usd`: money, in whole nano-dollars. */
export type LimitMetric = 'requests' | 'tokens' | 'nano_usd';
/** The length of a limit's period. */
export type PeriodKind = 'minute' | 'day' | 'month';

/** At most so much, in each period, of all processes together. */
export interface Limit {
  readonly scope: LimitScope;
  /** Slug of the document that states it. */
  readonly id: string;
  readonly metric: LimitMetric;
  readonly period: PeriodKind;
  /** IANA; days and months begin at its midnight. */
  readonly zone: string;
  readonly most: bigint;
  /** Share of `most` from which on operators are warned; undefined: they are not. */
  readonly warnAt: number | undefined;
}

/** A stretch of time that is counted for itself. Windows are fixed: at a boundary twice as much may pass within one length. */
export interface Period {
  /** Part of the counter's key: `m29731245`, `d20261123`, `mo202611`. */
  readonly token: string;
  readonly startMs: number;
  /** The first instant of the next one. */
  readonly endMs: number;
}

/** The amounts that a call takes of each metric. `nano_usd` undefined: its price is unknown. */
export interface Amounts {
  readonly requests: bigint;
  readonly tokens: bigint;
  readonly nano_usd: bigint | undefined;
}

const minuteMs = 60_000;
/** The unit of money: nano-USD in one USD. */
export const nanoPerUsd = 1e9;
const defaultWarnAt = 0.8;

/** All limits that a call counts against: those of the model, of the client, and of the project. */
export function limitsOn(
  snapshot: Snapshot,
  model: Model,
  client: string,
  project: string | undefined,
): readonly Limit[] {
  const ofClient = snapshot.clients.get(client);
  const ofProject = project === undefined ? undefined : ownProjectOf(snapshot, client, project);
  const found = limitsOfModel(model);
  if (!ofClient?.budget && !ofProject?.budget) return found;
  // A project counts the days of the client it belongs to, so that all who name the project count the same ones.
  const owner = ofProject?.client === undefined ? undefined : snapshot.clients.get(ofProject.client);
  return [
    ...found,
    ...(ofClient ? limitsOfBudget('client', ofClient, ofClient.time_zone) : none),
    ...(ofProject ? limitsOfBudget('project', ofProject, owner?.time_zone) : none),
  ];
}

const none: readonly Limit[] = [];
/** By the model, client or project that states them, which stays as it is. */
const remembered = new WeakMap<object, readonly Limit[]>();

function limitsOfModel(model: Model): readonly Limit[] {
  const { slug } = model;
  const { limits } = model.document;
  if (!limits) return none;
  const known = remembered.get(model);
  if (known) return known;
  const found: Limit[] = [];
  if (limits.rpm !== undefined) found.push(perMinute(slug, 'requests', limits.rpm));
  if (limits.tpm !== undefined) found.push(perMinute(slug, 'tokens', limits.tpm));
  addCaps(found, { scope: 'model', id: slug, zone: 'UTC', warnAt: defaultWarnAt }, limits);
  remembered.set(model, found);
  return found;
}

function limitsOfBudget(
  scope: 'client' | 'project',
  document: Pick<ProjectDocument, 'slug' | 'budget'>,
  zone = 'UTC',
): readonly Limit[] {
  const { slug, budget } = document;
  if (!budget) return none;
  const known = remembered.get(document);
  // The days of a project follow another document.
  if (known?.every((limit) => limit.zone === zone)) return known;
  const found: Limit[] = [];
  addCaps(found, { scope, id: slug, zone, warnAt: budget.warn_at ?? defaultWarnAt }, budget);
  remembered.set(document, found);
  return found;
}

/** Another client's project is not charged, whatever the rules on data say of the call. */
function ownProjectOf({ projects }: Snapshot, client: string, slug: string): ProjectDocument | undefined {
  const project = projects.get(slug);
  return project?.client === undefined || project.client === client ? project : undefined;
}

/** Every limit that some document states. */
export function allLimits(snapshot: Snapshot): Limit[] {
  const noModel = { slug: '', document: {} } as unknown as Model;
  const ofModels = [...snapshot.models.values()].flatMap((model) => limitsOn(snapshot, model, '', undefined));
  const ofClients = [...snapshot.clients.keys()].flatMap((client) => limitsOn(snapshot, noModel, client, undefined));
  const ofProjects = [...snapshot.projects.values()].flatMap(({ slug, client }) =>
    limitsOn(snapshot, noModel, client ?? '', slug).filter(({ scope }) => scope === 'project'),
  );
  return [...ofModels, ...ofClients, ...ofProjects];
}

type Place = Pick<Limit, 'scope' | 'id' | 'zone' | 'warnAt'>;

const perMinute = (id: string, metric: LimitMetric, most: number): Limit => ({
  scope: 'model',
  id,
  metric,
  period: 'minute',
  zone: 'UTC',
  most: BigInt(most),
  // A minute's limit is there to be reached.
  warnAt: undefined,
});

function addCaps(
  found: Limit[],
  place: Place,
  { daily, monthly }: { readonly daily?: CapDocument; readonly monthly?: CapDocument },
): void {
  for (const [period, cap] of [
    ['day', daily],
    ['month', monthly],
  ] as const) {
    if (cap?.requests !== undefined) found.push({ ...place, metric: 'requests', period, most: BigInt(cap.requests) });
    if (cap?.tokens !== undefined) found.push({ ...place, metric: 'tokens', period, most: BigInt(cap.tokens) });
    if (cap?.usd !== undefined)
      found.push({ ...place, metric: 'nano_usd', period, most: BigInt(Math.round(cap.usd * nanoPerUsd)) });
  }
}

/**
 * The period that an instant lies in. Days and months follow the wall clock of the zone, so that a day may have 23 or 25
 * hours. @throws {RangeError} the zone is unknown here.
 */
export function periodAt(kind: PeriodKind, zone: string, nowMs: number): Period {
  if (kind === 'minute') {
    const number = Math.floor(nowMs / minuteMs);
    return { token: `m${number}`, startMs: number * minuteMs, endMs: (number + 1) * minuteMs };
  }
  const today = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs)).toZonedDateTimeISO(zone).startOfDay();
  const first = kind === 'day' ? today : today.with({ day: 1 }).startOfDay();
  const next = first.add(kind === 'day' ? { days: 1 } : { months: 1 }).startOfDay();
  const date = first.toPlainDate().toString().replaceAll('-', '');
  return {
    token: kind === 'day' ? `d${date}` : `mo${date.slice(0, 6)}`,
    startMs: first.epochMilliseconds,
    endMs: next.epochMilliseconds,
  };
}

/** The period that a counter's key ends with; undefined: it names none. */
export function periodOfKey(key: string, zone: string): Period | undefined {
  const [, kind, digits = ''] = /\.(mo|m|d)(\d+)$/.exec(key) ?? [];
  if (kind === 'm') return periodAt('minute', zone, Number(digits) * minuteMs);
  if ((kind === 'd' && digits.length !== 8) || (kind === 'mo' && digits.length !== 6) || kind === undefined)
    return undefined;
  const date = Temporal.PlainDate.from(kind === 'd' ? digits : `${digits}01`);
  const first = date.toZonedDateTime({ timeZone: zone });
  return periodAt(kind === 'd' ? 'day' : 'month', zone, first.epochMilliseconds);
}

/** Name of a counter, as tokens of a subject: scope, document, metric, period. */
export const counterKey = ({ scope, id, metric }: Limit, { token }: Period): string =>
  `${scope}.${id}.${metric}.${token}`;

/**
 * The block that a process asks for at once where `remaining` is left: a quarter of its share, so that what lies idle
 * in hands shrinks as the limit nears, and never less than what is needed now.
 */
export function blockSize(remaining: bigint, processes: number, needed: bigint): bigint {
  const share = remaining / BigInt(4 * Math.max(1, processes));
  const wanted = share > needed ? share : needed;
  const least = wanted > 0n ? wanted : 1n;
  return least < remaining ? least : remaining;
}

/**
 * Id of the addition that ends what a holder has of a counter: the same for the one that makes it, so that it is made once.
 * @param earlierEnds how many were heard before: what a dead process had sent may arrive after its hold was ended.
 */
export const endOfHold = (holder: string, key: string, earlierEnds: number): string =>
  `${holder}:${key}:end:${earlierEnds}`;

/** Name under which a process holds for the n-th time: it goes by another one after it could not show that it lives. */
export const holderName = (processId: string, epoch: number): string => `${processId}.${epoch}`;
/** The process of a holder's name. */
export const processOfHolder = (holder: string): string => holder.slice(0, holder.lastIndexOf('.'));

/**
 * The most that a call can come to, taken before it and settled after it. Its input is an upper bound already; output is
 * at most what the model is told. Money is reckoned at the dearest kinds of tokens.
 */
export const reserveOf = (
  inputTokens: number,
  maxOutputTokens: number,
  price: Price | undefined,
  modalities?: CallModalities,
): Amounts => ({
  requests: 1n,
  tokens: BigInt(inputTokens + maxOutputTokens),
  nano_usd: dearestNanoUsd(inputTokens, maxOutputTokens, price, modalities),
});

/**
 * The amounts that a call came to. A failure that tells no tokens used none; a cost that is not known is left at the
 * reserve.
 */
export function amountsOf(usage: Usage | undefined, price: Price | undefined): Amounts {
  if (!usage) return { requests: 1n, tokens: 0n, nano_usd: 0n };
  return {
    requests: 1n,
    tokens: BigInt(usage.inputTokens + usage.outputTokens),
    nano_usd: costNanoUsd(usage, price),
  };
}

/** A limit in words, for whom it stops: `the daily limit of 10 requests of model gpt-4`. */
export function limitInWords({ scope, id, metric, period, most }: Limit): string {
  const amount = metric === 'nano_usd' ? `$${Number(most) / nanoPerUsd}` : `${most} ${metric}`;
  const often = { minute: 'per minute', day: 'per day', month: 'per month' }[period];
  return `the limit of ${amount} ${often} of ${scope} ${id}`;
}
