import type { Attempt } from './attempt.ts';
import type { Evidence } from './evidence.ts';
import type { TaskContext } from './task-context.ts';

/**
 * True while only the worker that has an attempt, or may have it, could do the task: giving the attempt up gains nothing
 * while that worker is away. False once it is missed, or another worker serves a candidate.
 */
export function isIrreplaceable(
  { deps: { workers }, selection }: TaskContext,
  evidence: Evidence,
  { model, workerId }: Pick<Attempt, 'model' | 'workerId'>,
): boolean {
  const serving = workers.serving(model);
  const away = workerId === '' ? serving : new Set(serving.has(workerId) ? [workerId] : []);
  const others = selection.order.filter((other) => !evidence.hasFailed(other) && !evidence.isTooSmall(other));
  return away.size > 0 && others.every((other) => workers.serving(other).isSubsetOf(away));
}
