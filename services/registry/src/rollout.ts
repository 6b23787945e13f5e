import { contained } from '@will/runtime';
import type { DocumentStore } from '@will/store';
import type { LiveProcess, LiveProcesses, Publication } from './ports.ts';

const publishRetryMs = 500;
/** While an apply waits, silent processes are looked at so often. */
const pollIntervalMs = 250;

/** A process that did not confirm a revision in time. */
export interface Laggard extends LiveProcess {
  /** It fell silent without a goodbye. */
  readonly isSilent: boolean;
  /** From then on it serves only tasks without rules on data; undefined: the revision is not published yet. */
  readonly oldRulesUntilMs: number | undefined;
}

/** Ports of a rollout. */
export interface RolloutDeps {
  readonly store: DocumentStore;
  readonly publication: Publication;
  readonly processes: LiveProcesses;
  readonly nowMs: () => number;
  readonly onError: (what: string, error: unknown) => void;
  /** Documents that a process did not confirm for so long are stale there. Default 15,000. */
  readonly staleAfterMs?: number;
}

/** Brings the newest revision to everybody: publishes it, and tells who does not work with it yet. */
export class Rollout {
  readonly #deps: RolloutDeps;
  readonly #staleAfterMs: number;
  #publishedRevision = -1;
  #publishedAtMs = 0;
  readonly #publishedListeners = new Set<() => void>();
  /** One publication at a time. */
  #publishing: Promise<void> | undefined;
  #hasMoreToPublish = false;
  #isStopped = false;

  constructor(deps: RolloutDeps) {
    this.#deps = deps;
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

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#publishing?.catch(() => {});
  }

  /** Publishes until it was confirmed: what is in the store has to come out, also after NATS was not connected. */
  publishSoon(): void {
    this.#hasMoreToPublish = true;
    this.#publishing ??= this.#publishUntilDone();
  }

  async #publishUntilDone(): Promise<void> {
    while (this.#hasMoreToPublish && !this.#isStopped) {
      this.#hasMoreToPublish = false;
      try {
        await this.publishNewest();
      } catch (error) {
        this.#hasMoreToPublish = true;
        this.#deps.onError('publishing the documents; it is tried again', error);
        await new Promise((resolve) => setTimeout(resolve, publishRetryMs));
      }
    }
    this.#publishing = undefined;
  }

  async publishNewest(): Promise<void> {
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
  async untilEverybodyHas(revision: number, waitMs: number): Promise<readonly Laggard[]> {
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

  laggingInWords(revision: number, laggards: readonly Laggard[]): readonly string[] {
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
