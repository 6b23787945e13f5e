import { dataClassFromWire, priorityFromWire, type wire } from '@will/contracts';
import { cheapestStartMs, decide, type Modality, type Snapshot } from '@will/core';

/** Output of a task that says nothing of it. */
const usualOutputTokens = 500;
/** Bytes of an input per token, at the least. */
const bytesPerToken = 3;
const textOnly: readonly Modality[] = ['text'];

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
  const inputTokens = task.inputTokens || Math.ceil(task.input.length / bytesPerToken);
  const facts = {
    taskType: task.type,
    client,
    project: task.project === '' ? undefined : task.project,
    reflex: task.reflex === '' ? undefined : task.reflex,
    priority: priorityFromWire(task.priority),
    dataClass: dataClassFromWire(task.dataClass),
    model: task.model === '' ? undefined : task.model,
    input: task.inputModalities.length === 0 ? textOnly : (task.inputModalities as Modality[]),
    output: task.outputModalities.length === 0 ? textOnly : (task.outputModalities as Modality[]),
    needs: task.needs,
    inputTokens,
    maxOutputTokens: 0,
  };
  const [first] = decide(snapshot, facts, earliestMs).candidates;
  const model = first && snapshot.models.get(first.model);
  if (!model) return earliestMs;
  const outputTokens = task.maxOutputTokens || usualOutputTokens;
  const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: true };
  return cheapestStartMs(model, usage, earliestMs, latestMs);
}
