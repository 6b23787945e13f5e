import { type AttemptIntent, unknownOutcome, type CallRecord, type Outcome, quote } from '@will/core';
import {
  rollupFor,
  usageDimensions,
  type CallFilter,
  type CallLog,
  type KeptContent,
  type Repriced,
  type RepriceQuery,
  type UsageDimension,
  type UsageGroup,
  type UsageQuestion,
} from '@will/store';
import type { Absences } from './absences.ts';
import { EventBatches } from './batches.ts';
import type { Delivery, EventHistory, StreamProgress } from './ports.ts';
import type { InTurn } from './turns.ts';

/** The time after its deadline within which an attempt may still report its end. */
export const graceMs = 5_000;
const intentsPerSweep = 500;
const callsPerRepricing = 1_000;
const callsPerErasure = 1_000;
/** How long an erasure waits for what is under way in the stream of events. */
const takenWithinMs = 60_000;
const defaultLimit = 20;
const maxCalls = 1_000;
/** What a question about late decisions may cost: a tenth of a second, and one message. */
const maxDecisions = 100_000;
const maxSets = 1_000;

export interface TelemetryDeps {
  readonly log: CallLog;
  readonly progress: StreamProgress;
  readonly history: EventHistory;
  readonly absences: Pick<Absences, 'deadAmong'>;
  /** Shared with what seals records. */
  readonly inTurn: InTurn;
  readonly onError: (what: string, error: unknown) => void;
}

/** A question that cannot be answered as it is put; the message names the value and what was allowed. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
}

/** As it comes from outside: an outcome is any text, a limit any number. */
export interface CallsQuestion extends Omit<CallFilter, 'outcome'> {
  readonly outcome?: string;
  /** 0: 20. */
  readonly limit: number;
}

/** As it comes from outside: dimensions and outcome are any text. */
export interface UsageAsked extends Omit<UsageQuestion, 'by' | 'outcome'> {
  readonly by: readonly string[];
  readonly outcome?: string;
}

/** Counts of what went of a client. */
export interface Erased {
  readonly calls: number;
  /** Messages of the stream of events. */
  readonly batches: number;
}

/**
 * Takes events into the log of calls, and answers questions about it: takes events in, closes what nobody closed,
 * answers queries.
 */
export class Telemetry {
  readonly #deps: TelemetryDeps;
  readonly #batches: EventBatches;

  constructor(deps: TelemetryDeps) {
    this.#deps = deps;
    this.#batches = new EventBatches(deps.log, deps.onError);
  }

  take(delivery: Delivery): void {
    this.#batches.add(delivery);
  }

  /** Has records told as they are stored, before their deliveries are done; where that rejects they are delivered once more. */
  onStored(told: (records: readonly CallRecord[]) => Promise<void>): void {
    this.#batches.onStored = told;
  }

  /** Waits until everything taken is stored, or was given back. */
  drain(): Promise<void> {
    return this.#batches.drain();
  }

  /**
   * Writes `Unknown` for each attempt whose deadline and grace passed without a record, and for those whose worker
   * died with it. Time passes only as far as the stream was read: after an absence the records that wait there come first. A record that still comes later
   * replaces what was written here. @returns how many were written.
   */
  async sweep(): Promise<number> {
    const { log, progress } = this.#deps;
    const readUntilMs = await progress.readUntilMs();
    if (readUntilMs === undefined) return 0;
    let written = 0;
    while (true) {
      const intents = await log.openIntents(readUntilMs - graceMs, intentsPerSweep);
      if (intents.length === 0) return written + (await this.#endThoseOfTheDead(readUntilMs));
      written += await this.#write(intents);
    }
  }

  /** A task may last for days; what its dead worker did not tell within half a minute nobody will. */
  async #endThoseOfTheDead(nowMs: number): Promise<number> {
    const open = await this.#deps.log.openIntents(Number.MAX_SAFE_INTEGER, intentsPerSweep);
    const dead = this.#deps.absences.deadAmong(new Set(open.map(({ record }) => record.workerId ?? '')));
    const theirs = open.filter(({ record }) => record.workerId && dead.has(record.workerId));
    const ended = theirs.map(({ record, deadlineMs }) => ({ record, deadlineMs: Math.min(deadlineMs, nowMs) }));
    return ended.length === 0 ? 0 : this.#write(ended);
  }

  async #write(intents: readonly AttemptIntent[]): Promise<number> {
    const events = intents.map((intent) => ({ kind: 'call' as const, record: unknownOutcome(intent) }));
    return (await this.#deps.log.ingest(events)).added;
  }

  /** Newest first. @throws {QuestionError} */
  async calls({ limit, outcome, ...asked }: CallsQuestion): Promise<readonly CallRecord[]> {
    if (!Number.isInteger(limit) || limit < 0 || limit > maxCalls)
      throw new QuestionError(`limit ${limit} must be between 1 and ${maxCalls}, or 0 for ${defaultLimit}`);
    const { fromMs, toMs } = asked;
    if (fromMs !== undefined && toMs !== undefined && fromMs > toMs)
      throw new QuestionError(`from ${fromMs} must not be after to ${toMs}`);
    const filter = outcome === undefined ? asked : { ...asked, outcome: parseOutcome(outcome) };
    return this.#deps.log.calls(filter, limit === 0 ? defaultLimit : limit);
  }

  /** What all calls of a time come to. @throws {QuestionError} */
  async usage({ by, outcome, ...asked }: UsageAsked): Promise<readonly UsageGroup[]> {
    const unknown = by.find((dimension) => !usageDimensions.some((known) => known === dimension));
    if (unknown !== undefined)
      throw new QuestionError(`by ${quote(unknown)} must be one of ${usageDimensions.join(', ')}`);
    if (asked.fromMs > asked.toMs) throw new QuestionError(`from ${asked.fromMs} must not be after to ${asked.toMs}`);
    const question: UsageQuestion = {
      ...asked,
      by: [...new Set(by)] as UsageDimension[],
      ...(outcome !== undefined && { outcome: parseOutcome(outcome) }),
    };
    if (question.by.includes('hour') && question.by.includes('day'))
      throw new QuestionError('by hour and by day exclude each other');
    if (question.by.includes('costTag') && question.costTagKey === undefined)
      throw new QuestionError('by costTag needs the key of a cost tag');
    if (!rollupFor(question))
      throw new QuestionError(
        'clients and cost tags are counted by day, client and model; not by hour, taskType or outcome',
      );
    return this.#deps.log.usage(question);
  }

  /** Charges calls of a model anew, in parts, so that records go on being taken in between. @throws {QuestionError} */
  async reprice(of: RepriceQuery): Promise<Omit<Repriced, 'next'>> {
    if (of.model === '') throw new QuestionError('a model is needed');
    if (!of.prices.price) throw new QuestionError('a price is needed');
    let all = { examined: 0, changed: 0, addedNanoUsd: 0n };
    let next: string | undefined = '';
    while (next !== undefined) {
      const part: Repriced = await this.#deps.log.reprice(of, callsPerRepricing, next);
      all = {
        examined: all.examined + part.examined,
        changed: all.changed + part.changed,
        addedNanoUsd: all.addedNanoUsd + part.addedNanoUsd,
      };
      next = part.next;
    }
    return all;
  }

  /**
   * Removes everything that the log and the stream of events hold of a client, in parts, so that records go on being taken
   * in between. What was told before is waited for: it would come in after the erasure. @throws {QuestionError}
   */
  async erase(client: string): Promise<Erased> {
    if (client === '') throw new QuestionError('a client is needed');
    const { history } = this.#deps;
    if (!(await history.untilTaken(takenWithinMs)))
      throw new QuestionError(
        `what is under way in the stream of events was not stored within ${takenWithinMs / 1_000} s; nothing was erased, try again`,
      );
    const calls = await this.#deps.inTurn(() => this.#eraseCalls(client));
    return { calls, batches: await history.erase(client) };
  }

  async #eraseCalls(client: string): Promise<number> {
    let erased = 0;
    let part = callsPerErasure;
    while (part === callsPerErasure) {
      part = await this.#deps.log.erase(client, callsPerErasure);
      erased += part;
    }
    return erased;
  }

  /** What was said in a call, where that is kept. @throws {QuestionError} */
  async content(attemptId: string, nowMs: number): Promise<KeptContent> {
    const content = await this.#deps.log.content(attemptId);
    if (!content || content.untilMs <= nowMs)
      throw new QuestionError(`nothing is kept of what was said in attempt ${quote(attemptId)}`);
    return content;
  }

  /** Distinct facts that were decided on since an instant, the newest first. @throws {QuestionError} */
  async recentFacts(sinceMs: number | undefined) {
    if (sinceMs === undefined) throw new QuestionError('an instant is needed: since when');
    return this.#deps.log.recentFacts(sinceMs, maxDecisions, maxSets);
  }

  /** The decision, with its set when that is here. @throws {QuestionError} */
  async decision({ decisionId, taskId }: { readonly decisionId?: string; readonly taskId?: string }) {
    if (decisionId === undefined && taskId === undefined)
      throw new QuestionError('a decision id or a task id is needed');
    const found = await this.#deps.log.decision(decisionId === undefined ? { taskId: taskId ?? '' } : { decisionId });
    if (!found) throw new QuestionError(`no decision is known of ${quote(decisionId ?? taskId ?? '')}`);
    return found;
  }
}

const outcomes: readonly Outcome[] = ['Success', 'Timeout', 'Blocked'];

function parseOutcome(text: string): Outcome {
  const outcome = outcomes.find((known) => known === text);
  if (!outcome) throw new QuestionError(`outcome ${quote(text)} must be one of ${outcomes.join(', ')}`);
  return outcome;
}
