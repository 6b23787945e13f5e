import { quote } from './quote.ts';
import type { DocumentKind, ProjectDocument } from './documents.ts';
import { nameKey } from './names.ts';
import { nearestNames } from './nearest.ts';
import type { Facts } from './facts.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** Kinds of documents that callers name. */
export type NamedKind = Extract<DocumentKind, 'model' | 'client' | 'project' | 'reflex'>;

/** The client of a caller who names nobody. It needs no document, and the settings can turn it off (`unnamed: reject`). */
export const defaultClient = 'default';

type Slugs = Pick<Snapshot, 'modelSlugs' | 'clientSlugs' | 'projectSlugs' | 'reflexSlugs'>;

/** The slug of what a caller names by slug, name or alias, however it is spelled; undefined: no document has that name. */
export const slugNamed = (snapshot: Slugs, kind: NamedKind, said: string): string | undefined =>
  slugIn(slugsOf(snapshot, kind), said);

/** The slug of a model by its name, alias or slug; undefined when there is none. */
export const modelSlugOf = (snapshot: Pick<Snapshot, 'modelSlugs'>, said: string): string | undefined =>
  slugIn(snapshot.modelSlugs, said);

/** Most callers say the slug, which is its own key. */
const slugIn = (slugs: ReadonlyMap<string, string>, said: string): string | undefined =>
  slugs.get(said) ?? slugs.get(nameKey(said));

/** The reason why a client or project may not be named: no document has it, or it is another client's. */
export interface IdentityProblem {
  readonly rule: 'unknown_client' | 'unknown_project' | 'foreign_project';
  /** Names what was said, and nothing that a document holds. */
  readonly detail: string;
}

/** The reason why a request is rejected for the names in it. */
export interface CallerProblem {
  readonly rule: IdentityProblem['rule'] | 'unknown_reflex';
  readonly detail: string;
  /** The name as the caller said it; '' where none was said. */
  readonly said: string;
}

/** The caller, as the documents know it. */
export interface Resolved {
  readonly client: string;
  readonly project: string | undefined;
  /** Undefined where none was named, and where no document has the name that was. */
  readonly reflex: string | undefined;
  /** What was ignored, in words for the caller. */
  readonly notices: readonly string[];
}

/** The caller, as it names itself; '' and undefined: nothing. */
export interface Said {
  readonly client?: string | undefined;
  readonly project?: string | undefined;
  readonly reflex?: string | undefined;
}

/** Rules of a server for names that a caller leaves out. */
export interface ResolveOptions {
  /**
   * True: a caller who names no client, or `default`, is the client that the named project belongs to. Only where
   * callers say themselves who they are.
   */
  readonly clientOfProject: boolean;
}

/**
 * Finds client, project and reflex by slug, name or alias. The one resolver of all servers. A client or project
 * without a document is a problem, and so is a project of another client; a reflex without one is left out with a
 * notice, and a problem where the client document says `strict_requests`.
 */
export function resolveCaller(
  snapshot: Snapshot,
  said: Said,
  { clientOfProject }: ResolveOptions,
): Resolved | CallerProblem {
  const project = named(said.project) ? slugNamed(snapshot, 'project', said.project) : undefined;
  const owner = projectOf(snapshot, { project })?.client;
  const stated = named(said.client) ? slugNamed(snapshot, 'client', said.client) : defaultClient;
  const client = clientOfProject && owner !== undefined && isUnnamed(said) ? owner : stated;
  if (client === undefined || !snapshot.clients.has(client)) return unknownClient(said.client ?? '');
  if (named(said.project) && project === undefined) return unknownProject(said.project);
  const problem = identityProblem(snapshot, { client, project });
  if (problem) return { ...problem, said: said.project ?? '' };
  const reflex = named(said.reflex) ? slugNamed(snapshot, 'reflex', said.reflex) : undefined;
  if (!named(said.reflex) || reflex !== undefined) return { client, project, reflex, notices: [] };
  const detail = `no reflex has the slug, name or alias ${quote(said.reflex)}`;
  if (snapshot.clients.get(client)?.strict_requests === true)
    return { rule: 'unknown_reflex', detail, said: said.reflex };
  return { client, project, reflex, notices: [`${detail}; it is ignored`] };
}

const isUnnamed = ({ client }: Said): boolean => !named(client) || nameKey(client) === defaultClient;

/**
 * The reason why slugs may not stand for a caller; undefined: they may. The predicate of policy and worker reads this,
 * so that each refuses an unknown or removed client, and another client's project, by itself.
 */
export function identityProblem(
  { clients, projects }: Pick<Snapshot, 'clients' | 'projects'>,
  { client, project }: Pick<Facts, 'client' | 'project'>,
): IdentityProblem | undefined {
  if (!clients.has(client)) return unknownClient(client);
  if (project === undefined) return undefined;
  const document = projects.get(project);
  if (!document) return unknownProject(project);
  if (document.client === undefined || document.client === client) return undefined;
  return { rule: 'foreign_project', detail: `project ${quote(project)} does not belong to this client` };
}

/** The document of the project that a task names; undefined: it names none, or one that has no document. */
export const projectOf = (
  { projects }: Pick<Snapshot, 'projects'>,
  { project }: Partial<Pick<Facts, 'project'>>,
): ProjectDocument | undefined => (project === undefined ? undefined : projects.get(project));

/** Names like the one that was said, for operators. Callers who show a key must not be told them. */
export const nearestOf = (snapshot: Snapshot, kind: NamedKind, said: string): readonly string[] =>
  nearestNames(said, namesOf(snapshot, kind));

/** `; nearest: "AcmeLegal"`, or nothing where no name is near. */
export const nearestInWords = (near: readonly string[]): string =>
  near.length === 0 ? '' : `; nearest: ${near.map(quote).join(', ')}`;

function* namesOf(snapshot: Snapshot, kind: NamedKind): Generator<string> {
  for (const document of snapshot.documents) if (document.kind === kind) yield document.body.name;
}

/** The answer to a client that no document has. */
export function unknownClient(said: string): CallerProblem & IdentityProblem {
  const detail = named(said)
    ? `no client has the slug, name or alias ${quote(said)}`
    : 'the request names no client, and the settings reject that (unnamed: reject)';
  return { rule: 'unknown_client', detail, said };
}

const unknownProject = (said: string): CallerProblem & IdentityProblem => ({
  rule: 'unknown_project',
  said,
  detail: `no project has the slug, name or alias ${quote(said)}`,
});

/** The answer for a project that does not exist and for one that is another's, where a client must not learn which. */
export const projectNotTheirs = (said: string): string => `project ${quote(said)} is not one of this client's`;

const named = (said: string | undefined): said is string => said !== undefined && said !== '';

const slugsOf = (snapshot: Slugs, kind: NamedKind): ReadonlyMap<string, string> =>
  ({
    model: snapshot.modelSlugs,
    client: snapshot.clientSlugs,
    project: snapshot.projectSlugs,
    reflex: snapshot.reflexSlugs,
  })[kind];
