/** A process that nobody heard of for so long is dead: longer than any lease of its own. */
const deadAfterMs = 30_000;

/** Tells processes that died from those that were away for a moment. */
export class Absences {
  readonly #living: () => ReadonlySet<string>;
  readonly #nowMs: () => number;
  readonly #missingSinceMs = new Map<string, number>();

  /** `living`: ids of the processes that live now. */
  constructor(living: () => ReadonlySet<string>, nowMs: () => number) {
    this.#living = living;
    this.#nowMs = nowMs;
  }

  /** Those of some processes that are dead; a process is missed from the first time on that it was asked after in vain. */
  deadAmong(processes: Iterable<string>): ReadonlySet<string> {
    const nowMs = this.#nowMs();
    const living = this.#living();
    const dead = new Set<string>();
    for (const process of processes) {
      if (living.has(process)) {
        this.#missingSinceMs.delete(process);
        continue;
      }
      const sinceMs = this.#missingSinceMs.get(process) ?? nowMs;
      this.#missingSinceMs.set(process, sinceMs);
      if (nowMs - sinceMs >= deadAfterMs) dead.add(process);
    }
    return dead;
  }
}
