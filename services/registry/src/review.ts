import {
  compileModel,
  compileSnapshot,
  loosenings,
  nameKey,
  newProblems,
  settingsOf,
  unworkableIn,
  type Unworkable,
} from '@will/core';
import type { AnyDocument, CompileProblem, LastKnown, Loosening, Snapshot } from '@will/core';
import { keyOfDocument, type DocumentProblem, type wire } from '@will/contracts';
import type { DocumentStore, StoredDocument, Tombstone } from '@will/store';
import { dependentsOf, isOwning, type OwningDocument } from './dependents.ts';
import type { Plan } from './plan-change.ts';
import type { NamedDocuments, TaskNamings } from './ports.ts';
import { takeoversOf } from './takeovers.ts';

/** Permissions beyond the usual for one change of documents. */
export interface ChangeAllowance {
  /** Remove what something still depends on, and take names of removed documents. */
  readonly force: boolean;
  /** Loosen rules although the settings say `strict_changes`. */
  readonly allowLoosening: boolean;
}

export interface ReviewPorts {
  readonly store: Pick<DocumentStore, 'tombstones'>;
  /** Every key that was made. @throws {Error} */
  readonly keys: () => Promise<readonly wire.Key[]>;
  readonly tasksNaming: (documents: NamedDocuments) => Promise<TaskNamings>;
  /** Providers of all live workers; undefined or absent: no worker lives. */
  readonly providers?: () => ReadonlySet<string> | undefined;
  readonly nowMs: () => number;
}

/** The objections to a change that is sound in itself, and what it loosens. */
export interface Review {
  readonly problems: readonly DocumentProblem[];
  readonly warnings: readonly string[];
  readonly loosenings: readonly Loosening[];
  /** What was in force; undefined: its documents do not fit together. */
  readonly before: Snapshot | undefined;
}

/** A sentence about one document. */
interface Objection {
  readonly document: AnyDocument;
  readonly words: string;
}

/** Looks at a planned change for what it would leave behind, take over and loosen. */
export async function review(
  ports: ReviewPorts,
  revision: number,
  stored: readonly StoredDocument[],
  plan: Plan,
  { force, allowLoosening }: ChangeAllowance,
): Promise<Review> {
  const documents = stored.map(({ document }) => document);
  const before = compiled(revision, documents);
  const tombstones = await ports.store.tombstones();
  const objections = [
    ...(await removalsOf(ports, documents, plan)),
    ...takeovers(documents, plan, tombstones, revision + 1),
  ];
  const found = before ? loosenings(before, plan.snapshot, lastKnown(tombstones), ports.nowMs()) : [];
  const unworkable = unworkableAfter(before, plan, ports.providers?.());
  const refused = isStrict(documents) && !allowLoosening ? looserProblems(before, found) : [];
  return {
    problems: [...unworkable.caused, ...(force ? [] : objections.map(problemOf)), ...refused],
    warnings: [
      ...unworkable.stood,
      ...(force ? objections.map(({ document, words }) => `${placeOf(document)}: ${words}`) : []),
    ],
    loosenings: found,
    before,
  };
}

/** What can never work: problems that this change causes or writes again, and warnings of those that stood before. */
function unworkableAfter(
  before: Snapshot | undefined,
  { snapshot, upserts, place }: Plan,
  providers: ReadonlySet<string> | undefined,
): { readonly caused: readonly DocumentProblem[]; readonly stood: readonly string[] } {
  const written = new Set(upserts.map(keyOfDocument));
  const isWritten = ({ kind, slug }: CompileProblem): boolean => written.has(`${kind}:${slug}`);
  const found = unworkableIn(snapshot, providers);
  const anew = new Set(newProblems(found, before ? unworkableIn(before, providers) : []));
  const [stood = [], caused = []] = [false, true].map((isCaused) =>
    found.filter((problem) => (anew.has(problem) || isWritten(problem)) === isCaused),
  );
  const asWritten = (problem: Unworkable): CompileProblem =>
    problem.ofModel && !isWritten(problem) && isWritten(problem.ofModel) ? problem.ofModel : problem;
  return { caused: caused.map((problem) => place(asWritten(problem))), stood: stood.map(unworkableInWords) };
}

/** `route text_gen: fallback_1: …`, for logs and warnings. */
export const unworkableInWords = ({ kind, slug, field, message }: CompileProblem): string =>
  `${kind} ${slug}: ${field}: ${message}`;

function compiled(revision: number, documents: readonly AnyDocument[]): Snapshot | undefined {
  const result = compileSnapshot(revision, documents);
  return 'snapshot' in result ? result.snapshot : undefined;
}

const isStrict = (documents: readonly AnyDocument[]): boolean => settingsOf({ documents })?.strict_changes === true;

const lastKnown = (tombstones: readonly Tombstone[]): LastKnown => {
  const gone = tombstones.map(({ document }) => document);
  return {
    models: gone.flatMap(({ kind, body }) => (kind === 'model' ? [compileModel(body, undefined)] : [])),
    clients: gone.flatMap(({ kind, body }) => (kind === 'client' ? [body] : [])),
    projects: gone.flatMap(({ kind, body }) => (kind === 'project' ? [body] : [])),
  };
};

async function removalsOf(
  ports: ReviewPorts,
  documents: readonly AnyDocument[],
  plan: Plan,
): Promise<readonly Objection[]> {
  const removed = removedBy(documents, plan);
  if (removed.length === 0) return [];
  const slugsOf = (kind: OwningDocument['kind']) =>
    removed.filter((one) => one.kind === kind).map(({ body }) => body.slug);
  const [keys, tasks] = await Promise.all([
    ports.keys(),
    ports.tasksNaming({ clients: slugsOf('client'), projects: slugsOf('project'), models: slugsOf('model') }),
  ]);
  const live = keys.filter((key) => isLive(key, ports.nowMs()));
  return removed.flatMap((document) => {
    const dependents = dependentsOf(document, { documents, keys: live, tasks });
    if (dependents.length === 0) return [];
    const successor = plan.upserts.find((one) => isSuccessor(document, one));
    const what = successor ? `its new slug ${successor.body.slug} makes it another ${document.kind}` : 'it is removed';
    return [{ document, words: `${what}, and on it depend ${dependents.join(', ')}; ${consequenceOf(document)}` }];
  });
}

function removedBy(documents: readonly AnyDocument[], { removals }: Plan): readonly OwningDocument[] {
  const gone = new Set(removals.map(({ kind, slug }) => `${kind}:${slug}`));
  return documents.filter(isOwning).filter((document) => gone.has(keyOfDocument(document)));
}

/** The same name under another slug. */
const isSuccessor = (old: AnyDocument, present: AnyDocument): boolean =>
  old.kind === present.kind && nameKey(old.body.name) === nameKey(present.body.name);

const isLive = ({ revokedUnixMs, expiresUnixMs }: wire.Key, nowMs: number): boolean =>
  revokedUnixMs === 0n && (expiresUnixMs === 0n || expiresUnixMs > BigInt(nowMs));

const consequenceOf = ({ kind }: OwningDocument): string =>
  kind === 'model' ? 'tasks that ask for it are rejected' : 'its callers, keys and tasks are rejected';

function takeovers(
  documents: readonly AnyDocument[],
  plan: Plan,
  tombstones: readonly Tombstone[],
  next: number,
): readonly Objection[] {
  const before = new Map(documents.filter(isOwning).map((document) => [keyOfDocument(document), document]));
  const gone = [...tombstones, ...removedBy(documents, plan).map((document) => ({ document, revision: next }))];
  return plan.upserts.filter(isOwning).flatMap((document) =>
    takeoversOf(document, before.get(keyOfDocument(document)), gone).map(({ name, tombstone }) => ({
      document,
      words: `it takes the name ${JSON.stringify(name)} of ${placeOf(tombstone.document)} (${JSON.stringify(tombstone.document.body.name)}), which revision ${tombstone.revision} removes; the one that still says that name becomes this ${document.kind}`,
    })),
  );
}

const problemOf = ({ document, words }: Objection): DocumentProblem => ({
  path: placeOf(document),
  line: 0,
  field: '',
  message: `${words}. Undo what depends on it first, or give --force`,
});

function looserProblems(before: Snapshot | undefined, found: readonly Loosening[]): readonly DocumentProblem[] {
  if (!before)
    return [
      strictProblem('settings global', 'the documents in force do not fit together, so nobody knows what this loosens'),
    ];
  return found.map(({ kind, slug, words }) => strictProblem(`${kind} ${slug}`, words));
}

const strictProblem = (path: string, words: string): DocumentProblem => ({
  path,
  line: 0,
  field: '',
  message: `${words}; the settings say strict_changes, so this needs --allow-loosening`,
});

const placeOf = ({ kind, body }: AnyDocument): string => `${kind} ${body.slug}`;
