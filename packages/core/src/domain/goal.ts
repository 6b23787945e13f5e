/** The goal by which a route orders models. */
export type Goal = 'speed' | 'cost' | 'quality' | 'balanced';

/** `cascade`: the declared order. `auto`: by goal. `shadow`: the declared order, and what auto would have chosen. */
export type RankMode = 'cascade' | 'auto' | 'shadow';

/** Figures of a model for a task, whatever the goal: enough to rank it again. */
export interface Measured {
  /** Slug. */
  readonly model: string;
  /** Chance that the next call succeeds, 0 to 1. */
  readonly success: number;
  /** Of the whole output. */
  readonly expectedMs: number;
  /** Of the expected output; undefined: the price is unknown. */
  readonly costNanoUsd: number | undefined;
  /** 0 to 1. */
  readonly quality: number;
}

/** A model with its place in an order by goal. */
export interface RankedByGoal extends Measured {
  readonly utility: number;
}
