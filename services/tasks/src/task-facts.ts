import { dataClassFromWire, priorityFromWire, requirementFromWire, type wire } from '@will/contracts';
import { type Facts, type Modality, slugOf } from '@will/core';

/** Bytes of an input per token, at the least. */
const bytesPerToken = 3;
const textOnly: readonly Modality[] = ['text'];

/**
 * The facts of a stored task that the rules read. Sizes are estimates: the router measures them anew when the task
 * runs.
 */
export const factsOfTask = (client: string, task: wire.Task): Facts => ({
  taskType: task.type,
  client,
  project: nameOf(task.project),
  reflex: nameOf(task.reflex),
  priority: priorityFromWire(task.priority),
  dataClass: dataClassFromWire(task.dataClass),
  model: task.model === '' ? undefined : task.model,
  input: task.inputModalities.length === 0 ? textOnly : (task.inputModalities as Modality[]),
  output: task.outputModalities.length === 0 ? textOnly : (task.outputModalities as Modality[]),
  needs: task.needs,
  inputTokens: task.inputTokens || Math.ceil(task.input.length / bytesPerToken),
  maxOutputTokens: 0,
  ...(task.floor && { floor: requirementFromWire(task.floor) }),
});

const nameOf = (name: string): string | undefined => (name === '' ? undefined : slugOf(name));
