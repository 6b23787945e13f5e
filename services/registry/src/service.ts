import type { DocumentProblem } from '@will/contracts';
import type { Loosening } from '@will/core';
import { StoreError, type StoredDocument } from '@will/store';
import { DocumentReader } from './document-reader.ts';
import { impactOf, type Impact, type SnapshotPair } from './impact.ts';
import { planChange, planRollback, type Planned, type PlannedChange } from './plan-change.ts';
import type { DocumentText, LateDecisions, LiveProcess } from './ports.ts';
import { review, type ChangeAllowance, type ReviewPorts } from './review.ts';
import { Rollout, type Laggard, type RolloutDeps } from './rollout.ts';
import { warningsOf } from './warnings.ts';

/** Facts that every change of documents states of itself. */
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

/** The result of a change. */
export interface AppliedChange extends Impact {
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
}

type Planning = (revision: number, documents: readonly StoredDocument[]) => Promise<Planned>;

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

/** Ports and settings of the registry. */
export interface RegistryDependencies extends Pick<ReviewPorts, 'keys' | 'tasksNaming' | 'providers'>, RolloutDeps {
  readonly lateDecisions: LateDecisions;
  /** Told of every change that was stored, before it is answered. */
  readonly onCommitted?: (change: Committed) => Promise<void>;
  /** How long an apply waits for the live processes where it does not say. Default 3,000. */
  readonly timeoutMs?: number;
}

const maxConflicts = 5;
const defaultWaitMs = 3_000;

/** Knows the documents: changes them all or nothing, and sees to it that everybody works with the same ones. */
export class Registry {
  readonly #deps: RegistryDependencies;
  /** Reads what is in the store. */
  readonly reader: DocumentReader;
  readonly #rollout: Rollout;
  /** One change at a time. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(deps: RegistryDependencies) {
    this.#deps = deps;
    this.reader = new DocumentReader(deps.store);
    this.#rollout = new Rollout(deps);
  }

  get publishedRevision(): number {
    return this.#rollout.publishedRevision;
  }

  /** Called after every publication. Returns how to stop listening. */
  onPublished(listener: () => void): () => void {
    return this.#rollout.onPublished(listener);
  }

  /** Publishes what the store holds: also what was committed right before a crash. Throws when the bus does not take it. */
  async start(): Promise<void> {
    await this.#rollout.publishNewest();
  }

  /** Applies files: all of them, or none. Problems are an answer; what is thrown is a failure of the store. */
  apply(request: Apply): Promise<AppliedChange> {
    return this.#carryOut(request, (revision, documents) =>
      planChange(revision, documents, request.files, request.prune),
    );
  }

  /** Makes a new revision whose documents equal those of an old one: all of them, or none. */
  rollback({ to, ...change }: Rollback): Promise<AppliedChange> {
    const note = change.note === '' ? `rollback to revision ${to}` : change.note;
    return this.#carryOut({ ...change, note }, async (revision, documents) => {
      if (to < 1 || to > revision) return { problems: [noRevision(to, revision)] };
      return planRollback(revision, documents, to, await this.#deps.store.at(to));
    });
  }

  /** Live processes that follow the documents and do not work with the newest revision yet. */
  async laggards(): Promise<readonly LiveProcess[]> {
    const { revision } = await this.#deps.store.current();
    return this.#deps.processes.followers().filter((process) => process.revision < revision);
  }

  async stop(): Promise<void> {
    const stopping = this.#rollout.stop();
    await this.#changing.catch(() => {});
    await stopping;
  }

  /** Changes in turn, then waits for the live processes; or says what would change. */
  async #carryOut(change: Change, plan: Planning): Promise<AppliedChange> {
    const turn = this.#changing.then(() => this.#change(change, plan));
    this.#changing = turn.catch(() => {});
    const { snapshots, ...applied } = await turn;
    const impact = impactOf(this.#deps, change.dryRun, snapshots, applied.loosenings);
    if (applied.problems.length > 0 || change.dryRun) return { ...applied, ...(await impact) };
    const waitMs = change.waitMs ?? this.#deps.timeoutMs ?? defaultWaitMs;
    const laggards = await this.#rollout.untilEverybodyHas(applied.revision, waitMs);
    return {
      ...applied,
      ...(await impact),
      laggards,
      lagging: this.#rollout.laggingInWords(applied.revision, laggards),
    };
  }

  async #change(change: Change, plan: Planning): Promise<AppliedChange & { readonly snapshots?: SnapshotPair }> {
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
        this.#rollout.publishSoon();
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
}

const noRevision = (revision: number, newest: number): DocumentProblem => ({
  path: `revision ${revision}`,
  line: 0,
  field: '',
  message: newest === 0 ? 'there is no revision yet' : `it must be between 1 and ${newest}`,
});
