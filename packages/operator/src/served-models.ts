import type { wire } from '@will/contracts';

/** The offer of all live workers together of a model. */
export interface ServedModelRow {
  readonly model: string;
  readonly workers: number;
  readonly slots: number;
  readonly inFlight: number;
  /** Why no worker serves it; '' while one does. */
  readonly reason: string;
  /** UTC milliseconds; 0: it is not in cooldown. */
  readonly coolingUntilMs: number;
  readonly coolingReason: string;
}

const none = { workers: 0, slots: 0, inFlight: 0, reason: '', coolingUntilMs: 0, coolingReason: '' };

/** Per model what all workers together offer; a reason counts only where no worker serves it. Served models first. */
export function servedModels(processes: readonly wire.Presence[]): readonly ServedModelRow[] {
  const lines = new Map<string, ServedModelRow>();
  for (const { model, capacity, inFlight, reason, coolingUntilUnixMs, coolingReason } of processes.flatMap(
    ({ models }) => models,
  )) {
    const line = lines.get(model) ?? { ...none, model };
    const isServed = reason === '';
    const coolingUntilMs = Number(coolingUntilUnixMs);
    const workers = line.workers + (isServed ? 1 : 0);
    lines.set(model, {
      model,
      workers,
      slots: line.slots + (isServed ? capacity : 0),
      inFlight: line.inFlight + (isServed ? inFlight : 0),
      reason: workers > 0 ? '' : reason,
      ...(coolingUntilMs > line.coolingUntilMs
        ? { coolingUntilMs, coolingReason }
        : { coolingUntilMs: line.coolingUntilMs, coolingReason: line.coolingReason }),
    });
  }
  return [...lines.values()].sort(
    (a, b) => Number(a.reason !== '') - Number(b.reason !== '') || a.model.localeCompare(b.model),
  );
}
