import type { FirstTokenTimes, HedgeBudget } from '@will/core';
import type { Decisions } from '../decisions/decisions.ts';
import type { BusClock, Calls, CooldownView, RouterRecords, Sessions, Workers } from '../ports.ts';
import type { TasksObserver } from './observer.ts';
import type { SlotQueues } from './slots.ts';

/** The ports and shared state that every task's run uses. */
export interface RunDeps {
  readonly routerId: string;
  readonly decisions: Decisions;
  readonly calls: Calls;
  readonly workers: Workers;
  readonly cooldowns: CooldownView;
  readonly slots: SlotQueues;
  readonly records: RouterRecords;
  /** Absent: conversations have no say. */
  readonly sessions?: Sessions;
  readonly nowMs: () => number;
  readonly clock: BusClock;
  /** A seed for the choice among equals; recorded with the decision. */
  readonly newSeed: () => number;
  readonly observer?: TasksObserver;
  /** What is known for second calls beside silent ones, over all tasks. Absent: there are none. */
  readonly hedging?: { readonly budget: HedgeBudget; readonly times: FirstTokenTimes };
}
