import {
  isSameList,
  isUnrestricted,
  requirementOf,
  type DataRequirement,
  type Facts,
  type RankedSet,
  sessionBasis,
  type SessionBasis,
  type SessionState,
} from '@will/core';
import { PolicyError, type DecidedSet, type PolicyClient, type SnapshotSource } from '../ports.ts';

const maxKept = 10_000;
/** While policy is away, tasks that no rule on data restricts may use a decision of this age; all others are refused. */
const openGraceMs = 60_000;

/** How long policy's answer is waited for: longer than a process stands still that is alive, on a machine that is busy. */
const answerWithinMs = { withOlder: 250, without: 20_000 } as const;

/** How far this machine's clock may be behind the one that announced an edge. */
const clockToleranceMs = 2_000;

interface Kept {
  readonly decided: DecidedSet;
  readonly keptAtMs: number;
}

/**
 * Ranked sets by facts, so that a warm task asks nobody. A set is dropped when it expired, when a schedule passed its
 * edge, or when it stands on an older revision than this router's own snapshot; looked at when stored and when used.
 */
export class Decisions {
  readonly #policy: PolicyClient;
  readonly #snapshots: SnapshotSource;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<DecidedSet>>();
  /** Whether a set may outlive its end, by the documents of a revision. */
  readonly #outliving = new WeakMap<RankedSet, { readonly revision: number; readonly may: boolean }>();
  #last: { readonly facts: Facts; readonly key: string } | undefined;
  /** Questions that went to policy: a warm task adds none. */
  asked = 0;

  constructor(policy: PolicyClient, snapshots: SnapshotSource, nowMs: () => number) {
    this.#policy = policy;
    this.#snapshots = snapshots;
    this.#nowMs = nowMs;
  }

  /** @throws {PolicyError} */
  decide(facts: Facts): DecidedSet | Promise<DecidedSet> {
    const key = this.#keyOf(facts);
    const kept = this.#kept.get(key);
    if (kept && this.#isFresh(kept.decided)) return kept.decided;
    const asking = this.#asking.get(key) ?? this.#ask(key, facts, kept);
    this.#asking.set(key, asking);
    return asking;
  }

  /** Most often a task's facts are those of the task before. */
  #keyOf(facts: Facts): string {
    if (!this.#last || !areSame(this.#last.facts, facts)) this.#last = { facts, key: keyOf(facts) };
    return this.#last.key;
  }

  async #ask(key: string, facts: Facts, kept: Kept | undefined): Promise<DecidedSet> {
    try {
      this.asked += 1;
      const decided = await this.#askUntilCurrent(facts, this.#answerWithinMs(kept));
      this.#keep(key, decided);
      return decided;
    } catch (error) {
      if (kept && error instanceof PolicyError && error.code === 'unavailable' && this.#mayStillServe(kept))
        return kept.decided;
      throw error;
    } finally {
      this.#asking.delete(key);
    }
  }

  /** The one that has an older decision to go by does not wait for a policy that stands still. */
  #answerWithinMs(kept: Kept | undefined): number {
    return kept && this.#mayStillServe(kept) ? answerWithinMs.withOlder : answerWithinMs.without;
  }

  /** Policy may be a moment behind this router's own snapshot: then its answer does not count yet. */
  async #askUntilCurrent(facts: Facts, answerWithinMs: number): Promise<DecidedSet> {
    for (let tries = 0; tries < 5; tries += 1) {
      const decided = await this.#policy.decide(facts, answerWithinMs);
      if (decided.set.revision >= this.#revision()) return decided;
      await new Promise((resolve) => setTimeout(resolve, 20 << tries));
    }
    throw new PolicyError('unavailable', `policy is behind revision ${this.#revision()}`);
  }

  /** A window opened or closed: what was kept for until then goes, so that no clock has to agree with policy's. */
  edgePassed(nowMs: number): void {
    for (const [key, { decided }] of this.#kept) {
      const { scheduleEdgeMs } = decided.set;
      if (scheduleEdgeMs !== undefined && scheduleEdgeMs <= nowMs + clockToleranceMs) this.#kept.delete(key);
    }
  }

  /** Whether a decision may be used for a while after its end, as no rule on data restricts what was decided. */
  mayOutlive(set: RankedSet): boolean {
    const revision = this.#revision();
    const known = this.#outliving.get(set);
    if (known?.revision === revision) return known.may;
    const { current } = this.#snapshots;
    const may = set.dataClass === 'open' && current !== undefined && isUnrestricted(requirementOf(current, set.facts));
    this.#outliving.set(set, { revision, may });
    return may;
  }

  /** The size of a model's context by its document; undefined: it names none. */
  contextTokensOf(model: string): number | undefined {
    return this.#snapshots.current?.models.get(model)?.contextTokens;
  }

  /** Whether a worker is started for the model where there is none. */
  isScalable(model: string): boolean {
    return this.#snapshots.current?.models.get(model)?.document.scalable === true;
  }

  /** Whether the model runs on machines of our own, where its cache is. */
  isLocal(model: string): boolean {
    const method = this.#snapshots.current?.models.get(model)?.callMethod;
    return method !== undefined && method !== 'API';
  }

  /** What calls of these candidates are expected to cost within a conversation. */
  sessionOf(
    set: RankedSet,
    state: SessionState | undefined,
    inputTokens: number,
    atMs: number,
  ): SessionBasis | undefined {
    const { current } = this.#snapshots;
    return current && sessionBasis(current, set.candidates, state, inputTokens, atMs);
  }

  #keep(key: string, decided: DecidedSet): void {
    this.#kept.delete(key);
    this.#kept.set(key, { decided, keptAtMs: this.#nowMs() });
    if (this.#kept.size <= maxKept) return;
    const oldest = this.#kept.keys().next().value;
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  #isFresh({ set }: DecidedSet): boolean {
    return set.validUntilMs > this.#nowMs() && set.revision >= this.#revision();
  }

  #mayStillServe({ decided, keptAtMs }: Kept): boolean {
    const { set } = decided;
    const isBeforeEdge = set.scheduleEdgeMs === undefined || set.scheduleEdgeMs > this.#nowMs();
    return (
      this.mayOutlive(set) &&
      isBeforeEdge &&
      set.revision >= this.#revision() &&
      this.#nowMs() - keptAtMs <= openGraceMs
    );
  }

  #revision(): number {
    return this.#snapshots.current?.revision ?? 0;
  }
}

/** Equal facts, equal key. A separator that no field can hold keeps neighbours apart. */
export function keyOf(facts: Facts): string {
  return [
    facts.taskType,
    facts.client,
    facts.project ?? '',
    facts.reflex ?? '',
    facts.priority,
    facts.dataClass ?? '',
    facts.model ?? '',
    facts.unavailableModel ?? '',
    facts.input.join(','),
    facts.output.join(','),
    facts.needs.join(','),
    facts.inputTokens,
    facts.maxOutputTokens,
    facts.floor ? floorKeyOf(facts.floor) : '',
  ].join('\u0000');
}

/** Never where their keys differ. Facts with a floor have a key of their own each time. */
export const areSame = (a: Facts, b: Facts): boolean =>
  a.taskType === b.taskType &&
  a.client === b.client &&
  a.project === b.project &&
  a.reflex === b.reflex &&
  a.priority === b.priority &&
  a.dataClass === b.dataClass &&
  a.model === b.model &&
  a.unavailableModel === b.unavailableModel &&
  isSameList(a.input, b.input) &&
  isSameList(a.output, b.output) &&
  isSameList(a.needs, b.needs) &&
  a.inputTokens === b.inputTokens &&
  a.maxOutputTokens === b.maxOutputTokens &&
  a.floor === b.floor;

const floorKeyOf = ({ dataClass, avoidCloud, compliantOnly, standards, residencies }: DataRequirement): string =>
  [dataClass, avoidCloud, compliantOnly, standards.join(','), residencies.join(',')].join(';');
