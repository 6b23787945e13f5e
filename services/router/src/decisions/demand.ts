import type { SlotQueues } from '../task/slots.ts';

/** A task that found no worker counts as demand for so long: longer than two scrapes, shorter than a scaler's cool-down. */
const rememberedMs = 15_000;

/**
 * The number of calls of a model that are wanted beyond what its workers take: tasks that wait here for a slot, and
 * calls of the last 15 s that found no free worker. What workers are scaled by.
 */
export class Demand {
  readonly #slots: Pick<SlotQueues, 'waitingByModel'>;
  readonly #nowMs: () => number;
  readonly #unmet = new Map<string, { atMs: number; count: number }[]>();

  constructor(slots: Pick<SlotQueues, 'waitingByModel'>, nowMs: () => number) {
    this.#slots = slots;
    this.#nowMs = nowMs;
  }

  /** A call found no free worker. */
  unmet(model: string): void {
    const seconds = this.#unmet.get(model) ?? [];
    this.#unmet.set(model, seconds);
    const atMs = Math.floor(this.#nowMs() / 1_000) * 1_000;
    const last = seconds.at(-1);
    if (last?.atMs === atMs) last.count += 1;
    else seconds.push({ atMs, count: 1 });
    // One entry a second at most: a queue that never is read stays small.
    if (seconds.length > rememberedMs / 1_000 + 1) seconds.shift();
  }

  /** By model; one that was wanted once and no longer is stands there with 0, so that a scaler sees the fall. */
  byModel(): ReadonlyMap<string, number> {
    const sinceMs = this.#nowMs() - rememberedMs;
    const demand = new Map<string, number>();
    for (const [model, seconds] of this.#unmet) {
      demand.set(
        model,
        seconds.reduce((sum, { atMs, count }) => sum + (atMs >= sinceMs ? count : 0), 0),
      );
    }
    for (const [model, waiting] of this.#slots.waitingByModel()) demand.set(model, (demand.get(model) ?? 0) + waiting);
    return demand;
  }
}
