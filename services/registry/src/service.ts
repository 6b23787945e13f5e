import { contained } from '@will/runtime';
import {
  compileSnapshot,
  documentKinds,
  nameKey,
  namesOf,
  unworkableIn,
  type DocumentKind,
  type Loosening,
  type Snapshot,
} from '@will/core';
import type { DocumentProblem } from '@will/contracts';
import { StoreError, type DocumentStore, type Revision, type StoredDocument, type Tombstone } from '@will/store';
import { decisionChanges, type DecisionChange } from './decision-changes.ts';
import { changedFields, diffDocuments, type FieldChange } from './diff.ts';
import { looserDecisions, type LooserDecision } from './looser-decisions.ts';
import { planChange, planRollback, type Planned, type PlannedChange } from './plan-change.ts';
import type { DocumentText, LateDecisions, LiveProcess, LiveProcesses, Publication, DecidedFacts } from './ports.ts';
import { review, unworkableInWords, type ChangeAllowance, type ReviewPorts } from './review.ts';
import { warningsOf } from './warnings.ts';

/** What every change of documents says of itself. */
export interface Change extends Partial<ChangeAllowance> {
  readonly author: string;
  readonly note: string;
  /** Say what would change; change nothing. */
  readonly dryRun: boolean;
  /** How long it waits until every live process works with the new revision. 0: not at all. Default: 3,000. */
  readonly waitMs?: number | undefined;
}

export interface Apply extends Change {
  readonly files: readonly DocumentText[];
  /** Remove every document that the files do not name. */
  readonly prune: boolean;
}

export interface Rollback extends Change {
  readonly to: number;
}

/** A document by its name. */
export interface Named {
  readonly kind: DocumentKind;
  readonly slug: string;
}

export interface Diff {
  /** Undefined: all documents. */
  readonly document: Named | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

export interface RevisionDifference {
  readonly from: number;
  readonly to: number;
  readonly changes: readonly FieldChange[];
}

/** One version of one document. */
export interface DocumentVersion {
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly atMs: number;
  readonly action: 'created' | 'updated' | 'removed';
  /** Fields that differ from the version before. */
  readonly fields: readonly string[];
}

export interface Applied {
  /** Revision in force after it. */
  readonly revision: number;
  readonly changes: readonly PlannedChange[];
  /** Not empty: nothing was applied. */
  readonly problems: readonly DocumentProblem[];
  readonly warnings: readonly string[];
  /** Who did not confirm the revision in time, in words; it is stored all the same. */
  readonly lagging: readonly string[];
  readonly laggards: readonly Laggard[];
  /** Rules on data that admit more, also of a change that was refused. */
  readonly loosenings: readonly Loosening[];
  /** Decisions of the last hour for which a model is freed, and in words how many were looked at. */
  readonly looserDecisions: readonly LooserDecision[];
  readonly looserNote: string;
  /** Dry run: what would be decided otherwise, and in words how much was looked at. */
  readonly decisionChanges: readonly DecisionChange[];
  readonly decisionsNote: string;
}

/** A process that did not confirm a revision in time. */
export interface Laggard extends LiveProcess {
  /** It fell silent without a goodbye. */
  readonly isSilent: boolean;
  /** From then on it serves only tasks without rules on data; undefined: the revision is not published yet. */
  readonly oldRulesUntilMs: number | undefined;
}

type Impact = Pick<Applied, 'decisionChanges' | 'decisionsNote' | 'looserDecisions' | 'looserNote'>;
type Planning = (revision: number, documents: readonly StoredDocument[]) => Promise<Planned>;

/** What holds, and what would hold. */
interface Snapshots {
  /** Undefined: the documents in force do not fit together. */
  readonly before: Snapshot | undefined;
  readonly after: Snapshot;
}

const nothing = {
  changes: [],
  problems: [],
  warnings: [],
  lagging: [],
  laggards: [],
  loosenings: [],
  looserDecisions: [],
  looserNote: '',
  decisionChanges: [],
  decisionsNote: '',
} as const;

/** A change that is in the store. */
export interface Committed {
  readonly author: string;
  readonly revision: number;
  readonly changes: readonly PlannedChange[];
  readonly loosenings: readonly Loosening[];
}

export interface RegistryDependencies extends Pick<ReviewPorts, 'keys' | 'tasksNaming' | 'providers'> {
  readonly store: DocumentStore;
  readonly publication: Publication;
  readonly processes: LiveProcesses;
  readonly lateDecisions: LateDecisions;
  readonly nowMs: () => number;
  readonly onError: (what: string, error: unknown) => void;
  /** Told of every change that was stored, before it is answered. */
  readonly onCommitted?: (change: Committed) => Promise<void>;
  /** How long an apply waits for the live processes where it does not say. Default 3,000. */
  readonly timeoutMs?: number;
  /** Documents that a process did not confirm for so long are stale there. Default 15,000. */
  readonly staleAfterMs?: number;
}

const maxConflicts = 5;
const publishRetryMs = 500;
/** While an apply waits, silent processes are looked at so often. */
const pollIntervalMs = 250;
/** A dry run is tried on what was decided in this time. */
const lateMs = 3_600_000;
/** So many changed decisions are told. */
const maxDecisionChanges = 50;

/** Knows the documents: changes them all or nothing, and sees to it that everybody works with the same ones. */
export class Registry {
  readonly #deps: RegistryDependencies;
  readonly #timeoutMs: number;
  readonly #staleAfterMs: number;
  #publishedRevision = -1;
  #publishedAtMs = 0;
  readonly #publishedListeners = new Set<() => void>();
  /** One change at a time, one publication at a time. */
  #changing: Promise<unknown> = Promise.resolve();
  #publishing: Promise<void> | undefined;
  #hasMoreToPublish = false;
  #isStopped = false;
  #compiled: Snapshot | undefined;

  constructor(deps: RegistryDependencies) {
    this.#deps = deps;
    this.#timeoutMs = deps.timeoutMs ?? 3_000;
    this.#staleAfterMs = deps.staleAfterMs ?? 15_000;
  }

  get publishedRevision(): number {
    return Math.max(0, this.#publishedRevision);
  }

  /** Called after every publication. Returns how to stop listening. */
  onPublished(listener: () => void): () => void {
    this.#publishedListeners.add(listener);
    return () => this.#publishedListeners.delete(listener);
  }

  /** Publishes what the store holds: also what was committed right before a crash. Throws when the bus does not take it. */
  async start(): Promise<void> {
    await this.#publishNewest();
  }

  /** Applies files: all of them, or none. Problems are an answer; what is thrown is a failure of the store. */
  apply(request: Apply): Promise<Applied> {
    return this.#carryOut(request, (revision, documents) =>
      planChange(revision, documents, request.files, request.prune),
    );
  }

  /** Makes a new revision whose documents equal those of an old one: all of them, or none. */
  rollback({ to, ...change }: Rollback): Promise<Applied> {
    const note = change.note === '' ? `rollback to revision ${to}` : change.note;
    return this.#carryOut({ ...change, note }, async (revision, documents) => {
      if (to < 1 || to > revision) return { problems: [noRevision(to, revision)] };
      return planRollback(revision, documents, to, await this.#deps.store.at(to));
    });
  }

  /** Every version of one document, newest first; none: there never was such a document. */
  async history(kind: DocumentKind, slug: string): Promise<readonly DocumentVersion[]> {
    const versions = await this.#deps.store.history(kind, slug);
    return versions.map(({ document, revision, author, note, updatedAtMs }, index) => {
      const before = versions[index + 1]?.document;
      const action = document === undefined ? 'removed' : before === undefined ? 'created' : 'updated';
      const fields = action === 'updated' ? changedFields(before, document) : [];
      return { revision, author, note, atMs: updatedAtMs, action, fields };
    });
  }

  /** Revisions below `before`, newest first. */
  revisions(limit: number, before: number | undefined): Promise<readonly Revision[]> {
    return this.#deps.store.revisions(limit, before);
  }

  /**
   * What differs between two revisions, of all documents or of one. Without `to` up to the newest; of one document
   * without `from` since before its last change up to there. @throws {StoreError} 'not_found'
   */
  async diff({ document, from, to }: Diff): Promise<RevisionDifference> {
    const { store } = this.#deps;
    const until = to ?? (await store.current()).revision;
    const since = from ?? (document ? await this.#beforeLastChange(document, until) : until - 1);
    const [before, after] = await Promise.all([store.at(since), store.at(until)]);
    const wanted = ({ document: { kind, body } }: StoredDocument): boolean =>
      !document || (kind === document.kind && body.slug === document.slug);
    const documentsOf = (stored: readonly StoredDocument[]) => stored.filter(wanted).map((one) => one.document);
    return { from: since, to: until, changes: diffDocuments(documentsOf(before), documentsOf(after)) };
  }

  async #beforeLastChange({ kind, slug }: Named, until: number): Promise<number> {
    const versions = await this.#deps.store.history(kind, slug);
    const last = versions.find(({ revision }) => revision <= until);
    if (!last) throw new StoreError('not_found', `there is no ${kind} ${slug} up to revision ${until}`);
    return last.revision - 1;
  }

  /** Live processes that follow the documents and do not work with the newest revision yet. */
  async laggards(): Promise<readonly LiveProcess[]> {
    const { revision } = await this.#deps.store.current();
    return this.#deps.processes.followers().filter((process) => process.revision < revision);
  }

  /** The slug of the document of a name that was removed last. */
  async removedSlug(kind: DocumentKind, said: string): Promise<string | undefined> {
    const key = nameKey(said);
    const isMeant = ({ document }: Tombstone): boolean =>
      document.kind === kind && namesOf(document.body).includes(key);
    const found = (await this.#deps.store.tombstones()).filter(isMeant);
    return found.reduce<Tombstone | undefined>((a, b) => (a && a.revision > b.revision ? a : b), undefined)?.document
      .body.slug;
  }

  /** The documents in force, as the rules read them. @throws {Error} they do not fit together. */
  async snapshot(): Promise<Snapshot> {
    const { revision, documents } = await this.#deps.store.current();
    if (this.#compiled?.revision === revision) return this.#compiled;
    const compiled = compileSnapshot(
      revision,
      documents.map(({ document }) => document),
    );
    if ('problems' in compiled) throw new Error(`the documents of revision ${revision} do not fit together`);
    this.#compiled = compiled.snapshot;
    return compiled.snapshot;
  }

  /** What can never work in the documents in force, in words; also that they do not fit together. */
  async unworkable(): Promise<readonly string[]> {
    try {
      return unworkableIn(await this.snapshot()).map(unworkableInWords);
    } catch (error) {
      return [(error as Error).message];
    }
  }

  async documents(
    kind: DocumentKind | undefined,
    slug: string | undefined,
    atRevision?: number,
  ): Promise<{ revision: number; documents: readonly StoredDocument[] }> {
    const { store } = this.#deps;
    const { revision, documents } =
      atRevision === undefined
        ? await store.current()
        : { revision: atRevision, documents: await store.at(atRevision) };
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

  /** Changes in turn, then waits for the live processes; or says what would change. */
  async #carryOut(change: Change, plan: Planning): Promise<Applied> {
    const turn = this.#changing.then(() => this.#change(change, plan));
    this.#changing = turn.catch(() => {});
    const { snapshots, ...applied } = await turn;
    const impact = this.#impactOf(change.dryRun, snapshots, applied.loosenings);
    if (applied.problems.length > 0 || change.dryRun) return { ...applied, ...(await impact) };
    const laggards = await this.#untilEverybodyHas(applied.revision, change.waitMs ?? this.#timeoutMs);
    return { ...applied, ...(await impact), laggards, lagging: this.#laggingInWords(applied.revision, laggards) };
  }

  async #change(change: Change, plan: Planning): Promise<Applied & { readonly snapshots?: Snapshots }> {
    const { store, nowMs } = this.#deps;
    const { author, note, dryRun, force = false, allowLoosening = false } = change;
    for (let conflicts = 0; ; conflicts += 1) {
      const { revision, documents } = await store.current();
      const planned = await plan(revision, documents);
      if ('problems' in planned) return { ...nothing, revision, problems: planned.problems };
      const { changes, upserts, removals, snapshot: after } = planned.plan;
      if (changes.length === 0) return { ...nothing, revision, changes, warnings: warningsOf(after, upserts, nowMs()) };
      const reviewed = await review(this.#deps, revision, documents, planned.plan, { force, allowLoosening });
      const { before, loosenings, problems } = reviewed;
      const snapshots = { before, after };
      if (problems.length > 0) return { ...nothing, revision, problems, loosenings, snapshots };
      const warnings = [...reviewed.warnings, ...warningsOf(after, upserts, nowMs())];
      const answer = { ...nothing, revision, changes, warnings, loosenings, snapshots };
      if (dryRun) return answer;
      try {
        const written = { expectedRevision: revision, upserts, removals, author, note, atMs: nowMs() };
        const committed = await store.commit(written);
        this.#publishSoon();
        await this.#told({ author, revision: committed, changes, loosenings });
        return { ...answer, revision: committed };
      } catch (error) {
        // Another writer came first: the change is checked again on what holds now.
        if (!(error instanceof StoreError && error.code === 'conflict') || conflicts >= maxConflicts) throw error;
      }
    }
  }

  /** A change that is stored stays stored, also where telling of it fails. */
  async #told(committed: Committed): Promise<void> {
    try {
      await this.#deps.onCommitted?.(committed);
    } catch (error) {
      this.#deps.onError(`telling of revision ${committed.revision}`, error);
    }
  }

  /** What a change means for late decisions. Never fails: an operator may change documents while telemetry is away. */
  async #impactOf(
    dryRun: boolean,
    snapshots: Snapshots | undefined,
    loosenings: readonly Loosening[],
  ): Promise<Partial<Impact>> {
    const isLooser = loosenings.length > 0;
    if (!snapshots || !(dryRun || isLooser)) return {};
    const { before, after } = snapshots;
    const note = (words: string) => ({
      ...(dryRun && { decisionsNote: words }),
      ...(isLooser && { looserNote: words }),
    });
    if (!before) return note('the documents in force do not fit together, so nothing is compared');
    const { lateDecisions, nowMs } = this.#deps;
    try {
      const { recent, isPartial } = await lateDecisions.since(nowMs() - lateMs);
      const changes = dryRun ? decisionChanges(before, after, recent, nowMs()) : [];
      const looser = isLooser ? looserDecisions(before, after, recent, nowMs()) : [];
      return {
        decisionChanges: changes.slice(0, maxDecisionChanges),
        looserDecisions: looser.slice(0, maxDecisionChanges),
        ...(dryRun && { decisionsNote: impactInWords(recent, changes, isPartial, 'would change') }),
        ...(isLooser && { looserNote: impactInWords(recent, looser, isPartial, 'become looser') }),
      };
    } catch (error) {
      return note(`which decisions would change is not known: ${(error as Error).message}`);
    }
  }

  /** Publishes until it was confirmed: what is in the store has to come out, also after NATS was not connected. */
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
    if (revision !== this.#publishedRevision) this.#publishedAtMs = this.#deps.nowMs();
    this.#publishedRevision = revision;
    if (revision > 0) await this.#deps.store.markPublished(revision);
    for (const listener of this.#publishedListeners) listener();
  }

  /**
   * Waits until the revision is published and every live process works with it, and until no silent one can act by
   * older rules any more. @returns who is left when the time is up.
   */
  async #untilEverybodyHas(revision: number, waitMs: number): Promise<readonly Laggard[]> {
    const isDone = (): boolean => this.#publishedRevision >= revision && this.#laggards(revision).length === 0;
    if (waitMs === 0 || isDone()) return this.#laggards(revision);
    return new Promise((resolve) => {
      const look = (): void => {
        if (isDone()) finish();
      };
      const finish = (): void => {
        clearTimeout(timer);
        clearInterval(looking);
        stopListening();
        stopWatching();
        resolve(this.#laggards(revision));
      };
      const timer = setTimeout(contained(finish), waitMs);
      const looking = setInterval(contained(look), pollIntervalMs);
      const stopListening = this.#deps.processes.onChange(look);
      const stopWatching = this.onPublished(look);
      look();
    });
  }

  #laggards(revision: number): readonly Laggard[] {
    const { processes, nowMs } = this.#deps;
    const oldRulesUntilMs = this.#publishedRevision < revision ? undefined : this.#publishedAtMs + this.#staleAfterMs;
    const isOver = oldRulesUntilMs !== undefined && oldRulesUntilMs <= nowMs();
    const behind = (isSilent: boolean, of: readonly LiveProcess[]): readonly Laggard[] =>
      of.filter((process) => process.revision < revision).map((process) => ({ ...process, isSilent, oldRulesUntilMs }));
    return [
      ...behind(false, processes.followers()),
      ...(isOver ? [] : behind(true, processes.silent(this.#staleAfterMs))),
    ];
  }

  #laggingInWords(revision: number, laggards: readonly Laggard[]): readonly string[] {
    return [
      ...(this.#publishedRevision < revision
        ? ['registry: the bus has not confirmed the publication yet; it is tried again']
        : []),
      ...laggards.map(laggardInWords),
    ];
  }
}

function laggardInWords({ service, processId, revision, isSilent, oldRulesUntilMs }: Laggard): string {
  const state = isSilent ? `is silent since revision ${revision}` : `works with revision ${revision}`;
  const until =
    oldRulesUntilMs === undefined
      ? 'and goes on until the new revision is published'
      : `and serves only tasks without rules on data from ${new Date(oldRulesUntilMs).toISOString()} on`;
  return `${service} ${processId} ${state} ${until}`;
}

const noRevision = (revision: number, newest: number): DocumentProblem => ({
  path: `revision ${revision}`,
  line: 0,
  field: '',
  message: newest === 0 ? 'there is no revision yet' : `it must be between 1 and ${newest}`,
});

/** `3 of 12 kinds of task of the last hour (2,000 decisions) would change`. */
function impactInWords(
  recent: readonly DecidedFacts[],
  touched: readonly { readonly decisions: number }[],
  isPartial: boolean,
  what: string,
): string {
  if (recent.length === 0)
    return `nothing was decided in the last hour, so no decision can ${what.replace('would ', '')}`;
  const sum = (of: readonly { readonly decisions: number }[]): number =>
    of.reduce((n, { decisions }) => n + decisions, 0);
  const told = touched.length > maxDecisionChanges ? `; the ${maxDecisionChanges} decided most often are listed` : '';
  const looked = `${isPartial ? 'the newest ' : ''}${sum(recent)} decisions of the last hour`;
  return `${sum(touched)} of ${looked} (${touched.length} of ${recent.length} kinds of task) ${what}${told}`;
}
