import type { IncomingHttpHeaders } from 'node:http';
import { type DataClass, dataClasses, type Priority, slugOf, slugPattern, strictestOf } from '@will/core';
import { identity } from '../keys/identity.ts';
import { HttpError, invalid } from '../http/errors.ts';

/** What a caller says of a task beside its content. */
export interface StatedFacts {
  /** Slug: the key's client; without keys what the caller says. */
  readonly client: string;
  readonly project?: string;
  readonly reflex?: string;
  readonly priority?: Priority;
  readonly dataClass?: DataClass;
  readonly taskType?: string;
  readonly timeoutMs?: number;
}

const factNames = [
  'client',
  'project',
  'reflex',
  'priority',
  'high-priority',
  'data-class',
  'task-type',
  'timeout-ms',
] as const;
type FactName = (typeof factNames)[number];

const headerOf = (fact: FactName): string => `x-will-${fact}`;
const fieldOf = (fact: FactName): string => `will_${fact.replaceAll('-', '_')}`;
const factOfHeader = new Map<string, FactName>(factNames.map((fact) => [headerOf(fact), fact]));
/** The headers that facts may come by. */
export const factHeaders: readonly string[] = factNames.map(headerOf);
const factOfField = new Map<string, FactName>(factNames.map((fact) => [fieldOf(fact), fact]));

const priorities: readonly Priority[] = ['background', 'normal', 'high'];
const longestTimeoutMs = 3_600_000;

/** A stated value with the place it stands at, for complaints. */
interface Stated {
  readonly at: string;
  readonly value: string;
}

/**
 * Reads `x-will-*` headers and `metadata.will_*`. A header wins over metadata, except that the stricter data class wins.
 * Unknown names are refused: a mistyped data class must not go unheard. @throws {HttpError} 400
 */
export function readFacts(headers: IncomingHttpHeaders, metadata: Readonly<Record<string, string>> = {}): StatedFacts {
  const byHeader = new Map<FactName, Stated>();
  for (const at in headers) {
    if (!at.startsWith('x-will-')) continue;
    const fact = factOfHeader.get(at);
    if (!fact) throw invalid(`header ${shown(at)} must be one of ${[...factOfHeader.keys()].join(', ')}`, at);
    byHeader.set(fact, { at, value: String(headers[at]) });
  }
  const byField = new Map<FactName, Stated>();
  for (const [field, value] of Object.entries(metadata)) {
    if (!field.startsWith('will_')) continue;
    const fact = factOfField.get(field);
    if (!fact)
      throw invalid(
        `metadata ${shown(field)} must be one of ${[...factOfField.keys()].join(', ')}`,
        `metadata.${field.slice(0, 80)}`,
      );
    byField.set(fact, { at: `metadata.${field}`, value });
  }
  return build(
    (fact) => byHeader.get(fact) ?? byField.get(fact),
    [byHeader.get('data-class'), byField.get('data-class')],
    [byHeader.get('client'), byField.get('client')],
  );
}

function build(
  stated: (fact: FactName) => Stated | undefined,
  classes: readonly (Stated | undefined)[],
  clients: readonly (Stated | undefined)[],
): StatedFacts {
  const client = clientOf(clients.flatMap((given) => slugged(given) ?? []));
  const project = slugged(stated('project'));
  const reflex = slugged(stated('reflex'));
  const priority = readPriority(stated('priority'), stated('high-priority'));
  const dataClass = classes
    .map((given) => oneOf(given, dataClasses))
    .reduce((a, b) => (a && b ? strictestOf(a, b) : (a ?? b)));
  const taskType = readTaskType(stated('task-type'));
  const timeoutMs = readTimeout(stated('timeout-ms'));
  return {
    client,
    ...(project !== undefined && { project }),
    ...(reflex !== undefined && { reflex }),
    ...(priority !== undefined && { priority }),
    ...(dataClass !== undefined && { dataClass }),
    ...(taskType !== undefined && { taskType }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** Who came with a key speaks for its client and for no other. @throws {HttpError} 403 */
function clientOf(stated: readonly string[]): string {
  const who = identity();
  const [first = 'default'] = stated;
  if (who?.role !== 'caller') return first;
  const other = stated.find((client) => client !== who.client);
  if (other === undefined) return who.client;
  who.refused(`client ${other}`);
  throw new HttpError(403, 'forbidden', `client ${shown(other)} is not this key's, ${who.client}`);
}

function slugged(stated: Stated | undefined): string | undefined {
  if (!stated) return undefined;
  const slug = slugOf(stated.value);
  if (slug === '') throw invalid(`${stated.at} ${shown(stated.value)} must have a letter or digit`, stated.at);
  return slug;
}

function oneOf<T extends string>(stated: Stated | undefined, allowed: readonly T[]): T | undefined {
  if (!stated) return undefined;
  const found = allowed.find((value) => value === stated.value);
  if (!found) throw invalid(`${stated.at} ${shown(stated.value)} must be one of ${allowed.join(', ')}`, stated.at);
  return found;
}

function readPriority(priority: Stated | undefined, isHigh: Stated | undefined): Priority | undefined {
  const flag = oneOf(isHigh, ['true', 'false']);
  return oneOf(priority, priorities) ?? (flag === 'true' ? 'high' : undefined);
}

function readTaskType(stated: Stated | undefined): string | undefined {
  if (!stated) return undefined;
  if (!slugPattern.test(stated.value))
    throw invalid(`${stated.at} ${shown(stated.value)} must match ${slugPattern.source}`, stated.at);
  return stated.value;
}

function readTimeout(stated: Stated | undefined): number | undefined {
  if (!stated) return undefined;
  const timeoutMs = /^\d{1,8}$/.test(stated.value) ? Number(stated.value) : 0;
  if (timeoutMs < 1 || timeoutMs > longestTimeoutMs)
    throw invalid(
      `${stated.at} ${shown(stated.value)} must be whole milliseconds from 1 to ${longestTimeoutMs}`,
      stated.at,
    );
  return timeoutMs;
}

const shown = (value: string): string => JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
