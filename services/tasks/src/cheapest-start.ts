import type { wire } from '@will/contracts';
import { cheapestStartMs, decide, type Snapshot } from '@will/core';
import { factsOfTask } from './task-facts.ts';

/** Output of a task that says nothing of it. */
const expectedOutputTokens = 500;

export interface CheapestQuestion {
  readonly snapshot: Snapshot;
  readonly client: string;
  readonly task: wire.Task;
  readonly earliestMs: number;
  /** So late it may start and still be done in time. */
  readonly latestMs: number;
}

/**
 * When a task costs least at the model that would do it by the documents in force. It is decided again when it runs, so
 * this is a guess of the hour and no promise of the model. `earliestMs` where no model may do it or its price has no hours.
 */
export function cheapestStart({ snapshot, client, task, earliestMs, latestMs }: CheapestQuestion): number {
  const facts = factsOfTask(client, task);
  const [first] = decide(snapshot, facts, earliestMs).candidates;
  const model = first && snapshot.models.get(first.model);
  if (!model) return earliestMs;
  const outputTokens = task.maxOutputTokens || expectedOutputTokens;
  const usage = {
    inputTokens: facts.inputTokens,
    outputTokens,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    estimated: true,
  };
  return cheapestStartMs(model, usage, earliestMs, latestMs);
}
