export type Goal = 'speed' | 'cost' | 'quality' | 'balanced';

/** `cascade`: the declared order. `auto`: by goal. `shadow`: the declared order, and what auto would have chosen. */
export type RankMode = 'cascade' | 'auto' | 'shadow';
