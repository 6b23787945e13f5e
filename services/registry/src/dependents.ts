import type { AnyDocument, DocumentKind } from '@will/core';
import type { wire } from '@will/contracts';
import type { TaskNamings } from './ports.ts';

/** Documents whose absence is told to callers and tasks, and whose removal therefore asks for force. */
export type OwningDocument = Extract<AnyDocument, { readonly kind: 'client' | 'project' | 'model' }>;

export const isOwning = (document: AnyDocument): document is OwningDocument =>
  owningKinds.some((kind) => kind === document.kind);
const owningKinds: readonly DocumentKind[] = ['client', 'project', 'model'];

/** So many keys and projects are named one by one. */
const maxNamed = 5;

export interface DependentSources {
  /** All documents before the change. */
  readonly documents: readonly AnyDocument[];
  /** Keys that hold now. */
  readonly keys: readonly wire.Key[];
  readonly tasks: TaskNamings;
}

/** Things that the removal of a document would leave behind, in words; none: nothing. */
export function dependentsOf(
  document: OwningDocument,
  { documents, keys, tasks }: DependentSources,
): readonly string[] {
  const { slug } = document.body;
  return [
    ...listed(
      'API key',
      keysOf(document, keys).map(({ id }) => id),
    ),
    ...listed('project', document.kind === 'client' ? projectsOf(document.body.name, slug, documents) : []),
    ...tasksInWords(document, tasks),
    ...(hasBudget(document) ? ['its budget'] : []),
    ...(hasRules(document) ? ['its rules on data'] : []),
  ];
}

function keysOf({ kind, body: { slug } }: OwningDocument, keys: readonly wire.Key[]): readonly wire.Key[] {
  if (kind === 'model') return [];
  return keys.filter(({ client, projects }) => (kind === 'client' ? client === slug : projects.includes(slug)));
}

const projectsOf = (name: string, slug: string, documents: readonly AnyDocument[]): readonly string[] =>
  documents.flatMap(({ kind, body }) =>
    kind === 'project' && (body.client === slug || body.client?.toLowerCase() === name.toLowerCase())
      ? [body.slug]
      : [],
  );

function tasksInWords({ kind, body: { slug } }: OwningDocument, tasks: TaskNamings): readonly string[] {
  if ('unknown' in tasks) return [`durable tasks, if any (${tasks.unknown})`];
  const naming = tasks.naming.find((one) => one.kind === kind && one.slug === slug);
  if (!naming) return [];
  const { waiting, running, isPartial } = naming;
  if (waiting + running === 0) return ['durable tasks, if any (more wait than were looked at)'];
  return [
    `${isPartial ? 'at least ' : ''}${count(waiting + running, 'durable task')} (${waiting} waiting, ${running} running)`,
  ];
}

function hasBudget({ kind, body }: OwningDocument): boolean {
  if (kind === 'model') return body.limits?.daily !== undefined || body.limits?.monthly !== undefined;
  return body.budget !== undefined;
}

function hasRules({ kind, body }: OwningDocument): boolean {
  if (kind === 'model') return false;
  const { data_rules = {}, data_class, compliance = [] } = body;
  return Object.keys(data_rules).length > 0 || data_class !== undefined || compliance.length > 0;
}

/** `3 API keys (a, b, c)`. */
function listed(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > maxNamed ? `, and ${names.length - maxNamed} more` : '';
  return [`${count(names.length, what)} (${names.slice(0, maxNamed).join(', ')}${more})`];
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
