import { dataClassOf, decide, type Facts, type RankedSet } from '@will/core';
import type { Snapshots } from './ports.ts';

/** Policy cannot answer; the message says why, and is safe to show. */
export class PolicyRefusal extends Error {
  override readonly name = 'PolicyRefusal';
}

export interface PolicyDeps {
  readonly snapshots: Snapshots;
  readonly staleAfterMs: number;
  readonly nowMs: () => number;
}

/** Policy's one use case: which models may do a task with these facts. */
export class Policy {
  readonly #deps: PolicyDeps;

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
  }

  /** @throws {PolicyRefusal} no documents yet, or too old for this data. */
  decide(facts: Facts): RankedSet {
    const { snapshots, staleAfterMs, nowMs } = this.#deps;
    const now = nowMs();
    const snapshot = snapshots.current;
    if (!snapshot) throw new PolicyRefusal('no documents yet');
    const ageMs = snapshots.ageMs(now);
    const dataClass = dataClassOf(snapshot, facts);
    if (ageMs > staleAfterMs && dataClass !== 'open')
      throw new PolicyRefusal(
        `the registry was silent for ${seconds(ageMs)}: only open data until it is back, this is ${dataClass}`,
      );
    return decide(snapshot, facts, now);
  }

  /** As {@link decide}, as if it were another instant; for people, so also on an old snapshot. @throws {PolicyRefusal} */
  explain(facts: Facts, atMs: number | undefined): RankedSet {
    const { snapshots, nowMs } = this.#deps;
    if (!snapshots.current) throw new PolicyRefusal('no documents yet');
    return decide(snapshots.current, facts, atMs ?? nowMs());
  }
}

const seconds = (ms: number): string => (Number.isFinite(ms) ? `${Math.round(ms / 1000)} s` : 'ever');
