import { toBinary } from '@bufbuild/protobuf';
import type { Bus, Payloads, ProcessesView, Serving } from '@will/bus';
import { documentKinds, type DocumentKind, type NamedKind, nearestOf, slugNamed, slugOf } from '@will/core';
import { create, factsToWire, queues, readMessage, subjects, wire } from '@will/contracts';
import { StoreError, type StoredDocument } from '@will/store';
import type { DocumentText } from '../ports.ts';
import type { DocumentVersion, Named, RevisionDifference } from '../document-reader.ts';
import type { AppliedChange, Change, Registry } from '../service.ts';

/** What one answer may carry of documents; the rest is asked for again. */
const maxAnswerBytes = 900 * 1024;

/** So many versions and fields of one are in an answer, which then fits a message also with the longest notes. */
const maxVersions = 100;
const maxFields = 30;
/** So many candidates of a changed decision are in an answer. */
const maxCandidates = 32;
/** So many loosenings are in an answer. */
const maxLoosenings = 1_000;
const maxWaitMs = 600_000;
/** Files beside the message are fetched within this time. */
const payloadMs = 30_000;
/** So many changes and problems of one apply are in an answer. */
const maxListed = 2_000;

interface RegistryApi {
  readonly bus: Bus;
  readonly registry: Registry;
  readonly incarnation: string;
  readonly processes: ProcessesView;
  /** Where files lie that are too large for a message. */
  readonly payloads: Payloads;
  readonly onError: (what: string, error: unknown) => void;
}

/** Serves apply, rollback, get, history, diff and status. Every request is answered, also one that cannot be read. */
export function serveRegistry(api: RegistryApi): Serving {
  const { bus } = api;
  const servings = [
    bus.serve(subjects.registry('apply'), queues.registry, async ({ data }) =>
      toBinary(wire.ApplyResponseSchema, await apply(api, data)),
    ),
    bus.serve(subjects.registry('get'), queues.registry, async ({ data }) =>
      toBinary(wire.GetResponseSchema, await get(api, data)),
    ),
    bus.serve(subjects.registry('rollback'), queues.registry, async ({ data }) =>
      toBinary(wire.ApplyResponseSchema, await rollback(api, data)),
    ),
    bus.serve(subjects.registry('history'), queues.registry, async ({ data }) =>
      toBinary(wire.HistoryResponseSchema, await history(api, data)),
    ),
    bus.serve(subjects.registry('diff'), queues.registry, async ({ data }) =>
      toBinary(wire.DiffResponseSchema, await diff(api, data)),
    ),
    bus.serve(subjects.registry('resolve'), queues.registry, async ({ data }) =>
      toBinary(wire.ResolveResponseSchema, await resolve(api, data)),
    ),
    bus.serve(subjects.registry('status'), queues.registry, async () =>
      toBinary(wire.StatusResponseSchema, await status(api)),
    ),
  ];
  return {
    stop: async () => {
      await Promise.all(servings.map((serving) => serving.stop()));
    },
  };
}

async function apply({ registry, payloads, onError }: RegistryApi, data: Uint8Array): Promise<wire.ApplyResponse> {
  try {
    const request = readMessage(wire.ApplyRequestSchema, data);
    const files = await filesOf(request, payloads);
    return applied(await registry.apply({ files, prune: request.prune, ...changeOf(request) }));
  } catch (error) {
    onError('applying documents', error);
    return notApplied(error);
  }
}

/** Files in the message, or beside it. @throws {PayloadError} */
async function filesOf(
  { files, filesPayload }: wire.ApplyRequest,
  payloads: Payloads,
): Promise<readonly DocumentText[]> {
  if (!filesPayload) return files;
  const content = await payloads.get(filesPayload, AbortSignal.timeout(payloadMs));
  return readMessage(wire.ApplyFilesSchema, content).files;
}

async function rollback({ registry, onError }: RegistryApi, data: Uint8Array): Promise<wire.ApplyResponse> {
  try {
    const request = readMessage(wire.RollbackRequestSchema, data);
    return applied(await registry.rollback({ to: Number(request.revision), ...changeOf(request) }));
  } catch (error) {
    onError('rolling back', error);
    return notApplied(error);
  }
}

const changeOf = (request: wire.ApplyRequest | wire.RollbackRequest): Change => ({
  author: request.author === '' ? 'unknown' : request.author.slice(0, 200),
  note: request.note.slice(0, 2_000),
  dryRun: request.dryRun,
  force: request.force,
  allowLoosening: request.allowLoosening,
  waitMs: request.waitMs === undefined ? undefined : Math.min(request.waitMs, maxWaitMs),
});

/** `and 8000 more changes`, where not all are listed. */
const unlisted = (what: string, all: readonly unknown[]): readonly string[] =>
  all.length > maxListed ? [`and ${all.length - maxListed} more ${what}s, which are not listed`] : [];

const applied = ({ decisionChanges, looserDecisions, laggards, ...answer }: AppliedChange): wire.ApplyResponse =>
  create(wire.ApplyResponseSchema, {
    ...answer,
    loosenings: answer.loosenings.slice(0, maxLoosenings),
    looserDecisions: looserDecisions.map(({ facts, decisions, models, words }) => ({
      facts: factsToWire(facts),
      decisions,
      models: models.slice(0, maxCandidates).map(({ model, rules }) => ({ model, rules: [...rules] })),
      words,
    })),
    laggards: laggards.map(({ revision, oldRulesUntilMs, ...laggard }) => ({
      ...laggard,
      revision: BigInt(revision),
      oldRulesUntilUnixMs: BigInt(oldRulesUntilMs ?? 0),
    })),
    revision: BigInt(answer.revision),
    changes: answer.changes.slice(0, maxListed),
    problems: answer.problems.slice(0, maxListed),
    warnings: [...answer.warnings, ...unlisted('change', answer.changes), ...unlisted('problem', answer.problems)],
    lagging: [...answer.lagging],
    decisionChanges: decisionChanges.map(({ facts, before, after, decisions, words }) => ({
      facts: factsToWire(facts),
      decisions,
      before: before.slice(0, maxCandidates),
      after: after.slice(0, maxCandidates),
      words,
    })),
  });

const notApplied = (error: unknown): wire.ApplyResponse =>
  create(wire.ApplyResponseSchema, { problems: [{ message: `nothing was applied: ${(error as Error).message}` }] });

async function get({ registry, onError }: RegistryApi, data: Uint8Array): Promise<wire.GetResponse> {
  try {
    const request = readMessage(wire.GetRequestSchema, data);
    const kind = kindOf(request.kind);
    const slug = request.slug === '' ? undefined : slugOf(request.slug);
    const at = request.revision === 0n ? undefined : Number(request.revision);
    const { revision, documents } = await registry.reader.documents(kind, slug, at);
    return page(revision, documents, request.after);
  } catch (error) {
    return create(wire.GetResponseSchema, { error: refusalOf(error, 'reading documents', onError) });
  }
}

async function resolve({ registry, onError }: RegistryApi, data: Uint8Array): Promise<wire.ResolveResponse> {
  try {
    const { kind: word, name } = readMessage(wire.ResolveRequestSchema, data);
    const kind = namedKinds.find((known) => known === word);
    if (!kind)
      throw new RefusedError(`kind ${JSON.stringify(word.slice(0, 40))} must be one of ${namedKinds.join(', ')}`);
    const snapshot = await registry.reader.snapshot();
    const slug = slugNamed(snapshot, kind, name);
    if (slug === undefined)
      return create(wire.ResolveResponseSchema, {
        nearest: [...nearestOf(snapshot, kind, name.slice(0, 200))],
        removedSlug: (await registry.reader.removedSlug(kind, name)) ?? '',
      });
    return create(wire.ResolveResponseSchema, {
      slug,
      client: (kind === 'project' ? snapshot.projects.get(slug)?.client : undefined) ?? '',
    });
  } catch (error) {
    return create(wire.ResolveResponseSchema, { error: refusalOf(error, 'resolving a name', onError) });
  }
}

const namedKinds: readonly NamedKind[] = ['client', 'project', 'reflex', 'model'];

/** @throws {RefusedError} */
function kindOf(word: string): DocumentKind | undefined {
  const kind = documentKinds.find((known) => known === word.toLowerCase());
  if (word !== '' && !kind)
    throw new RefusedError(`kind ${JSON.stringify(word.slice(0, 40))} must be one of ${documentKinds.join(', ')}`);
  return kind;
}

/** The one document that is asked about; undefined: all. @throws {RefusedError} */
function namedIn({ kind: word, slug }: { readonly kind: string; readonly slug: string }): Named | undefined {
  const kind = kindOf(word);
  if (kind === undefined && slug === '') return undefined;
  if (kind === undefined || slug === '') throw new RefusedError('a kind and a name are needed, or neither');
  return { kind, slug: slugOf(slug) };
}

async function history({ registry, onError }: RegistryApi, data: Uint8Array): Promise<wire.HistoryResponse> {
  try {
    const request = readMessage(wire.HistoryRequestSchema, data);
    const before = request.before === 0n ? undefined : Number(request.before);
    const document = namedIn(request);
    const versions = document
      ? versionsOfOne(await registry.reader.history(document.kind, document.slug), before)
      : (await registry.reader.revisions(maxVersions + 1, before)).map((version) => ({
          ...version,
          action: '',
          fields: [],
        }));
    const [shown, rest] = [versions.slice(0, maxVersions), versions.slice(maxVersions)];
    return create(wire.HistoryResponseSchema, {
      versions: shown.map(({ atMs, revision, ...version }) => ({
        ...version,
        revision: BigInt(revision),
        atUnixMs: BigInt(atMs),
      })),
      next: rest.length > 0 ? BigInt(shown.at(-1)?.revision ?? 0) : 0n,
    });
  } catch (error) {
    return create(wire.HistoryResponseSchema, { error: refusalOf(error, 'reading the history', onError) });
  }
}

const versionsOfOne = (versions: readonly DocumentVersion[], before = Number.POSITIVE_INFINITY) =>
  versions
    .filter(({ revision }) => revision < before)
    .map(({ fields, ...version }) => ({ ...version, fields: fields.slice(0, maxFields), changes: 1 }));

async function diff({ registry, onError }: RegistryApi, data: Uint8Array): Promise<wire.DiffResponse> {
  try {
    const request = readMessage(wire.DiffRequestSchema, data);
    const document = namedIn(request);
    if (!document && request.from === undefined)
      throw new RefusedError('the revision to start from is needed, or a document');
    const stated = (revision: bigint | undefined) => (revision === undefined ? undefined : Number(revision));
    const difference = await registry.reader.diff({ document, from: stated(request.from), to: stated(request.to) });
    return pageOfDiff(difference, request.after);
  } catch (error) {
    return create(wire.DiffResponseSchema, { error: refusalOf(error, 'comparing revisions', onError) });
  }
}

function pageOfDiff({ from, to, changes }: RevisionDifference, after: number): wire.DiffResponse {
  const answer = create(wire.DiffResponseSchema, { from: BigInt(from), to: BigInt(to) });
  let bytes = 0;
  for (const { before, after: present, ...change } of changes.slice(after)) {
    const one = create(wire.FieldChangeSchema, {
      ...change,
      ...(before !== undefined && { before }),
      ...(present !== undefined && { after: present }),
    });
    bytes += toBinary(wire.FieldChangeSchema, one).length + 8;
    if (bytes > maxAnswerBytes && answer.changes.length > 0) {
      answer.next = after + answer.changes.length;
      return answer;
    }
    answer.changes.push(one);
  }
  return answer;
}

/** A question that cannot be answered as it is put. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** What the asker is told; what is not the asker's doing is logged too. */
function refusalOf(error: unknown, doing: string, onError: RegistryApi['onError']): string {
  const isAskers = error instanceof RefusedError || (error instanceof StoreError && error.code === 'not_found');
  if (!isAskers) onError(doing, error);
  return (error as Error).message;
}

function page(revision: number, documents: readonly StoredDocument[], after: string): wire.GetResponse {
  const first = after === '' ? 0 : documents.findIndex((stored) => placeOf(stored) === after) + 1;
  const answer = create(wire.GetResponseSchema, { revision: BigInt(revision) });
  let bytes = 0;
  for (const stored of documents.slice(first)) {
    const document = onTheWire(stored);
    bytes += document.json.length + 300;
    if (bytes > maxAnswerBytes && answer.documents.length > 0) {
      const last = answer.documents.at(-1);
      answer.next = last ? `${last.kind}:${last.slug}` : '';
      return answer;
    }
    answer.documents.push(document);
  }
  return answer;
}

const placeOf = ({ document }: StoredDocument): string => `${document.kind}:${document.body.slug}`;

const onTheWire = ({ document, revision, author, updatedAtMs }: StoredDocument): wire.Document =>
  create(wire.DocumentSchema, {
    kind: document.kind,
    slug: document.body.slug,
    name: document.body.name,
    revision: BigInt(revision),
    json: new TextEncoder().encode(JSON.stringify(document.body)),
    author,
    updatedUnixMs: BigInt(updatedAtMs),
  });

async function status({ registry, incarnation, processes, onError }: RegistryApi): Promise<wire.StatusResponse> {
  try {
    const { revision, documents } = await registry.reader.documents(undefined, undefined);
    const counts = documentKinds.map((kind) => ({
      kind,
      count: documents.filter(({ document }) => document.kind === kind).length,
    }));
    return create(wire.StatusResponseSchema, {
      revision: BigInt(revision),
      publishedRevision: BigInt(registry.publishedRevision),
      incarnation,
      counts,
      processes: [...processes.processes.values()],
      lagging: (await registry.laggards()).map(({ processId }) => processId),
      warnings: [...(await registry.reader.retirements(Date.now()))],
    });
  } catch (error) {
    onError('reading the status', error);
    return create(wire.StatusResponseSchema, { error: (error as Error).message });
  }
}
