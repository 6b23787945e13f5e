import type { CallRecord } from '../domain/call-record.ts';
import type { Facts } from '../domain/facts.ts';
import { slowFirstContentMs } from './first-content.ts';
import { measuredBy, type Measures, priorOf } from './goal-order.ts';
import type { Measured } from '../domain/goal.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import { foldQuality, foldRecord, type ModelStats, statsFromPrior, type TellingRecord } from './stats.ts';

/** Feedback on one output. */
export interface FeedbackScore {
  readonly model: string;
  /** The version that it is about; undefined: not known. */
  readonly version: string | undefined;
  readonly taskType: string;
  /** 0 to 1. */
  readonly score: number;
  readonly atMs: number;
}

/** A call record, as far as statistics read it. */
export type ToldRecord = TellingRecord & Pick<CallRecord, 'attemptId' | 'attempt' | 'model'>;

/** An output that the model refused, or that broke off, was worth so much. */
const impliedQuality: Readonly<Record<string, number>> = { ContentFilter: 0, Truncated: 0.2 };

/** Weight of one more task: a model that a few tasks went to by chance is not the one that does them. */
const shareGain = 0.2;
const leastShare = 1e-3;

/** Weight of one more length of an output. */
const lengthGain = 0.02;

/** Attempts that are remembered, so that one that is told twice counts once: a newer one takes the place of some older one. */
const remembered = 2 ** 18;

/**
 * Statistics of all models, folded from what the stream tells, in its order. The one that folded the same stream under the same
 * documents has the same book.
 */
export class StatsBook implements Measures {
  readonly #stats = new Map<string, ModelStats>();
  /** By task type how much of what was done lately each model did. */
  readonly #shares = new Map<string, Map<string, number>>();
  /** Mean length of outputs by task type. */
  readonly #outputTokens = new Map<string, number>();
  /** Digests of attempts, by a part of their digest: a set of their ids would be most of what garbage collection looks at. */
  readonly #seen = new Uint32Array(remembered);

  /** Folds one record; a repeated attempt and a call that came to no model change nothing. */
  record(snapshot: Snapshot, record: ToldRecord): void {
    const model = record.model === undefined ? undefined : snapshot.models.get(record.model);
    if (!model || record.attempt === 0 || !this.#isNew(record.attemptId)) return;
    const folded = foldRecord(this.#stats.get(model.slug), record, priorOf(model));
    const score = impliedQuality[record.status];
    const atMs = record.startedAtMs + record.durationMs;
    this.#stats.set(model.slug, score === undefined ? folded : foldQuality(folded, record.taskType, score, atMs));
    if (record.outcome !== 'Success') return;
    this.#did(record.taskType, model.slug);
    this.#length(record);
  }

  /** Folds one piece of feedback on the version in force. */
  addFeedback(snapshot: Snapshot, { model: slug, version, taskType, score, atMs }: FeedbackScore): void {
    const model = snapshot.models.get(slug);
    if (!model || (version !== undefined && version !== '' && version !== (model.version ?? ''))) return;
    this.#stats.set(slug, foldQuality(this.#statsOf(model, atMs), taskType, score, atMs));
  }

  of(model: Model, facts: Facts, nowMs: number): Measured {
    return measuredBy(this.#statsOf(model, nowMs), model, facts, nowMs, this.#outputTokens.get(facts.taskType));
  }

  slowFirstContentMs(model: Model, nowMs: number): number | undefined {
    return slowFirstContentMs(this.#statsOf(model, nowMs), nowMs);
  }

  incumbent(taskType: string): string | undefined {
    const shares = this.#shares.get(taskType) ?? new Map<string, number>();
    let [most, first]: [number, string | undefined] = [0, undefined];
    for (const [model, share] of shares) if (share > most) [most, first] = [share, model];
    return first;
  }

  #did(taskType: string, model: string): void {
    const shares = this.#shares.get(taskType) ?? new Map<string, number>();
    this.#shares.set(taskType, shares);
    for (const [other, share] of shares) {
      if (share < leastShare) shares.delete(other);
      else shares.set(other, share * (1 - shareGain));
    }
    shares.set(model, (shares.get(model) ?? 0) + shareGain);
  }

  #length({ taskType, usage }: ToldRecord): void {
    const tokens = usage?.outputTokens ?? 0;
    if (tokens === 0) return;
    const before = this.#outputTokens.get(taskType) ?? tokens;
    this.#outputTokens.set(taskType, before + lengthGain * (tokens - before));
  }

  #statsOf(model: Model, nowMs: number): ModelStats {
    const prior = priorOf(model);
    const known = this.#stats.get(model.slug);
    return known?.version === prior.version ? known : statsFromPrior(prior, nowMs);
  }

  #isNew(attemptId: string): boolean {
    const [place, digest] = digestOf(attemptId);
    if (this.#seen[place] === digest) return false;
    this.#seen[place] = digest;
    return true;
  }
}

/** Two FNV-1a digests of an id: a place among those remembered, and what stands there; never 0, which stands for nothing. */
function digestOf(id: string): readonly [place: number, digest: number] {
  let [first, second] = [0x811c9dc5, 0x01000193];
  for (let index = 0; index < id.length; index += 1) {
    const code = id.charCodeAt(index);
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second ^ code, 0x85ebca6b) ^ (second >>> 13);
  }
  return [(first ^ (first >>> 15)) & (remembered - 1), second >>> 0 || 1];
}
