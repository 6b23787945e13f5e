import type { AttemptIntent, CallRecord, DecisionRecord, Facts, NamedSet, Outcome, PriceList } from '@will/core';
import type { SealStore } from './seals/seal.ts';
import type { UsageGroup, UsageQuestion } from './usage.ts';

/** An event that the call log takes. */
export type LogEvent =
  | { readonly kind: 'call'; readonly record: CallRecord }
  | { readonly kind: 'intent'; readonly intent: AttemptIntent }
  | { readonly kind: 'decision'; readonly decision: DecisionRecord }
  | { readonly kind: 'set'; readonly set: NamedSet };

/** Absent: not asked for. */
export interface CallFilter {
  readonly client?: string;
  readonly project?: string;
  readonly model?: string;
  readonly taskType?: string;
  readonly outcome?: Outcome;
  readonly reflex?: string;
  readonly taskId?: string;
  readonly decisionId?: string;
  /** Started at this instant or later. */
  readonly fromMs?: number;
  /** Started before this instant. */
  readonly toMs?: number;
  /** Listed behind this call: where a page before ended. */
  readonly behind?: Pick<CallRecord, 'startedAtMs' | 'attemptId'>;
}

/** The size of a log. */
export interface LogSize {
  readonly calls: number;
  /** What it takes on disk, as far as the store can tell; space that was freed is not counted. */
  readonly bytes: number;
}

/** Content of a call that is kept. */
export interface KeptContent {
  readonly attemptId: string;
  readonly taskId: string;
  readonly client: string;
  readonly inputKind: string;
  /** As the model saw it; JSON, unless it was cut. */
  readonly input: string;
  readonly output: string;
  /** Only the beginnings are here. */
  readonly isCut: boolean;
  /** Then it is to be removed. */
  readonly untilMs: number;
}

/** Counts of a batch's changes. */
export interface Ingested {
  /** Attempts that had no record before. */
  readonly added: number;
  /** Attempts whose record gave way to a better writer's. */
  readonly replaced: number;
}

/** Facts that were decided on, and how often. */
export interface RecentFacts {
  readonly facts: Facts;
  readonly decisions: number;
}

/** Calls of a model that are to be repriced. */
export interface RepriceQuery {
  readonly model: string;
  /** Started at this instant or later. */
  readonly fromMs: number;
  /** Started before this instant. */
  readonly toMs: number;
  readonly prices: PriceList;
}

/** The result of repricing a part of the calls. */
export interface Repriced {
  readonly examined: number;
  readonly changed: number;
  /** What all of them cost more; below zero: less. A cost that was or became unknown counts as nothing. */
  readonly addedNanoUsd: bigint;
  /** Undefined: these were the last. */
  readonly next: string | undefined;
}

/** The log of calls and decisions: every attempt once, and the decisions behind them. */
export interface CallLog extends SealStore {
  /**
   * Takes a batch. Repeating it, in any order and mixed with others, leaves the same log: one record
   * per attempt, worker before router before telemetry, the first of equal writers; an intent stays open until any
   * record of its attempt is there; decisions and sets are stored once by their id.
   * @throws {StoreError} it is not known what of the batch is there (in a file: nothing of it); repeating it is safe.
   */
  ingest(events: readonly LogEvent[]): Promise<Ingested>;
  /** Newest start first, of equal starts the highest attempt id. `limit` from 1. */
  calls(filter: CallFilter, limit: number): Promise<readonly CallRecord[]>;
  /** A decision by its id, or the newest of a task; its set is undefined while it is not here yet. */
  decision(
    by: { readonly decisionId: string } | { readonly taskId: string },
  ): Promise<{ readonly decision: DecisionRecord; readonly set: NamedSet | undefined } | undefined>;
  /**
   * Distinct facts of the decisions since an instant, those decided on last first. It looks at the newest `maxDecisions`
   * and at `maxSets` of their ranked sets; `isPartial` says that there are more. Sets that are not here are left out.
   */
  recentFacts(
    sinceMs: number,
    maxDecisions: number,
    maxSets: number,
  ): Promise<{ readonly recent: readonly RecentFacts[]; readonly isPartial: boolean }>;
  /**
   * What all calls of a time come to, out of sums that are kept as records come and corrected as better ones replace them.
   * Groups without calls are left out; by time, then the dearest first. The question is one that `rollupFor` knows.
   */
  usage(question: UsageQuestion): Promise<readonly UsageGroup[]>;
  /**
   * Charges calls of a model anew, at these prices, and corrects the sums; up to `limit` calls, oldest first. Calls whose tokens are not known are left alone. Repeating it changes nothing more.
   * @param after `next` of the answer before; '' to begin with.
   */
  reprice(of: RepriceQuery, limit: number, after: string): Promise<Repriced>;
  /** Keeps what was said in a call. Of one attempt the first stays. */
  keepContent(content: KeptContent): Promise<void>;
  content(attemptId: string): Promise<KeptContent | undefined>;
  /** Removes what was to be kept until an instant. @returns how many went. */
  dropContent(untilMs: number): Promise<number>;
  size(): Promise<LogSize>;
  /** When the oldest call but `count` started; undefined: there are no more than that. */
  startOfOldest(count: number): Promise<number | undefined>;
  /**
   * Removes calls that started before an instant, and intents, decisions and sets of before. Up to `limit` calls and as
   * many decisions. Sums stay. @returns how many calls and decisions went; 0: none is left.
   */
  prune(beforeMs: number, limit: number): Promise<number>;
  /** Removes sums of times that ended before an instant. @returns how many rows went. */
  pruneSums(beforeMs: number): Promise<number>;
  /**
   * Removes everything that names a client: calls, content, intents, decisions, sets, sealed records, and its own sums; up to
   * `limit` calls. Sums that tell no clients apart stay, and so do leaves of seals. @returns how many calls went; less than `limit`: nothing of it is left.
   */
  erase(client: string, limit: number): Promise<number>;
  /** Intents without a record whose deadline lies before the instant, oldest deadline first. */
  openIntents(beforeMs: number, limit: number): Promise<readonly AttemptIntent[]>;
  /** Waits for what was begun. A second call does nothing. */
  close(): Promise<void>;
}
