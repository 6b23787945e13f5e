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
  { model, worker }: Pick<Attempt, 'model' | 'worker'>,
): boolean {
  const serving = workers.serving(model);
  const away = worker.id === '' ? serving : new Set(serving.has(worker.id) ? [worker.id] : []);
  const others = selection.order.filter((other) => !evidence.hasFailed(other) && !evidence.isTooSmall(other));
  return away.size > 0 && others.every((other) => workers.serving(other).isSubsetOf(away));
}
