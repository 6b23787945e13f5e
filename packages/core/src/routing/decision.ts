import type { DataClass } from '../domain/data-class.ts';
import type { Facts } from '../domain/facts.ts';
import type { Goal, RankedByGoal, RankMode } from '../domain/goal.ts';

/** The reason for a model's place in the order. */
export type CandidateReason = 'explicit' | 'reflex' | 'project' | 'client' | `route:${string}`;

/** The rule that left a model out. */
export type ExclusionRule =
  | 'unknown_client'
  | 'unknown_project'
  | 'foreign_project'
  | 'unknown_model'
  | 'retired'
  | 'task_type'
  | 'modality'
  | 'capability'
  | 'context_length'
  | 'max_tokens_per_call'
  | 'max_output'
  | 'customer_data'
  | 'security_level'
  | 'data_residency'
  | 'use_compliant_only'
  | 'avoid_cloud'
  | 'tier'
  | 'not_in_route'
  | 'not_named';

/** The time that the first content of a model may take while another one may follow it. */
export interface FirstContentTimeout {
  /** Nine in ten first contents come within so long, as far as is known; what the rest was made of. */
  readonly slowMs: number;
  readonly timeoutMs: number;
}

/** A model that may do the task. */
export interface Candidate {
  readonly model: string;
  readonly why: CandidateReason;
  /** While another one may follow, its first content must come within so long; undefined: whenever it comes. */
  readonly firstContent?: FirstContentTimeout;
}

/** A model that is left out, with the rule that says so. */
export interface Exclusion {
  readonly model: string;
  readonly rule: ExclusionRule;
  /** Names the value and what was allowed; never content. */
  readonly detail: string;
}

/** The order of candidates by a goal, with all numbers that it was made of. */
export interface RankingRecord {
  readonly mode: RankMode;
  readonly goal: Goal;
  /** The model that did such tasks last; it stays first until another one is clearly better. */
  readonly incumbent: string | undefined;
  /** What `auto` puts first. */
  readonly autoChoice: string | undefined;
  /** In declared order. */
  readonly models: readonly RankedByGoal[];
}

/** The eligible models for some facts, best first, and why each other one is not among them. */
export interface RankedSet {
  readonly revision: number;
  readonly facts: Facts;
  /** The class in force, after defaults and raising. */
  readonly dataClass: DataClass;
  readonly candidates: readonly Candidate[];
  readonly exclusions: readonly Exclusion[];
  /** Why the model that the task names may not do it; then there are no candidates, and the task is an error. */
  readonly rejection?: Exclusion | undefined;
  /** Warnings in words: an unknown client, a pin that was dropped. */
  readonly notes: readonly string[];
  /** The next instant at which a schedule changes what is right; undefined: never. */
  readonly scheduleEdgeMs: number | undefined;
  readonly validUntilMs: number;
  /** The instant it was computed at, by policy's clock; 0: not known. */
  readonly decidedAtMs: number;
  readonly waitMs: number;
  /** Undefined: the declared order, and nobody asked for another. */
  readonly ranking?: RankingRecord | undefined;
}

/** The live state of models at the moment the router selects. */
export interface LiveState {
  /**
   * Models that live workers say they cannot serve, with the reason: a missing key or file. A model that nobody speaks
   * of is not among them: trying it costs a fifth of a millisecond and needs no view that could be late.
   */
  readonly unserved: ReadonlyMap<string, string>;
  /** End of a model's cooldown. */
  readonly coolingUntilMs: ReadonlyMap<string, number>;
}

/** The choice for one task: which models to try, in which order. */
export interface Selection {
  readonly order: readonly string[];
  readonly skipped: readonly { readonly model: string; readonly reason: string }[];
}

/** The expected cost of a call of one model within a session. */
export interface SessionCost {
  readonly model: string;
  /** Tokens of the input that its cache should hold. */
  readonly heldTokens: number;
  /** This call; undefined, as below: the price is unknown. */
  readonly costNanoUsd: number | undefined;
  /** The mean of this call and of those that are expected to follow it on the same model. */
  readonly meanNanoUsd: number | undefined;
}

/** All that a session has a say with in a choice. It is recorded with the decision. */
export interface SessionBasis {
  /** Undefined: this is the first call. */
  readonly lastModel: string | undefined;
  readonly costs: readonly SessionCost[];
}
