import { documentKinds, type DocumentKind } from '@will/core';
import type { DocumentProblem } from '@will/contracts';
import { StoreError, type DocumentStore, type StoredDocument } from '@will/store';
import { planChange, type Plan, type PlannedChange } from './plan-change.ts';
import type { DocumentText, LiveProcess, LiveProcesses, Publication } from './ports.ts';
import { warningsOf } from './warnings.ts';

export interface Apply {
  readonly files: readonly DocumentText[];
  /** Remove every document that the files do not name. */
  readonly prune: boolean;
  readonly author: string;
  readonly note: string;
  /** Say what would change; change nothing. */
  readonly dryRun: boolean;
}

export interface Applied {
  /** Revision in force after it. */
  readonly revision: number;
  readonly changes: readonly PlannedChange[];
  /** Not empty: nothing was applied. */
  readonly problems: readonly DocumentProblem[];
  readonly warnings: readonly string[];
  /** Who did not report the revision in time; it is stored all the same. */
  readonly lagging: readonly string[];
}

export interface RegistryDependencies {
  readonly store: DocumentStore;
  readonly publication: Publication;
  readonly processes: LiveProcesses;
  readonly nowMs: () => number;
  readonly onError: (what: string, error: unknown) => void;
  /** How long an apply waits for the live processes. Default 3,000. */
  readonly patienceMs?: number;
}

const mostConflicts = 5;
const publishRetryMs = 500;

/** Knows the documents: changes them all or nothing, and sees to it that everybody works with the same ones. */
export class Registry {
  readonly #deps: RegistryDependencies;
  readonly #patienceMs: number;
  #publishedRevision = -1;
  readonly #publishedListeners = new Set<() => void>();
  /** One change at a time, one publication at a time. */
  #changing: Promise<unknown> = Promise.resolve();
  #publishing: Promise<void> | undefined;
  #hasMoreToPublish = false;
  #isStopped = false;

  constructor(deps: RegistryDependencies) {
    this.#deps = deps;
    this.#patienceMs = deps.patienceMs ?? 3_000;
  }

  get publishedRevision(): number {
    return Math.max(0, this.#publishedRevision);
  }

  /** Publishes what the store holds: also what was committed right before a crash. Throws when the bus does not take it. */
  async start(): Promise<void> {
    await this.#publishNewest();
  }

  /** Applies files: all of them, or none. Problems are an answer; what is thrown is a failure of the store. */
  async apply(request: Apply): Promise<Applied> {
    const turn = this.#changing.then(() => this.#change(request));
    this.#changing = turn.catch(() => {});
    const applied = await turn;
    if (request.dryRun || applied.problems.length > 0) return applied;
    return { ...applied, lagging: await this.#untilEverybodyHas(applied.revision) };
  }

  async documents(
    kind: DocumentKind | undefined,
    slug: string | undefined,
  ): Promise<{ revision: number; documents: readonly StoredDocument[] }> {
    const { revision, documents } = await this.#deps.store.current();
    const order = (stored: StoredDocument): string =>
      `${documentKinds.indexOf(stored.document.kind)}:${stored.document.body.slug}`;
    const wanted = documents
      .filter(
        ({ document }) =>
          (kind === undefined || document.kind === kind) && (slug === undefined || document.body.slug === slug),
      )
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return { revision, documents: wanted };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#changing.catch(() => {});
    await this.#publishing?.catch(() => {});
  }

  async #change(request: Apply): Promise<Applied> {
    const { store, nowMs } = this.#deps;
    for (let conflicts = 0; ; conflicts += 1) {
      const { revision, documents } = await store.current();
      const planned = planChange(revision, documents, request.files, request.prune);
      if ('problems' in planned)
        return { revision, changes: [], problems: planned.problems, warnings: [], lagging: [] };
      const { plan } = planned;
      const answer = { changes: plan.changes, problems: [], warnings: this.#warnings(plan), lagging: [] };
      if (request.dryRun || plan.changes.length === 0) return { revision, ...answer };
      try {
        const { upserts, removals } = plan;
        const { author, note } = request;
        const committed = await store.commit({
          expectedRevision: revision,
          upserts,
          removals,
          author,
          note,
          atMs: nowMs(),
        });
        this.#publishSoon();
        return { revision: committed, ...answer };
      } catch (error) {
        // Another writer came first: what is right is judged anew on what holds now.
        if (!(error instanceof StoreError && error.code === 'conflict') || conflicts >= mostConflicts) throw error;
      }
    }
  }

  #warnings({ snapshot, upserts }: Plan): readonly string[] {
    const models = new Set(upserts.filter(({ kind }) => kind === 'model').map(({ body }) => body.slug));
    return warningsOf(snapshot, models, this.#deps.nowMs());
  }

  /** Publishes until it was confirmed: what is in the store has to come out, also after the bus was away. */
  #publishSoon(): void {
    this.#hasMoreToPublish = true;
    this.#publishing ??= this.#publishUntilDone();
  }

  async #publishUntilDone(): Promise<void> {
    while (this.#hasMoreToPublish && !this.#isStopped) {
      this.#hasMoreToPublish = false;
      try {
        await this.#publishNewest();
      } catch (error) {
        this.#hasMoreToPublish = true;
        this.#deps.onError('publishing the documents; it is tried again', error);
        await new Promise((resolve) => setTimeout(resolve, publishRetryMs));
      }
    }
    this.#publishing = undefined;
  }

  async #publishNewest(): Promise<void> {
    const { revision, documents } = await this.#deps.store.current();
    await this.#deps.publication.publish(revision, documents);
    this.#publishedRevision = revision;
    if (revision > 0) await this.#deps.store.markPublished(revision);
    for (const listener of this.#publishedListeners) listener();
  }

  /** Waits until every live process works with the revision. @returns who does not, when patience ends. */
  async #untilEverybodyHas(revision: number): Promise<readonly string[]> {
    const { processes } = this.#deps;
    const late = (): readonly string[] => [
      ...(this.#publishedRevision < revision
        ? ['registry: the bus has not confirmed the publication yet; it is tried again']
        : []),
      ...processes.followers().flatMap((process) => (process.revision < revision ? [laggard(process)] : [])),
    ];
    if (late().length === 0) return [];
    return new Promise((resolve) => {
      const look = (): void => {
        if (late().length === 0) finish();
      };
      const finish = (): void => {
        clearTimeout(timer);
        stopListening();
        this.#publishedListeners.delete(look);
        resolve(late());
      };
      const timer = setTimeout(finish, this.#patienceMs);
      const stopListening = processes.onChange(look);
      this.#publishedListeners.add(look);
      look();
    });
  }
}

const laggard = ({ service, processId, revision }: LiveProcess): string =>
  `${service} ${processId} works with revision ${revision}`;
